//! How a child is rewarded, and how the reward is presented.

use serde::{Deserialize, Serialize};
use supernet_engine::device::Samples;
use supernet_strategy::Score;

/// The meaning of a score's reward.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Metric {
    /// The fraction of samples that are classified correctly.
    #[default]
    Accuracy,
    /// For language models: c/perplexity (ENAS §2.2).
    Perplexity {
        /// c.
        reward: f32,
        /// Whether the text is read by character; bits per character are then reported.
        by_character: bool,
    },
}

impl Metric {
    /// Whether this is the metric of image classification.
    pub(crate) fn is_accuracy(&self) -> bool {
        *self == Self::Accuracy
    }

    /// The score of the first `count` samples or tokens: means, summed in order.
    pub(crate) fn score(self, samples: &Samples, count: usize) -> Score {
        let score = mean(samples, count);
        match self {
            Self::Accuracy => score,
            Self::Perplexity { reward, .. } => {
                let earned = f64::from(reward) / perplexity(score.loss.into());
                Score {
                    reward: earned as f32,
                    ..score
                }
            }
        }
    }

    /// Formats a reward: accuracy as a percentage, c/perplexity as it is.
    pub fn reward(self, reward: f64) -> String {
        match self {
            Self::Accuracy => format!("{:.1} %", 100.0 * reward),
            Self::Perplexity { .. } => format!("{reward:.3}"),
        }
    }

    /// Formats a difference of two rewards with its standard error.
    pub fn difference(self, difference: f64, standard_error: Option<f64>) -> String {
        let (scale, digits, unit) = match self {
            Self::Accuracy => (100.0, 1, " points"),
            Self::Perplexity { .. } => (1.0, 3, ""),
        };
        let difference = scale * difference;
        match standard_error {
            Some(error) => format!("{difference:+.digits$} ± {:.digits$}{unit}", scale * error),
            None => format!("{difference:+.digits$}{unit}"),
        }
    }

    /// Formats a mean reward: accuracy as a percentage, or the perplexity that has this reward.
    pub(crate) fn mean_of_rewards(self, reward: f64) -> String {
        match self {
            Self::Accuracy => format!("{:.1} %", 100.0 * reward),
            Self::Perplexity { reward: c, .. } => {
                format!("{:.2}", f64::from(c) / reward)
            }
        }
    }

    /// Describes a score on the split that is called `split`.
    pub fn on(self, split: &str, score: &Score) -> String {
        match self {
            Self::Accuracy => format!("{:.1} % {split} accuracy", 100.0 * score.reward),
            Self::Perplexity { .. } => format!("{split} {}", self.describe(score)),
        }
    }

    /// Describes a score.
    pub fn describe(self, score: &Score) -> String {
        let loss = f64::from(score.loss);
        match self {
            Self::Accuracy => format!("{:.1} %", 100.0 * score.reward),
            Self::Perplexity {
                by_character: false,
                ..
            } => format!("perplexity {:.2}", perplexity(loss)),
            Self::Perplexity {
                by_character: true, ..
            } => {
                format!(
                    "perplexity {:.3} ({:.3} bits per character)",
                    perplexity(loss),
                    loss / std::f64::consts::LN_2
                )
            }
        }
    }
}

/// The mean over the first `count` samples, summed in order. A loss that is not a number counts as
/// the largest: it ranks last, and it can be written as JSON.
fn mean(samples: &Samples, count: usize) -> Score {
    let mean = |numbers: &[f32]| {
        let sum: f64 = numbers[..count].iter().map(|x| f64::from(*x)).sum();
        (sum / count as f64) as f32
    };
    let loss = mean(&samples.loss);
    Score {
        reward: mean(&samples.correct),
        loss: if loss.is_finite() { loss } else { f32::MAX },
    }
}

/// The number of equally likely tokens with the same uncertainty; infinite where it exceeds an f64.
pub(crate) fn perplexity(loss: f64) -> f64 {
    loss.exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_model_earns_c_over_its_perplexity() {
        let samples = Samples {
            loss: vec![8_f32.ln(), 2_f32.ln(), 99.0],
            correct: vec![1.0, 0.0, 0.0],
            ..Samples::default()
        };
        let metric = Metric::Perplexity {
            reward: 80.0,
            by_character: false,
        };
        let score = metric.score(&samples, 2);
        assert!((score.reward - 20.0).abs() < 1e-4, "{score:?}");
        assert_eq!(
            metric.on("validation", &score),
            "validation perplexity 4.00"
        );
        let characters = Metric::Perplexity {
            reward: 4.0,
            by_character: true,
        };
        assert_eq!(
            characters.describe(&score),
            "perplexity 4.000 (2.000 bits per character)"
        );
        assert_eq!(
            metric
                .score(
                    &Samples {
                        loss: vec![f32::NAN],
                        correct: vec![0.0],
                        ..Samples::default()
                    },
                    1
                )
                .reward,
            0.0
        );
        assert_eq!(
            Metric::Accuracy.on("test", &Metric::Accuracy.score(&samples, 2)),
            "50.0 % test accuracy"
        );
    }
}
