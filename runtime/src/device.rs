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
}

/// Runs programs. Training needs the weights for itself; scoring only reads them.
pub trait Device: Send {
    /// What a person calls it.
    fn name(&self) -> String;

    /// Runs a training program: the weights that its child reads change, and their version counts up.
    ///
    /// # Errors
    /// If the device fails; the weights are then not to be trusted.
    fn train(
        &mut self,
        program: &Program,
        weights: &mut Weights,
        batch: Minibatch<'_>,
        step: &Step,
        samples: &mut Samples,
    ) -> Result<(), DeviceError>;

    /// Runs a scoring program.
    ///
    /// # Errors
    /// If the device fails.
    fn score(
        &mut self,
        program: &Program,
        weights: &Weights,
        batch: Minibatch<'_>,
        samples: &mut Samples,
    ) -> Result<(), DeviceError>;
}
