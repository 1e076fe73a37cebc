//! What a run notes of its data, so that it goes on with the same.

use serde::{Deserialize, Serialize};

use super::{Dataset, Splits};

/// A data set as a search divided it: a run's `data.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatasetSummary {
    /// Its name.
    pub name: String,
    /// Height, width and channels of its images; zeros of a text.
    pub shape: [u32; 3],
    /// Labels run from 0 to this − 1.
    pub classes: u32,
    /// What the classes are called; empty if the source does not say.
    pub class_names: Vec<String>,
    /// Samples of the training part.
    pub train: usize,
    /// Samples of the validation part.
    pub validation: usize,
    /// Samples of the test part.
    pub test: usize,
    /// Mean of each channel over the training part.
    pub mean: Vec<f32>,
    /// Standard deviation of each channel over the training part.
    #[serde(alias = "deviation")]
    pub std: Vec<f32>,
    /// [`Dataset::fingerprint`].
    pub fingerprint: String,
}

impl DatasetSummary {
    /// Sums up a data set and its parts. Reads all of it, for the fingerprint.
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

    /// What it is, for people.
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
