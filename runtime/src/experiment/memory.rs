//! The device memory that a search needs.

use supernet_engine::device::Device;
use supernet_engine::program::{MemoryPlan, Program};
use supernet_shaders::random::{Random, RngStream};
use supernet_strategy::{
    Outcome, PassOutcome, PassSamples, PassWeights, Schedule, Score, StepOutcome, Work, from_prior,
};

use super::{Experiment, ExperimentError};
use crate::config::StrategyName;
use crate::training::{TrainingError, compile, network};

/// Number of sampled children from which the memory of a search is estimated.
const PLANNED: usize = 64;
/// Tasks of a method with mixtures from which its memory is estimated.
const STEPS: usize = 8;

/// The device and memory of a search.
#[derive(Clone, Debug, Default)]
pub(super) struct Reserved {
    pub(super) device: String,
    /// In bytes.
    pub(super) memory: u64,
}

impl Experiment {
    /// Reserves the memory of the search on its device, so that a search that does not fit fails at
    /// once.
    ///
    /// # Errors
    /// If it does not fit.
    pub(crate) fn reserve(&mut self, device: &mut dyn Device) -> Result<(), ExperimentError> {
        // An earlier search may have left runs in flight.
        device.forget();
        let memory = device
            .reserve(&self.plan()?, &self.weights())
            .map_err(TrainingError::from)?;
        self.reserved = Reserved {
            device: device.name(),
            memory,
        };
        Ok(())
    }

    /// The memory that programs need, estimated from a sample of children.
    pub(crate) fn plan(&self) -> Result<MemoryPlan, ExperimentError> {
        let (mut plan, mut random) = (MemoryPlan::default(), Random::new(0, RngStream::MemoryPlan));
        let optimizer = self.config.optimizer.optimizer();
        let (supergraph, paths) = (&self.task.supergraph, self.config.train.paths);
        for _ in 0..(PLANNED as u32).div_ceil(paths) {
            let mut passes = Vec::new();
            for _ in 0..paths {
                let child = supergraph.child(&from_prior(supergraph, &mut random)?)?;
                let scoring = Program::scoring(self.task.context(self.config.score.batch), &child);
                plan.add(&scoring.map_err(TrainingError::from)?);
                passes.push((self.training_context(), child));
            }
            let training = Program::passes(&passes, &optimizer).map_err(TrainingError::from)?;
            training.iter().for_each(|program| plan.add(program));
        }
        self.plan_steps(&mut plan)?;
        Ok(plan)
    }

    /// Adds the passes of a method that runs several choices at once: those of its first steps after
    /// the warm-up, as it would take them if nothing were to be learnt.
    fn plan_steps(&self, plan: &mut MemoryPlan) -> Result<(), ExperimentError> {
        let name = self.config.search.strategy;
        if !name.mixes() && name != StrategyName::Proxyless {
            return Ok(());
        }
        let schedule = Schedule {
            warm_up: 0,
            ..self.schedule
        };
        let mut strategy = self.strategy(schedule)?;
        let optimizer = self.config.optimizer.optimizer();
        for _ in 0..STEPS {
            let Some(task) = strategy.next()? else { break };
            let Work::Step { passes, .. } = task.work else {
                strategy.observe(&Outcome::Trained(Score::WORST));
                continue;
            };
            let mut outcomes = Vec::with_capacity(passes.len());
            for pass in &passes {
                plan.moved |= pass.weights != PassWeights::Shared;
                let batch = match pass.samples {
                    PassSamples::Training => self.config.train.per_path(),
                    PassSamples::Validation(_) => self.config.score.batch,
                };
                let relaxed = network(&self.task.supergraph, pass).map_err(TrainingError::from)?;
                plan.add(&compile(
                    self.task.context(batch),
                    pass,
                    &relaxed,
                    &optimizer,
                )?);
                outcomes.push(PassOutcome::new(Score {
                    reward: 0.0,
                    loss: 0.0,
                }));
            }
            strategy.observe(&Outcome::Stepped(StepOutcome::new(outcomes, 0.0)));
        }
        Ok(())
    }
}
