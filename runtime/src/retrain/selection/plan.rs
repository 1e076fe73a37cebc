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
            let (rungs, _) = rungs(networks, epochs, u32::MAX);
            cost(&rungs, costs) <= budget && rungs.last().is_some_and(|rung| rung.epochs <= longest)
        };
        let networks = |epochs: u32| epochs.saturating_mul(4).min(candidates);
        let widest = (SHORTEST..=longest)
            .take_while(|epochs| fits(networks(*epochs), *epochs))
            .last()?;
        let networks = networks(widest);
        let epochs = (widest..=longest)
            .take_while(|epochs| fits(networks, *epochs))
            .last()?;
        let (rungs, finalists) = rungs(networks, epochs, u32::MAX);
        Some(Self {
            rungs,
            finalists,
            costs,
            budget: budget * mean,
        })
    }

    /// The plan of a search without shared weights, which draws as many candidates as it trains, at
    /// most `candidates`. No training is longer than `longest` epochs; 0 means no limit.
    ///
    /// As [`SelectionPlan::new`], but what that leaves of the budget pays for more networks. Where no
    /// training may become longer, this may be most of it: then the last rung has many networks.
    pub(crate) fn alone(
        budget: f64,
        costs: PassCosts,
        mean: f64,
        candidates: u32,
        longest: u32,
    ) -> Option<Self> {
        let longest = match longest {
            0 => u32::MAX,
            epochs => epochs.max(2 * SHORTEST),
        };
        let plan = Self::new(budget, costs, mean, candidates, longest)?;
        let Rung { networks, epochs } = *plan.rungs.first()?;
        let fits = |networks: &u32| cost(&rungs(*networks, epochs, longest).0, costs) <= budget;
        let networks = (networks..=candidates).take_while(fits).last()?;
        let (rungs, left) = rungs(networks, epochs, longest);
        Some(Self {
            rungs,
            finalists: left.min(FINALISTS),
            ..plan
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
    cost(&rungs(FEWEST, SHORTEST, u32::MAX).0, costs)
}

/// The cost of rungs, in forward passes of a sample through a network of mean size.
fn cost(rungs: &[Rung], costs: PassCosts) -> f64 {
    let of = |rung: &Rung| f64::from(rung.networks) * costs.training(rung.epochs);
    rungs.iter().map(of).sum()
}

/// The rungs that begin with so many networks and epochs, and the number of networks that are left
/// at the end. No rung has more epochs than `longest`.
fn rungs(mut networks: u32, mut epochs: u32, longest: u32) -> (Vec<Rung>, u32) {
    let mut rungs = Vec::new();
    while networks > FINALISTS && epochs <= longest {
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
    fn without_shared_weights_what_is_left_pays_for_more_networks() {
        let plan = |epochs: f64, candidates: u32, longest: u32| {
            let plan = SelectionPlan::alone(10.0 * epochs, FREE_SCORES, 7.0, candidates, longest)?;
            assert!(f64::from(plan.epochs()) <= epochs && plan.budget == 70.0 * epochs);
            let rung = |rung: &Rung| (rung.networks, rung.epochs);
            let rungs: Vec<_> = plan.rungs.iter().map(rung).collect();
            Some((rungs, plan.finalists))
        };
        let any = u32::MAX;
        assert_eq!(plan(31.9, any, 10), None);
        assert_eq!(plan(100.0, 7, 10), None);
        assert_eq!(plan(32.0, any, 10), Some((vec![(8, 2), (4, 4)], 2)));
        assert_eq!(plan(60.0, any, 10), Some((vec![(10, 3), (5, 6)], 3)));
        // No training is longer than ten epochs, however much there is.
        assert_eq!(plan(1000.0, any, 10), Some((vec![(100, 5), (50, 10)], 3)));
        assert_eq!(plan(1000.0, 20, 10), Some((vec![(20, 5), (10, 10)], 3)));
        // Without retraining, no length is a limit.
        let long = vec![(30, 8), (15, 16), (8, 32), (4, 64)];
        assert_eq!(plan(1000.0, any, 0), Some((long, 2)));
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
