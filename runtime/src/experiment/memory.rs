//! The device memory that a search needs.

use supernet_engine::device::Device;
use supernet_engine::program::{MemoryPlan, Program};
use supernet_shaders::random::{Random, RngStream};
use supernet_strategy::from_prior;

use super::{Experiment, ExperimentError};
use crate::training::TrainingError;

/// Children that the memory of a search is judged by.
const PLANNED: usize = 64;

/// Where a search will run.
#[derive(Clone, Debug, Default)]
pub(super) struct Reserved {
    pub(super) device: String,
    /// Bytes.
    pub(super) memory: u64,
}

impl Experiment {
    /// Makes room for the search on the device that it will run on, so that one that cannot fit
    /// says so at once.
    ///
    /// # Errors
    /// If it does not fit.
    pub(crate) fn reserve(&mut self, device: &mut dyn Device) -> Result<(), ExperimentError> {
        // An earlier search may have ended with runs under way.
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

    /// The memory that programs need, as far as a sample of children tells.
    pub(crate) fn plan(&self) -> Result<MemoryPlan, ExperimentError> {
        let (mut plan, mut random) = (MemoryPlan::default(), Random::new(0, RngStream::MemoryPlan));
        let optimizer = self.config.optimizer.optimizer();
        for _ in 0..PLANNED {
            let child = self
                .task
                .supergraph
                .child(&from_prior(&self.task.supergraph, &mut random)?)?;
            let training = Program::training(self.training_context(), &child, &optimizer)
                .map_err(TrainingError::from)?;
            let scoring = Program::scoring(self.task.context(self.config.score.batch), &child);
            plan.add(&training);
            plan.add(&scoring.map_err(TrainingError::from)?);
        }
        Ok(plan)
    }
}
