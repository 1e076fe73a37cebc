//! The results of retraining.

use std::fmt;

use serde::{Deserialize, Serialize};
use supernet_strategy::{Genome, Score};

use super::mean::Mean;
use super::metric::{Metric, perplexity};

/// The origin of a network's architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Side {
    /// The architecture that was found or given.
    Found,
    /// A sample of the space's prior.
    Random,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Found => "found",
            Self::Random => "random",
        })
    }
}

/// A network that was trained from scratch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TrainedNetwork {
    /// The origin of its architecture.
    pub side: Side,
    /// Its genome.
    pub genome: Genome,
    /// Seeds the initialisation, the minibatches and dropout.
    pub seed: u64,
    /// Number of parameters.
    pub parameters: u64,
    /// Multiply-accumulates for one sample.
    pub macs: u64,
    /// Means over the last training pass, with the loss that was minimised.
    pub train: Option<Score>,
    /// Its score on the test split, which neither search nor training has seen; none if the
    /// training diverged.
    pub test: Option<Score>,
}

/// Architectures that were trained from scratch: `best/retrained.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Retrained {
    /// Passes over the training and validation splits.
    pub epochs: u32,
    /// The networks, in training order.
    pub networks: Vec<TrainedNetwork>,
    /// Comparison of the architecture that was found with random ones.
    pub comparison: Comparison,
}

/// Test accuracies, or test perplexities, of networks that were trained in the same way.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Comparison {
    /// The architecture that was found, over its seeds.
    pub found: Mean,
    /// Random architectures, each with one of the same seeds.
    pub random: Mean,
    /// found − random; none if a side is empty.
    pub difference: Option<f64>,
    /// Standard error of the difference; none with fewer than two networks on a side.
    pub standard_error: Option<f64>,
    /// Networks whose training diverged; they are excluded from all of these numbers.
    pub diverged: u32,
    /// The compared metric: accuracy, or the perplexity of language models, where lower is better.
    #[serde(
        default,
        alias = "measure",
        skip_serializing_if = "Metric::is_accuracy"
    )]
    pub metric: Metric,
}

impl Retrained {
    pub(crate) fn new(epochs: u32, networks: Vec<TrainedNetwork>, metric: Metric) -> Self {
        let comparison = Comparison::new(&networks, metric);
        Self {
            epochs,
            networks,
            comparison,
        }
    }

    /// A summary of the result.
    pub fn summary(&self) -> String {
        self.comparison.summary()
    }
}

impl Mean {
    fn describe(&self) -> String {
        match self.standard_error {
            Some(error) => format!("{:.2} ± {:.2} %", 100.0 * self.mean, 100.0 * error),
            None => format!("{:.2} %", 100.0 * self.mean),
        }
    }
}

/// The remedy for a training that diverges.
const LOWER: &str =
    "lower `retrain.learning_rate`, or `optimizer.learning_rate`, twice which it is where it is 0";

impl Comparison {
    fn new(networks: &[TrainedNetwork], metric: Metric) -> Self {
        let number = |score: Score| match metric {
            Metric::Accuracy => f64::from(score.reward),
            Metric::Perplexity { .. } => perplexity(score.loss.into()),
        };
        let side = |side| {
            let of_side = networks.iter().filter(|network| network.side == side);
            Mean::of(
                &of_side
                    .filter_map(|network| Some(number(network.test?)))
                    .collect::<Vec<_>>(),
            )
        };
        let (found, random) = (side(Side::Found), side(Side::Random));
        let both = found.count > 0 && random.count > 0;
        let errors = found.standard_error.zip(random.standard_error);
        Self {
            found,
            random,
            difference: both.then_some(found.mean - random.mean),
            standard_error: errors.map(|(a, b)| a.hypot(b)),
            metric,
            diverged: networks
                .iter()
                .filter(|network| network.test.is_none())
                .count() as u32,
        }
    }

    /// A summary of the comparison. A difference within two standard errors is not called a
    /// difference.
    pub fn summary(&self) -> String {
        if !self.metric.is_accuracy() {
            return self.of_text();
        }
        let Self {
            found,
            random,
            difference,
            standard_error,
            diverged,
            ..
        } = *self;
        let many =
            |count: u32, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
        let left_out = match diverged {
            0 => String::new(),
            _ => format!("; {} diverged and left out", many(diverged, "training")),
        };
        if found.count == 0 {
            return format!("no training of the architecture came to an end{left_out}; {LOWER}");
        }
        let alone = format!(
            "{} test accuracy after training from scratch ({})",
            found.describe(),
            many(found.count, "seed")
        );
        let Some(difference) = difference else {
            return format!("{alone}{left_out}");
        };
        let both = format!(
            "{alone}, random architectures {} ({}){left_out}",
            random.describe(),
            random.count
        );
        let points = 100.0 * difference;
        match standard_error.map(|error| 100.0 * error) {
            None => {
                format!("{both}: {points:+.2} points, of which nothing can be said with so few")
            }
            Some(error) if points.abs() <= 2.0 * error => {
                format!("{both}: {points:+.2} ± {error:.2} points, no significant difference")
            }
            Some(error) => {
                let than = if points > 0.0 { "better" } else { "worse" };
                format!("{both}: {than} by {:.2} ± {error:.2} points", points.abs())
            }
        }
    }
}

impl Comparison {
    /// The summary for language models.
    fn of_text(&self) -> String {
        let Self {
            found,
            random,
            difference,
            standard_error,
            diverged,
            ..
        } = *self;
        let mean = |of: Mean| match of.standard_error {
            Some(error) => format!("{:.2} ± {error:.2} ({})", of.mean, of.count),
            None => format!("{:.2} ({})", of.mean, of.count),
        };
        let left_out = if diverged == 0 {
            String::new()
        } else {
            format!("; {diverged} diverged and left out")
        };
        if found.count == 0 {
            return format!("no training of the architecture came to an end{left_out}; {LOWER}");
        }
        let alone = format!(
            "test perplexity {} after training from scratch",
            mean(found)
        );
        let Some(difference) = difference else {
            return format!("{alone}{left_out}");
        };
        let both = format!("{alone}, random architectures {}{left_out}", mean(random));
        match standard_error {
            None => format!("{both}: {difference:+.2}, of which nothing can be said with so few"),
            Some(error) if difference.abs() <= 2.0 * error => {
                format!("{both}: {difference:+.2} ± {error:.2}, no significant difference")
            }
            Some(error) => {
                let than = if difference < 0.0 { "better" } else { "worse" };
                format!("{both}: {than} by {:.2} ± {error:.2}", difference.abs())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(side: Side, accuracy: Option<f32>) -> TrainedNetwork {
        let test = accuracy.map(|accuracy| Score {
            reward: accuracy,
            loss: 0.5,
        });
        TrainedNetwork {
            side,
            genome: vec![1],
            seed: 0,
            parameters: 1,
            macs: 1,
            train: None,
            test,
        }
    }

    fn compare(found: &[f32], random: &[f32]) -> Comparison {
        let side = |side, of: &[f32]| {
            of.iter()
                .map(move |a| network(side, Some(*a)))
                .collect::<Vec<_>>()
        };
        Comparison::new(
            &[side(Side::Found, found), side(Side::Random, random)].concat(),
            Metric::Accuracy,
        )
    }

    #[test]
    fn means_and_errors_are_those_of_two_samples() {
        let compared = compare(&[0.9, 0.8, 1.0], &[0.5, 0.7]);
        assert!((compared.difference.unwrap() - 0.3).abs() < 1e-7);
        // Sample variances 0.01 and 0.02, over 3 and 2.
        assert!(
            (compared.standard_error.unwrap() - (0.01_f64 / 3.0 + 0.02 / 2.0).sqrt()).abs() < 1e-7
        );
        assert_eq!((compared.found.count, compared.random.count), (3, 2));
    }

    #[test]
    fn the_verdict_is_honest() {
        let said = |found: &[f32], random: &[f32]| compare(found, random).summary();
        let close = said(&[0.97, 0.98, 0.96], &[0.96, 0.97, 0.97]);
        assert!(
            close.ends_with("(3): +0.33 ± 0.67 points, no significant difference"),
            "{close}"
        );
        let better = said(&[0.97, 0.98, 0.96], &[0.80, 0.81, 0.82]);
        assert!(
            better.contains("97.00 ± 0.58 % test accuracy after training from scratch (3 seeds)"),
            "{better}"
        );
        assert!(
            better.ends_with("better by 16.00 ± 0.82 points"),
            "{better}"
        );
        assert!(said(&[0.80, 0.81], &[0.97, 0.98]).contains("worse by 17.00"));
        assert!(
            said(&[0.9], &[0.8]).contains("nothing can be said with so few"),
            "{}",
            said(&[0.9], &[0.8])
        );
        assert_eq!(
            said(&[0.9], &[]),
            "90.00 % test accuracy after training from scratch (1 seed)"
        );
        let one = [network(Side::Found, Some(0.5)), network(Side::Random, None)];
        assert!(
            Comparison::new(&one, Metric::Accuracy)
                .summary()
                .ends_with("; 1 training diverged and left out")
        );
        assert!(
            Comparison::new(&[network(Side::Found, None)], Metric::Accuracy)
                .summary()
                .contains("no training")
        );
    }

    #[test]
    fn of_language_models_the_lower_perplexity_is_better() {
        let text = Metric::Perplexity {
            reward: 80.0,
            by_character: false,
        };
        let with = |side, perplexity: f32| {
            let test = Some(Score {
                reward: 80.0 / perplexity,
                loss: perplexity.ln(),
            });
            TrainedNetwork {
                test,
                ..network(side, None)
            }
        };
        let all = [
            with(Side::Found, 60.0),
            with(Side::Found, 62.0),
            with(Side::Random, 80.0),
            with(Side::Random, 82.0),
        ];
        let said = Comparison::new(&all, text).summary();
        assert!(
            said.starts_with("test perplexity 61.00 ± 1.00 (2) after"),
            "{said}"
        );
        assert!(
            said.ends_with("random architectures 81.00 ± 1.00 (2): better by 20.00 ± 1.41"),
            "{said}"
        );
        assert!(
            Comparison::new(&all[..1], text)
                .summary()
                .starts_with("test perplexity 60.00 (1)")
        );
    }
}
