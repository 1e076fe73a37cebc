//! Why networks cannot be trained from scratch.

use supernet_data::DataError;
use supernet_engine::weights::ParameterTooLarge;
use supernet_plugin::GenomeError;

use crate::config::ConfigError;
use crate::experiment::{ExperimentError, TransferError};
use crate::model::ModelError;
use crate::storage::StorageError;
use crate::training::TrainingError;

/// Why networks cannot be trained from scratch.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RetrainError {
    /// The experiment cannot be set up.
    #[error(transparent)]
    Experiment(#[from] ExperimentError),
    /// The architecture does not fit the space.
    #[error(transparent)]
    Transfer(#[from] TransferError),
    /// The genome does not belong to the space.
    #[error(transparent)]
    Genome(#[from] GenomeError),
    /// A parameter does not fit a page.
    #[error(transparent)]
    ParameterTooLarge(#[from] ParameterTooLarge),
    /// A network could not be trained or scored.
    #[error(transparent)]
    Training(#[from] TrainingError),
    /// A run folder cannot be read or written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A trained network cannot be frozen or saved.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Retraining without epochs.
    #[error(
        "`retrain.epochs` is 0, which leaves retraining out of a search; to retrain, it must be at least 1 (`--epochs N`)"
    )]
    NoEpochs,
    /// A search without shared weights that cannot train the networks that it takes.
    #[error("{reason}")]
    NoHalving {
        /// What it takes, and what there is.
        reason: String,
    },
    /// Random architectures of a space without decisions.
    #[error(
        "the space `{space}` has no decisions, so there are no random architectures of it: ask for none, and \
         compare with what another space gives"
    )]
    NoOthers {
        /// The space.
        space: String,
    },
}

impl From<ConfigError> for RetrainError {
    fn from(error: ConfigError) -> Self {
        Self::Experiment(error.into())
    }
}

impl From<DataError> for RetrainError {
    fn from(error: DataError) -> Self {
        Self::Experiment(error.into())
    }
}
