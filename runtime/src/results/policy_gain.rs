//! Whether the controller has learnt anything: its samples compared with random ones, scored in the
//! same way.

use serde::{Deserialize, Serialize};

use super::mean::Difference;
use super::metric::Metric;
use crate::config::StrategyName;

/// Fresh samples of the policy and samples of the space's prior, each scored on the whole
/// validation split with the same shared weights.
///
/// After warm-up these weights were trained on the policy's own samples, which favours them: the
/// difference shows that the loop is closed, and holds for the shared weights. It is not the
/// difference between the architectures when trained alone.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PolicyGain {
    /// The strategy whose samples are compared with random ones.
    #[serde(default = "own")]
    pub strategy: StrategyName,
    /// Samples per side.
    pub samples: u32,
    /// Distinct genomes among the policy's samples: a small number means that the policy has
    /// converged.
    pub distinct: u32,
    /// Mean reward of the policy's samples.
    pub policy: f64,
    /// Mean reward of the prior's samples.
    pub random: f64,
    /// policy − random.
    pub difference: f64,
    /// Standard error of the difference, over samples of architectures; the shared weights are the
    /// same for all. None with fewer than two samples on a side.
    pub standard_error: Option<f64>,
    /// Reward of the best derived architecture. It was selected for this reward among many, so the
    /// value is optimistic.
    #[serde(default)]
    pub best: Option<f64>,
    /// Number of the prior's samples with a lower reward than the best derived architecture.
    #[serde(default)]
    pub behind: u32,
    /// The meaning of the rewards.
    #[serde(
        default,
        alias = "measure",
        skip_serializing_if = "Metric::is_accuracy"
    )]
    pub metric: Metric,
}

/// A small gain report during the search: the rollouts of one update, and as many samples of the
/// space's prior on the same validation minibatch.
///
/// Both sides share the minibatch, so that its difficulty cancels. The standard error is over
/// samples of architectures. One minibatch contains few images, so a single comparison says little,
/// and several consecutive ones say more.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InterimComparison {
    /// Samples per side.
    pub samples: u32,
    /// Mean reward of the policy's samples.
    pub policy: f64,
    /// Mean reward of the prior's samples.
    pub random: f64,
    /// policy − random.
    pub difference: f64,
    /// Standard error of the difference; none with fewer than two samples on a side.
    pub standard_error: Option<f64>,
}

impl InterimComparison {
    /// Compares two sets of rewards.
    pub fn new(policy: &[f32], random: &[f32]) -> Self {
        let Difference {
            samples,
            policy,
            random,
            difference,
            standard_error,
        } = Difference::of(policy, random);
        Self {
            samples,
            policy,
            random,
            difference,
            standard_error,
        }
    }
}

fn own() -> StrategyName {
    StrategyName::Custom
}

/// Names the owner of a strategy's samples in a sentence.
pub(crate) fn whose(strategy: StrategyName) -> &'static str {
    match strategy {
        StrategyName::Enas | StrategyName::Nas => "the controller's samples",
        StrategyName::Evolution => "the population's members",
        StrategyName::Random => "the search's own samples",
        StrategyName::Spos | StrategyName::OneShot | StrategyName::FairNas => "the best candidates",
        StrategyName::Halving => "the candidates",
        StrategyName::Darts
        | StrategyName::Snas
        | StrategyName::Gdas
        | StrategyName::Proxyless
        | StrategyName::Custom => "the policy's samples",
    }
}

impl PolicyGain {
    /// Compares two sets of rewards, where the policy's samples contain `distinct` distinct
    /// genomes.
    pub fn new(
        strategy: StrategyName,
        metric: Metric,
        policy: &[f32],
        random: &[f32],
        distinct: u32,
    ) -> Self {
        let Difference {
            samples,
            policy,
            random,
            difference,
            standard_error,
        } = Difference::of(policy, random);
        Self {
            strategy,
            samples,
            distinct,
            policy,
            random,
            difference,
            standard_error,
            best: None,
            behind: 0,
            metric,
        }
    }

    /// Adds the rank of the best derived architecture among the `random` rewards.
    #[must_use]
    pub fn with_best(mut self, best: f32, random: &[f32]) -> Self {
        self.best = Some(f64::from(best));
        self.behind = random.iter().filter(|reward| **reward < best).count() as u32;
        self
    }

    /// A summary of the comparison.
    pub fn summary(&self) -> String {
        let whose = whose(self.strategy);
        if !self.strategy.shares_weights() {
            return "no weights were shared, so nothing was scored with them".to_owned();
        }
        if self.strategy.learns_only_weights() {
            return format!(
                "with the shared weights the {} best candidates have {} and random architectures {}; they were chosen \
                 for it, so this says nothing about training them alone",
                self.distinct,
                self.metric.mean_of_rewards(self.policy),
                self.metric.mean_of_rewards(self.random),
            );
        }
        let Some(error) = self.standard_error.filter(|_| self.samples >= FEWEST) else {
            return format!("too few samples to tell whether {whose} are better than random ones");
        };
        let sign = Difference::sign(self.difference, self.standard_error);
        let than = ["worse than", "no better than", "better than"][(sign + 1) as usize];
        let (by, means) = match self.metric {
            Metric::Accuracy if sign == 0 => (
                format!(
                    ": {:+.1} ± {:.1} points",
                    100.0 * self.difference,
                    100.0 * error
                ),
                self.means("", ""),
            ),
            Metric::Accuracy => (
                format!(
                    " by {:.1} ± {:.1} points",
                    100.0 * self.difference.abs(),
                    100.0 * error
                ),
                self.means("", ""),
            ),
            Metric::Perplexity { reward, .. } => (
                format!(
                    ": {:+.3} ± {error:.3} in the reward {reward}/perplexity",
                    self.difference
                ),
                // The mean of the rewards c/perplexity corresponds to the harmonic mean of the
                // perplexities.
                self.means("perplexity ", "harmonic means, "),
            ),
        };
        let verdict = format!("{whose} are {than} random ones{by} {means}");
        let Some(best) = self.best else {
            return verdict;
        };
        let behind = match self.metric {
            Metric::Accuracy if self.behind == self.samples => "all".to_owned(),
            _ => format!("{} of the", self.behind),
        };
        format!(
            "{verdict}; the best derived one, at {}, is ahead of {behind} {} random ones",
            self.metric.mean_of_rewards(best),
            self.samples
        )
    }

    /// Both means, and the number of samples that they are over.
    fn means(&self, name: &str, kind: &str) -> String {
        format!(
            "({name}{} against {}, {kind}{} samples each, {} of {} different, whole validation split, same shared weights)",
            self.metric.mean_of_rewards(self.policy),
            self.metric.mean_of_rewards(self.random),
            self.samples,
            self.distinct,
            whose(self.strategy)
        )
    }
}

/// Samples per side below which no verdict is given: two standard errors assume a normal
/// distribution.
const FEWEST: u32 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn difference_and_error_are_those_of_two_means() {
        let gain = PolicyGain::new(
            StrategyName::Enas,
            Metric::Accuracy,
            &[0.9, 0.8, 1.0],
            &[0.5, 0.7],
            3,
        );
        assert!((gain.difference - 0.3).abs() < 1e-7);
        // Sample variances 0.01 and 0.02, over 3 and 2.
        assert!((gain.standard_error.unwrap() - (0.01_f64 / 3.0 + 0.02 / 2.0).sqrt()).abs() < 1e-7);
        assert!(
            gain.summary().contains("too few samples"),
            "{}",
            gain.summary()
        );
    }

    #[test]
    fn the_verdict_is_in_words() {
        let around =
            |mean: f32| -> Vec<f32> { (0..20).map(|i| mean + 0.01 * (i % 5) as f32).collect() };
        let said = |policy, random| {
            PolicyGain::new(
                StrategyName::Enas,
                Metric::Accuracy,
                &around(policy),
                &around(random),
                20,
            )
            .summary()
        };
        assert!(
            said(0.8, 0.5).contains("better than random ones by 30.0 ± 0.5 points"),
            "{}",
            said(0.8, 0.5)
        );
        assert!(
            said(0.5, 0.503).contains("no better than random ones: -0.3 ± 0.5 points"),
            "{}",
            said(0.5, 0.503)
        );
        assert!(said(0.5, 0.8).contains("worse"), "{}", said(0.5, 0.8));
    }

    #[test]
    fn each_strategy_has_its_noun_and_the_best_has_its_place() {
        let random: Vec<f32> = (0..20).map(|i| 0.5 + 0.01 * i as f32).collect();
        let said = |strategy, best| {
            PolicyGain::new(strategy, Metric::Accuracy, &[0.8; 20], &random, 1)
                .with_best(best, &random)
                .summary()
        };
        let first = said(StrategyName::Enas, 0.9);
        assert!(
            first.starts_with("the controller's samples are better"),
            "{first}"
        );
        assert!(
            first.ends_with("the best derived one, at 90.0 %, is ahead of all 20 random ones"),
            "{first}"
        );
        assert!(
            said(StrategyName::Evolution, 0.595)
                .contains("at 59.5 %, is ahead of 10 of the 20 random ones")
        );
        assert!(said(StrategyName::Evolution, 0.5).starts_with("the population's members"));
        assert!(said(StrategyName::Custom, 0.5).starts_with("the policy's samples"));
        // The format of earlier versions.
        let old = r#"{"samples":20,"distinct":3,"policy":0.6,"random":0.5,"difference":0.1,"standard_error":0.01}"#;
        let old: PolicyGain = serde_json::from_str(old).unwrap();
        assert!(
            old.summary().ends_with("same shared weights)")
                && old.summary().starts_with("the policy's")
        );
    }

    #[test]
    fn an_interim_comparison_of_one_sample_has_no_standard_error_and_can_be_saved() {
        let comparison = InterimComparison::new(&[0.9], &[0.5]);
        assert_eq!(comparison.standard_error, None);
        assert_eq!(
            serde_json::from_str::<InterimComparison>(&serde_json::to_string(&comparison).unwrap())
                .unwrap(),
            comparison
        );
        let comparison = InterimComparison::new(&[0.5, 0.7], &[0.4, 0.6]);
        assert!(
            (comparison.difference - 0.1).abs() < 1e-6
                && (comparison.standard_error.unwrap() - 0.02_f64.sqrt()).abs() < 1e-6
        );
    }

    #[test]
    fn language_models_are_compared_by_rewards_and_told_as_perplexities() {
        let around =
            |mean: f32| -> Vec<f32> { (0..20).map(|i| mean + 0.01 * (i % 5) as f32).collect() };
        let gain = PolicyGain::new(
            StrategyName::Enas,
            Metric::Accuracy,
            &around(0.78),
            &around(0.48),
            20,
        )
        .with_best(0.8, &around(0.48));
        let said = PolicyGain {
            metric: Metric::Perplexity {
                reward: 80.0,
                by_character: false,
            },
            ..gain
        }
        .summary();
        assert!(
            said.starts_with(
                "the controller's samples are better than random ones: +0.300 ± 0.005 in"
            ),
            "{said}"
        );
        assert!(
            said.contains("(perplexity 100.00 against 160.00,")
                && said.contains("at 100.00, is ahead of 20"),
            "{said}"
        );
    }
}
