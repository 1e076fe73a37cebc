//! How many networks a selection trains, and for how long: what its budget pays.

use serde::{Deserialize, Serialize};

use crate::experiment::Experiment;

/// Minimum number of networks of the first rung. With fewer, no predictor can be told from chance.
pub(crate) const FEWEST: u32 = 8;
/// Minimum number of epochs of the first rung.
pub(crate) const SHORTEST: u32 = 2;
/// Halving ends when no more networks than these are left.
const FINALISTS: u32 = 3;

/// The cost of training and scoring a network, in forward passes of a sample; times a network's
/// multiply-accumulates, it is comparable between networks of different size.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PassCosts {
    /// One epoch of training.
    pub(crate) epoch: f64,
    /// Scoring on the whole validation split.
    pub(crate) evaluation: f64,
}

impl PassCosts {
    pub(crate) fn of(experiment: &Experiment) -> Self {
        Self {
            epoch: experiment.training_cost(1, experiment.schedule().steps),
            evaluation: experiment.evaluation_cost(),
        }
    }

    /// The cost of training for some epochs and scoring once.
    pub(crate) fn training(&self, epochs: u32) -> f64 {
        f64::from(epochs) * self.epoch + self.evaluation
    }
}

/// Networks that are trained for equally long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rung {
    /// Maximum number of networks: those of later rungs may be larger than the mean, and then
    /// fewer fit the budget.
    pub(crate) networks: u32,
    /// Passes over the training split.
    pub(crate) epochs: u32,
}

/// The plan of a selection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SelectionPlan {
    /// Each rung has half the networks of the one before, and twice the epochs.
    pub(crate) rungs: Vec<Rung>,
    /// Maximum number of networks that are left at the end.
    pub(crate) finalists: u32,
    pub(crate) costs: PassCosts,
    /// The budget, in multiply-accumulates.
    pub(crate) budget: f64,
}

impl SelectionPlan {
    /// The plan for a budget in forward passes of a sample through a network of mean size, of
    /// `mean` multiply-accumulates. `candidates` architectures are known, and no training is longer
    /// than `longest` epochs.
    ///
    /// The first rung has four times as many networks as epochs, and both are as large as the
    /// budget pays for. If the networks leave some of it, the trainings become longer. There is no
    /// plan if the budget does not pay for [`FEWEST`] networks of [`SHORTEST`] epochs.
    pub(crate) fn new(
        budget: f64,
        costs: PassCosts,
        mean: f64,
        candidates: u32,
        longest: u32,
    ) -> Option<Self> {
        if candidates < FEWEST {
            return None;
        }
        let longest = longest.max(2 * SHORTEST);
        let fits = |networks: u32, epochs: u32| {
            let (rungs, _) = rungs(networks, epochs);
            let cost = |rung: &Rung| f64::from(rung.networks) * costs.training(rung.epochs);
            rungs.iter().map(cost).sum::<f64>() <= budget
                && rungs.last().is_some_and(|rung| rung.epochs <= longest)
        };
        let networks = |epochs: u32| epochs.saturating_mul(4).min(candidates);
        let widest = (SHORTEST..=longest)
            .take_while(|epochs| fits(networks(*epochs), *epochs))
            .last()?;
        let networks = networks(widest);
        let epochs = (widest..=longest)
            .take_while(|epochs| fits(networks, *epochs))
            .last()?;
        let (rungs, finalists) = rungs(networks, epochs);
        Some(Self {
            rungs,
            finalists,
            costs,
            budget: budget * mean,
        })
    }

    /// Maximum number of trainings.
    pub(crate) fn trainings(&self) -> u32 {
        self.rungs.iter().map(|rung| rung.networks).sum()
    }

    /// Their epochs together.
    pub(crate) fn epochs(&self) -> u32 {
        let epochs = |rung: &Rung| rung.networks * rung.epochs;
        self.rungs.iter().map(epochs).sum()
    }
}

/// The smallest cost of a selection, in forward passes of a sample through a network of mean size.
pub(crate) fn smallest(costs: PassCosts) -> f64 {
    let (rungs, _) = rungs(FEWEST, SHORTEST);
    rungs
        .iter()
        .map(|rung| f64::from(rung.networks) * costs.training(rung.epochs))
        .sum()
}

/// The rungs that begin with so many networks and epochs, and the number of networks that are left
/// at the end.
fn rungs(mut networks: u32, mut epochs: u32) -> (Vec<Rung>, u32) {
    let mut rungs = Vec::new();
    while networks > FINALISTS {
        rungs.push(Rung { networks, epochs });
        (networks, epochs) = (networks.div_ceil(2), epochs.saturating_mul(2));
    }
    (rungs, networks)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FREE_SCORES: PassCosts = PassCosts {
        epoch: 10.0,
        evaluation: 0.0,
    };

    /// Networks and epochs of each rung, for a budget in epochs.
    fn plan(epochs: f64, candidates: u32, longest: u32) -> Option<Vec<(u32, u32)>> {
        let plan = SelectionPlan::new(10.0 * epochs, FREE_SCORES, 7.0, candidates, longest)?;
        assert!(f64::from(plan.epochs()) <= epochs && plan.budget == 70.0 * epochs);
        let rungs = plan.rungs.iter();
        Some(rungs.map(|rung| (rung.networks, rung.epochs)).collect())
    }

    #[test]
    fn the_budget_decides_how_many_networks_and_how_long() {
        // Two rungs of 16 network-epochs are the least.
        assert_eq!(plan(31.9, 500, 30), None);
        assert_eq!(plan(32.0, 500, 30).unwrap(), [(8, 2), (4, 4)]);
        assert_eq!(plan(71.9, 500, 30).unwrap(), [(8, 4), (4, 8)]);
        assert_eq!(plan(72.0, 500, 30).unwrap(), [(12, 3), (6, 6)]);
        assert_eq!(
            plan(192.0, 500, 30).unwrap(),
            [(16, 4), (8, 8), (4, 16)],
            "three rungs of 64"
        );
        // No training is longer than retraining, and there are no more networks than candidates.
        assert_eq!(plan(1e6, 500, 30).unwrap(), [(24, 7), (12, 14), (6, 28)]);
        assert_eq!(plan(1e6, 9, 30).unwrap(), [(9, 15), (5, 30)]);
        assert_eq!(plan(1e6, 7, 30), None);
        assert_eq!(plan(1e6, 500, 1).unwrap(), [(8, 2), (4, 4)]);
        assert_eq!(smallest(FREE_SCORES), 320.0);
    }

    #[test]
    fn scoring_is_paid_too() {
        let costs = PassCosts {
            epoch: 10.0,
            evaluation: 5.0,
        };
        // Twelve trainings are scored.
        assert!(SelectionPlan::new(379.0, costs, 1.0, 100, 30).is_none());
        let plan = SelectionPlan::new(380.0, costs, 1.0, 100, 30).unwrap();
        assert_eq!(
            (plan.trainings(), plan.epochs(), plan.finalists),
            (12, 32, 2)
        );
        assert_eq!(smallest(costs), 380.0);
    }
}
