//! Conversion of minutes to epochs: a few steps are timed, then the plan is a number of epochs like
//! any other.

use std::time::Instant;

use supernet_engine::device::Device;
use supernet_shaders::random::{Random, RngStream};
use supernet_strategy::{Outcome, Schedule, Work};

use super::{Experiment, ExperimentError, schedule};

/// Passes of the scaled-down search that are timed; the first one fills caches and pools and does
/// not count.
const PASSES: u32 = 4;
/// Steps per timed pass.
const STEPS: u32 = 12;

/// Durations of the parts of a search, in seconds.
#[derive(Clone, Copy, Debug)]
struct Cost {
    /// A training step.
    step: f64,
    /// An update of the strategy, including the scoring of its rollouts.
    update: f64,
}

impl Experiment {
    /// Sets the number of epochs such that the search takes about `minutes` on this device. It
    /// times a scaled-down search with separate weights and a separate strategy.
    ///
    /// # Errors
    /// If `minutes` is not positive, or a child fails.
    pub fn fit(&mut self, minutes: f64, device: &mut dyn Device) -> Result<(), ExperimentError> {
        if !(minutes > 0.0 && minutes.is_finite()) {
            return Err(ExperimentError::NoTime { minutes });
        }
        self.reserve(device)?;
        let cost = self.time(device)?;
        self.config.search.epochs = self.epochs_in(60.0 * minutes, cost);
        self.schedule = schedule(&self.config, self.schedule.steps);
        self.minutes = Some(minutes);
        Ok(())
    }

    fn time(&self, device: &mut dyn Device) -> Result<Cost, ExperimentError> {
        let small = Schedule {
            epochs: PASSES,
            steps: STEPS,
            warm_up: 0,
            updates: 1,
            ..self.schedule
        };
        let mut strategy = self.strategy(small)?;
        let (mut weights, mut trainer, mut evaluator) =
            (self.weights(), self.trainer(), self.evaluator());
        let (mut steps, mut updates) = (Vec::new(), Vec::new());
        let mut began = Instant::now();
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
                Work::Score { genomes, batch } => {
                    strategy.observe(&Outcome::Scored(
                        evaluator.minibatch(device, &weights, &genomes, batch)?,
                    ));
                    updates.push(began.elapsed().as_secs_f64());
                }
            }
            began = Instant::now();
        }
        while updates.len() < PASSES as usize {
            // A method that learns from passes has no score tasks of its own.
            let mut random = Random::new(0, RngStream::PriorSamples);
            let genomes = strategy.sample(small.rollouts as usize, &mut random)?;
            began = Instant::now();
            evaluator.minibatch(device, &weights, &genomes, updates.len() as u64)?;
            updates.push(began.elapsed().as_secs_f64());
        }
        let (steps, updates) = (&mut steps[STEPS as usize..], &updates[1..]);
        // The reward does not keep a policy from larger children, and too long is worse than too
        // short: a step counts as one of the slowest quarter, and updates are scaled by the same
        // factor.
        let mean = |seconds: &[f64]| seconds.iter().sum::<f64>() / seconds.len() as f64;
        let usual = mean(steps);
        steps.sort_by(|a, b| b.total_cmp(a));
        let step = mean(&steps[..steps.len().div_ceil(4)]);
        Ok(Cost {
            step,
            update: mean(updates) * step / usual,
        })
    }

    /// The number of epochs that fit into `seconds`.
    fn epochs_in(&self, seconds: f64, cost: Cost) -> u32 {
        let controlled = 1.0 - self.config.search.warm_up;
        let updates = controlled * f64::from(self.schedule.updates);
        let epoch = f64::from(self.schedule.steps) * cost.step + updates * cost.update;
        let score = cost.update / f64::from(self.schedule.rollouts);
        let left = seconds - f64::from(self.evaluations()) * f64::from(self.batches()) * score;
        (left / epoch).floor().clamp(1.0, f64::from(1 << 20)) as u32
    }
}

#[cfg(test)]
mod tests {
    use supernet_enas as _;

    use super::*;
    use crate::config::Config;

    #[test]
    fn epochs_are_what_the_time_left_by_the_reports_allows() {
        let settings = [
            "score.updates=2",
            "score.rollouts=20",
            "search.strategy=enas",
            "derive.candidates=100",
            "derive.generations=0",
            "derive.report=200",
        ];
        let experiment = Experiment::new(Config::read("", &settings).unwrap()).unwrap();
        // 16 steps of 10 ms and, in three quarters of the epochs, 2 updates of 40 ms: 220 ms an
        // epoch. 500 genomes on 6 minibatches at 2 ms take 6 s of the 60.
        let cost = Cost {
            step: 0.010,
            update: 0.040,
        };
        assert_eq!(experiment.epochs_in(60.0, cost), 245);
        assert_eq!(experiment.epochs_in(1.0, cost), 1);
        // Products that exceed 32 bits.
        let many = [
            "search.strategy=enas",
            "score.updates=1048576",
            "score.rollouts=4096",
            "search.warm_up=0",
        ];
        let experiment = Experiment::new(Config::read("", &many).unwrap()).unwrap();
        assert_eq!(experiment.epochs_in(60.0, cost), 1);
    }
}
