//! Picture files as input of a model.

use std::path::Path;

use supernet_data::picture::PictureError;
use supernet_data::{MAX_PIXEL, picture};

use super::error::{ModelError, failed};
use super::{About, Model};

/// The largest distance of a picture's mean from that of the training data, in standard deviations.
/// No picture of the kind of the training data is as far: black and white are within a few.
const FARTHEST: f32 = 10.0;

impl About {
    /// The distance of an image's mean from that of the training data, in standard deviations, in
    /// the channel in which it is largest.
    fn distance(&self, pixels: &[f32]) -> f32 {
        let mut standard = pixels.to_vec();
        self.standardise(&mut standard);
        let (channels, places) = (self.mean.len(), pixels.len() / self.mean.len());
        (0..channels)
            .map(|channel| {
                let of_channel = standard.iter().skip(channel).step_by(channels);
                (of_channel.sum::<f32>() / places as f32).abs()
            })
            .fold(0.0, f32::max)
    }
}

impl Model {
    /// The pixels of a PNG or JPEG file, in the format of [`Model::predict`]: greyscale if the
    /// network takes one channel, colour if it takes three, with an alpha channel if it takes two
    /// or four. White has the value that it has in the training data
    /// ([`Dataset::max_pixel`](crate::data::Dataset::max_pixel)). With `resize`, a picture of
    /// another size is scaled to the network's, height and width independently.
    ///
    /// # Errors
    /// If the file is no such picture, has another size, has more than 16,384 pixels in a row or
    /// column, or is far from the training data, as it is where white has another value there.
    pub fn picture(&self, path: &Path, resize: bool) -> Result<Vec<f32>, ModelError> {
        let bytes = picture::read(path, self.image(), resize).map_err(|error| match error {
            PictureError::Read(error) => failed("read", path)(error),
            error => ModelError::Picture {
                path: path.to_owned(),
                reason: error.to_string(),
            },
        })?;
        let scale = self.about.max_pixel / MAX_PIXEL;
        let pixels: Vec<f32> = bytes
            .into_iter()
            .map(|byte| f32::from(byte) * scale)
            .collect();
        match self.about.distance(&pixels) {
            away if away <= FARTHEST => Ok(pixels),
            away => Err(ModelError::Picture {
                path: path.to_owned(),
                reason: format!(
                    "its mean is {away:.0} standard deviations from that of the training data, so that the network's answer \
                     would mean nothing: white became {}; if the network was trained on arrays of another range, give it \
                     arrays (`Model::predict`), or train it on data that say what white is (`Dataset::with_white`)",
                    self.about.max_pixel
                ),
            }),
        }
    }
}
