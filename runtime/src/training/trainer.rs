//! Training of shared weights, or of one network's weights: a step makes one update, from one child
//! or from several, each on its own part of the minibatch; or it is a general step of passes.

pub(crate) mod passes;

use std::collections::VecDeque;

use supernet_data::AugmentSettings;
use supernet_data::text::Streams;
use supernet_engine::device::{Device, Inputs, Minibatch, Samples};
use supernet_engine::program::{Context, Input, Optimizer, Program, Start};
use supernet_engine::weights::Weights;
use supernet_plugin::Supergraph;
use supernet_shaders::Step;
use supernet_shaders::random::{Random, RngStream};
use supernet_strategy::{Genome, Score};

use self::passes::Programs;

use super::error::TrainingError;
use super::evaluator::Evaluator;
use super::lr_schedule::{LinearRamp, LrSchedule};
use super::task_context::TaskContext;

/// The settings of a trainer.
#[derive(Clone, Debug)]
pub(crate) struct TrainerSettings {
    /// Samples per path: the minibatch of a step is divided among its paths.
    pub(crate) batch: u32,
    /// Paths per step.
    pub(crate) paths: u32,
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
    /// The steps in flight, oldest first.
    in_flight: VecDeque<InFlight>,
    /// Runs on the device whose samples are outstanding.
    running: usize,
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
    /// Gathers the validation split, for passes of a general step.
    validation: Option<Evaluator>,
    programs: Programs,
}

/// A step in flight.
#[derive(Debug)]
struct InFlight {
    /// Its number.
    step: u32,
    /// Its learning rate.
    rate: f32,
    /// The scores of its paths that have arrived.
    scores: Vec<Score>,
    /// The number of its paths.
    paths: usize,
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
            running: 0,
            pass: 0,
            order: Vec::new(),
            images: Vec::new(),
            spare: Vec::new(),
            labels: Vec::new(),
            samples: Samples::default(),
            validation: None,
            programs: Programs::default(),
        }
    }

    /// The same trainer, whose general steps may also run passes on the samples of `validation`.
    #[must_use]
    pub(crate) fn with_validation(mut self, validation: Evaluator) -> Self {
        self.validation = Some(validation);
        self
    }

    /// Steps in an epoch: the samples of an incomplete last one are left out until the next epoch
    /// reshuffles.
    pub(crate) fn steps(&self) -> u32 {
        let minibatches = match &self.streams {
            Some(streams) => streams.windows(),
            None => self.task.data.train.len() as u32 / self.settings.batch,
        };
        minibatches / self.settings.paths
    }

    /// Trains the children of `paths` on the next minibatch. The score is that of the minibatch
    /// before the update.
    ///
    /// # Errors
    /// If a genome has no child, a child has no program, the device fails, or the loss is not a
    /// number.
    pub(crate) fn step(
        &mut self,
        device: &mut dyn Device,
        weights: &mut Weights,
        paths: &[Genome],
        epoch: u32,
    ) -> Result<Score, TrainingError> {
        self.start(device, weights, paths, epoch)?;
        self.finish(device)
    }

    /// Starts a training step of the children of `paths` on the next minibatch. The number of paths
    /// is that of the settings.
    ///
    /// # Errors
    /// If a genome has no child, a child has no program, or the device fails.
    pub(crate) fn start(
        &mut self,
        device: &mut dyn Device,
        weights: &mut Weights,
        paths: &[Genome],
        epoch: u32,
    ) -> Result<(), TrainingError> {
        let within = self.done % self.steps() * self.settings.paths;
        let programs = self.compile(paths, within)?;
        let TrainerSettings {
            rate,
            drop_path,
            seed,
            augment,
            ..
        } = self.settings;
        let (rate, drop_path) = (rate.at(epoch, self.done), drop_path.at(self.done));
        self.in_flight.push_back(InFlight {
            step: self.done + 1,
            rate,
            scores: Vec::new(),
            paths: programs.len(),
        });
        for (at, program) in (0..).zip(&programs) {
            self.gather(within + at);
            let step = Step {
                rate,
                number: self.done * self.settings.paths + at + 1,
                update: self.done + 1,
                seed,
                drop_path,
            };
            if let Input::Image(image) = self.task.input {
                augment.apply(
                    step.seed,
                    step.number,
                    image,
                    &mut self.images,
                    &mut self.spare,
                );
            }
            if self.running == device.depth().max(1) {
                self.take(device)?;
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
            device.train(program, weights, minibatch, &step)?;
            self.running += 1;
        }
        self.done += 1;
        Ok(())
    }

    /// The programs of the children, from minibatch `within` of the pass on. The windows of a text
    /// are consecutive; the first of a pass starts with an empty state, and the last may be shorter.
    fn compile(&self, paths: &[Genome], within: u32) -> Result<Vec<Program>, TrainingError> {
        let context = self.task.context(self.settings.batch);
        let optimizer = &self.settings.optimizer;
        let Some(streams) = &self.streams else {
            let pass = |genome: &Genome| Ok((context, self.task.trained(genome, optimizer)?));
            let passes = paths.iter().map(pass);
            let passes = passes.collect::<Result<Vec<_>, TrainingError>>()?;
            return Ok(Program::passes(&passes, optimizer)?);
        };
        let windows = within..within + paths.len() as u32;
        let supergraphs: Vec<Supergraph> = windows
            .clone()
            .map(|window| self.task.supergraph.with_time(streams.length(window)))
            .collect();
        let mut passes = Vec::with_capacity(paths.len());
        for ((window, supergraph), genome) in windows.zip(&supergraphs).zip(paths) {
            let start = if window == 0 {
                Start::First
            } else {
                Start::Next
            };
            let context = Context {
                supergraph,
                input: Input::Tokens(start),
                ..context
            };
            passes.push((context, supergraph.child(genome)?));
        }
        Ok(Program::passes(&passes, optimizer)?)
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
        let waits = |step: &InFlight| step.scores.len() < step.paths;
        while self.in_flight.front().is_some_and(waits) {
            self.take(device)?;
        }
        let Some(InFlight {
            step, rate, scores, ..
        }) = self.in_flight.pop_front()
        else {
            // Nothing was started: the device says so.
            device.samples(&mut self.samples)?;
            return Ok(Score::WORST);
        };
        let worst = |score: &Score| score.loss == f32::MAX;
        if scores.iter().any(worst) {
            return Err(TrainingError::Diverged { step, rate });
        }
        Ok(mean(&scores))
    }

    /// Takes the samples of the oldest run on the device.
    fn take(&mut self, device: &mut dyn Device) -> Result<(), TrainingError> {
        device.samples(&mut self.samples)?;
        self.running -= 1;
        let samples = &self.samples;
        let score = self.task.metric.score(samples, samples.loss.len());
        let waits = |step: &&mut InFlight| step.scores.len() < step.paths;
        if let Some(step) = self.in_flight.iter_mut().find(waits) {
            step.scores.push(score);
        }
        Ok(())
    }
}

/// The mean of the paths' scores; a single one as it is.
fn mean(scores: &[Score]) -> Score {
    if let [score] = scores {
        return *score;
    }
    let mean = |number: fn(&Score) -> f32| {
        let sum: f64 = scores.iter().map(|score| f64::from(number(score))).sum();
        (sum / scores.len().max(1) as f64) as f32
    };
    Score {
        reward: mean(|score| score.reward),
        loss: mean(|score| score.loss),
    }
}
