//! Monitors the strategy: compares it with chance, and emits warnings. It does not affect the
//! search.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use supernet_plugin::GenomeError;
use supernet_shaders::random::{Random, RngStream};
use supernet_strategy::{Genome, StrategyStats, from_prior};

use super::composition::OpComposition;
use crate::config::StrategyName;
use crate::events::{Event, WarningKind};
use crate::experiment::{Experiment, UPDATES_APART};
use crate::results::{Difference, InterimComparison, Metric, OpShares, whose};

/// Maximum number of interim comparisons in a search.
const COMPARISONS: u64 = 10;

/// Consecutive updates before a warning. A group of twenty rollouts may deviate by chance, ten
/// consecutive groups do not; and a policy may favour something for a while and recover.
const STREAK: u32 = 10;
/// Fraction of parameter-free ops above which a policy has collapsed onto them: in NAS-Bench-201,
/// where three of five ops are parameter-free, ENAS's policy is known to end in cells of nothing
/// else (Dong and Yang 2020).
const FREE: f32 = 0.9;
/// In addition, ops with parameters must be rarer than under the prior by this factor; otherwise
/// the space itself has few of them.
const RARER: f32 = 4.0;
/// Tolerance for the fraction of skips that counts as none or all. The controller's tanh constant
/// of 2.5 keeps each probability within 0.007 and 0.993 (Pham et al. 2018, §3.1), so that 0 and 1
/// themselves cannot be reached.
const NONE: f32 = 0.02;
/// Number of skip decisions below which an architecture with all off, or all on, is normal.
const SKIPS: usize = 4;
/// Fraction of the maximum entropy below which almost only one architecture is sampled: with six
/// choices that is 0.2 nats, where the likeliest has probability 0.966. A tanh constant of 2.5
/// leaves 0.11 of the entropy to a choice of six and 0.07 to a skip, whatever is learnt, so that a
/// much lower limit would never be reached. Healthy searches on digits stayed above 0.58 to their
/// end; with clear rewards and without noise, 0.12 halfway through is healthy too.
const ENTROPY: f32 = 0.115;
/// Comparisons that are pooled for the test against chance: five comparisons of twenty samples have
/// the error of a hundred samples.
const POOLED: usize = 5;
/// Minimum number of samples per side in a comparison with chance.
const FEWEST: u32 = 50;

/// The configuration of the monitor.
pub(crate) struct Monitor {
    pub(super) composition: OpComposition,
    usual: OpShares,
    strategy: StrategyName,
    /// The meaning of the rewards.
    metric: Metric,
    /// Number of score tasks in the search.
    updates: u64,
    seed: u64,
}

/// The observations that warnings depend on.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct MonitorState {
    told: BTreeSet<WarningKind>,
    /// Counts of consecutive updates.
    free: u32,
    skips: u32,
    entropy: u32,
    alike: u32,
    /// The latest comparisons.
    #[serde(alias = "glimpses")]
    comparisons: Vec<InterimComparison>,
}

impl Monitor {
    pub(crate) fn new(experiment: &Experiment) -> Result<Self, GenomeError> {
        let (schedule, config) = (experiment.schedule(), &experiment.config().search);
        let updates = u64::from(schedule.epochs.saturating_sub(schedule.warm_up))
            * u64::from(schedule.updates);
        Self::over(
            OpComposition::new(experiment.supergraph()),
            config.strategy,
            experiment.task().metric,
            updates,
            config.seed,
        )
    }

    fn over(
        composition: OpComposition,
        strategy: StrategyName,
        metric: Metric,
        updates: u64,
        seed: u64,
    ) -> Result<Self, GenomeError> {
        Ok(Self {
            usual: composition.usual()?,
            composition,
            strategy,
            metric,
            updates,
            seed,
        })
    }

    /// The prior's samples that are scored next to the rollouts of an update; empty for most
    /// updates.
    pub(crate) fn control_samples(
        &self,
        experiment: &Experiment,
        update: u64,
        rollouts: usize,
    ) -> Result<Vec<Genome>, GenomeError> {
        let comparisons = COMPARISONS.min(self.updates / UPDATES_APART);
        let before = |update: u64| update * comparisons / self.updates.max(1);
        if update > self.updates || before(update) == before(update - 1) {
            return Ok(Vec::new());
        }
        let mut random = Random::new(self.seed, RngStream::InterimPrior { update });
        (0..rollouts)
            .map(|_| from_prior(experiment.supergraph(), &mut random))
            .collect()
    }

    /// Checks an update, and returns warnings.
    pub(crate) fn check_update(
        &self,
        state: &mut MonitorState,
        update: u64,
        stats: &StrategyStats,
        shares: OpShares,
        rewards: &[f32],
    ) -> Vec<Event> {
        let mut warnings = Vec::new();
        let mut streak =
            |count: &mut u32, holds: bool, kind: WarningKind, say: &dyn Fn() -> String| {
                *count = if holds { *count + 1 } else { 0 };
                if *count >= STREAK && state.told.insert(kind) {
                    warnings.push(Event::Warning {
                        kind,
                        sentence: say(),
                    });
                }
            };
        let (whose, explore) = (whose(self.strategy), self.explore());
        let percent = |share: f32| format!("{:.0} %", 100.0 * share);
        if let (Some(free), Some(usual)) = (shares.parameter_free, self.usual.parameter_free) {
            let collapsed = free > FREE && (1.0 - free) * RARER < 1.0 - usual;
            streak(
                &mut state.free,
                collapsed,
                WarningKind::ParameterFree,
                &|| {
                    format!(
                        "{} of the ops in {whose} have no parameters, and {} would have none by chance, for {STREAK} updates \
                     in a row, up to update {update}: shared weights that are not trained yet favour such ops; lengthen \
                     `search.warm_up`, or {explore}",
                        percent(free),
                        percent(usual)
                    )
                },
            );
        }
        if let (Some(on), Some(usual)) = (shares.skips_on, self.usual.skips_on) {
            let usual_is_both = (5.0 * NONE..=1.0 - 5.0 * NONE).contains(&usual);
            let all = self.composition.skips() >= SKIPS
                && usual_is_both
                && !(NONE..=1.0 - NONE).contains(&on);
            streak(&mut state.skips, all, WarningKind::Skips, &|| {
                let remedy = match self.strategy {
                    StrategyName::Enas => {
                        "raise `controller.skip`, which holds them at their prior, or "
                    }
                    _ => "",
                };
                format!(
                    "{} of the skips in {whose} are on, and {} would be by chance, for {STREAK} updates in a row, up to \
                     update {update}: {remedy}{explore}",
                    percent(on),
                    percent(usual)
                )
            });
        }
        if let Some(left) = stats.entropy_share {
            let early = left < ENTROPY && 2 * update < self.updates;
            streak(&mut state.entropy, early, WarningKind::Entropy, &|| {
                format!(
                    "only {} of the policy's entropy is left after {update} of {} updates, so that hardly anything new is \
                     tried; {explore}",
                    percent(left),
                    self.updates
                )
            });
        }
        let alike = rewards.len() > 1 && rewards.iter().all(|reward| *reward == rewards[0]);
        streak(&mut state.alike, alike, WarningKind::Rewards, &|| {
            format!(
                "all {} samples of an update scored the same, {} here, for {STREAK} updates in a row, up to update {update}: \
                 there is nothing to learn from; raise `score.batch` so that scores tell samples apart, or {explore}",
                rewards.len(),
                match self.metric {
                    Metric::Accuracy => percent(rewards[0]),
                    metric => metric.reward(rewards[0].into()),
                }
            )
        });
        warnings
    }

    /// Checks the answer of a search: a network with next to no op that has weights is what
    /// differentiable methods are known to collapse to (Zela et al. 2020, §2; Dong and Yang 2020,
    /// §5).
    pub(crate) fn check_answer(&self, genome: &Genome) -> Option<Event> {
        let free = 1.0 - self.composition.alive(genome).ok()??;
        let usual = self.usual.parameter_free?;
        if !(free > FREE && (1.0 - free) * RARER < 1.0 - usual) {
            return None;
        }
        let ops = match self.composition.only_op(genome) {
            Some(op) => format!("every op of the answer is `{op}`"),
            None => format!(
                "{:.0} % of the ops of the answer have no parameters, or change nothing",
                100.0 * free
            ),
        };
        let other = match self.strategy.learns_only_weights() {
            true => "",
            false => "take `--strategy spos`, ",
        };
        let sentence = format!(
            "{ops}, and {:.0} % have none by chance: the search has collapsed, as is known where shared weights are trained \
             too little or too long; {other}shorten or lengthen the search (`search.epochs`), or {}",
            100.0 * usual,
            self.explore()
        );
        Some(Event::Warning {
            kind: WarningKind::Collapse,
            sentence,
        })
    }

    /// Adds a comparison to the previous ones, and checks them.
    pub(crate) fn check_comparison(
        &self,
        state: &mut MonitorState,
        update: u64,
        comparison: InterimComparison,
    ) -> Option<Event> {
        state.comparisons.push(comparison);
        if state.comparisons.len() > POOLED {
            state.comparisons.remove(0);
        }
        let pooled = &state.comparisons;
        let count = pooled.len() as f64;
        let samples: u32 = pooled.iter().map(|one| one.samples).sum();
        let difference = pooled.iter().map(|one| one.difference).sum::<f64>() / count;
        let errors: Option<f64> = pooled
            .iter()
            .map(|one| Some(one.standard_error?.powi(2)))
            .sum();
        let error = errors.map(|squares| squares.sqrt() / count);
        // Random search is chance itself.
        let chance = matches!(self.strategy, StrategyName::Random | StrategyName::Halving)
            || self.strategy.learns_only_weights();
        let early = chance || 2 * update < self.updates || samples < FEWEST;
        if early
            || Difference::sign(difference, error) > 0
            || !state.told.insert(WarningKind::Chance)
        {
            return None;
        }
        let sentence = format!(
            "after {update} of {} updates {} are not seen to be better than random ones: {} over the \
             last {} comparisons, {samples} samples on each side; train longer (`search.epochs`), or let rewards be less \
             noisy (`score.batch`, `score.rollouts`)",
            self.updates,
            whose(self.strategy),
            self.metric.difference(difference, error),
            state.comparisons.len()
        );
        Some(Event::Warning {
            kind: WarningKind::Chance,
            sentence,
        })
    }

    /// How to make the strategy explore more.
    fn explore(&self) -> &'static str {
        match self.strategy {
            StrategyName::Enas | StrategyName::Nas => {
                "raise `controller.entropy` or lower `controller.learning_rate`"
            }
            StrategyName::Evolution => {
                "raise `evolution.population` or lower `evolution.tournament`"
            }
            StrategyName::Random
            | StrategyName::Spos
            | StrategyName::Halving
            | StrategyName::OneShot
            | StrategyName::FairNas => "look at the space's prior",
            StrategyName::Darts
            | StrategyName::Snas
            | StrategyName::Gdas
            | StrategyName::Proxyless => {
                "lower `method.learning_rate` or lengthen `search.warm_up`"
            }
            StrategyName::Custom => "let the strategy explore more",
        }
    }
}

#[cfg(test)]
#[path = "monitor_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "monitor_limit_tests.rs"]
mod limit_tests;
