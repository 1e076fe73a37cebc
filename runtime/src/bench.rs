//! One unit of each kind of work, for whoever wants to time it.

use supernet_plugin::Supergraph;
use supernet_shaders::random::Random;

use crate::config::Config;
use crate::data::Dataset;
use crate::device::Device;
use crate::evaluate::Evaluator;
use crate::program::Program;
use crate::search::{Search, SearchError};
use crate::strategy::random::from_prior;
use crate::stream;
use crate::train::{StageError, Trainer};
use crate::weights::Weights;

/// A space on random images, with a fresh random child for every unit of work.
#[derive(Debug)]
pub struct Bench {
    search: Search,
    trainer: Trainer,
    evaluator: Evaluator,
    weights: Weights,
    random: Random,
}

impl Bench {
    /// `space` with its default settings, on images of the given height, width and channels, ten classes.
    ///
    /// # Errors
    /// If there is no such space, or it does not take such images.
    pub fn new(space: &str, image: [u32; 3], batch: u32) -> Result<Self, SearchError> {
        let samples = 8 * batch;
        let mut random = Random::new(0, stream::REPORT);
        let pixels: u32 = image.iter().product();
        let images = (0..samples * pixels).map(|_| random.normal()).collect();
        let labels = (0..samples).map(|_| random.below(10)).collect();
        let data = Dataset::new("random", image, 10, images, labels)?;
        let batches = [format!("train.batch={batch}"), format!("score.batch={batch}")];
        let mut config = Config::read("", &batches)?;
        config.search.space = space.to_owned();
        let search = Search::on(data, config)?;
        let (trainer, evaluator, weights) = (search.trainer(), search.evaluator(), search.weights());
        Ok(Self { search, trainer, evaluator, weights, random })
    }

    /// Parameters of the supergraph.
    pub fn parameters(&self) -> u64 {
        self.supergraph().total_params()
    }

    fn supergraph(&self) -> &Supergraph {
        self.search.supergraph()
    }

    fn sample(&mut self) -> Result<Vec<u32>, SearchError> {
        Ok(from_prior(self.search.supergraph(), &mut self.random)?)
    }

    /// Samples a child and builds its training program.
    ///
    /// # Errors
    /// If the child has no program.
    pub fn build(&mut self) -> Result<Program, SearchError> {
        let genome = self.sample()?;
        let child = self.supergraph().child(&genome)?;
        let context = self.search.context();
        let optimizer = self.search.config().optimizer.optimizer();
        Ok(Program::training(context, &child, &optimizer).map_err(StageError::from)?)
    }

    /// Samples a child and trains it for a step.
    ///
    /// # Errors
    /// If the device fails or training diverges.
    pub fn train(&mut self, device: &mut dyn Device) -> Result<(), SearchError> {
        let genome = self.sample()?;
        self.trainer.step(device, &mut self.weights, &genome, 0)?;
        Ok(())
    }

    /// Samples a child and scores it on a minibatch.
    ///
    /// # Errors
    /// If the device fails.
    pub fn score(&mut self, device: &mut dyn Device) -> Result<(), SearchError> {
        let genome = self.sample()?;
        self.evaluator.minibatch(device, &self.weights, &[genome], 0)?;
        Ok(())
    }
}
