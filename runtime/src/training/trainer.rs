//! Training of shared weights, or of one network's weights: a step trains one child on one
//! minibatch.

use std::collections::VecDeque;

use supernet_data::AugmentSettings;
use supernet_data::text::Streams;
use supernet_engine::device::{Device, Inputs, Minibatch, Samples};
use supernet_engine::program::{Context, Input, Optimizer, Program, Start};
use supernet_engine::weights::Weights;
use supernet_shaders::Step;
use supernet_shaders::random::{Random, RngStream};
use supernet_strategy::Score;

use super::error::TrainingError;
use super::lr_schedule::{LinearRamp, LrSchedule};
use super::task_context::TaskContext;

/// The settings of a trainer.
#[derive(Clone, Debug)]
pub(crate) struct TrainerSettings {
    /// Samples per minibatch.
    pub(crate) batch: u32,
    /// The update rule.
    pub(crate) optimizer: Optimizer,
    /// The augmentation of its images.
    pub(crate) augment: AugmentSettings,
    /// The learning rate over time.
    pub(crate) rate: LrSchedule,
    /// The drop-path probability over time.
    pub(crate) drop_path: LinearRamp,
    /// Seeds shuffling, augmentation and dropout.
    pub(crate) seed: u64,
}

/// Iterates over the training split, epoch by epoch, one minibatch per step.
#[derive(Debug)]
pub(crate) struct Trainer {
    task: TaskContext,
    settings: TrainerSettings,
    /// Steps done; the position in the data and the dropout bits are functions of it.
    done: u32,
    /// Number and learning rate of the steps in flight, oldest first.
    in_flight: VecDeque<(u32, f32)>,
    /// The pass that `order` belongs to.
    pass: u64,
    order: Vec<usize>,
    images: Vec<f32>,
    spare: Vec<f32>,
    labels: Vec<u32>,
    samples: Samples,
    /// The training split, if it is a text.
    streams: Option<Streams>,
    tokens: Vec<u32>,
}

impl Trainer {
    /// A trainer at its first step.
    pub(crate) fn new(task: TaskContext, settings: TrainerSettings) -> Self {
        let streams = task.streams(&task.data.train, settings.batch);
        Self {
            streams,
            tokens: Vec::new(),
            task,
            settings,
            done: 0,
            in_flight: VecDeque::new(),
            pass: 0,
            order: Vec::new(),
            images: Vec::new(),
            spare: Vec::new(),
            labels: Vec::new(),
            samples: Samples::default(),
        }
    }

    /// Minibatches in an epoch: the samples of an incomplete last one are left out until the next
    /// epoch reshuffles.
    pub(crate) fn steps(&self) -> u32 {
        match &self.streams {
            Some(streams) => streams.windows(),
            None => self.task.data.train.len() as u32 / self.settings.batch,
        }
    }

    /// Trains the child of `genome` on the next minibatch. The score is that of the minibatch
    /// before the update.
    ///
    /// # Errors
    /// If the genome has no child, the child has no program, the device fails, or the loss is not a
    /// number.
    pub(crate) fn step(
        &mut self,
        device: &mut dyn Device,
        weights: &mut Weights,
        genome: &[u32],
        epoch: u32,
    ) -> Result<Score, TrainingError> {
        self.start(device, weights, genome, epoch)?;
        self.finish(device)
    }

    /// Starts a training step of the child of `genome` on the next minibatch.
    ///
    /// # Errors
    /// If the genome has no child, the child has no program, or the device fails.
    pub(crate) fn start(
        &mut self,
        device: &mut dyn Device,
        weights: &mut Weights,
        genome: &[u32],
        epoch: u32,
    ) -> Result<(), TrainingError> {
        let within = self.done % self.steps();
        let program = self.program(genome, within)?;
        self.gather(within);
        self.done += 1;
        let TrainerSettings {
            rate,
            drop_path,
            seed,
            ..
        } = &self.settings;
        let (rate, drop_path) = (rate.at(epoch, self.done - 1), drop_path.at(self.done - 1));
        let step = Step {
            rate,
            number: self.done,
            seed: *seed,
            drop_path,
        };
        if let Input::Image(image) = self.task.input {
            let augment = self.settings.augment;
            augment.apply(
                step.seed,
                step.number,
                image,
                &mut self.images,
                &mut self.spare,
            );
        }
        let inputs = match self.streams.is_some() {
            true => Inputs::Tokens(&self.tokens),
            false => Inputs::Pixels(&self.images),
        };
        let minibatch = Minibatch {
            inputs,
            targets: &self.labels,
            mixture: &[],
        };
        device.train(&program, weights, minibatch, &step)?;
        self.in_flight.push_back((step.number, step.rate));
        Ok(())
    }

    /// The program of a child for minibatch `within` of the pass. The windows of a text are
    /// consecutive; the first of a pass starts with an empty state, and the last may be shorter.
    fn program(&self, genome: &[u32], within: u32) -> Result<Program, TrainingError> {
        let context = self.task.context(self.settings.batch);
        let Some(streams) = &self.streams else {
            let child = self.task.trained(genome, &self.settings.optimizer)?;
            return Ok(Program::training(
                context,
                &child,
                &self.settings.optimizer,
            )?);
        };
        let supergraph = self.task.supergraph.with_time(streams.length(within));
        let start = if within == 0 {
            Start::First
        } else {
            Start::Next
        };
        let context = Context {
            supergraph: &supergraph,
            input: Input::Tokens(start),
            ..context
        };
        Ok(Program::training(
            context,
            &supergraph.child(genome)?,
            &self.settings.optimizer,
        )?)
    }

    /// Gathers minibatch `within` of the pass.
    fn gather(&mut self, within: u32) {
        if let Some(streams) = &self.streams {
            return streams.window(within, &mut self.tokens, &mut self.labels);
        }
        let pass = u64::from(self.done / self.steps());
        if self.order.is_empty() || self.pass != pass {
            self.pass = pass;
            self.order = (0..self.task.data.train.len()).collect();
            Random::new(
                self.settings.seed,
                RngStream::ShuffleTraining { pass: pass as u32 },
            )
            .shuffle(&mut self.order);
        }
        let batch = self.settings.batch as usize;
        let chosen = &self.order[within as usize * batch..][..batch];
        self.task
            .data
            .train
            .gather(chosen.iter().copied(), &mut self.images, &mut self.labels);
    }

    /// Skips a minibatch.
    pub(crate) fn skip(&mut self) {
        self.done += 1;
    }

    /// Steps done. Together with the weights, this is all that the next step depends on.
    pub(crate) fn done(&self) -> u32 {
        self.done
    }

    /// Number of steps in flight.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Continues after `done` steps.
    pub(crate) fn resume(&mut self, done: u32) {
        self.done = done;
        self.order.clear();
    }

    /// Waits for the oldest step in flight. The score is that of its minibatch before the update.
    ///
    /// # Errors
    /// If the device fails, or the loss is not a number.
    pub(crate) fn finish(&mut self, device: &mut dyn Device) -> Result<Score, TrainingError> {
        let (step, rate) = self.in_flight.pop_front().unwrap_or_default();
        device.samples(&mut self.samples)?;
        let score = self
            .task
            .metric
            .score(&self.samples, self.samples.loss.len());
        if score.loss == f32::MAX {
            return Err(TrainingError::Diverged { step, rate });
        }
        Ok(score)
    }
}
