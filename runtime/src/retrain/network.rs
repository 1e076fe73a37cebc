//! One network on its way: fresh weights, trained pass by pass.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::average::Average;
use super::plan::{Planned, steps};
use crate::data::Splits;
use crate::device::Device;
use crate::program::{Optimizer, Plan, Program};
use crate::schedule::{Once, Rate, Rise};
use crate::search::{Search, SearchError};
use crate::strategy::{Genome, Score};
use crate::train::{Ground, StageError, Trainer, TrainerSettings};
use crate::weights::{Layout, Weights};

/// A network that is being trained.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) ground: Ground,
    genome: Genome,
    trainer: Trainer,
    pub(super) weights: Weights,
    pub(super) average: Average,
    rate: Rate,
    epochs: u32,
    pass: Pass,
}

/// Where a network stands, but for its weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Standing {
    /// Steps done.
    pub(crate) done: u32,
    /// Ends of passes in the average.
    pub(crate) averaged: u32,
    pass: Pass,
}

/// Sums over the steps of a pass that were finished.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Pass {
    accuracy: f64,
    loss: f64,
}

/// A pass that was finished.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Passed {
    pub(super) epoch: u32,
    /// Of its last step.
    pub(super) rate: f32,
    pub(super) score: Score,
}

impl Network {
    /// A network with fresh weights: none but its own parameters. `data` has what it is trained on as its training part.
    pub(super) fn new(
        search: &Search,
        data: &Arc<Splits>,
        planned: &Planned,
    ) -> Result<Self, SearchError> {
        let (config, Planned { genome, seed, .. }) = (search.config(), planned);
        let (settings, supergraph) = (config.retrain, search.supergraph());
        let optimizer = optimizer(search);
        let child = search.ground().trained(genome, &optimizer)?;
        let layout = Arc::new(Layout::alone(supergraph, &child, config.train.batch)?);
        let ground = search.ground().with(Arc::clone(&layout), Arc::clone(data));
        let weights = Weights::new(supergraph, layout, optimizer.moments(), *seed);
        let in_pass = f64::from(steps(search));
        let highest = if settings.rate > 0.0 {
            settings.rate
        } else {
            2.0 * config.optimizer.rate
        };
        let warm_up = (settings.warm_up * in_pass).round() as u32;
        let all = settings.epochs * steps(search);
        let rate = Rate::Once(Once::new(
            highest as f32,
            config.optimizer.rate_min as f32,
            warm_up,
            all,
        ));
        let drop_path = Rise {
            to: settings.drop_path as f32,
            steps: all,
        };
        let (batch, augment) = (config.train.batch, config.augment);
        let trainer = TrainerSettings {
            batch,
            optimizer,
            augment,
            rate,
            drop_path,
            seed: *seed,
        };
        Ok(Self {
            trainer: Trainer::new(ground.clone(), trainer),
            ground,
            genome: genome.clone(),
            weights,
            average: Average::new(settings.epochs, settings.average),
            rate,
            epochs: settings.epochs,
            pass: Pass::default(),
        })
    }

    /// Makes room for it on the device.
    pub(super) fn reserve(
        &self,
        search: &Search,
        device: &mut dyn Device,
    ) -> Result<(), SearchError> {
        let optimizer = optimizer(search);
        let (trained, child) = (
            self.ground.trained(&self.genome, &optimizer)?,
            self.ground.supergraph.child(&self.genome)?,
        );
        let (context, scored) = (
            self.ground.context(search.config().train.batch),
            search.config().score.batch,
        );
        let mut plan = Plan::default();
        plan.add(&Program::training(context, &trained, &optimizer).map_err(StageError::from)?);
        plan.add(&Program::scoring(self.ground.context(scored), &child).map_err(StageError::from)?);
        // What came before it on this device has ended.
        device.forget();
        device
            .reserve(&plan, &self.weights)
            .map_err(StageError::from)?;
        Ok(())
    }

    /// Steps started.
    pub(super) fn done(&self) -> u32 {
        self.trainer.done()
    }

    /// Whether all passes are done.
    pub(super) fn is_through(&self) -> bool {
        self.trainer.done() == self.epochs * self.trainer.steps()
    }

    /// One step; what came of the pass if it was the last one of it.
    pub(super) fn step(&mut self, device: &mut dyn Device) -> Result<Option<Passed>, StageError> {
        let (done, in_pass) = (self.trainer.done(), self.trainer.steps());
        let epoch = done / in_pass;
        self.trainer
            .start(device, &mut self.weights, &self.genome, epoch)?;
        let ends = (done + 1).is_multiple_of(in_pass);
        let most = if ends { 0 } else { device.depth().max(1) - 1 };
        self.finish(device, most)?;
        if !ends {
            return Ok(None);
        }
        let mean = |sum: f64| (sum / f64::from(in_pass)) as f32;
        let Pass { accuracy, loss } = std::mem::take(&mut self.pass);
        let score = Score {
            accuracy: mean(accuracy),
            loss: mean(loss),
        };
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

    /// Finishes steps until at most `most` are under way.
    fn finish(&mut self, device: &mut dyn Device, most: usize) -> Result<(), StageError> {
        while self.trainer.under_way() > most {
            let score = self.trainer.finish(device)?;
            self.pass.accuracy += f64::from(score.accuracy);
            self.pass.loss += f64::from(score.loss);
        }
        Ok(())
    }

    /// Brings the weights to this side, and says where it stands.
    pub(super) fn rest(&mut self, device: &mut dyn Device) -> Result<Standing, StageError> {
        self.finish(device, 0)?;
        device.fetch(&mut self.weights)?;
        Ok(Standing {
            done: self.trainer.done(),
            averaged: self.average.count,
            pass: self.pass,
        })
    }

    /// Goes on from where it stood; its weights and their average are those of that moment.
    pub(super) fn resume(&mut self, standing: Standing, average: Option<Weights>) {
        self.trainer.resume(standing.done);
        self.pass = standing.pass;
        (self.average.count, self.average.mean) = (standing.averaged, average);
    }

    /// The end: the weights are what they will be.
    pub(super) fn settle(&mut self, device: &mut dyn Device) -> Result<(), StageError> {
        device.fetch(&mut self.weights)?;
        self.average.settle(&mut self.weights);
        Ok(())
    }
}

/// What a step of a network's training minimises, and how it updates.
fn optimizer(search: &Search) -> Optimizer {
    let (optimizer, settings) = (
        search.config().optimizer.optimizer(),
        search.config().retrain,
    );
    let (smoothing, auxiliary) = (settings.smoothing as f32, settings.auxiliary as f32);
    Optimizer {
        smoothing,
        auxiliary,
        drop_path: settings.drop_path > 0.0,
        ..optimizer
    }
}
