//! Picture files as network inputs.

use std::io;
use std::path::Path;

use image::imageops::FilterType;
use image::{DynamicImage, ImageError, ImageReader, Limits};

/// The largest width or height of a picture in pixels.
const LONGEST: u32 = 1 << 14;
/// The most bytes that reading a picture may allocate.
const MOST_BYTES: u64 = 512 << 20;

/// Why a picture cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// The file cannot be read.
    #[error(transparent)]
    Read(io::Error),
    /// It is not a picture, or has another size.
    #[error("{0}")]
    Unfit(String),
}

/// Converts the bytes of a PNG or JPEG file to an image of this shape (height, width, channels),
/// channels last: greyscale for one channel, colour for three, with opacity for two or four. If
/// `resize` is set, a picture of another size is resized, height and width independently.
///
/// # Errors
/// If the file is not such a picture, has another size, or is larger than 16,384 pixels in either
/// dimension.
pub fn read(
    path: &Path,
    [height, width, channels]: [u32; 3],
    resize: bool,
) -> Result<Vec<u8>, PictureError> {
    let decoded = decode(path).map_err(|error| match error {
        ImageError::IoError(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
            PictureError::Read(error)
        }
        error => PictureError::Unfit(format!("it is not a PNG or JPEG that can be read: {error}")),
    })?;
    let (wide, high) = (decoded.width(), decoded.height());
    let decoded = match (wide, high) == (width, height) {
        true => decoded,
        false if resize => decoded.resize_exact(width, height, FilterType::Triangle),
        false => {
            return Err(PictureError::Unfit(format!(
                "it is {wide} pixels wide and {high} high, and the network takes {width} by {height}: resize it, or \
                 let it be resized (`--resize`)"
            )));
        }
    };
    match channels {
        1 => Ok(decoded.into_luma8().into_raw()),
        2 => Ok(decoded.into_luma_alpha8().into_raw()),
        3 => Ok(decoded.into_rgb8().into_raw()),
        4 => Ok(decoded.into_rgba8().into_raw()),
        _ => Err(PictureError::Unfit(format!(
            "the network takes {channels} channels, and a picture has at most 4"
        ))),
    }
}

fn decode(path: &Path) -> Result<DynamicImage, ImageError> {
    let mut reader = ImageReader::open(path)?.with_guessed_format()?;
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(LONGEST), Some(LONGEST));
    limits.max_alloc = Some(MOST_BYTES);
    reader.limits(limits);
    reader.decode()
}
