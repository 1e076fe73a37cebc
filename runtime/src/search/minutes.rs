//! From minutes to epochs: a few steps are timed, then the plan is a number of epochs like any other.

use std::time::Instant;

use supernet_shaders::random::Random;

use super::{Search, SearchError, schedule};
use crate::device::Device;
use crate::strategy::Genome;
use crate::strategy::random::from_prior;
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
        let genomes = (0..2 * TRIED).map(|_| from_prior(&self.ground.supergraph, &mut random));
        let genomes = genomes.collect::<Result<Vec<Genome>, _>>()?;
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
        let rollouts = f64::from(self.schedule.updates) * f64::from(self.schedule.rollouts);
        let epoch = f64::from(self.schedule.steps) * train + controlled * rollouts * score;
        let left = seconds - f64::from(self.judged()) * f64::from(self.batches()) * score;
        (left / epoch).floor().clamp(1.0, f64::from(1 << 20)) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use supernet_enas as _;

    #[test]
    fn epochs_are_what_the_time_left_by_the_reports_allows() {
        let settings = ["score.updates=2", "score.rollouts=20", "derive.candidates=100", "derive.report=200"];
        let search = Search::new(Config::read("", &settings).unwrap()).unwrap();
        // 16 steps of 10 ms and, in three quarters of the epochs, 40 scores of 2 ms: 220 ms an epoch. 500 genomes on 6
        // minibatches take 6 s of the 60.
        assert_eq!(search.epochs_in(60.0, 0.010, 0.002), 245);
        assert_eq!(search.epochs_in(1.0, 0.010, 0.002), 1);
        // Products beyond 32 bits.
        let many = ["score.updates=1048576", "score.rollouts=4096", "search.warm_up=0"];
        let search = Search::new(Config::read("", &many).unwrap()).unwrap();
        assert_eq!(search.epochs_in(60.0, 0.010, 0.002), 1);
    }
}
