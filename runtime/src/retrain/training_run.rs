//! The training of one network: fresh weights, trained pass by pass.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use supernet_data::Splits;
use supernet_engine::device::Device;
use supernet_engine::program::{MemoryPlan, Optimizer, Program};
use supernet_engine::weights::{Layout, Weights};
use supernet_strategy::{Genome, Score};

use super::RetrainError;
use super::average::Average;
use crate::experiment::Experiment;
use crate::training::{
    LinearRamp, LrSchedule, PassMean, TaskContext, Trainer, TrainerSettings, TrainingError,
    WarmupCosine,
};

/// What a training is of: an architecture, its seed, and its length.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Training<'a> {
    pub(crate) genome: &'a [u32],
    /// Seeds its initialisation, its minibatches and its dropout.
    pub(crate) seed: u64,
    /// Passes over the training split.
    pub(crate) epochs: u32,
}

/// A network in training.
#[derive(Debug)]
pub(crate) struct TrainingRun {
    pub(crate) task: TaskContext,
    genome: Genome,
    trainer: Trainer,
    pub(crate) weights: Weights,
    pub(crate) average: Average,
    rate: LrSchedule,
    epochs: u32,
    pass: PassMean,
}

/// The progress of a network, without its weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct TrainingProgress {
    /// Steps done.
    pub(crate) done: u32,
    /// Number of weights in the average.
    pub(crate) averaged: u32,
    pass: PassMean,
}

/// A finished pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Passed {
    pub(crate) epoch: u32,
    /// The learning rate of its last step.
    pub(crate) rate: f32,
    pub(crate) score: Score,
}

impl TrainingRun {
    /// A network with fresh weights, for its own parameters only. The training split of `data` is
    /// what it is trained on. The settings are those of `retrain`, whose warm-up and whose average
    /// are shortened with the training.
    pub(crate) fn new(
        experiment: &Experiment,
        data: &Arc<Splits>,
        training: Training<'_>,
    ) -> Result<Self, RetrainError> {
        let config = experiment.config();
        let Training {
            genome,
            seed,
            epochs,
        } = training;
        let (settings, supergraph) = (config.retrain, experiment.supergraph());
        let optimizer = optimizer(experiment);
        let child = experiment.task().trained(genome, &optimizer)?;
        let layout = Arc::new(Layout::alone(supergraph, &child, config.train.batch)?);
        let task = experiment
            .task()
            .with(Arc::clone(&layout), Arc::clone(data));
        let weights = Weights::new(supergraph, layout, optimizer.moments(), seed);
        let in_pass = task.passes(&data.train, config.train.batch);
        let highest = if settings.learning_rate > 0.0 {
            settings.learning_rate
        } else {
            2.0 * config.optimizer.learning_rate
        };
        // The same share of a shorter training.
        let share = f64::from(epochs) / f64::from(settings.epochs.max(1));
        let warm_up = (settings.warm_up * share.min(1.0) * f64::from(in_pass)).round() as u32;
        let all = epochs * in_pass;
        let rate = LrSchedule::WarmupCosine(WarmupCosine::new(
            highest as f32,
            config.optimizer.min_learning_rate as f32,
            warm_up,
            all,
        ));
        let drop_path = LinearRamp {
            to: settings.drop_path as f32,
            steps: all,
        };
        let (batch, augment) = (config.train.batch, config.augment);
        let trainer = TrainerSettings {
            batch,
            paths: 1,
            optimizer,
            augment,
            rate,
            drop_path,
            seed,
        };
        Ok(Self {
            trainer: Trainer::new(task.clone(), trainer),
            task,
            genome: genome.to_vec(),
            weights,
            average: Average::new(epochs, settings.average),
            rate,
            epochs,
            pass: PassMean::default(),
        })
    }

    /// Reserves its memory on the device.
    pub(crate) fn reserve(
        &self,
        experiment: &Experiment,
        device: &mut dyn Device,
    ) -> Result<(), RetrainError> {
        let optimizer = optimizer(experiment);
        let (trained, child) = (
            self.task.trained(&self.genome, &optimizer)?,
            self.task.supergraph.child(&self.genome)?,
        );
        let (context, scored) = (
            self.task.context(experiment.config().train.batch),
            experiment.config().score.batch,
        );
        let mut plan = MemoryPlan::default();
        plan.add(&Program::training(context, &trained, &optimizer).map_err(TrainingError::from)?);
        plan.add(
            &Program::scoring(self.task.context(scored), &child).map_err(TrainingError::from)?,
        );
        // Earlier work on this device has ended.
        device.forget();
        device
            .reserve(&plan, &self.weights)
            .map_err(TrainingError::from)?;
        Ok(())
    }

    /// The architecture.
    pub(crate) fn genome(&self) -> &[u32] {
        &self.genome
    }

    /// Steps started.
    pub(crate) fn done(&self) -> u32 {
        self.trainer.done()
    }

    /// Whether all passes are done.
    pub(crate) fn is_through(&self) -> bool {
        self.trainer.done() == self.epochs * self.trainer.steps()
    }

    /// Runs one step; returns the results of the pass if the step was its last.
    pub(crate) fn step(
        &mut self,
        device: &mut dyn Device,
    ) -> Result<Option<Passed>, TrainingError> {
        let (done, in_pass) = (self.trainer.done(), self.trainer.steps());
        let epoch = done / in_pass;
        self.trainer.start(
            device,
            &mut self.weights,
            std::slice::from_ref(&self.genome),
            epoch,
        )?;
        let ends = (done + 1).is_multiple_of(in_pass);
        let most = if ends { 0 } else { device.depth().max(1) - 1 };
        self.finish(device, most)?;
        if !ends {
            return Ok(None);
        }
        let score = self.pass.take();
        if self.average.takes(epoch) {
            device.fetch(&mut self.weights)?;
            self.average.take(&self.weights);
        }
        Ok(Some(Passed {
            epoch,
            rate: self.rate.at(epoch, done),
            score,
        }))
    }

    /// Finishes steps until at most `most` are in flight.
    fn finish(&mut self, device: &mut dyn Device, most: usize) -> Result<(), TrainingError> {
        while self.trainer.in_flight() > most {
            let score = self.trainer.finish(device)?;
            self.pass.add(score);
        }
        Ok(())
    }

    /// Fetches the weights to the host, and returns the progress.
    pub(crate) fn sync(
        &mut self,
        device: &mut dyn Device,
    ) -> Result<TrainingProgress, TrainingError> {
        self.finish(device, 0)?;
        device.fetch(&mut self.weights)?;
        Ok(TrainingProgress {
            done: self.trainer.done(),
            averaged: self.average.count,
            pass: self.pass,
        })
    }

    /// Continues from saved progress; the weights and their average are those of that moment.
    pub(crate) fn resume(&mut self, progress: TrainingProgress, average: Option<Weights>) {
        self.trainer.resume(progress.done);
        self.pass = progress.pass;
        // Older checkpoints do not store the number of steps in the sums.
        self.pass.steps = progress.done % self.trainer.steps();
        (self.average.count, self.average.mean) = (progress.averaged, average);
    }

    /// Fetches the final weights, and replaces them with their average if there is one.
    pub(crate) fn finalize(&mut self, device: &mut dyn Device) -> Result<(), TrainingError> {
        device.fetch(&mut self.weights)?;
        self.average.finalize(&mut self.weights);
        Ok(())
    }
}

/// The loss that a training step minimises, and its update rule.
fn optimizer(experiment: &Experiment) -> Optimizer {
    let (optimizer, settings) = (
        experiment.config().optimizer.optimizer(),
        experiment.config().retrain,
    );
    let (smoothing, auxiliary) = (settings.smoothing as f32, settings.auxiliary as f32);
    Optimizer {
        smoothing,
        auxiliary,
        drop_path: settings.drop_path > 0.0,
        ..optimizer
    }
}
