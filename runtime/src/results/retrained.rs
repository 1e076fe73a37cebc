//! The results of retraining.

use std::fmt;

use serde::{Deserialize, Serialize};
use supernet_strategy::{Genome, Score};

use super::best_of_random::BestOfRandom;
use super::comparison::Comparison;
use super::metric::Metric;

/// The origin of a network's architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Side {
    /// The architecture that was found or given.
    Found,
    /// Another architecture that selection left to the end.
    RunnerUp,
    /// A sample of the space's prior.
    Random,
    /// A sample of the space's prior with nearly as many parameters as the architecture that was
    /// found: what size alone achieves.
    SameSize,
    /// The largest architecture of the space.
    Largest,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Found => "found",
            Self::RunnerUp => "runner-up",
            Self::Random => "random",
            Self::SameSize => "same size",
            Self::Largest => "largest",
        })
    }
}

/// A network that was trained from scratch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TrainedNetwork {
    /// The origin of its architecture.
    pub side: Side,
    /// Its genome.
    pub genome: Genome,
    /// Seeds the initialisation, the minibatches and dropout.
    pub seed: u64,
    /// Number of parameters.
    pub parameters: u64,
    /// Multiply-accumulates for one sample.
    pub macs: u64,
    /// Means over the last training pass, with the loss that was minimised.
    pub train: Option<Score>,
    /// Its score on the test split, which neither search nor training has seen; none if the
    /// training diverged.
    pub test: Option<Score>,
}

/// Architectures that were trained from scratch: `best/retrained.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Retrained {
    /// Passes over the training and validation splits.
    pub epochs: u32,
    /// The networks, in training order.
    pub networks: Vec<TrainedNetwork>,
    /// Comparison of the architecture that was found with the others.
    pub comparison: Comparison,
}

impl Retrained {
    /// The result of retraining after a search that cost as much as `affordable` networks; none
    /// without a search.
    pub(crate) fn new(
        epochs: u32,
        networks: Vec<TrainedNetwork>,
        affordable: Option<u32>,
        metric: Metric,
    ) -> Self {
        let random = networks.iter().filter(|of| of.side == Side::Random);
        let tested: Vec<f64> = random
            .filter_map(|network| Some(metric.quality(&network.test?)))
            .collect();
        let comparison = Comparison {
            best_of_random: affordable.map(|count| BestOfRandom::new(count, &tested, metric)),
            ..Comparison::new(&networks, metric)
        };
        Self {
            epochs,
            networks,
            comparison,
        }
    }

    /// A summary of the result.
    pub fn summary(&self) -> String {
        self.comparison.summary()
    }
}
