//! Where programs run.

pub mod cpu;

use supernet_shaders::Step;

use crate::program::Program;
use crate::weights::Weights;

/// Samples that a program runs on: as many as its batch.
#[derive(Clone, Copy, Debug)]
pub struct Minibatch<'a> {
    /// Pixels, NHWC.
    pub images: &'a [f32],
    /// One label an image.
    pub labels: &'a [u32],
}

/// What a program says about every sample of its minibatch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Samples {
    /// Cross-entropy in nats.
    pub loss: Vec<f32>,
    /// 1 where the label was found, else 0.
    pub right: Vec<f32>,
}

/// What can go wrong on a device.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// No threads to be had.
    #[error("cannot start {threads} threads for the CPU device: {reason}; ask for fewer")]
    Threads {
        /// How many were asked for.
        threads: usize,
        /// What the system said.
        reason: String,
    },
    /// The newest weights are somewhere else.
    #[error("the weights were last trained on {home} and are still there; fetch them from it first")]
    Elsewhere {
        /// The device that has them.
        home: String,
    },
    /// Samples without a run.
    #[error("samples were asked for, but no run is under way on {device}")]
    NothingUnderWay {
        /// The device that was asked.
        device: String,
    },
}

/// Runs programs. Training needs the weights for itself; scoring only reads them.
///
/// A run is started, and its samples are asked for later, so that a device with a queue of its own need not stand still
/// in between. Runs take effect in the order in which they were started.
pub trait Device: Send {
    /// What a person calls it.
    fn name(&self) -> String;

    /// How many runs may be under way before [`Device::samples`] must be asked for the oldest one's; at least 1.
    fn depth(&self) -> usize {
        1
    }

    /// Starts a training program: the weights that its child reads change, and their version counts up. The device may
    /// keep the new numbers to itself until [`Device::fetch`].
    ///
    /// # Errors
    /// If the device fails; the weights are then not to be trusted.
    fn train(
        &mut self,
        program: &Program,
        weights: &mut Weights,
        batch: Minibatch<'_>,
        step: &Step,
    ) -> Result<(), DeviceError>;

    /// Starts a scoring program.
    ///
    /// # Errors
    /// If the device fails.
    fn score(&mut self, program: &Program, weights: &Weights, batch: Minibatch<'_>) -> Result<(), DeviceError>;

    /// The samples of the oldest run that was not asked for yet; waits for it.
    ///
    /// # Errors
    /// If the device fails, or no run is under way.
    fn samples(&mut self, samples: &mut Samples) -> Result<(), DeviceError>;

    /// Brings weights and the optimiser's memory back from where they were trained; waits for all runs under way.
    ///
    /// # Errors
    /// If the device fails, or another device has them.
    fn fetch(&mut self, weights: &mut Weights) -> Result<(), DeviceError>;
}
