//! What can go wrong with a search.

use std::path::PathBuf;
use std::sync::Arc;

use supernet_plugin::{GenomeError, RegistryError};

use crate::config::ConfigError;
use crate::data::DataError;
use crate::judge::NothingFits;
use crate::model::ModelError;
use crate::retrain::CarryError;
use crate::run_folder::FolderError;
use crate::space::{Origin, SpaceError};
use crate::strategy::StrategyError;
use crate::train::StageError;
use crate::trial::TrialError;
use crate::weights::ParameterTooLarge;

/// Why a search cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
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
    /// The strategy cannot go on.
    #[error(transparent)]
    Strategy(#[from] StrategyError),
    /// A child could not be trained or scored.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// An op of the space's own does not do what the space says.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Ops(Vec<TrialError>),
    /// The run folder fails.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A network that was trained from scratch cannot be finished or saved.
    #[error(transparent)]
    Model(Box<ModelError>),
    /// Limits that leave no architecture.
    #[error(transparent)]
    NothingFits(Box<NothingFits>),
    /// An architecture that does not fit the space.
    #[error(transparent)]
    Carry(Box<CarryError>),
    /// Retraining without a pass.
    #[error(
        "`retrain.epochs` is 0, which leaves retraining out of a search; to retrain, it must be at least 1"
    )]
    NoEpochs,
    /// No candidate to choose from.
    #[error("the policy gave no candidate to choose from; `derive.candidates` must be at least 1")]
    NothingDerived,
    /// An evaluator that fails again and again.
    #[error("{failures} candidates in a row could not be scored; the last one because {source}")]
    Evaluator {
        /// How many.
        failures: u32,
        /// What the evaluator said of the last one; an evaluator of the application's own gives its own error.
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
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
        was: Box<Origin>,
        /// The one at hand.
        is: Box<Origin>,
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
    /// A saved state of another search.
    #[error("the saved state does not fit this search: {reason}")]
    Unfit {
        /// What does not.
        reason: String,
    },
    /// A part of the search that fails again and again, or without remedy.
    #[error(
        "the search cannot go on: its {part} failed, {failures} times without getting further; it said: {reason}"
    )]
    Part {
        /// `trainer`, `evaluator 1`, `controller`, `checkpoint`, `listener`, `search`.
        part: String,
        /// What it said last.
        reason: String,
        /// How often.
        failures: u32,
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
    /// Random architectures of a space with nothing to choose.
    #[error(
        "the space `{space}` decides nothing, so there are no random architectures of it: leave out `--versus-random`, and \
         compare with what another space gives"
    )]
    NoOthers {
        /// The space.
        space: String,
    },
    /// A benchmark on more data than is sensible.
    #[error(
        "a benchmark on {numbers} numbers of data is too much; {most} are allowed: take a smaller batch, image or window"
    )]
    TooMuch {
        /// Numbers of all images, or tokens.
        numbers: u64,
        /// How many are allowed.
        most: u64,
    },
    /// The system gives no thread.
    #[error("cannot start a thread for the search: {source}")]
    Thread {
        /// What the system said.
        source: std::io::Error,
    },
    /// Minutes that no search fits in.
    #[error("{minutes} minutes are no time for a search; it must be a number above 0")]
    NoTime {
        /// What was asked for.
        minutes: f64,
    },
}

impl From<CarryError> for SearchError {
    fn from(error: CarryError) -> Self {
        Self::Carry(Box::new(error))
    }
}

impl From<ModelError> for SearchError {
    fn from(error: ModelError) -> Self {
        Self::Model(Box::new(error))
    }
}

impl From<NothingFits> for SearchError {
    fn from(error: NothingFits) -> Self {
        Self::NothingFits(Box::new(error))
    }
}
