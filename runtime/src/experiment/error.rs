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
    /// The space is not available.
    #[error(transparent)]
    Space(#[from] SpaceError),
    /// The data are invalid.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A parameter does not fit a page.
    #[error(transparent)]
    ParameterTooLarge(#[from] ParameterTooLarge),
    /// A child could not be sampled.
    #[error(transparent)]
    Genome(#[from] GenomeError),
    /// The strategy cannot start.
    #[error(transparent)]
    Strategy(#[from] StrategyError),
    /// A child could not be trained or scored.
    #[error(transparent)]
    Training(#[from] TrainingError),
    /// A run to resume cannot be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A custom op does not do what the space declares.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Ops(Vec<OpCheckError>),
    /// A method makes no sense on a space, or with these settings.
    #[error("`{strategy}` cannot search the space `{space}`: {reason}")]
    Unsuited {
        /// The method.
        strategy: &'static str,
        /// The space.
        space: String,
        /// The reason, and a way out.
        reason: String,
    },
    /// A budget that does not pay for the least that a search is.
    #[error(
        "`search.budget` is {budget} multiply-adds, and {what} take {least}; raise it, or lower {lower}"
    )]
    Budget {
        /// The budget.
        budget: String,
        /// The smallest budget that would do.
        least: String,
        /// What it would pay for.
        what: &'static str,
        /// The settings that make a search cheaper.
        lower: &'static str,
    },
    /// A custom strategy cannot be created by name.
    #[error(
        "the strategy `custom` is defined by an application: only that application can run or resume such a search"
    )]
    NoStrategy,
    /// The space of a run is missing.
    #[error("{why} The run {} searched it: {remedy}", .run.display())]
    SpaceGone {
        /// The run's folder.
        run: PathBuf,
        /// The error of the look-up.
        why: Box<RegistryError>,
        /// The origin of the space, and how to provide it again.
        remedy: String,
    },
    /// The space of a run has changed.
    #[error(
        "the run {run} searched the space `{}` as {} built it (hash {}), and the one at hand, from {}, differs (hash {}): \
         load the same plugin, or begin anew with `supernet search --config {run}/config.toml` and the plugin at hand",
        .was.space, .was.providers(), .was.short(), .is.providers(), .is.short(), run = .run.display()
    )]
    OtherSpace {
        /// The run's folder.
        run: PathBuf,
        /// The space of the run.
        was: Box<SpaceProvenance>,
        /// The current space.
        is: Box<SpaceProvenance>,
    },
    /// The data of a run have changed.
    #[error(
        "the data `{data}` have changed since the run {0} began: they were {was}, and now are {is}; put back what was there, \
         or begin anew with `supernet search --config {0}/config.toml`",
        .run.display()
    )]
    OtherData {
        /// The run's folder.
        run: PathBuf,
        /// The name in the settings.
        data: String,
        /// The data of the run.
        was: String,
        /// The current data.
        is: String,
    },
    /// The data of a run are not found by their name.
    #[error(
        "the run {} searched the data `{data}`, which are neither built in nor a file or folder here: put back what was \
         there, or, if an application made them, let it hand them over again (`SearchBuilder::data`, `Retraining::of_run_on`, \
         `Retraining::resume_on`, `TrainedSupernet::open_on`)",
        .run.display()
    )]
    DataGone {
        /// The run's folder.
        run: PathBuf,
        /// The name in the settings.
        data: String,
    },
    /// A space without decisions.
    #[error(
        "the space `{space}` has no decisions, so there is nothing to search in it; `supernet retrain --space {space}` \
         trains its one architecture"
    )]
    OneArchitecture {
        /// The space.
        space: String,
    },
    /// Something needs shared weights, and the strategy has none.
    #[error("the strategy `halving` shares no weights: {therefore}")]
    NoSharedWeights {
        /// What cannot be done, and a remedy.
        therefore: &'static str,
    },
    /// A duration in which no search fits.
    #[error("a search cannot take {minutes} minutes; the duration must be a number above 0")]
    NoTime {
        /// The given duration.
        minutes: f64,
    },
}
