//! The cost of a search, in forward passes of one sample. It is counted and never timed, so that
//! equal settings give equal plans.

use supernet_data::{Dataset, Subset};
use supernet_strategy::Schedule;

use super::Experiment;
use crate::config::{Config, StrategyName};
use crate::events::TRAINING_PASSES;
use crate::results::Metric;

/// Candidates that a generation of the final evaluation adds at most: 25 mutations and 25 crossovers
/// (Guo et al. 2020, §4).
pub(crate) const GENERATION: usize = 50;
/// Minimum number of updates between two interim comparisons: a comparison scores as many samples
/// as an update, so that all comparisons together cost at most an eighth of the updates.
pub(crate) const UPDATES_APART: u64 = 8;

/// Images that a short training of shared weights sees. 24,000 gave the ranking of
/// `runtime/docs/ranking.md` on 1,500 images of CIFAR-10; other lengths were not measured beyond
/// that page.
const SHOWN: usize = 64_000;

/// The number of passes if the settings leave it open.
pub(super) fn fitted_epochs(config: &Config, train: &Subset, data: &Dataset) -> u32 {
    match (config.search.strategy.scores_meanwhile(), data.text()) {
        (false, None) => (SHOWN / train.len().max(1)).clamp(8, 150) as u32,
        _ => 150,
    }
}

/// The number of updates after a pass of `steps` training steps such that updates and training cost
/// the same.
pub(super) fn balanced_updates(config: &Config, steps: u32) -> u32 {
    let trained = TRAINING_PASSES * f64::from(steps) * f64::from(config.train.batch);
    let scored = f64::from(config.score.rollouts) * f64::from(config.score.batch);
    let scored = scored * (1.0 + 1.0 / UPDATES_APART as f64);
    (trained / scored).floor().max(1.0) as u32
}

impl Experiment {
    /// The cost of the search; without shared weights, its budget: what training them would cost.
    pub(crate) fn cost(&self) -> f64 {
        let Schedule {
            epochs,
            steps,
            warm_up,
            updates,
            rollouts,
            ..
        } = self.schedule;
        let score = f64::from(self.config.score.batch);
        let scored = f64::from(epochs - warm_up) * f64::from(updates) * f64::from(rollouts) * score;
        self.training_cost(self.config.search.epochs, steps)
            + scored
            + f64::from(self.evaluations()) * self.evaluation_cost()
    }

    /// The cost of scoring a network on the whole validation split.
    pub(crate) fn evaluation_cost(&self) -> f64 {
        f64::from(self.batches()) * f64::from(self.config.score.batch)
    }

    /// Generations of candidates that are bred in the final evaluation: at most as many as the
    /// settings ask for, and none beyond what the training of the shared weights costs.
    pub(crate) fn generations(&self) -> u32 {
        let (epochs, steps) = (self.config.search.epochs, self.schedule.steps);
        let score = f64::from(self.batches()) * f64::from(self.config.score.batch);
        let one = score * GENERATION as f64;
        let most = self.training_cost(epochs, steps) / one;
        // With a budget the last one may be a smaller one.
        let most = match self.shared_budget() {
            Some(_) => most.ceil(),
            None => most.floor(),
        };
        self.config.derive.generations.min(most as u32)
    }

    /// The cost of a network that a strategy trains from scratch for some epochs, and scores after
    /// the last of them.
    pub(crate) fn alone_cost(&self, epochs: u32) -> f64 {
        let scored = f64::from(self.config.nas.last.min(epochs)) * self.evaluation_cost();
        self.training_cost(epochs, self.schedule.steps) + scored
    }

    /// Fits what the strategy `nas` trains, if the settings leave it open: as many networks as a
    /// search by shared weights and its selection would cost, at least two.
    pub(crate) fn fit_trainings(&mut self) {
        if self.config.search.strategy != StrategyName::Nas {
            return;
        }
        let budget = (1.0 + self.config.selection.share) * self.cost();
        let fitted = (budget / self.alone_cost(self.config.nas.epochs))
            .floor()
            .max(2.0) as u32;
        let nas = &mut self.config.nas;
        if self.fits_trainings {
            nas.candidates = fitted;
        }
        nas.children = nas.children.min(nas.candidates);
        if nas.power == 0 {
            nas.power = match self.task.metric {
                Metric::Accuracy => 3,
                Metric::Perplexity { .. } => 2,
            };
        }
    }

    /// The cost of training for some epochs.
    pub(crate) fn training_cost(&self, epochs: u32, steps: u32) -> f64 {
        let batch = f64::from(self.config.train.batch);
        TRAINING_PASSES * f64::from(epochs) * f64::from(steps) * batch
    }
}
