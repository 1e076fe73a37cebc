//! The plan of a retraining: which networks are trained, and at what cost.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use supernet_engine::program::Input;
use supernet_plugin::GenomeError;
use supernet_shaders::random::{Random, RngStream};
use supernet_strategy::Genome;
use supernet_strategy::random::from_prior;

use crate::events::Event;
use crate::experiment::Experiment;
use crate::results::Side;

/// Samples of the prior without a new architecture after which the space is considered exhausted.
const DRAWS: u32 = 100;

/// A network to train.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Planned {
    pub(crate) side: Side,
    pub(crate) genome: Genome,
    /// Seeds its initialisation, its minibatches and its dropout.
    pub(crate) seed: u64,
}

/// The networks, in training order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RetrainPlan {
    pub(crate) networks: Vec<Planned>,
    /// Number of further networks that the budget does not cover.
    pub(crate) left_out: u32,
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
        let others = others(experiment, genome, random)?;
        let seed = |i: u32| experiment.config().search.seed.wrapping_add(u64::from(i));
        let mut networks = Vec::new();
        for i in 0..seeds.max(others.len() as u32) {
            if i < seeds {
                networks.push(Planned {
                    side: Side::Found,
                    genome: genome.to_vec(),
                    seed: seed(i),
                });
            }
            if let Some(other) = others.get(i as usize) {
                networks.push(Planned {
                    side: Side::Random,
                    genome: other.clone(),
                    seed: seed(i),
                });
            }
        }
        Ok(Self {
            networks,
            left_out: 0,
        })
    }

    /// Plans the last phase of a search: as many of the requested networks as the budget covers, in
    /// training order. All networks are assumed to have the same cost.
    ///
    /// # Errors
    /// As [`RetrainPlan::new`].
    pub(crate) fn last_phase(experiment: &Experiment, genome: &[u32]) -> Result<Self, GenomeError> {
        let settings = experiment.config().retrain;
        let fit = (settings.budget * experiment.cost() / cost(experiment)).floor();
        let mut plan = Self::new(experiment, genome, settings.seeds, settings.random)?;
        let asked = plan.networks.len();
        plan.networks.truncate(fit.min(asked as f64) as usize);
        plan.left_out = (asked - plan.networks.len()) as u32;
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

/// The cost of a network, in forward passes of one sample.
fn cost(experiment: &Experiment) -> f64 {
    experiment.training_cost(experiment.config().retrain.epochs, steps(experiment))
}

/// Distinct random architectures other than `genome`'s; fewer if the space has no more.
fn others(experiment: &Experiment, genome: &[u32], count: u32) -> Result<Vec<Genome>, GenomeError> {
    let space = experiment.supergraph();
    let mut random = Random::new(experiment.config().search.seed, RngStream::RetrainedPrior);
    let mut known = BTreeSet::from([space.canonical(genome)?]);
    let (mut others, mut in_vain) = (Vec::new(), 0);
    while (others.len() as u32) < count && in_vain < DRAWS {
        let other = from_prior(space, &mut random)?;
        if known.insert(space.canonical(&other)?) {
            others.push(other);
            in_vain = 0;
        } else {
            in_vain += 1;
        }
    }
    Ok(others)
}
