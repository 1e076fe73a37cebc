//! Labelled images: where they come from, how they are split, how they become minibatches.

mod digits;
mod split;

pub use split::{Part, Split, Splits};

use supernet_plugin::Facts;

/// Labelled images in memory, as they came from their source.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    name: String,
    shape: [u32; 3],
    classes: u32,
    images: Vec<f32>,
    labels: Vec<u32>,
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
         lower `{key}`, or give that part a larger share (`data.train`, `data.validation`)"
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
        let pixels = shape.iter().try_fold(1_usize, |product, n| product.checked_mul(*n as usize)).unwrap_or(0);
        if pixels == 0 || pixels.checked_mul(labels.len()) != Some(images.len()) {
            let (labels, numbers) = (labels.len(), images.len());
            return Err(mismatch(format!(
                "{labels} labels need images of shape {shape:?}, but there are {numbers} numbers"
            )));
        }
        if u32::try_from(labels.len()).is_err() {
            return Err(mismatch(format!("it has {} samples; at most 4294967295 are counted", labels.len())));
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

    /// What a person calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Height, width and channels of every image.
    pub fn shape(&self) -> [u32; 3] {
        self.shape
    }

    /// Labels run from 0 to this − 1.
    pub fn classes(&self) -> u32 {
        self.classes
    }

    /// Pixels of all images, NHWC.
    pub fn images(&self) -> &[f32] {
        &self.images
    }

    /// One label an image.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// What a space may ask about it.
    pub fn facts(&self) -> Facts {
        Facts::images(&self.shape, self.classes)
    }

    /// Pixels times channels of one image.
    fn image_len(&self) -> usize {
        self.shape.iter().map(|n| *n as usize).product()
    }
}
