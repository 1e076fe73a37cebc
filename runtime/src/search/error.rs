//! Why a search cannot go on.

use std::sync::Arc;

use supernet_engine::weights::ParameterTooLarge;
use supernet_plugin::GenomeError;
use supernet_strategy::StrategyError;

use crate::experiment::ExperimentError;
use crate::storage::StorageError;
use crate::training::TrainingError;

/// Why a search cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SearchError {
    /// It is not set up as it must be.
    #[error(transparent)]
    Experiment(#[from] ExperimentError),
    /// A child could not be sampled.
    #[error(transparent)]
    Genome(#[from] GenomeError),
    /// A parameter does not fit a page.
    #[error(transparent)]
    ParameterTooLarge(#[from] ParameterTooLarge),
    /// The strategy cannot go on.
    #[error(transparent)]
    Strategy(#[from] StrategyError),
    /// A child could not be trained or scored.
    #[error(transparent)]
    Training(#[from] TrainingError),
    /// The run folder fails.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// No candidate to choose from.
    #[error("the policy gave no candidate to choose from; `derive.candidates` must be at least 1")]
    NothingDerived,
    /// An evaluator that fails again and again.
    #[error("{failures} candidates in a row could not be scored; the last one because {source}")]
    Evaluator {
        /// How many.
        failures: u32,
        /// What the evaluator said of the last one; an evaluator of the application's own gives its
        /// own error.
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// A saved state of another search.
    #[error("the saved state does not fit this search: {reason}")]
    Unfit {
        /// What does not.
        reason: String,
    },
}
