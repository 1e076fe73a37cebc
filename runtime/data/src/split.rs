//! Training, validation and test splits of a data set.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use supernet_shaders::random::{Random, RngStream};

use super::subset::{Scale, moments};
use super::text::Text;
use super::{DataError, Dataset, Subset};

/// How a data set is split. If the source comes with a test split, that one is used and the rest is
/// divided; otherwise the test split is what training and validation leave.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitSpec {
    /// Samples that train the shared weights: a share if below 1, otherwise a number of samples; 0
    /// chooses a default.
    pub train: f64,
    /// Samples that score children, in the same form.
    pub validation: f64,
    /// Shuffles the samples before they are split. Separate from the search's seed, so that
    /// searches can be compared.
    pub seed: u64,
}

/// The largest default validation split in samples: enough to tell scores apart by half a percent.
const VALIDATION: usize = 10_000;

impl SplitSpec {
    /// Replaces zeros with defaults for the data. Without a test split from the source these are
    /// shares of 0.6 and 0.2; with one, they are numbers of samples: a fifth for validation, at
    /// most 10,000 samples, and the rest for training.
    #[must_use]
    pub fn fitted(self, data: &Dataset) -> Self {
        let or = |given: f64, fitted: f64| if given == 0.0 { fitted } else { given };
        if let Some(text) = &data.text {
            let len =
                |part: &[u32], given: f64| count(or(given, part.len() as f64), part.len()) as f64;
            let (train, validation) = (
                len(&text.train, self.train),
                len(&text.validation, self.validation),
            );
            return Self {
                train,
                validation,
                ..self
            };
        }
        if data.own_test.is_none() {
            return Self {
                train: or(self.train, 0.6),
                validation: or(self.validation, 0.2),
                ..self
            };
        }
        let samples = data.explorable();
        let left = |by: f64| samples.saturating_sub(count(by, samples)) as f64;
        let fifth = (samples as f64 / 5.0).round().min(VALIDATION as f64);
        let validation = or(self.validation, fifth.min(left(self.train)));
        Self {
            train: or(self.train, left(validation)),
            validation,
            ..self
        }
    }
}

/// The number of samples that a setting asks for.
pub(super) fn count(setting: f64, samples: usize) -> usize {
    if setting < 1.0 {
        (setting * samples as f64).round() as usize
    } else {
        setting as usize
    }
}

/// The splits of a data set, standardised with the mean and deviation of the training split.
#[derive(Clone, Debug, PartialEq)]
pub struct Splits {
    /// Trains the shared weights.
    pub train: Subset,
    /// Scores children.
    pub validation: Subset,
    /// Never touched by a search.
    pub test: Subset,
    /// Mean of each channel over the training split, before standardising.
    pub mean: Vec<f32>,
    /// Standard deviation of each channel over the training split, before standardising.
    pub std: Vec<f32>,
    /// Value of the brightest pixels, before standardising.
    pub max_pixel: f32,
}

impl Splits {
    /// Shuffles and splits `data`, and standardises every split with the statistics of the training
    /// split.
    ///
    /// # Errors
    /// If a split would be empty, or there are too few samples for the settings.
    pub fn new(data: &Dataset, split: &SplitSpec) -> Result<Self, DataError> {
        if let Some(text) = &data.text {
            let split = split.fitted(data);
            return Self::of_text(data, text, split.train as usize, split.validation as usize);
        }
        let samples = data.explorable();
        let split = split.fitted(data);
        let (train, validation) = (
            count(split.train, samples),
            count(split.validation, samples),
        );
        let left = samples.checked_sub(train.saturating_add(validation));
        if train == 0
            || validation == 0
            || left.is_none_or(|left| left == 0 && data.own_test.is_none())
        {
            let parts = match data.own_test {
                Some(_) => {
                    "at least one to each of training and validation, and no more than there are outside its test split"
                }
                None => "at least one to each of train, validation and test",
            };
            let reason = format!(
                "`data.train` = {} and `data.validation` = {} are {train} and {validation} of its {samples} samples, but they \
                 must leave {parts}; a setting below 1 is a share, from 1 on a number of samples, and 0 is fitted",
                split.train, split.validation
            );
            return Err(DataError::Mismatch {
                name: data.name.clone(),
                reason,
            });
        }
        let mut order: Vec<u32> = (0..samples as u32).collect();
        Random::new(split.seed, RngStream::DataSplit).shuffle(&mut order);
        let mut rest = order.split_off(train);
        let left = rest.split_off(validation);
        let test = match data.own_test {
            Some(from) => (from as u32..data.labels.len() as u32).collect(),
            None => left,
        };
        let (mean, std) = moments(data, &order);
        let scale = Arc::new(Scale::new(data, &mean, &std));
        let [train, validation, test] =
            [order, rest, test].map(|indices| Subset::new(data, indices, &scale));
        Ok(Self {
            train,
            validation,
            test,
            mean,
            std,
            max_pixel: data.max_pixel,
        })
    }

    /// The splits of a text as they are, or their first tokens.
    fn of_text(
        data: &Dataset,
        text: &Text,
        train: usize,
        validation: usize,
    ) -> Result<Self, DataError> {
        let (most, given) = (
            [text.train.len(), text.validation.len()],
            [train, validation],
        );
        if given.contains(&0) || given.iter().zip(most).any(|(given, most)| *given > most) {
            let reason = format!(
                "`data.train` and `data.validation` ask for {train} and {validation} tokens, of {} and {} that there are",
                most[0], most[1]
            );
            return Err(DataError::Mismatch {
                name: data.name.clone(),
                reason,
            });
        }
        let part = |tokens: &[u32], count| Subset::text(tokens, count);
        Ok(Self {
            train: part(&text.train, train),
            validation: part(&text.validation, validation),
            test: part(&text.test, text.test.len()),
            mean: Vec::new(),
            std: Vec::new(),
            max_pixel: data.max_pixel,
        })
    }

    /// The data that a chosen architecture is trained on: training and validation split together;
    /// for a text the training split alone, as in published results.
    #[must_use]
    pub fn explored(&self) -> Subset {
        if self.mean.is_empty() {
            self.train.clone()
        } else {
            self.train.and(&self.validation)
        }
    }

    /// The same splits with [`Splits::explored`] as the training split.
    pub fn joined(&self) -> Self {
        Self {
            train: self.explored(),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn toy() -> Dataset {
        let images = (0..40).map(|i| (i % 7) as f32).collect();
        Dataset::new(
            "toy",
            [1, 2, 2],
            3,
            images,
            (0..10).map(|i| i % 3).collect(),
        )
        .unwrap()
    }

    fn tested() -> Dataset {
        toy().with_test(vec![9.0; 8], vec![2, 1]).unwrap()
    }

    fn sizes(data: &Dataset, train: f64, validation: f64) -> Result<[usize; 3], String> {
        let splits = Splits::new(
            data,
            &SplitSpec {
                train,
                validation,
                seed: 0,
            },
        )
        .map_err(|error| error.to_string())?;
        assert_eq!(
            splits.explored().len(),
            splits.train.len() + splits.validation.len()
        );
        Ok([
            splits.train.len(),
            splits.validation.len(),
            splits.test.len(),
        ])
    }

    #[test]
    fn parts_are_disjoint_complete_and_standardised_on_the_training_part() {
        let data = Dataset::named("digits").unwrap();
        let splits = Splits::new(
            &data,
            &SplitSpec {
                train: 0.0,
                validation: 0.0,
                seed: 0,
            },
        )
        .unwrap();
        assert_eq!(
            [
                splits.train.len(),
                splits.validation.len(),
                splits.test.len()
            ],
            [1078, 359, 360]
        );
        let (mut images, mut labels) = (Vec::new(), Vec::new());
        splits.train.gather(0..1078, &mut images, &mut labels);
        let standard =
            Dataset::new("standard", [8, 8, 1], 10, images.clone(), labels.clone()).unwrap();
        let (mean, std) = moments(&standard, &(0..1078).collect::<Vec<_>>());
        assert!(mean[0].abs() < 1e-5 && (std[0] - 1.0).abs() < 1e-5);
        let mut pixels: Vec<u32> = Vec::new();
        for part in [&splits.train, &splits.validation, &splits.test] {
            part.gather(0..part.len(), &mut images, &mut labels);
            pixels.extend(
                images
                    .iter()
                    .map(|x| (x * splits.std[0] + splits.mean[0]).round() as u32),
            );
        }
        let mut before: Vec<u32> = data.images().iter().map(|x| *x as u32).collect();
        pixels.sort_unstable();
        before.sort_unstable();
        assert_eq!(pixels, before);
    }

    #[test]
    fn settings_are_shares_or_numbers_of_samples_or_fitted() {
        assert_eq!(sizes(&toy(), 0.0, 0.0), Ok([6, 2, 2]));
        assert_eq!(sizes(&toy(), 5.0, 0.0), Ok([5, 2, 3]));
        assert_eq!(sizes(&toy(), 1.0, 8.0), Ok([1, 8, 1]));
        assert_eq!(sizes(&tested(), 0.0, 0.0), Ok([8, 2, 2]));
        assert_eq!(sizes(&tested(), 0.0, 0.3), Ok([7, 3, 2]));
        assert_eq!(sizes(&tested(), 9.0, 0.0), Ok([9, 1, 2]));
        assert_eq!(sizes(&tested(), 6.0, 4.0), Ok([6, 4, 2]));
        assert_eq!(sizes(&tested(), 3.0, 0.1), Ok([3, 1, 2]));
        let fitted = SplitSpec {
            train: 0.0,
            validation: 0.0,
            seed: 3,
        }
        .fitted(&tested());
        assert_eq!(
            fitted,
            SplitSpec {
                train: 8.0,
                validation: 2.0,
                seed: 3
            }
        );
        assert_eq!(fitted.fitted(&tested()), fitted);
        let many =
            Dataset::from_bytes("many", [1, 1, 1], 2, vec![0; 60_000], vec![0; 60_000]).unwrap();
        let many = many.with_test_bytes(vec![0], vec![1]).unwrap();
        assert_eq!(sizes(&many, 0.0, 0.0), Ok([50_000, 10_000, 1]));
    }

    #[test]
    fn an_own_test_part_is_the_test_part_and_no_other() {
        let splits = Splits::new(
            &tested(),
            &SplitSpec {
                train: 0.0,
                validation: 0.0,
                seed: 0,
            },
        )
        .unwrap();
        assert_eq!(splits.test.labels(), [2, 1]);
        // The nines would have shifted the mean.
        assert!(splits.mean.iter().all(|mean| *mean < 6.0));
        let (mut images, mut labels) = (Vec::new(), Vec::new());
        splits.test.gather(0..2, &mut images, &mut labels);
        assert!((images[0] * splits.std[0] + splits.mean[0] - 9.0).abs() < 1e-4);
    }

    #[test]
    fn an_empty_part_is_refused_with_the_settings_named() {
        for (data, train, validation) in [
            (toy(), 0.9, 0.1),
            (toy(), 0.01, 0.2),
            (toy(), 4e9, 4e9),
            (toy(), 5.0, 5.0),
            (tested(), 10.0, 0.0),
            (tested(), 6.0, 5.0),
        ] {
            let error = sizes(&data, train, validation).unwrap_err();
            assert!(
                error.contains("data.train") && error.contains("10 samples"),
                "{error}"
            );
        }
    }
}
