//! Errors of training steps and scores.

use supernet_engine::device::DeviceError;
use supernet_engine::program::{MixtureError, ProgramError};
use supernet_plugin::{GenomeError, PathError};

/// Why a child could not be trained or scored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainingError {
    /// The genome does not belong to the space.
    #[error(transparent)]
    Genome(#[from] GenomeError),
    /// The path does not belong to the space.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The weights of a path's branches do not fit its program.
    #[error(transparent)]
    Mixture(#[from] MixtureError),
    /// The passes of a step do not fit together.
    #[error("a step cannot run: {reason}")]
    Step {
        /// What does not fit.
        reason: &'static str,
    },
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
