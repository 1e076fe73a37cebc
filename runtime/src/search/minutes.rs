//! From minutes to epochs: a few steps are timed, then the plan is a number of epochs like any other.

use std::time::Instant;

use supernet_shaders::random::Random;

use super::{Search, SearchError, schedule};
use crate::device::Device;
use crate::strategy::Genome;
use crate::stream;

/// Children that are trained and scored for the estimate, after as many for warm-up.
const TRIED: usize = 12;

impl Search {
    /// Fixes the number of epochs such that the search takes about `minutes` on this device. The steps that are timed
    /// run on weights of their own.
    ///
    /// # Errors
    /// If `minutes` is not above zero, or a child fails.
    pub fn fit(&mut self, minutes: f64, device: &mut dyn Device) -> Result<(), SearchError> {
        if !(minutes > 0.0 && minutes.is_finite()) {
            return Err(SearchError::NoTime { minutes });
        }
        let mut random = Random::new(self.config.search.seed, stream::sub(stream::REPORT, 4));
        let sample = |_| self.supergraph.sample(&mut |weights| random.weighted(weights));
        let genomes = (0..2 * TRIED).map(sample).collect::<Result<Vec<Genome>, _>>()?;
        let (mut weights, mut trainer, mut evaluator) = (self.weights(), self.trainer(), self.evaluator());
        let (mut train, mut score) = (0.0, 0.0);
        for (i, genome) in genomes.iter().enumerate() {
            let began = Instant::now();
            trainer.step(device, &mut weights, genome, 0)?;
            let between = Instant::now();
            evaluator.minibatch(device, &weights, std::slice::from_ref(genome), 0)?;
            if i >= TRIED {
                train += (between - began).as_secs_f64() / TRIED as f64;
                score += between.elapsed().as_secs_f64() / TRIED as f64;
            }
        }
        let epochs = self.epochs_in(60.0 * minutes, train, score);
        self.config.search.epochs = epochs;
        self.schedule = schedule(&self.config, self.schedule.steps);
        self.minutes = Some(minutes);
        Ok(())
    }

    /// Epochs that fit into `seconds` if a step takes `train` and a score on one minibatch takes `score`.
    fn epochs_in(&self, seconds: f64, train: f64, score: f64) -> u32 {
        let controlled = 1.0 - self.config.search.warm_up;
        let rollouts = f64::from(self.schedule.updates * self.schedule.rollouts);
        let epoch = f64::from(self.schedule.steps) * train + controlled * rollouts * score;
        let left = seconds - f64::from(self.judged() * self.batches()) * score;
        (left / epoch).floor().clamp(1.0, f64::from(1 << 20)) as u32
    }
}
