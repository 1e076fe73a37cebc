//! The architecture that was found compared with others that were trained in the same way.

use serde::{Deserialize, Serialize};

use super::best_of_random::BestOfRandom;
use super::mean::{Difference, Mean};
use super::metric::Metric;
use super::retrained::{Side, TrainedNetwork};

/// Architectures are of the same size if their numbers of parameters differ by at most this
/// fraction.
const SAME_SIZE: f64 = 0.1;

/// Whether `parameters` is nearly the same number as `found`.
pub(crate) fn is_same_size(parameters: u64, found: u64) -> bool {
    (parameters as f64 - found as f64).abs() <= SAME_SIZE * found as f64
}

/// The architecture that was found compared with one kind of others.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SideComparison {
    /// The others.
    pub mean: Mean,
    /// found − others; none if a side is empty.
    pub difference: Option<f64>,
    /// Standard error of the difference; none with fewer than two networks on a side.
    pub standard_error: Option<f64>,
    /// Parameters of the architecture that was found, as a fraction of the others' mean.
    pub size: f64,
    /// Whether every one of the others has the same number of parameters to within a tenth.
    pub is_same_size: bool,
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
    /// Random architectures of nearly the same size; none if none was trained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_size: Option<SideComparison>,
    /// The largest architecture of the space; none if it was not trained, or is the one that was
    /// found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub largest: Option<SideComparison>,
    /// The best of the random architectures that the cost of the search pays for; none without a
    /// search.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best_of_random: Option<BestOfRandom>,
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
    pub(super) fn new(networks: &[TrainedNetwork], metric: Metric) -> Self {
        let tested = |side| {
            let of_side = networks.iter().filter(move |network| network.side == side);
            of_side.filter_map(|network| Some((network.parameters, metric.quality(&network.test?))))
        };
        let mean = |side| Mean::of(&tested(side).map(|(_, number)| number).collect::<Vec<_>>());
        let found = mean(Side::Found);
        let parameters = tested(Side::Found).next().map_or(0, |(of, _)| of);
        let with = |side| {
            let (mean, sizes) = (mean(side), tested(side).map(|(of, _)| of));
            let both = found.count > 0 && mean.count > 0;
            let errors = found.standard_error.zip(mean.standard_error);
            let all: f64 = sizes.clone().map(|of| of as f64).sum();
            SideComparison {
                mean,
                difference: both.then_some(found.mean - mean.mean),
                standard_error: errors.map(|(a, b)| a.hypot(b)),
                size: f64::from(mean.count) * parameters as f64 / all.max(1.0),
                is_same_size: sizes.clone().all(|of| is_same_size(of, parameters)),
            }
        };
        let trained = |side: &SideComparison| side.mean.count > 0;
        let random = with(Side::Random);
        Self {
            found,
            random: random.mean,
            difference: random.difference,
            standard_error: random.standard_error,
            same_size: Some(with(Side::SameSize)).filter(trained),
            largest: Some(with(Side::Largest)).filter(trained),
            best_of_random: None,
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
        let first = if self.metric.is_accuracy() {
            self.of_accuracy()
        } else {
            self.of_text()
        };
        let best_of_random = self.best_of_random.filter(|_| self.found.count > 0);
        let more = [
            self.beside_same_size(),
            self.beside_largest(),
            best_of_random.map(|best| best.summary(self.found.mean, self.metric)),
        ];
        let said: Vec<String> = std::iter::once(first)
            .chain(more.into_iter().flatten())
            .collect();
        said.join("; ")
    }

    /// The comparison with random architectures of the same size.
    fn beside_same_size(&self) -> Option<String> {
        let side = self.same_size?;
        let others = match side.is_same_size {
            true => "random ones of the same size".to_owned(),
            false => format!(
                "the random ones nearest to its size, of whose parameters it has {:.0} %,",
                100.0 * side.size
            ),
        };
        let verdict = match self.verdict(&side)? {
            Verdict::Better(by) => format!("better by {by}"),
            Verdict::Worse(by) => format!("worse by {by}"),
            Verdict::Same(by) => format!("{by}, no significant difference"),
            Verdict::Unknown(by) => format!("{by}, of which nothing can be said with so few"),
        };
        Some(format!(
            "{others} {} ({}): {verdict}",
            self.described(side.mean),
            side.mean.count
        ))
    }

    /// The comparison with the largest architecture.
    fn beside_largest(&self) -> Option<String> {
        let side = self.largest?;
        let verdict = match self.verdict(&side)? {
            Verdict::Better(by) => format!("better than the largest by {by}"),
            Verdict::Worse(by) => format!("worse than the largest by {by}"),
            Verdict::Same(by) => format!("no significant difference to the largest ({by})"),
            Verdict::Unknown(by) => {
                format!("{by} to the largest, of which nothing can be said with so few")
            }
        };
        Some(format!(
            "{verdict} with {:.0} % of its parameters",
            100.0 * side.size
        ))
    }

    fn verdict(&self, side: &SideComparison) -> Option<Verdict> {
        let difference = side.difference?;
        let (scale, unit) = match self.metric {
            Metric::Accuracy => (100.0, " points"),
            Metric::Perplexity { .. } => (1.0, ""),
        };
        let signed = scale * difference;
        let Some(error) = side.standard_error else {
            return Some(Verdict::Unknown(format!("{signed:+.2}{unit}")));
        };
        let (by, within) = (signed.abs(), scale * error);
        Some(
            match Difference::sign(self.metric.gain(difference), Some(error)) {
                1 => Verdict::Better(format!("{by:.2} ± {within:.2}{unit}")),
                -1 => Verdict::Worse(format!("{by:.2} ± {within:.2}{unit}")),
                _ => Verdict::Same(format!("{signed:+.2} ± {within:.2}{unit}")),
            },
        )
    }

    fn described(&self, mean: Mean) -> String {
        match (self.metric, mean.standard_error) {
            (Metric::Accuracy, _) => mean.describe(),
            (_, Some(error)) => format!("{:.2} ± {error:.2}", mean.mean),
            (_, None) => format!("{:.2}", mean.mean),
        }
    }

    /// The comparison of accuracies with random architectures.
    fn of_accuracy(&self) -> String {
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

/// What a difference amounts to, with the difference in words.
enum Verdict {
    Better(String),
    Worse(String),
    Same(String),
    Unknown(String),
}

#[cfg(test)]
#[path = "comparison_tests.rs"]
mod tests;
