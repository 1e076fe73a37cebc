//! Evaluation of a finished network on labelled images.

use std::fmt;
use std::ops::Range;

use serde::Serialize;
use supernet_data::{Splits, Subset};
use supernet_engine::device::Device;

use super::Model;
use super::error::ModelError;
use super::predict::{Images, log_probabilities};

/// Number of confidence bins (Guo et al. 2017, "On Calibration of Modern Neural Networks", §2).
const BINS: usize = 15;
/// Maximum number of classes in a confusion matrix.
const MOST_CLASSES: u32 = 10_000;
/// Maximum number of classes for which the matrix is printed.
const SHOWN: usize = 20;

/// The performance of a network on labelled images.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Evaluation {
    /// Number of images.
    pub samples: usize,
    /// Fraction of the images that are classified correctly.
    pub accuracy: f64,
    /// Mean cross-entropy in nats.
    pub loss: f64,
    /// Expected calibration error: the mean over the samples of the gap between confidence and
    /// accuracy, in 15 confidence bins of equal width (Guo et al. 2017, §2).
    pub calibration_error: f64,
    /// `confusion[label][class]`: the number of images with that label that were classified as that
    /// class.
    pub confusion: Vec<Vec<u64>>,
}

/// An evaluation in progress.
struct Tally {
    correct: u64,
    loss: f64,
    confusion: Vec<Vec<u64>>,
    /// For each bin: the number of samples, the number of correct ones, and the sum of their
    /// confidences.
    bins: [(u64, u64, f64); BINS],
}

impl Tally {
    fn new(classes: u32) -> Self {
        let confusion = vec![vec![0; classes as usize]; classes as usize];
        Self {
            correct: 0,
            loss: 0.0,
            confusion,
            bins: [(0, 0, 0.0); BINS],
        }
    }

    fn add(&mut self, logits: &[f32], label: u32) {
        let (class, logs) = log_probabilities(logits);
        let confidence = logs[class as usize].exp();
        let correct = u64::from(class == label);
        self.correct += correct;
        self.loss -= logs[label as usize];
        self.confusion[label as usize][class as usize] += 1;
        // Bins are open below and closed above.
        let bin = (confidence * BINS as f64).ceil() as usize;
        let (samples, hits, together) = &mut self.bins[bin.clamp(1, BINS) - 1];
        (*samples, *hits, *together) = (*samples + 1, *hits + correct, *together + confidence);
    }

    fn finish(self) -> Evaluation {
        let samples: u64 = self.confusion.iter().flatten().sum();
        let off = self
            .bins
            .iter()
            .map(|(_, hits, confidence)| (*hits as f64 - confidence).abs());
        let of = samples as f64;
        Evaluation {
            samples: samples as usize,
            accuracy: self.correct as f64 / of,
            loss: self.loss / of,
            calibration_error: off.sum::<f64>() / of,
            confusion: self.confusion,
        }
    }
}

impl Model {
    /// Evaluates the network on images with one label each, on the CPU.
    ///
    /// # Errors
    /// If images or labels do not fit the network, or the device fails.
    pub fn evaluate<'a>(
        &self,
        images: impl Into<Images<'a>>,
        labels: &[u32],
    ) -> Result<Evaluation, ModelError> {
        let images = images.into();
        self.on_cpu(|cpu| self.evaluate_on(cpu, images, labels))
    }

    /// Evaluates the network on images, on the caller's device.
    ///
    /// # Errors
    /// As [`Model::evaluate`].
    pub fn evaluate_on<'a>(
        &self,
        device: &mut dyn Device,
        images: impl Into<Images<'a>>,
        labels: &[u32],
    ) -> Result<Evaluation, ModelError> {
        let images = images.into();
        let count = self.count(images)?;
        if count != labels.len() {
            let reason = format!("there are {count} images and {} labels", labels.len());
            return Err(ModelError::Labels { reason });
        }
        self.tally(device, labels, &mut |range, pixels| {
            self.gather(images, range, pixels)
        })
    }

    /// Evaluates the network on some splits of a data set together, each sample once.
    ///
    /// # Errors
    /// As [`Model::evaluate`].
    pub fn evaluate_subsets(
        &self,
        device: &mut dyn Device,
        splits: &Splits,
        subsets: &[&Subset],
    ) -> Result<Evaluation, ModelError> {
        let places: Vec<(&Subset, usize)> = subsets
            .iter()
            .flat_map(|subset| (0..subset.len()).map(move |sample| (*subset, sample)))
            .collect();
        let (mut pixels, mut label) = (Vec::new(), Vec::new());
        let mut labels = Vec::with_capacity(places.len());
        for (subset, sample) in &places {
            subset.gather(std::iter::once(*sample), &mut pixels, &mut label);
            labels.extend_from_slice(&label);
            if pixels.len() != self.about.pixels() {
                let reason = format!(
                    "each has {} numbers, and these have {}",
                    self.about.pixels(),
                    pixels.len()
                );
                return Err(ModelError::Images {
                    image: self.about.image,
                    reason,
                });
            }
        }
        let alike = splits.mean == self.about.mean && splits.std == self.about.std;
        self.tally(device, &labels, &mut |range: Range<usize>, all| {
            all.clear();
            for (subset, sample) in &places[range] {
                subset.gather(std::iter::once(*sample), &mut pixels, &mut label);
                all.extend_from_slice(&pixels);
            }
            // They were standardised with the statistics of another training split.
            if !alike {
                raw(all, splits);
                self.about.standardise(all);
            }
        })
    }

    fn tally(
        &self,
        device: &mut dyn Device,
        labels: &[u32],
        gather: &mut dyn FnMut(Range<usize>, &mut Vec<f32>),
    ) -> Result<Evaluation, ModelError> {
        let classes = self.about.classes;
        let wrong = |reason: String| Err(ModelError::Labels { reason });
        if labels.is_empty() {
            return wrong("there are no images".to_owned());
        }
        if classes > MOST_CLASSES {
            return wrong(format!(
                "it tells {classes} classes apart, and a confusion matrix has at most {MOST_CLASSES}"
            ));
        }
        if let Some(label) = labels.iter().find(|label| **label >= classes) {
            return wrong(format!(
                "there is a label {label}, and the network tells {classes} classes apart"
            ));
        }
        let (mut tally, mut labelled) = (Tally::new(classes), labels.iter());
        self.run(device, labels.len(), gather, &mut |logits| {
            labelled
                .next()
                .into_iter()
                .for_each(|label| tally.add(logits, *label));
        })?;
        Ok(tally.finish())
    }
}

/// Reverts the standardisation of a data set's splits.
fn raw(pixels: &mut [f32], splits: &Splits) {
    let channels = splits.mean.len().max(1);
    for (i, x) in pixels.iter_mut().enumerate() {
        let std = splits.std[i % channels];
        *x = *x * if std > 0.0 { std } else { 1.0 } + splits.mean[i % channels];
    }
}

impl Evaluation {
    /// A one-line summary.
    pub fn summary(&self) -> String {
        format!(
            "{:.2} % of {} images correct, cross-entropy {:.4} nats, expected calibration error {:.4}",
            100.0 * self.accuracy,
            self.samples,
            self.loss,
            self.calibration_error
        )
    }
}

impl fmt::Display for Evaluation {
    /// The summary, then the confusion matrix, with labels as rows and classes as columns; if there
    /// are many classes, only those that were confused most often.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.summary())?;
        if self.confusion.len() <= SHOWN {
            let largest = self.confusion.iter().flatten().max().copied().unwrap_or(0);
            let width = largest
                .max(self.confusion.len() as u64)
                .to_string()
                .len()
                .max(3);
            write!(f, "{:>8}", "label")?;
            (0..self.confusion.len()).try_for_each(|class| write!(f, " {class:>width$}"))?;
            for (label, row) in self.confusion.iter().enumerate() {
                write!(f, "\n{label:>8}")?;
                row.iter()
                    .try_for_each(|count| write!(f, " {count:>width$}"))?;
            }
            return Ok(());
        }
        let mut confused: Vec<(u64, usize, usize)> = Vec::new();
        for (label, row) in self.confusion.iter().enumerate() {
            confused.extend(
                row.iter()
                    .enumerate()
                    .filter(|(class, _)| *class != label)
                    .map(|(c, n)| (*n, label, c)),
            );
        }
        confused.retain(|(count, ..)| *count > 0);
        confused.sort_by_key(|(count, label, class)| (std::cmp::Reverse(*count), *label, *class));
        write!(f, "most often confused:")?;
        confused
            .iter()
            .take(SHOWN)
            .try_for_each(|(count, label, class)| write!(f, "\n  {label} for {class}: {count}"))
    }
}
