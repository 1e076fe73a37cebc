//! Picture files as input of a model.

use std::path::Path;

use supernet_data::picture::PictureError;
use supernet_data::{MAX_PIXEL, picture};

use super::Model;
use super::error::{ModelError, failed};

impl Model {
    /// The pixels of a PNG or JPEG file, in the format of [`Model::predict`]: greyscale if the
    /// network takes one channel, colour if it takes three, with an alpha channel if it takes two
    /// or four. White has the value that it has in the training data
    /// ([`Dataset::max_pixel`](crate::data::Dataset::max_pixel)). With `resize`, a picture of
    /// another size is scaled to the network's, height and width independently.
    ///
    /// # Errors
    /// If the file is no such picture, has another size, or has more than 16,384 pixels in a row or
    /// column.
    pub fn picture(&self, path: &Path, resize: bool) -> Result<Vec<f32>, ModelError> {
        let bytes = picture::read(path, self.image(), resize).map_err(|error| match error {
            PictureError::Read(error) => failed("read", path)(error),
            error => ModelError::Picture {
                path: path.to_owned(),
                reason: error.to_string(),
            },
        })?;
        let scale = self.about.max_pixel / MAX_PIXEL;
        Ok(bytes
            .into_iter()
            .map(|byte| f32::from(byte) * scale)
            .collect())
    }
}
