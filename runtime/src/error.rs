//! The crate-level error type.

use supernet_data::DataError;
use supernet_engine::device::DeviceError;
use supernet_plugin::GenomeError;
use supernet_strategy::StrategyError;

use crate::config::ConfigError;
use crate::experiment::op_check::OpCheckError;
use crate::experiment::{ExperimentError, TransferError};
use crate::model::ModelError;
use crate::retrain::RetrainError;
use crate::search::SearchError;
use crate::space::SpaceError;
use crate::storage::StorageError;
use crate::tabular::TableError;
use crate::training::TrainingError;

/// Why something could not be done: a sentence with a remedy ([`Display`](std::fmt::Display)), and
/// a [kind](Self::kind) to tell cases apart.
///
/// Each module has its own error type, and all of them convert to this one, so that `?` works
/// throughout.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The space is not available.
    #[error(transparent)]
    Space(Box<SpaceError>),
    /// The data are invalid.
    #[error(transparent)]
    Data(Box<DataError>),
    /// The device failed.
    #[error(transparent)]
    Device(Box<DeviceError>),
    /// A genome does not belong to the space, or cannot be sampled.
    #[error(transparent)]
    Genome(#[from] GenomeError),
    /// The strategy cannot continue.
    #[error(transparent)]
    Strategy(#[from] StrategyError),
    /// A child could not be trained or scored.
    #[error(transparent)]
    Training(Box<TrainingError>),
    /// A run folder cannot be read or written.
    #[error(transparent)]
    Storage(Box<StorageError>),
    /// A search cannot be set up.
    #[error(transparent)]
    Experiment(Box<ExperimentError>),
    /// A search cannot continue.
    #[error(transparent)]
    Search(Box<SearchError>),
    /// Networks cannot be trained from scratch.
    #[error(transparent)]
    Retrain(Box<RetrainError>),
    /// An architecture does not fit a space.
    #[error(transparent)]
    Transfer(Box<TransferError>),
    /// A finished network cannot be created, read or used.
    #[error(transparent)]
    Model(Box<ModelError>),
    /// A tabular benchmark cannot be searched.
    #[error(transparent)]
    Table(Box<TableError>),
    /// No architecture is within the limits.
    #[error(
        "none of {looked_at} architectures has at most {limits}; the smallest has {} parameters, and the one with the least \
         to compute {} multiply-accumulates: raise the limit, or take more samples",
        crate::results::thousands(*.parameters), crate::results::thousands(*.macs)
    )]
    NothingFits {
        /// Number of distinct architectures that were considered.
        looked_at: u32,
        /// The limits, formatted.
        limits: String,
        /// The smallest number of parameters among them.
        parameters: u64,
        /// The smallest number of multiply-accumulates among them.
        macs: u64,
    },
    /// A benchmark on too much data.
    #[error(
        "a benchmark on {numbers} numbers of data is too much; {most} are allowed: take a smaller batch, image or window"
    )]
    BenchTooLarge {
        /// Numbers in all images, or tokens.
        numbers: u64,
        /// The maximum.
        most: u64,
    },
    /// A ranking of too few networks.
    #[error(
        "a ranking of {networks} networks says nothing; it takes at least {least}, and {found} of the space differ, read \
         their input and have a truth: ask for more networks, or give a table with more of them"
    )]
    FewNetworks {
        /// Number of networks that would be ranked.
        networks: u32,
        /// Number of networks that could be.
        found: u32,
        /// The minimum.
        least: u32,
    },
    /// A ranking laboratory without a truth.
    #[error(
        "scores are compared with a truth: name a table of it (`--truth FILE:COLUMN`), or have the networks trained alone \
         (`--alone EPOCHS`)"
    )]
    NoTruth,
    /// Networks that would be trained alone with too few seeds.
    #[error(
        "networks are trained alone with at least 2 seeds, not {seeds}: how far one agrees with another is the most that \
         any score can reach"
    )]
    AloneSeeds {
        /// The given number.
        seeds: u32,
    },
    /// The folder of a ranking laboratory has another one.
    #[error(
        "the folder {} {difference}; name another folder, or begin anew in an empty one",
        .path.display()
    )]
    OtherLaboratory {
        /// The folder.
        path: std::path::PathBuf,
        /// The difference, as a part of the sentence.
        difference: String,
    },
    /// A worker of the search fails repeatedly, or cannot recover.
    #[error(
        "the search cannot continue: its {worker} failed, {failures} times without getting further; it said: {reason}"
    )]
    Worker {
        /// `trainer`, `evaluator 1`, `coordinator`, `checkpoint`, `search`, `retraining`.
        worker: String,
        /// Its last error message.
        reason: String,
        /// Number of failures.
        failures: u32,
    },
    /// The operating system cannot create a thread.
    #[error("cannot start a thread for the search: {source}")]
    Thread {
        /// The error of the operating system.
        source: std::io::Error,
    },
}

/// The category of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Settings or other arguments.
    Config,
    /// The search space, its plugin, or its custom ops.
    Space,
    /// The data.
    Data,
    /// The device, or its memory.
    Device,
    /// A genome or an architecture that does not fit its space.
    Architecture,
    /// The strategy.
    Strategy,
    /// The application's evaluator or listener.
    Application,
    /// The loss is not a number (NaN).
    Diverged,
    /// A file, a folder, or its content.
    Storage,
    /// A finished network.
    Model,
    /// A tabular benchmark.
    Table,
    /// A thread, or a worker that fails repeatedly.
    Runtime,
}

impl Error {
    /// The category of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Config(_)
            | Self::NothingFits { .. }
            | Self::BenchTooLarge { .. }
            | Self::FewNetworks { .. }
            | Self::NoTruth
            | Self::AloneSeeds { .. } => ErrorKind::Config,
            Self::OtherLaboratory { .. } => ErrorKind::Storage,
            Self::Space(_) => ErrorKind::Space,
            Self::Data(_) => ErrorKind::Data,
            Self::Device(_) => ErrorKind::Device,
            Self::Genome(_) | Self::Transfer(_) => ErrorKind::Architecture,
            Self::Strategy(_) => ErrorKind::Strategy,
            Self::Training(error) => of_training(error),
            Self::Storage(error) => of_storage(error),
            Self::Experiment(error) => of_experiment(error),
            Self::Search(error) => match &**error {
                SearchError::Experiment(error) => of_experiment(error),
                SearchError::Genome(_) => ErrorKind::Architecture,
                SearchError::ParameterTooLarge(_) => ErrorKind::Space,
                SearchError::Strategy(_) => ErrorKind::Strategy,
                SearchError::Training(error) => of_training(error),
                SearchError::Storage(error) => of_storage(error),
                SearchError::NothingDerived => ErrorKind::Config,
                SearchError::Evaluator { .. } => ErrorKind::Application,
                SearchError::Unfit { .. } => ErrorKind::Storage,
            },
            Self::Retrain(error) => match &**error {
                RetrainError::Experiment(error) => of_experiment(error),
                RetrainError::Genome(_) | RetrainError::Transfer(_) => ErrorKind::Architecture,
                RetrainError::ParameterTooLarge(_) => ErrorKind::Space,
                RetrainError::Training(error) => of_training(error),
                RetrainError::Storage(error) => of_storage(error),
                RetrainError::Model(_) => ErrorKind::Model,
                RetrainError::NoEpochs
                | RetrainError::NoOthers { .. }
                | RetrainError::NoHalving { .. } => ErrorKind::Config,
            },
            Self::Model(_) => ErrorKind::Model,
            Self::Table(_) => ErrorKind::Table,
            Self::Worker { .. } | Self::Thread { .. } => ErrorKind::Runtime,
        }
    }
}

fn of_training(error: &TrainingError) -> ErrorKind {
    match error {
        TrainingError::Genome(_) => ErrorKind::Architecture,
        TrainingError::Program(_) => ErrorKind::Space,
        TrainingError::Path(_) | TrainingError::Mixture(_) | TrainingError::Step { .. } => {
            ErrorKind::Strategy
        }
        TrainingError::Device(_) => ErrorKind::Device,
        TrainingError::Diverged { .. } => ErrorKind::Diverged,
    }
}

fn of_storage(error: &StorageError) -> ErrorKind {
    match error {
        StorageError::Listener { .. } => ErrorKind::Application,
        _ => ErrorKind::Storage,
    }
}

fn of_experiment(error: &ExperimentError) -> ErrorKind {
    match error {
        ExperimentError::Config(_)
        | ExperimentError::NoTime { .. }
        | ExperimentError::Unsuited { .. }
        | ExperimentError::Budget { .. }
        | ExperimentError::OneArchitecture { .. }
        | ExperimentError::NoSharedWeights { .. } => ErrorKind::Config,
        ExperimentError::Space(_)
        | ExperimentError::ParameterTooLarge(_)
        | ExperimentError::Ops(_)
        | ExperimentError::SpaceGone { .. }
        | ExperimentError::OtherSpace { .. } => ErrorKind::Space,
        ExperimentError::Data(_)
        | ExperimentError::DataGone { .. }
        | ExperimentError::OtherData { .. } => ErrorKind::Data,
        ExperimentError::Genome(_) => ErrorKind::Architecture,
        ExperimentError::Strategy(_) | ExperimentError::NoStrategy => ErrorKind::Strategy,
        ExperimentError::Training(error) => of_training(error),
        ExperimentError::Storage(error) => of_storage(error),
    }
}

/// Errors are boxed, so that results stay small in the case of success.
macro_rules! boxed {
    ($($variant:ident($error:ty)),* $(,)?) => {
        $(impl From<$error> for Error {
            fn from(error: $error) -> Self {
                Self::$variant(Box::new(error))
            }
        })*
    };
}

boxed! {
    Space(SpaceError),
    Data(DataError),
    Device(DeviceError),
    Training(TrainingError),
    Storage(StorageError),
    Experiment(ExperimentError),
    Search(SearchError),
    Retrain(RetrainError),
    Transfer(TransferError),
    Model(ModelError),
    Table(TableError),
}

impl From<Vec<OpCheckError>> for Error {
    fn from(errors: Vec<OpCheckError>) -> Self {
        ExperimentError::Ops(errors).into()
    }
}
