//! Why a search cannot be set up.

use std::path::PathBuf;

use supernet_data::DataError;
use supernet_engine::weights::ParameterTooLarge;
use supernet_plugin::{GenomeError, RegistryError};
use supernet_strategy::StrategyError;

use super::op_check::OpCheckError;
use crate::config::ConfigError;
use crate::space::{SpaceError, SpaceProvenance};
use crate::storage::StorageError;
use crate::training::TrainingError;

/// Why a search cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExperimentError {
    /// A setting is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The space cannot be had.
    #[error(transparent)]
    Space(#[from] SpaceError),
    /// The data are wrong.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A parameter does not fit a page.
    #[error(transparent)]
    ParameterTooLarge(#[from] ParameterTooLarge),
    /// A child could not be sampled.
    #[error(transparent)]
    Genome(#[from] GenomeError),
    /// The strategy cannot begin.
    #[error(transparent)]
    Strategy(#[from] StrategyError),
    /// A child could not be trained or scored.
    #[error(transparent)]
    Training(#[from] TrainingError),
    /// A run that is gone on with cannot be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// An op of the space's own does not do what the space says.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Ops(Vec<OpCheckError>),
    /// A strategy that has no name.
    #[error(
        "the strategy `own` is an application's own: only the application can run or resume such a search"
    )]
    NoStrategy,
    /// A run's space is not here.
    #[error("{why} The run {} searched it: {remedy}", .run.display())]
    SpaceGone {
        /// The run's folder.
        run: PathBuf,
        /// That there is no such space.
        why: Box<RegistryError>,
        /// Where it came from, and how to have it again.
        remedy: String,
    },
    /// A run's space is another one by now.
    #[error(
        "the run {run} searched the space `{}` as {} built it (hash {}), and the one at hand, from {}, differs (hash {}): \
         load the same plugin, or begin anew with `supernet search --config {run}/config.toml` and the plugin at hand",
        .was.space, .was.providers(), .was.short(), .is.providers(), .is.short(), run = .run.display()
    )]
    OtherSpace {
        /// The run's folder.
        run: PathBuf,
        /// The run's space.
        was: Box<SpaceProvenance>,
        /// The one at hand.
        is: Box<SpaceProvenance>,
    },
    /// A run's data are others by now.
    #[error(
        "the data `{data}` have changed since the run {0} began: they were {was}, and now are {is}; put back what was there, \
         or begin anew with `supernet search --config {0}/config.toml`",
        .run.display()
    )]
    OtherData {
        /// The run's folder.
        run: PathBuf,
        /// What the settings name.
        data: String,
        /// What they were.
        was: String,
        /// What they are.
        is: String,
    },
    /// A space with nothing to choose.
    #[error(
        "the space `{space}` decides nothing, so there is nothing to search in it; `supernet retrain --space {space}` \
         trains its one architecture"
    )]
    OneArchitecture {
        /// The space.
        space: String,
    },
    /// Minutes that no search fits in.
    #[error("{minutes} minutes are no time for a search; it must be a number above 0")]
    NoTime {
        /// What was asked for.
        minutes: f64,
    },
}
