//! What a duration is planned with: how long the parts of a search take on a device, and the
//! settings of its length.

use std::time::{Duration, Instant};

use supernet_engine::device::Device;
use supernet_shaders::random::{Random, RngStream};
use supernet_strategy::{Outcome, Schedule, Score, Work};

use super::{Experiment, ExperimentError, schedule};
use crate::config::{Config, StrategyName};
use crate::events::{Event, WarningKind};

/// Passes of the scaled-down search that are timed at most; the first one fills caches and pools and
/// does not count.
const PASSES: u32 = 4;
/// Steps per timed pass.
const STEPS: u32 = 12;

/// Durations of the parts of a search, in seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SharedPace {
    /// A training step of the shared weights.
    pub(crate) step: f64,
    /// An update of the strategy, including the scoring of its rollouts.
    pub(crate) update: f64,
}

/// The settings that a duration decides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Lengths {
    /// `search.epochs`.
    pub(crate) epochs: u32,
    /// `derive.candidates`.
    pub(crate) candidates: u32,
    /// `derive.generations`.
    pub(crate) generations: u32,
    /// `derive.report`.
    pub(crate) report: u32,
    /// `selection.share`.
    pub(crate) share: f64,
    /// `retrain.budget`.
    pub(crate) budget: f64,
}

impl Lengths {
    pub(crate) fn of(config: &Config) -> Self {
        Self {
            epochs: config.search.epochs,
            candidates: config.derive.candidates,
            generations: config.derive.generations,
            report: config.derive.report,
            share: config.selection.share,
            budget: config.retrain.budget,
        }
    }
}

impl Experiment {
    pub(crate) fn set_lengths(&mut self, lengths: Lengths) {
        let config = &mut self.config;
        config.search.epochs = lengths.epochs;
        config.derive.candidates = lengths.candidates;
        config.derive.generations = lengths.generations;
        config.derive.report = lengths.report;
        config.selection.share = lengths.share;
        config.retrain.budget = lengths.budget;
        self.schedule = schedule(&self.config, self.schedule.steps);
        self.fit_trainings();
    }

    /// Records the duration that was asked for, and a sentence if it is too short.
    pub(crate) fn set_minutes(&mut self, minutes: f64, too_short: Option<String>) {
        self.minutes = Some(minutes);
        self.too_short = too_short;
    }

    /// A warning, if the duration that was asked for is too short for a search that means anything.
    pub(crate) fn too_short(&self) -> Option<Event> {
        self.too_short.clone().map(|sentence| Event::Warning {
            kind: WarningKind::TooShort,
            sentence,
        })
    }

    /// Times a scaled-down search with separate weights and a separate strategy, for about as long
    /// as `most`.
    ///
    /// # Errors
    /// If a child fails.
    pub(crate) fn pace(
        &self,
        device: &mut dyn Device,
        most: Duration,
    ) -> Result<SharedPace, ExperimentError> {
        let small = Schedule {
            epochs: PASSES,
            steps: STEPS,
            warm_up: 0,
            updates: 1,
            ..self.schedule
        };
        // A search without shared weights has the budget of one that trains them.
        let mut strategy = match self.config.search.strategy.shares_weights() {
            true => self.strategy(small)?,
            false => self.shared_strategy(small)?,
        };
        let (mut weights, mut trainer, mut evaluator) =
            (self.weights(), self.trainer(), self.evaluator());
        let (mut steps, mut updates) = (Vec::new(), Vec::new());
        let first = Instant::now();
        let mut began = first;
        while let Some(task) = strategy.next()? {
            match task.work {
                Work::Train { paths, epoch } => {
                    strategy.observe(&Outcome::Trained(trainer.step(
                        device,
                        &mut weights,
                        &paths,
                        epoch,
                    )?));
                    steps.push(began.elapsed().as_secs_f64());
                }
                Work::Step { ref passes, epoch } => {
                    let outcome = trainer.passes(device, &mut weights, passes, epoch)?;
                    strategy.observe(&Outcome::Stepped(outcome));
                    if !task.work.updates() {
                        // What the policy learns from counts towards the training step after it.
                        continue;
                    }
                    steps.push(began.elapsed().as_secs_f64());
                }
                Work::Alone { genomes, .. } => {
                    // It has a cost of its own, whatever the shared weights take.
                    let scores = vec![Score::WORST; genomes.len()];
                    strategy.observe(&Outcome::Scored(scores));
                }
                Work::Score { genomes, batch } => {
                    strategy.observe(&Outcome::Scored(
                        evaluator.minibatch(device, &weights, &genomes, batch)?,
                    ));
                    updates.push(began.elapsed().as_secs_f64());
                }
            }
            let enough = steps.len() >= 2 * STEPS as usize;
            if enough && first.elapsed() > most {
                break;
            }
            began = Instant::now();
        }
        while updates.len() < 2 {
            // A method that learns from passes has no score tasks of its own.
            let mut random = Random::new(0, RngStream::PriorSamples);
            let genomes = strategy.sample(small.rollouts as usize, &mut random)?;
            began = Instant::now();
            evaluator.minibatch(device, &weights, &genomes, updates.len() as u64)?;
            updates.push(began.elapsed().as_secs_f64());
        }
        let mean = |seconds: &[f64]| seconds.iter().sum::<f64>() / seconds.len().max(1) as f64;
        let (steps, update) = (&mut steps[STEPS as usize..], mean(&updates[1..]));
        let usual = mean(steps);
        // A policy's reward does not keep it from larger children: then a step counts as one of the
        // slowest quarter, and updates are scaled by the same factor.
        let learns = !self.config.search.strategy.learns_only_weights();
        let step = match learns && self.config.search.strategy != StrategyName::Random {
            false => usual,
            true => {
                steps.sort_by(|a, b| b.total_cmp(a));
                mean(&steps[..steps.len().div_ceil(4)])
            }
        };
        Ok(SharedPace {
            step,
            update: update * step / usual,
        })
    }
}
