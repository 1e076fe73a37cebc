//! The plan of a retraining: which networks are trained, and at what cost.

use serde::{Deserialize, Serialize};
use supernet_engine::program::Input;
use supernet_plugin::GenomeError;
use supernet_strategy::Genome;

use super::opponents;
use super::training_run::Training;
use crate::events::Event;
use crate::experiment::Experiment;
use crate::results::{Selection, Side};

/// A network to train.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Planned {
    pub(crate) side: Side,
    pub(crate) genome: Genome,
    /// Seeds its initialisation, its minibatches and its dropout.
    pub(crate) seed: u64,
}

impl Planned {
    pub(super) fn training(&self, epochs: u32) -> Training<'_> {
        Training {
            genome: &self.genome,
            seed: self.seed,
            epochs,
        }
    }
}

/// The networks, in training order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RetrainPlan {
    pub(crate) networks: Vec<Planned>,
    /// Number of further networks that the budget does not cover.
    pub(crate) left_out: u32,
    /// Number of networks that could have been trained alone at the cost of the search; none
    /// without a search.
    #[serde(default)]
    pub(crate) affordable: Option<u32>,
}

impl RetrainPlan {
    /// Plans `genome` with `seeds` seeds next to `random` random architectures, which differ from
    /// it and from each other and get the same seeds. The two sides alternate, so that an early end
    /// affects both equally.
    ///
    /// # Errors
    /// If the space's constraints leave nothing to sample.
    pub(crate) fn new(
        experiment: &Experiment,
        genome: &[u32],
        seeds: u32,
        random: u32,
    ) -> Result<Self, GenomeError> {
        let sides = [
            (Side::Found, vec![genome.to_vec(); seeds as usize]),
            (Side::Random, opponents::random(experiment, genome, random)?),
        ];
        Ok(Self::alternating(experiment, &sides))
    }

    /// The networks of all sides in turn. The n-th network of each has the n-th seed.
    fn alternating(experiment: &Experiment, sides: &[(Side, Vec<Genome>)]) -> Self {
        let rounds = sides.iter().map(|(_, genomes)| genomes.len()).max();
        let mut networks = Vec::new();
        for round in 0..rounds.unwrap_or_default() {
            let seed = experiment.config().search.seed.wrapping_add(round as u64);
            let of_round = sides.iter().filter_map(|(side, genomes)| {
                Some(Planned {
                    side: *side,
                    genome: genomes.get(round)?.clone(),
                    seed,
                })
            });
            networks.extend(of_round);
        }
        Self {
            networks,
            left_out: 0,
            affordable: None,
        }
    }

    /// The same plan with `same_size` random architectures of nearly as many parameters besides, and
    /// `largest` trainings of the largest architecture of the space, unless it is the one at hand.
    ///
    /// # Errors
    /// As [`RetrainPlan::new`].
    pub(crate) fn versus(
        &self,
        experiment: &Experiment,
        same_size: u32,
        largest: u32,
    ) -> Result<Self, GenomeError> {
        let of = |side| -> Vec<Genome> {
            let networks = self.networks.iter().filter(|network| network.side == side);
            networks.map(|network| network.genome.clone()).collect()
        };
        let (found, random) = (of(Side::Found), of(Side::Random));
        let Some(genome) = found.first().cloned() else {
            return Ok(self.clone());
        };
        let same_size = opponents::same_size(experiment, &genome, &random, same_size)?;
        let largest = opponents::largest(experiment, &genome, largest)?;
        let sides = [
            (Side::Found, found),
            (Side::Random, random),
            (Side::SameSize, same_size),
            (Side::Largest, largest),
        ];
        Ok(Self::alternating(experiment, &sides))
    }

    /// Plans the last phase of a search, which found the first of `genomes`, and the others as
    /// runners-up: as many of the requested networks as the budget covers, in training order. All
    /// networks are assumed to have the same cost.
    ///
    /// # Errors
    /// As [`RetrainPlan::new`].
    pub(crate) fn last_phase(
        experiment: &Experiment,
        genomes: &[Genome],
        selection: Option<&Selection>,
    ) -> Result<Self, GenomeError> {
        let (settings, [genome, runners_up @ ..]) = (experiment.config().retrain, genomes) else {
            return Ok(Self::alternating(experiment, &[]));
        };
        let fit = (settings.budget * experiment.cost() / cost(experiment)).floor();
        let random = opponents::random(experiment, genome, settings.random)?;
        // Opponents that take a longer search are not looked for if no budget is left for them.
        let (same_size, largest) = if fit < 1.0 {
            let unknown = |count: u32| vec![Genome::new(); count as usize];
            (unknown(settings.same_size), unknown(settings.largest))
        } else {
            let known = [genomes, &random].concat();
            (
                opponents::same_size(experiment, genome, &known, settings.same_size)?,
                opponents::largest(experiment, genome, settings.largest)?,
            )
        };
        let sides = [
            (Side::Found, vec![genome.clone(); settings.seeds as usize]),
            (Side::Random, random),
            (Side::SameSize, same_size),
            (Side::Largest, largest),
            (Side::RunnerUp, runners_up.to_vec()),
        ];
        let mut plan = Self::alternating(experiment, &sides);
        let asked = plan.networks.len();
        plan.networks.truncate(fit.min(asked as f64) as usize);
        plan.left_out = (asked - plan.networks.len()) as u32;
        plan.affordable = Some(affordable(experiment, selection));
        Ok(plan)
    }

    pub(crate) fn started(&self, experiment: &Experiment) -> Event {
        let count = |side| {
            self.networks
                .iter()
                .filter(|network| network.side == side)
                .count() as u32
        };
        Event::RetrainStarted {
            epochs: experiment.config().retrain.epochs,
            steps: steps(experiment),
            samples: explored(experiment),
            seeds: count(Side::Found),
            random: count(Side::Random),
            same_size: count(Side::SameSize),
            largest: count(Side::Largest),
            runners_up: count(Side::RunnerUp),
            left_out: self.left_out,
            metric: Some(experiment.task().metric),
        }
    }
}

/// Samples, or tokens, that a network is trained on.
fn explored(experiment: &Experiment) -> u64 {
    experiment.parts().explored().len() as u64
}

/// Minibatches per pass.
pub(super) fn steps(experiment: &Experiment) -> u32 {
    let task = experiment.task();
    match task.input {
        Input::Image(_) => {
            (explored(experiment) / u64::from(experiment.config().train.batch)) as u32
        }
        Input::Tokens(_) => task.passes(&task.data.train, experiment.config().train.batch),
    }
}

/// Number of networks that cost as much as the search with its selection, if each is trained alone
/// on the training split and scored on the validation split. All networks are assumed to have the
/// same cost.
fn affordable(experiment: &Experiment, selection: Option<&Selection>) -> u32 {
    let alone = |epochs| {
        experiment.training_cost(epochs, experiment.schedule().steps) + experiment.evaluation_cost()
    };
    let trainings = selection.iter().flat_map(|of| &of.trainings);
    let selected: f64 = trainings.map(|training| alone(training.epochs)).sum();
    let shared = match experiment.config().search.strategy.shares_weights() {
        true => experiment.cost(),
        false => 0.0,
    };
    ((shared + selected) / alone(experiment.config().retrain.epochs)).floor() as u32
}

/// The cost of a network, in forward passes of one sample.
pub(super) fn cost(experiment: &Experiment) -> f64 {
    experiment.training_cost(experiment.config().retrain.epochs, steps(experiment))
}
