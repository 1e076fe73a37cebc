//! Why a search cannot continue.

use std::sync::Arc;

use supernet_engine::weights::ParameterTooLarge;
use supernet_plugin::GenomeError;
use supernet_strategy::StrategyError;

use crate::experiment::ExperimentError;
use crate::storage::StorageError;
use crate::training::TrainingError;

/// Why a search cannot continue.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SearchError {
    /// The experiment cannot be set up.
    #[error(transparent)]
    Experiment(#[from] ExperimentError),
    /// A child could not be sampled.
    #[error(transparent)]
    Genome(#[from] GenomeError),
    /// A parameter does not fit a page.
    #[error(transparent)]
    ParameterTooLarge(#[from] ParameterTooLarge),
    /// The strategy cannot continue.
    #[error(transparent)]
    Strategy(#[from] StrategyError),
    /// A child could not be trained or scored.
    #[error(transparent)]
    Training(#[from] TrainingError),
    /// A run folder cannot be read or written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// There is no candidate to choose from.
    #[error("the policy gave no candidate to choose from; `derive.candidates` must be at least 1")]
    NothingDerived,
    /// The evaluator fails repeatedly.
    #[error("{failures} candidates in a row could not be scored; the last one because {source}")]
    Evaluator {
        /// Number of consecutive failures.
        failures: u32,
        /// The last error; a custom evaluator supplies its own error.
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// The saved state belongs to another search.
    #[error("the saved state does not fit this search: {reason}")]
    Unfit {
        /// The mismatch.
        reason: String,
    },
}
