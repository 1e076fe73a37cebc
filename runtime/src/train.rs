//! Training the shared weights: one step is one child on one minibatch.

use std::sync::Arc;

use supernet_plugin::{GenomeError, Supergraph};
use supernet_shaders::Step;
use supernet_shaders::random::Random;

use crate::data::Splits;
use crate::device::{Device, DeviceError, Minibatch, Samples};
use crate::program::{Context, Optimizer, Program, ProgramError};
use crate::schedule::Cosine;
use crate::strategy::Score;
use crate::stream;
use crate::weights::{Layout, Weights};

/// Why a child could not be trained or scored.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The genome is none of the space's.
    #[error(transparent)]
    Genome(#[from] GenomeError),
    /// The child cannot run.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// The device failed.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The weights left the range of numbers.
    #[error(
        "the loss of step {step} is not a number: training diverged; lower `optimizer.rate` (it is {rate}) or \
         `optimizer.clip`"
    )]
    Diverged {
        /// Which step.
        step: u32,
        /// The learning rate at that step.
        rate: f32,
    },
}

/// What a trainer is made of.
#[derive(Clone, Debug)]
pub struct TrainerSettings {
    /// Samples in a minibatch.
    pub batch: u32,
    /// The update rule.
    pub optimizer: Optimizer,
    /// The learning rate over the epochs.
    pub rate: Cosine,
    /// Seeds shuffling and dropout.
    pub seed: u64,
}

/// Walks through the training part, epoch by epoch, one minibatch a step.
#[derive(Debug)]
pub struct Trainer {
    supergraph: Supergraph,
    layout: Arc<Layout>,
    data: Arc<Splits>,
    image: [u32; 3],
    settings: TrainerSettings,
    /// Steps done: the data cursor and the dropout bits are functions of it.
    done: u32,
    order: Vec<usize>,
    images: Vec<f32>,
    labels: Vec<u32>,
    samples: Samples,
}

impl Trainer {
    /// A trainer at its first step.
    pub fn new(
        supergraph: Supergraph,
        layout: Arc<Layout>,
        data: Arc<Splits>,
        image: [u32; 3],
        settings: TrainerSettings,
    ) -> Self {
        let (order, images, labels) = Default::default();
        let samples = Samples::default();
        Self { supergraph, layout, data, image, settings, done: 0, order, images, labels, samples }
    }

    /// Minibatches in an epoch: what does not fill the last one waits for the next epoch's order.
    pub fn steps(&self) -> u32 {
        self.data.train.len() as u32 / self.settings.batch
    }

    /// Trains the child of `genome` on the next minibatch. The score is that of the minibatch before the update.
    ///
    /// # Errors
    /// If the genome has no child, the child no program, the device fails, or the loss is not a number.
    pub fn step(
        &mut self,
        device: &mut dyn Device,
        weights: &mut Weights,
        genome: &[u32],
        epoch: u32,
    ) -> Result<Score, StageError> {
        let child = self.supergraph.child(genome)?;
        let context = Context {
            supergraph: &self.supergraph,
            layout: &self.layout,
            image: self.image,
            batch: self.settings.batch,
        };
        let program = Program::training(context, &child, &self.settings.optimizer)?;
        let within = self.done % self.steps();
        if within == 0 || self.order.is_empty() {
            self.order = (0..self.data.train.len()).collect();
            let pass = u64::from(self.done / self.steps());
            Random::new(self.settings.seed, stream::sub(stream::SHUFFLE_TRAIN, pass)).shuffle(&mut self.order);
        }
        let batch = self.settings.batch as usize;
        let chosen = &self.order[within as usize * batch..][..batch];
        self.data.train.gather(chosen.iter().copied(), &mut self.images, &mut self.labels);
        self.done += 1;
        let step = Step { rate: self.settings.rate.rate(epoch), number: self.done, seed: self.settings.seed };
        let minibatch = Minibatch { images: &self.images, labels: &self.labels };
        device.train(&program, weights, minibatch, &step, &mut self.samples)?;
        let score = Score::mean(&self.samples, batch);
        if !score.loss.is_finite() {
            return Err(StageError::Diverged { step: self.done, rate: step.rate });
        }
        Ok(score)
    }
}

impl Score {
    /// The mean over the first `count` samples, summed in their order.
    pub(crate) fn mean(samples: &Samples, count: usize) -> Self {
        let mean = |numbers: &[f32]| {
            let sum: f64 = numbers[..count].iter().map(|x| f64::from(*x)).sum();
            (sum / count as f64) as f32
        };
        Self { accuracy: mean(&samples.right), loss: mean(&samples.loss) }
    }
}
