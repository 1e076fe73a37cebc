//! NumPy's `.npy` files, versions 1 to 3 (NEP 1): C order, little-endian.

use super::folder::Folder;
use super::pairs::{self, Pair, Pairs};
use super::{Detected, Samples, classes, parse};
use crate::DataError;
use crate::error::Flaw;
use crate::pixels::Pixels;

const MAGIC: &[u8] = b"\x93NUMPY";
/// Labels must be below this, since every class costs weights.
const CLASSES: i64 = 1 << 16;

/// The contents of a file.
#[derive(Debug)]
pub(super) struct Array<'a> {
    pub(super) shape: Vec<u32>,
    number: Number,
    bytes: &'a [u8],
}

/// The encoding of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Number {
    Unsigned(usize),
    Signed(usize),
    Float(usize),
}

/// Reads the folder if it has files of this format.
pub(super) fn find(folder: &Folder) -> Result<Option<Detected>, DataError> {
    let files: Vec<_> = folder
        .files
        .iter()
        .filter(|file| file.ends(".npy"))
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
    let (shape, pixels, count) = parse(pair.images, |bytes| images(&read(bytes)?))?;
    let labels = parse(pair.labels, |bytes| labels(&read(bytes)?))?;
    if labels.len() != count as usize {
        let (labels, name) = (labels.len(), &pair.images.name);
        let reason = format!(
            "there are {labels} labels here, but {count} images in {name}; write two arrays of one length"
        );
        return Err(Flaw::new(reason).of(&pair.labels.path));
    }
    Ok(Samples {
        shape,
        pixels,
        labels,
    })
}

/// Shape, pixels and number of images.
pub(super) fn images(array: &Array<'_>) -> Result<([u32; 3], Pixels, u32), Flaw> {
    let (count, shape) = match array.shape[..] {
        [count, height, width] => (count, [height, width, 1]),
        [count, height, width, channels] => (count, [height, width, channels]),
        _ => {
            let reason = format!(
                "images have the shape (N, H, W) or (N, H, W, C), not {:?}; reshape them",
                array.shape
            );
            return Err(Flaw::at(10, reason));
        }
    };
    if array.bytes.is_empty() {
        return Err(Flaw::at(
            10,
            format!(
                "there is no number in an array of shape {:?}; write it again",
                array.shape
            ),
        ));
    }
    if array.number == Number::Unsigned(1) {
        return Ok((shape, Pixels::Bytes(array.bytes.to_vec()), count));
    }
    let floats: Vec<f32> = array
        .numbers()
        .map(|number| number.as_f64() as f32)
        .collect();
    if let Some(at) = floats.iter().position(|x| !x.is_finite()) {
        let image = array.bytes.len() / array.number.size() / count as usize;
        let reason = format!(
            "{} is not a pixel value; write finite ones below 3.4e38",
            floats[at]
        );
        return Err(Flaw::sample(at / image, reason));
    }
    Ok((shape, Pixels::Floats(floats), count))
}

/// Labels: non-negative integers in one dimension, or with a second one of size 1.
pub(super) fn labels(array: &Array<'_>) -> Result<Vec<u32>, Flaw> {
    if !matches!(array.shape[..], [_] | [_, 1]) {
        return Err(Flaw::at(
            10,
            format!(
                "labels have the shape (N,), not {:?}; write one number an image",
                array.shape
            ),
        ));
    }
    if matches!(array.number, Number::Float(_)) {
        let class = |number: &Value| {
            let number = number.as_f64();
            number.fract() == 0.0 && (0.0..CLASSES as f64).contains(&number)
        };
        let Some(sample) = array.numbers().position(|number| !class(&number)) else {
            return Err(Flaw::at(
                10,
                "labels are whole numbers, and these are stored as floats; write labels.astype('<i8')",
            ));
        };
        let target = array
            .numbers()
            .nth(sample)
            .map_or(f64::NAN, |number| number.as_f64());
        let reason = format!(
            "the label is {target}, and a label is the number of a class: networks classify, there is no regression; \
             number the classes from 0"
        );
        return Err(Flaw::sample(sample, reason));
    }
    let label = |(sample, number): (usize, Value)| match number {
        Value::Whole(label) if (0..CLASSES).contains(&label) => Ok(label as u32),
        other => {
            let reason = format!(
                "the label is {}, but classes are numbered from 0 to at most {}; number them so",
                other.as_f64(),
                CLASSES - 1
            );
            Err(Flaw::sample(sample, reason))
        }
    };
    array.numbers().enumerate().map(label).collect()
}

enum Value {
    Whole(i64),
    Float(f64),
}

impl Value {
    fn as_f64(&self) -> f64 {
        match self {
            Self::Whole(whole) => *whole as f64,
            Self::Float(float) => *float,
        }
    }
}

impl Number {
    fn size(self) -> usize {
        match self {
            Self::Unsigned(size) | Self::Signed(size) | Self::Float(size) => size,
        }
    }

    /// Decodes a number.
    fn value(self, bytes: &[u8]) -> Value {
        let mut wide = [0; 8];
        wide[..bytes.len()].copy_from_slice(bytes);
        let bits = u64::from_le_bytes(wide);
        let unused = 64 - 8 * bytes.len() as u32;
        match self {
            Self::Unsigned(_) => Value::Whole(i64::try_from(bits).unwrap_or(i64::MAX)),
            Self::Signed(_) => Value::Whole((bits << unused) as i64 >> unused),
            Self::Float(4) => Value::Float(f64::from(f32::from_bits(bits as u32))),
            Self::Float(_) => Value::Float(f64::from_bits(bits)),
        }
    }
}

impl Array<'_> {
    fn numbers(&self) -> impl Iterator<Item = Value> {
        self.bytes
            .chunks_exact(self.number.size())
            .map(|bytes| self.number.value(bytes))
    }
}

/// Parses the header of a file and locates its numbers.
pub(super) fn read(bytes: &[u8]) -> Result<Array<'_>, Flaw> {
    if !bytes.starts_with(MAGIC) {
        return Err(Flaw::at(
            0,
            "a NumPy file begins with \\x93NUMPY; this is none, or damaged: write it again",
        ));
    }
    let cut = || {
        Flaw::at(
            bytes.len(),
            "it ends within its header; it is cut off, so write it again",
        )
    };
    let version = *bytes.get(6).ok_or_else(cut)?;
    let (at, len) = match version {
        1 => {
            let field = bytes
                .get(8..10)
                .and_then(|field| <[u8; 2]>::try_from(field).ok())
                .ok_or_else(cut)?;
            (10_usize, usize::from(u16::from_le_bytes(field)))
        }
        2 | 3 => {
            let field = bytes
                .get(8..12)
                .and_then(|field| <[u8; 4]>::try_from(field).ok())
                .ok_or_else(cut)?;
            (12, u32::from_le_bytes(field) as usize)
        }
        _ => {
            return Err(Flaw::at(
                6,
                format!(
                    "its version is {version}, and 1 to 3 are read; write it again with numpy.save"
                ),
            ));
        }
    };
    let text = at
        .checked_add(len)
        .and_then(|end| bytes.get(at..end))
        .ok_or_else(cut)?;
    let text = str::from_utf8(text).map_err(|error| {
        Flaw::at(
            at + error.valid_up_to(),
            "its header is not text; write it again",
        )
    })?;
    let lacks = |what: &str| {
        Flaw::at(
            at,
            format!("its header says no {what}; write it again with numpy.save"),
        )
    };
    let descr = field(text, "descr")
        .and_then(quoted)
        .ok_or_else(|| lacks("'descr'"))?;
    let order = field(text, "fortran_order").ok_or_else(|| lacks("'fortran_order'"))?;
    if !order.starts_with("False") {
        return Err(Flaw::at(
            at,
            "it is in Fortran's order, and C's is read; write numpy.ascontiguousarray(array)",
        ));
    }
    let shape = field(text, "shape")
        .and_then(sizes)
        .ok_or_else(|| lacks("'shape' that can be read"))?;
    let number = number(descr).ok_or_else(|| {
        let descr: String = descr.chars().take(20).flat_map(char::escape_debug).collect();
        Flaw::at(at, format!("its numbers are `{descr}`, and little-endian u1 to u8, i1 to i8, f4 and f8 are read; write array.astype('<f4')"))
    })?;
    let header = at + len;
    let bytes = &bytes[header..];
    let promised = shape.iter().try_fold(number.size(), |product, size| {
        product.checked_mul(*size as usize)
    });
    if promised != Some(bytes.len()) {
        let reason = format!(
            "an array of shape {shape:?} with {} bytes a number does not take the {} bytes that follow; it is cut off or damaged, so write it again",
            number.size(),
            bytes.len()
        );
        return Err(Flaw::at(header, reason));
    }
    Ok(Array {
        shape,
        number,
        bytes,
    })
}

/// The text after a key of the header.
fn field<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let at = ["'", "\""]
        .iter()
        .find_map(|quote| Some(text.find(&format!("{quote}{key}{quote}"))? + key.len() + 2))?;
    Some(text[at..].trim_start().strip_prefix(':')?.trim_start())
}

fn quoted(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|c| ['\'', '"'].contains(c))?;
    text[1..].split_once(quote).map(|(inner, _)| inner)
}

/// At most eight sizes.
fn sizes(text: &str) -> Option<Vec<u32>> {
    let (inner, _) = text.strip_prefix('(')?.split_once(')')?;
    let sizes = inner
        .split(',')
        .map(str::trim)
        .filter(|size| !size.is_empty())
        .take(9);
    let sizes: Vec<u32> = sizes
        .map(|size| size.trim_end_matches('L').parse().ok())
        .collect::<Option<_>>()?;
    (sizes.len() <= 8).then_some(sizes)
}

fn number(descr: &str) -> Option<Number> {
    Some(match descr {
        "|u1" | "<u1" | "u1" | "|b1" => Number::Unsigned(1),
        "<u2" => Number::Unsigned(2),
        "<u4" => Number::Unsigned(4),
        "<u8" => Number::Unsigned(8),
        "|i1" | "<i1" | "i1" => Number::Signed(1),
        "<i2" => Number::Signed(2),
        "<i4" => Number::Signed(4),
        "<i8" => Number::Signed(8),
        "<f4" => Number::Float(4),
        "<f8" => Number::Float(8),
        _ => return None,
    })
}
