//! Whether the controller is any good: its samples against random ones, scored alike.

use serde::{Deserialize, Serialize};

/// Fresh samples of the policy and samples of the space's prior, each scored on the whole validation part with the same
/// shared weights.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gain {
    /// Samples on each side.
    pub samples: u32,
    /// Mean accuracy of the policy's samples.
    pub policy: f64,
    /// Mean accuracy of the prior's samples.
    pub random: f64,
    /// policy − random.
    pub difference: f64,
    /// Standard error of the difference, over samples of architectures; the shared weights are one and the same.
    pub standard_error: f64,
}

impl Gain {
    /// Compares two sets of accuracies. Of fewer than two samples on a side the standard error is infinite: nothing is
    /// known.
    pub fn new(policy: &[f32], random: &[f32]) -> Self {
        let (a, b) = (Moments::of(policy), Moments::of(random));
        Self {
            samples: policy.len().min(random.len()) as u32,
            policy: a.mean,
            random: b.mean,
            difference: a.mean - b.mean,
            standard_error: (a.square_error + b.square_error).sqrt(),
        }
    }

    /// The comparison in words.
    pub fn sentence(&self) -> String {
        let (points, error) = (100.0 * self.difference, 100.0 * self.standard_error);
        if !error.is_finite() {
            return "too few samples to tell whether the policy's are better than random ones".to_owned();
        }
        let by = format!("{:.1} ± {error:.1} points", points.abs());
        let means = format!(
            "({:.1} % against {:.1} %, {} samples each, whole validation part, same shared weights)",
            100.0 * self.policy,
            100.0 * self.random,
            self.samples
        );
        if points > 2.0 * error {
            format!("the policy's samples are better than random ones by {by} {means}")
        } else if points < -2.0 * error {
            format!("the policy's samples are worse than random ones by {by} {means}")
        } else {
            format!("the policy's samples are no better than random ones: {points:+.1} ± {error:.1} points {means}")
        }
    }
}

struct Moments {
    mean: f64,
    /// Squared standard error of the mean.
    square_error: f64,
}

impl Moments {
    fn of(values: &[f32]) -> Self {
        let count = values.len() as f64;
        let mean = values.iter().map(|x| f64::from(*x)).sum::<f64>() / count.max(1.0);
        let squares: f64 = values.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum();
        let square_error = if values.len() < 2 { f64::INFINITY } else { squares / (count - 1.0) / count };
        Self { mean, square_error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn difference_and_error_are_those_of_two_means() {
        let gain = Gain::new(&[0.9, 0.8, 1.0], &[0.5, 0.7]);
        assert!((gain.difference - 0.3).abs() < 1e-7);
        // Sample variances 0.01 and 0.02, over 3 and 2.
        assert!((gain.standard_error - (0.01_f64 / 3.0 + 0.02 / 2.0).sqrt()).abs() < 1e-7);
        assert!(gain.sentence().contains("better than random ones by 30.0 ± 11.5 points"), "{}", gain.sentence());
    }

    #[test]
    fn no_difference_is_said_in_words() {
        let same = Gain::new(&[0.5, 0.7, 0.6], &[0.5, 0.7, 0.61]);
        assert!(same.sentence().contains("no better than random"), "{}", same.sentence());
        let worse = Gain::new(&[0.1, 0.1], &[0.9, 0.9]);
        assert!(worse.sentence().contains("worse"), "{}", worse.sentence());
        assert!(Gain::new(&[0.5], &[0.4]).sentence().contains("too few"));
    }
}
