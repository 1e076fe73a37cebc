//! Training, validation and test part of a data set, and the minibatches of each.

use serde::{Deserialize, Serialize};
use supernet_shaders::random::Random;

use super::{DataError, Dataset};
use crate::stream;

/// How a data set is divided.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Split {
    /// Share of the samples that train the shared weights.
    pub train: f64,
    /// Share that scores children; what is left of 1 is the test part, which no search ever sees.
    pub validation: f64,
    /// Shuffles the samples before they are divided. Apart from the search's seed, so that searches can be compared.
    pub seed: u64,
}

/// The parts of a data set, standardised with the training part's mean and deviation.
#[derive(Clone, Debug, PartialEq)]
pub struct Splits {
    /// Trains the shared weights.
    pub train: Part,
    /// Scores children.
    pub validation: Part,
    /// Never touched by a search.
    pub test: Part,
    /// Mean of each channel over the training part, before standardising.
    pub mean: Vec<f32>,
    /// Standard deviation of each channel over the training part, before standardising.
    pub deviation: Vec<f32>,
}

/// Some samples, in a fixed order.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Pixels, NHWC, standardised.
    pub images: Vec<f32>,
    /// One label an image.
    pub labels: Vec<u32>,
}

impl Splits {
    /// Divides `data` after shuffling, and standardises every part with what the training part shows.
    ///
    /// # Errors
    /// If a part would be empty.
    pub fn new(data: &Dataset, split: &Split) -> Result<Self, DataError> {
        let samples = data.labels.len();
        let mut order: Vec<usize> = (0..samples).collect();
        Random::new(split.seed, stream::SPLIT).shuffle(&mut order);
        let train = (split.train * samples as f64).round() as usize;
        let validation = (split.validation * samples as f64).round() as usize;
        if train == 0 || validation == 0 || train + validation >= samples {
            return Err(DataError::Mismatch {
                name: data.name.clone(),
                reason: format!(
                    "`data.train` = {} and `data.validation` = {} must leave at least one of its {samples} samples to \
                     each of train, validation and test",
                    split.train, split.validation
                ),
            });
        }
        let (first, rest) = order.split_at(train);
        let (second, third) = rest.split_at(validation);
        let mut parts = [first, second, third].map(|indices| Part::pick(data, indices));
        let channels = data.shape[2] as usize;
        let (mean, deviation) = parts[0].moments(channels);
        parts.iter_mut().for_each(|part| part.standardise(&mean, &deviation));
        let [train, validation, test] = parts;
        Ok(Self { train, validation, test, mean, deviation })
    }
}

impl Splits {
    /// Training and validation part as one training part: what a search has seen. Standardised as they were.
    pub(crate) fn joined(&self) -> Self {
        let mut train = self.train.clone();
        train.images.extend_from_slice(&self.validation.images);
        train.labels.extend_from_slice(&self.validation.labels);
        Self { train, ..self.clone() }
    }
}

impl Part {
    fn pick(data: &Dataset, indices: &[usize]) -> Self {
        let len = data.image_len();
        let images = indices.iter().flat_map(|i| &data.images[i * len..(i + 1) * len]).copied().collect();
        Self { images, labels: indices.iter().map(|i| data.labels[*i]).collect() }
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    fn moments(&self, channels: usize) -> (Vec<f32>, Vec<f32>) {
        let mut mean = vec![0.0_f64; channels];
        let mut square = vec![0.0_f64; channels];
        let pixels = (self.images.len() / channels) as f64;
        self.images.iter().enumerate().for_each(|(i, x)| mean[i % channels] += f64::from(*x));
        mean.iter_mut().for_each(|m| *m /= pixels);
        for (i, x) in self.images.iter().enumerate() {
            square[i % channels] += (f64::from(*x) - mean[i % channels]).powi(2);
        }
        let deviation = square.iter().map(|s| (s / pixels).sqrt() as f32);
        (mean.iter().map(|m| *m as f32).collect(), deviation.collect())
    }

    fn standardise(&mut self, mean: &[f32], deviation: &[f32]) {
        let channels = mean.len();
        for (i, x) in self.images.iter_mut().enumerate() {
            let c = i % channels;
            // A channel that never changes carries nothing: centred, it is zero.
            *x = (*x - mean[c]) / if deviation[c] > 0.0 { deviation[c] } else { 1.0 };
        }
    }

    /// Copies the samples `indices` into a minibatch of exactly that many.
    pub fn gather(&self, indices: impl Iterator<Item = usize>, images: &mut Vec<f32>, labels: &mut Vec<u32>) {
        let len = self.images.len() / self.labels.len();
        images.clear();
        labels.clear();
        for index in indices {
            images.extend_from_slice(&self.images[index * len..(index + 1) * len]);
            labels.push(self.labels[index]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn toy() -> Dataset {
        let images = (0..40).map(|i| (i % 7) as f32).collect();
        Dataset::new("toy", [1, 2, 2], 3, images, (0..10).map(|i| i % 3).collect()).unwrap()
    }

    #[test]
    fn parts_are_disjoint_complete_and_standardised_on_the_training_part() {
        let data = Dataset::named("digits").unwrap();
        let splits = Splits::new(&data, &Split { train: 0.6, validation: 0.2, seed: 0 }).unwrap();
        assert_eq!([splits.train.len(), splits.validation.len(), splits.test.len()], [1078, 359, 360]);
        let (mean, deviation) = splits.train.moments(1);
        assert!(mean[0].abs() < 1e-5 && (deviation[0] - 1.0).abs() < 1e-5);
        let mut pixels: Vec<u32> = Vec::new();
        for part in [&splits.train, &splits.validation, &splits.test] {
            let raw = part.images.iter().map(|x| (x * splits.deviation[0] + splits.mean[0]).round() as u32);
            pixels.extend(raw);
        }
        let mut before: Vec<u32> = data.images.iter().map(|x| *x as u32).collect();
        pixels.sort_unstable();
        before.sort_unstable();
        assert_eq!(pixels, before);
    }

    #[test]
    fn an_empty_part_is_refused_with_the_settings_named() {
        let error = Splits::new(&toy(), &Split { train: 0.9, validation: 0.1, seed: 0 }).unwrap_err().to_string();
        assert!(error.contains("data.train") && error.contains("10 samples"), "{error}");
    }

    #[test]
    fn a_label_out_of_range_is_named() {
        let error = Dataset::new("toy", [1, 1, 1], 2, vec![0.0; 2], vec![0, 2]).unwrap_err().to_string();
        assert!(error.contains("label 2 of sample 1"), "{error}");
    }
}
