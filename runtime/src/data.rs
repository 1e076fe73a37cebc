//! Labelled images: where they come from, how they are split, how they become minibatches.

mod digits;
mod split;

pub use split::{Part, Split, Splits};

use supernet_plugin::Facts;

/// Labelled images in memory, as they came from their source.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// What a person calls it.
    pub name: String,
    /// Height, width and channels of every image.
    pub shape: [u32; 3],
    /// Labels run from 0 to `classes` − 1.
    pub classes: u32,
    /// Pixels, NHWC.
    pub images: Vec<f32>,
    /// One label an image.
    pub labels: Vec<u32>,
}

/// What can be wrong with a data set.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The name is none that this build knows.
    #[error("there is no data set `{name}`; this version knows `digits` (1,797 images of 8x8, built in)")]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// The built-in file does not read as it should.
    #[error("the built-in data set `{name}` is damaged: {reason}")]
    Damaged {
        /// Which one.
        name: &'static str,
        /// What was found.
        reason: String,
    },
    /// Arrays that do not fit together.
    #[error("the data set `{name}` does not fit together: {reason}")]
    Mismatch {
        /// Which one.
        name: String,
        /// What does not fit.
        reason: String,
    },
    /// Too few samples for the batches asked for.
    #[error(
        "the {part} part of `{name}` has {samples} samples, fewer than one batch of {batch}; \
         lower `{key}` or give that part a larger share with `data.train` and `data.validation`"
    )]
    TooSmall {
        /// The data set.
        name: String,
        /// Which part.
        part: &'static str,
        /// Its size.
        samples: usize,
        /// Samples of a batch.
        batch: u32,
        /// The setting that gives the batch.
        key: &'static str,
    },
}

impl Dataset {
    /// A data set from arrays: images NHWC, one label each.
    ///
    /// # Errors
    /// If the lengths do not fit the shape, a label is not below `classes`, or a pixel is not finite.
    pub fn new(
        name: &str,
        shape: [u32; 3],
        classes: u32,
        images: Vec<f32>,
        labels: Vec<u32>,
    ) -> Result<Self, DataError> {
        let mismatch = |reason: String| DataError::Mismatch { name: name.to_owned(), reason };
        let pixels: usize = shape.iter().map(|n| *n as usize).product();
        if pixels == 0 || images.len() != pixels * labels.len() {
            let reason = format!("{} labels need {pixels} pixels each, but there are {}", labels.len(), images.len());
            return Err(mismatch(reason));
        }
        if let Some((index, label)) = labels.iter().enumerate().find(|(_, label)| **label >= classes) {
            return Err(mismatch(format!(
                "label {label} of sample {index} is not below {classes}, the number of classes"
            )));
        }
        if let Some(at) = images.iter().position(|pixel| !pixel.is_finite()) {
            return Err(mismatch(format!("a pixel of sample {} is not a finite number", at / pixels)));
        }
        Ok(Self { name: name.to_owned(), shape, classes, images, labels })
    }

    /// The data set that `--data NAME` means.
    ///
    /// # Errors
    /// If no data set has that name.
    pub fn named(name: &str) -> Result<Self, DataError> {
        match name {
            "digits" => digits::load(),
            _ => Err(DataError::Unknown { name: name.to_owned() }),
        }
    }

    /// What a space may ask about it.
    pub fn facts(&self) -> Facts {
        Facts::images(&self.shape, self.classes)
    }

    /// Pixels times channels of one image.
    pub fn image_len(&self) -> usize {
        self.shape.iter().map(|n| *n as usize).product()
    }
}
