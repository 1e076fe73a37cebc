//! A mean with its standard error: all standard errors of means are computed here.

use serde::{Deserialize, Serialize};

/// A mean with its standard error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Mean {
    /// Number of values.
    pub count: u32,
    /// The mean; 0 if there are no values.
    pub mean: f64,
    /// Its standard error; none with fewer than two values.
    pub standard_error: Option<f64>,
}

impl Mean {
    /// The mean of `values`.
    pub fn of(values: &[f64]) -> Self {
        let moments = Moments::of(values.iter().copied());
        Self {
            count: values.len() as u32,
            mean: moments.mean,
            standard_error: moments.square_error.map(f64::sqrt),
        }
    }
}

/// The difference of two sample means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Difference {
    /// Minimum number of samples per side.
    pub(crate) samples: u32,
    pub(crate) policy: f64,
    pub(crate) random: f64,
    /// policy − random.
    pub(crate) difference: f64,
    /// Standard error of the difference; none with fewer than two samples on a side.
    pub(crate) standard_error: Option<f64>,
}

impl Difference {
    pub(crate) fn of(policy: &[f32], random: &[f32]) -> Self {
        let [a, b] = [policy, random].map(|side| Moments::of(side.iter().map(|x| f64::from(*x))));
        let squares = a.square_error.zip(b.square_error);
        Self {
            samples: policy.len().min(random.len()) as u32,
            policy: a.mean,
            random: b.mean,
            difference: a.mean - b.mean,
            standard_error: squares.map(|(a, b)| (a + b).sqrt()),
        }
    }

    /// The sign of the difference if it exceeds two standard errors; none otherwise, or while the
    /// standard error is unknown.
    pub(crate) fn sign(difference: f64, standard_error: Option<f64>) -> i8 {
        match standard_error {
            Some(error) if difference > 2.0 * error => 1,
            Some(error) if difference < -2.0 * error => -1,
            _ => 0,
        }
    }
}

struct Moments {
    mean: f64,
    /// Squared standard error of the mean.
    square_error: Option<f64>,
}

impl Moments {
    fn of(values: impl ExactSizeIterator<Item = f64> + Clone) -> Self {
        let (len, count) = (values.len(), values.len() as f64);
        let mean = values.clone().sum::<f64>() / count.max(1.0);
        let squares: f64 = values.map(|x| (x - mean).powi(2)).sum();
        let square_error = (len > 1).then(|| squares / (count - 1.0) / count);
        Self { mean, square_error }
    }
}
