//! Whether the controller is any good: its samples against random ones, scored alike.

use serde::{Deserialize, Serialize};

/// Fresh samples of the policy and samples of the space's prior, each scored on the whole validation part with the same
/// shared weights.
///
/// After warm-up these weights were trained on the policy's own samples, which favours them: the difference shows that
/// the loop is closed, and holds for the shared weights. It is not the difference of the architectures trained alone.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gain {
    /// Samples on each side.
    pub samples: u32,
    /// Different genomes among the policy's samples: few mean that the policy has made up its mind.
    pub distinct: u32,
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
    /// Compares two sets of accuracies, `distinct` of the policy's from different genomes. Of fewer than two samples on a
    /// side the standard error is infinite: nothing is known.
    pub fn new(policy: &[f32], random: &[f32], distinct: u32) -> Self {
        let (a, b) = (Moments::of(policy), Moments::of(random));
        Self {
            samples: policy.len().min(random.len()) as u32,
            distinct,
            policy: a.mean,
            random: b.mean,
            difference: a.mean - b.mean,
            standard_error: (a.square_error + b.square_error).sqrt(),
        }
    }

    /// The comparison in words.
    pub fn sentence(&self) -> String {
        let (points, error) = (100.0 * self.difference, 100.0 * self.standard_error);
        if self.samples < FEWEST {
            return "too few samples to tell whether the policy's are better than random ones".to_owned();
        }
        let by = format!("{:.1} ± {error:.1} points", points.abs());
        let means = format!(
            "({:.1} % against {:.1} %, {} samples each, {} different ones of the policy's, whole validation part, same \
             shared weights)",
            100.0 * self.policy,
            100.0 * self.random,
            self.samples,
            self.distinct
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

/// Samples on a side below which no verdict is given: a normal distribution's two standard errors are none yet.
const FEWEST: u32 = 20;

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
        let gain = Gain::new(&[0.9, 0.8, 1.0], &[0.5, 0.7], 3);
        assert!((gain.difference - 0.3).abs() < 1e-7);
        // Sample variances 0.01 and 0.02, over 3 and 2.
        assert!((gain.standard_error - (0.01_f64 / 3.0 + 0.02 / 2.0).sqrt()).abs() < 1e-7);
        assert!(gain.sentence().contains("too few samples"), "{}", gain.sentence());
    }

    #[test]
    fn the_verdict_is_in_words() {
        let around = |mean: f32| -> Vec<f32> { (0..20).map(|i| mean + 0.01 * (i % 5) as f32).collect() };
        let said = |policy, random| Gain::new(&around(policy), &around(random), 20).sentence();
        assert!(said(0.8, 0.5).contains("better than random ones by 30.0 ± 0.5 points"), "{}", said(0.8, 0.5));
        assert!(said(0.5, 0.503).contains("no better than random ones: -0.3 ± 0.5 points"), "{}", said(0.5, 0.503));
        assert!(said(0.5, 0.8).contains("worse"), "{}", said(0.5, 0.8));
    }
}
