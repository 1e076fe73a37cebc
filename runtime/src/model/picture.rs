//! Picture files as a network takes them.

use std::io;
use std::path::Path;

use image::imageops::FilterType;
use image::{DynamicImage, ImageError, ImageReader, Limits};

use super::error::failed;
use super::{Model, ModelError};
use crate::data::WHITE;

/// Pixels that a picture has in a row or a column at most.
const LONGEST: u32 = 1 << 14;
/// Bytes that reading a picture may take.
const MOST_BYTES: u64 = 512 << 20;

impl Model {
    /// The pixels of a PNG or JPEG file, as [`Model::predict`] takes them: in grey if the network takes one channel, in colour
    /// if it takes three, with their opacity if it takes two or four; white is what it is in the data that the model was
    /// trained on ([`Dataset::white`](crate::data::Dataset::white)). A picture of another size is brought to the network's
    /// if `resize` says so, by its height and width each for itself.
    ///
    /// # Errors
    /// If the file is no such picture, has another size, or is larger than 16,384 pixels in a row or column.
    pub fn picture(&self, path: &Path, resize: bool) -> Result<Vec<f32>, ModelError> {
        let refused = |reason: String| ModelError::Picture { path: path.to_owned(), reason };
        let decoded = decode(path).map_err(|error| match error {
            ImageError::IoError(error) if error.kind() != io::ErrorKind::UnexpectedEof => failed("read", path)(error),
            error => refused(format!("it is no PNG or JPEG that can be read: {error}")),
        })?;
        let [height, width, channels] = self.image();
        let (wide, high) = (decoded.width(), decoded.height());
        let decoded = match (wide, high) == (width, height) {
            true => decoded,
            false if resize => decoded.resize_exact(width, height, FilterType::Triangle),
            false => {
                return Err(refused(format!(
                    "it is {wide} pixels wide and {high} high, and the network takes {width} by {height}: resize it, or \
                     let it be resized (`--resize`)"
                )));
            }
        };
        let bytes = match channels {
            1 => decoded.into_luma8().into_raw(),
            2 => decoded.into_luma_alpha8().into_raw(),
            3 => decoded.into_rgb8().into_raw(),
            4 => decoded.into_rgba8().into_raw(),
            _ => return Err(refused(format!("the network takes {channels} channels, and a picture has at most 4"))),
        };
        Ok(bytes.into_iter().map(|byte| f32::from(byte) * (self.about.white / WHITE)).collect())
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
