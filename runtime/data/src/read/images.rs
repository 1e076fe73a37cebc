//! One folder of PNG or JPEG images per class.

use std::io::Cursor;

use image::{ColorType, DynamicImage, ImageReader, Limits};
use rayon::prelude::*;

use super::folder::{Entry, Folder};
use super::{Detected, Samples, whole};
use crate::DataError;
use crate::error::Flaw;
use crate::pixels::Pixels;

/// Images that are decoded in parallel before they are copied into place.
const TOGETHER: usize = 1024;
/// The largest height and width.
const SIDE: u32 = 8192;
/// The most pixels per byte of a file: the limit of deflate, with eight pixels in a byte.
const EXPANSION: u64 = 8 * 1032;
/// The most bytes per pixel during decoding: four channels of 16 bits, twice.
const PIXEL: u64 = 16;

/// A decoded image.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) height: u32,
    pub(super) width: u32,
    /// One byte per pixel if it is greyscale, otherwise three.
    pub(super) grey: bool,
    pub(super) bytes: Vec<u8>,
}

/// Reads the folder if it has folders of images.
pub(super) fn find(folder: &Folder) -> Result<Option<Detected>, DataError> {
    let inner = |name: &str| {
        folder
            .folders
            .iter()
            .find(|entry| entry.name.eq_ignore_ascii_case(name))
    };
    let list = |entry: Option<&Entry>| {
        entry
            .map(|entry| Folder::list(entry.path.clone()))
            .transpose()
    };
    let (train, test) = (list(inner("train"))?, list(inner("test"))?);
    let has_classes = |folder: &Folder| !folder.folders.is_empty();
    let (top, test) = match &train {
        Some(train) if has_classes(train) => (train, test.as_ref()),
        _ => (folder, None),
    };
    let mut files = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for class in &top.folders {
        let images = images(class)?;
        if images.is_empty() {
            continue;
        }
        files.extend(images.into_iter().map(|file| (file, names.len() as u32)));
        names.push(class.name.clone());
    }
    if names.is_empty() {
        return Ok(None);
    }
    let in_train = files.len();
    for class in test.iter().flat_map(|test| &test.folders) {
        let images = images(class)?;
        let Some(label) = names
            .iter()
            .position(|name| *name == class.name)
            .or_else(|| images.is_empty().then_some(0))
        else {
            let reason = "there is no class of this name among the training images; name the folders of both splits alike";
            return Err(Flaw::new(reason).of(&class.path));
        };
        files.extend(images.into_iter().map(|file| (file, label as u32)));
    }
    let all = samples(&files)?;
    let len = all.pixels.len() / all.labels.len() * in_train;
    let (train_labels, test_labels) = all.labels.split_at(in_train);
    let Pixels::Bytes(mut pixels) = all.pixels else {
        return Ok(None);
    };
    let test_pixels = pixels.split_off(len);
    let part = |pixels, labels: &[u32]| Samples {
        shape: all.shape,
        pixels: Pixels::Bytes(pixels),
        labels: labels.to_vec(),
    };
    let test = (!test_labels.is_empty()).then(|| part(test_pixels, test_labels));
    let classes = names.len() as u32;
    Ok(Some(Detected {
        train: part(pixels, train_labels),
        test,
        classes,
        class_names: names,
    }))
}

fn images(class: &Entry) -> Result<Vec<Entry>, DataError> {
    let is_image = |entry: &Entry| [".png", ".jpg", ".jpeg"].iter().any(|end| entry.ends(end));
    Ok(Folder::list(class.path.clone())?
        .files
        .into_iter()
        .filter(is_image)
        .collect())
}

/// Decodes all files, in order. One channel if all are greyscale, otherwise three.
fn samples(files: &[(Entry, u32)]) -> Result<Samples, DataError> {
    let (mut pixels, mut grey, mut size) = (Vec::new(), true, None);
    for together in files.chunks(TOGETHER) {
        let decoded: Vec<_> = together
            .par_iter()
            .map(|(file, _)| decode(&whole(&file.path)?).map_err(|flaw| flaw.of(&file.path)))
            .collect();
        for ((file, _), decoded) in together.iter().zip(decoded) {
            let image = decoded?;
            let (height, width) = *size.get_or_insert((image.height, image.width));
            if (image.height, image.width) != (height, width) {
                let reason = format!(
                    "it is {}x{} pixels, and {}, the first image, is {height}x{width}; all must have one size, so scale \
                     or cut them to it",
                    image.height,
                    image.width,
                    files[0].0.path.display()
                );
                return Err(Flaw::new(reason).of(&file.path));
            }
            if grey && !image.grey {
                grey = false;
                pixels = coloured(&pixels);
            }
            pixels.extend(if image.grey && !grey {
                coloured(&image.bytes)
            } else {
                image.bytes
            });
        }
    }
    let (height, width) = size.unwrap_or_default();
    let shape = [height, width, if grey { 1 } else { 3 }];
    Ok(Samples {
        shape,
        pixels: Pixels::Bytes(pixels),
        labels: files.iter().map(|(_, label)| *label).collect(),
    })
}

fn coloured(grey: &[u8]) -> Vec<u8> {
    grey.iter().flat_map(|x| [*x; 3]).collect()
}

/// Decodes a PNG or a JPEG, as its first bytes say. Transparency is ignored, 16 bits become 8.
pub(super) fn decode(bytes: &[u8]) -> Result<Decoded, Flaw> {
    let broken = |error: image::ImageError| {
        // Messages of some decoders have several lines.
        let error = error
            .to_string()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        Flaw::new(format!(
            "it is not a PNG or JPEG that can be read ({error}); take it away, or save it again"
        ))
    };
    let most = EXPANSION.saturating_mul(bytes.len() as u64);
    let reader = |room: u64| -> Result<_, Flaw> {
        let mut reader = ImageReader::new(Cursor::new(bytes))
            .with_guessed_format()
            .map_err(|error| broken(error.into()))?;
        let mut limits = Limits::no_limits();
        (limits.max_image_width, limits.max_image_height) = (Some(SIDE), Some(SIDE));
        limits.max_alloc = Some(room);
        reader.limits(limits);
        Ok(reader)
    };
    // Rejects a size that so few bytes cannot hold before the decoder allocates memory for it.
    let (width, height) = reader(1 << 20)?.into_dimensions().map_err(broken)?;
    if u64::from(width) * u64::from(height) > most || width == 0 || height == 0 {
        let reason = format!(
            "it promises {height}x{width} pixels, which its {} bytes cannot hold; take it away, or save it again",
            bytes.len()
        );
        return Err(Flaw::new(reason));
    }
    let room = PIXEL * u64::from(width) * u64::from(height) + (1 << 20);
    let image = reader(room)?.decode().map_err(broken)?;
    let grey = matches!(
        image.color(),
        ColorType::L8 | ColorType::La8 | ColorType::L16 | ColorType::La16
    );
    let (height, width) = (image.height(), image.width());
    let bytes = match image {
        DynamicImage::ImageRgb8(image) => image.into_raw(),
        image if grey => image.into_luma8().into_raw(),
        image => image.into_rgb8().into_raw(),
    };
    Ok(Decoded {
        height,
        width,
        grey,
        bytes,
    })
}
