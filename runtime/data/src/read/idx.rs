//! IDX files, plain or gzipped: MNIST (LeCun et al. 1998) and data sets modelled on it.

use std::io::Read;

use flate2::read::GzDecoder;

use super::folder::Folder;
use super::pairs::{self, Pair, Pairs};
use super::{Detected, Samples, classes, parse};
use crate::DataError;
use crate::error::Flaw;
use crate::pixels::Pixels;

/// The largest expansion factor of gzip.
const EXPANSION: u64 = 1032;

/// The contents of a file.
#[derive(Debug)]
pub(super) struct Idx {
    pub(super) sizes: Vec<u32>,
    pub(super) bytes: Vec<u8>,
}

/// Reads the folder if it has files of this format.
pub(super) fn find(folder: &Folder) -> Result<Option<Detected>, DataError> {
    let files: Vec<_> = folder
        .files
        .iter()
        .filter(|file| file.says("idx") || file.says("ubyte"))
        .collect();
    let Some(Pairs { train, test }) = pairs::find(folder, &files)? else {
        return Ok(None);
    };
    let (train, test) = (samples(&train)?, test.as_ref().map(samples).transpose()?);
    let classes = classes(&train, test.as_ref());
    Ok(Some(Detected {
        train,
        test,
        classes,
        class_names: Vec::new(),
    }))
}

fn samples(pair: &Pair<'_>) -> Result<Samples, DataError> {
    let Idx { sizes, bytes } = parse(pair.images, read)?;
    let shape = match sizes[..] {
        [_, height, width] => [height, width, 1],
        [_, height, width, channels] => [height, width, channels],
        _ => {
            let sizes = sizes.len();
            let reason = format!(
                "images have 3 or 4 sizes, but these have {sizes}; see whether it is the file of labels"
            );
            return Err(Flaw::at(3, reason).of(&pair.images.path));
        }
    };
    let labels = parse(pair.labels, read)?;
    if labels.sizes.len() != 1 {
        let sizes = labels.sizes.len();
        let reason = format!(
            "labels have 1 size, but these have {sizes}; see whether it is the file of images"
        );
        return Err(Flaw::at(3, reason).of(&pair.labels.path));
    }
    let (count, images) = (labels.sizes[0], sizes[0]);
    if count != images {
        let name = &pair.images.name;
        let reason = format!(
            "there are {count} labels here, but {images} images in {name}; take two files that belong together"
        );
        return Err(Flaw::at(4, reason).of(&pair.labels.path));
    }
    Ok(Samples {
        shape,
        pixels: Pixels::Bytes(bytes),
        labels: labels.bytes.into_iter().map(u32::from).collect(),
    })
}

/// Reads a file, plain or gzipped as its first bytes say.
pub(super) fn read(bytes: &[u8]) -> Result<Idx, Flaw> {
    if bytes.starts_with(&[0x1f, 0x8b]) {
        return read_from(
            &mut GzDecoder::new(bytes),
            EXPANSION.saturating_mul(bytes.len() as u64),
        );
    }
    read_from(&mut &*bytes, bytes.len() as u64)
}

/// Reads exactly as much as the header promises, from a source of at most `most` bytes.
fn read_from(source: &mut impl Read, most: u64) -> Result<Idx, Flaw> {
    let mut magic = [0; 4];
    fill(source, &mut magic, 0)?;
    if magic[..2] != [0, 0] || !(1..=4).contains(&magic[3]) {
        return Err(Flaw::at(
            0,
            format!(
                "an IDX file begins with 00 00 08 and its number of sizes, not {magic:02x?}; get it again"
            ),
        ));
    }
    if magic[2] != 8 {
        let reason = format!(
            "its numbers are of the kind {:#04x}, and only bytes (0x08) are read; convert it, or write .npy files",
            magic[2]
        );
        return Err(Flaw::at(2, reason));
    }
    let mut sizes = Vec::new();
    for size in 0..usize::from(magic[3]) {
        let mut number = [0; 4];
        fill(source, &mut number, 4 + 4 * size)?;
        sizes.push(u32::from_be_bytes(number));
    }
    let header = 4 + 4 * sizes.len();
    let promised = sizes
        .iter()
        .try_fold(1_u64, |product, size| product.checked_mul(u64::from(*size)));
    // Rejects a size that the file cannot hold before allocating memory for it.
    let Some(promised) = promised.filter(|promised| *promised <= most) else {
        return Err(Flaw::at(
            4,
            format!(
                "its header promises {sizes:?} numbers, more than the file can hold; it is cut off or damaged, so get it again"
            ),
        ));
    };
    if promised == 0 {
        return Err(Flaw::at(
            4,
            format!("its header promises {sizes:?} numbers, which is none at all; get it again"),
        ));
    }
    let mut bytes = Vec::new();
    let read = source.take(promised + 1).read_to_end(&mut bytes);
    let there = bytes.len() as u64;
    if let Err(error) = read {
        return Err(Flaw::at(
            header + bytes.len(),
            format!("it cannot be unpacked any further ({error}); it is damaged, so get it again"),
        ));
    }
    if there != promised {
        let (word, at) = if there < promised {
            ("fewer", header + bytes.len())
        } else {
            ("more", header + promised as usize)
        };
        let reason = format!(
            "there are {word} than the {promised} bytes that its header promises; it is cut off or damaged, so get it again"
        );
        return Err(Flaw::at(at, reason));
    }
    Ok(Idx { sizes, bytes })
}

fn fill(source: &mut impl Read, buffer: &mut [u8], at: usize) -> Result<(), Flaw> {
    let ends = |error| {
        Flaw::at(
            at,
            format!(
                "its header cannot be read ({error}); it is cut off or damaged, so get it again"
            ),
        )
    };
    source.read_exact(buffer).map_err(ends)
}
