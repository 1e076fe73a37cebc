//! The record of a run's data, so that a resumed run uses the same.

use serde::{Deserialize, Serialize};

use super::{Dataset, Splits};

/// A data set as a search split it: a run's `data.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatasetSummary {
    /// Display name.
    pub name: String,
    /// Height, width and channels of the images; zeros for a text.
    pub shape: [u32; 3],
    /// Labels run from 0 to this − 1.
    pub classes: u32,
    /// Names of the classes; empty if the source does not give them.
    pub class_names: Vec<String>,
    /// Number of samples in the training split.
    pub train: usize,
    /// Number of samples in the validation split.
    pub validation: usize,
    /// Number of samples in the test split.
    pub test: usize,
    /// Mean of each channel over the training split.
    pub mean: Vec<f32>,
    /// Standard deviation of each channel over the training split.
    #[serde(alias = "deviation")]
    pub std: Vec<f32>,
    /// The hash from [`Dataset::fingerprint`].
    pub fingerprint: String,
}

impl DatasetSummary {
    /// Summarises a data set and its splits. Reads all of it to compute the fingerprint.
    pub fn new(data: &Dataset, splits: &Splits) -> Self {
        Self {
            name: data.name.clone(),
            shape: data.shape,
            classes: data.classes,
            class_names: data.class_names.clone(),
            train: splits.train.len(),
            validation: splits.validation.len(),
            test: splits.test.len(),
            mean: splits.mean.clone(),
            std: splits.std.clone(),
            fingerprint: data.fingerprint(),
        }
    }

    /// A description for display.
    pub fn describe(&self) -> String {
        let ([height, width, channels], samples) =
            (self.shape, self.train + self.validation + self.test);
        let hash: String = self.fingerprint.chars().take(12).collect();
        if channels == 0 {
            return format!(
                "{samples} tokens of {} different ones, hash {hash}",
                self.classes
            );
        }
        format!(
            "{samples} images of {height}x{width}x{channels} in {} classes, hash {hash}",
            self.classes
        )
    }
}
