//! Picture files as a model takes them.

use std::path::Path;

use supernet_data::picture::PictureError;
use supernet_data::{MAX_PIXEL, picture};

use super::Model;
use super::error::{ModelError, failed};

impl Model {
    /// The pixels of a PNG or JPEG file, as [`Model::predict`] takes them: in grey if the network
    /// takes one channel, in colour if it takes three, with their opacity if it takes two or four;
    /// white is what it is in the data that the model was trained on
    /// ([`Dataset::max_pixel`](crate::data::Dataset::max_pixel)). A picture of another size is
    /// brought to the network's if `resize` says so, by its height and width each for itself.
    ///
    /// # Errors
    /// If the file is no such picture, has another size, or is larger than 16,384 pixels in a row
    /// or column.
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
