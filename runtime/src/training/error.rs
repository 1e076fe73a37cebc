//! Errors of training steps and scores.

use supernet_engine::device::DeviceError;
use supernet_engine::program::ProgramError;
use supernet_plugin::GenomeError;

/// Why a child could not be trained or scored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainingError {
    /// The genome does not belong to the space.
    #[error(transparent)]
    Genome(#[from] GenomeError),
    /// The child cannot run.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// The device failed.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// Training diverged.
    #[error(
        "the loss of step {step} is not a number: training diverged at a learning rate of {rate}; lower `optimizer.learning_rate` \
         or `optimizer.clip`, and see that the data hold no extreme values"
    )]
    Diverged {
        /// The step.
        step: u32,
        /// The learning rate at that step.
        rate: f32,
    },
}
