//! The jobs of a search: the requests to the trainer and the evaluators, and their results.

use std::error::Error;
use std::sync::Arc;

use supernet_strategy::{Genome, Pass, Score};

/// Why a child has no score.
pub(crate) type JobError = Arc<dyn Error + Send + Sync>;
/// The result for one child.
pub(crate) type JobResult = Result<Score, JobError>;

/// A bounded unit of work.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Job {
    pub(crate) id: JobId,
    pub(crate) kind: JobKind,
}

/// The task and position that the results of a job belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct JobId {
    /// Number of the task, from 0 over the search.
    pub(crate) task: u64,
    /// Index of the job's first child within the task.
    pub(crate) first: usize,
}

/// The kind of work.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum JobKind {
    /// A training step.
    Train { paths: Vec<Genome>, epoch: u32 },
    /// A general step.
    Step { passes: Vec<Pass>, epoch: u32 },
    /// A training step that is known to corrupt the weights: its minibatch is skipped.
    Skip,
    /// Scores on one minibatch of the validation split.
    Score { genomes: Vec<Genome>, batch: u64 },
    /// A training from scratch, and a score on the whole validation split.
    Alone {
        genome: Genome,
        epochs: u32,
        seed: u64,
    },
    /// A score on the whole validation split.
    Validate { genome: Genome },
    /// A score on the test split.
    Test { genome: Genome },
}

impl JobKind {
    /// Whether the trainer runs it.
    pub(crate) fn trains(&self) -> bool {
        matches!(self, Self::Train { .. } | Self::Step { .. } | Self::Skip)
    }
}

/// Turns a score that is not a number into an error, so that results can be ranked and serialised.
pub(crate) fn checked(result: JobResult) -> JobResult {
    let score = result?;
    if score.reward.is_finite() && score.loss.is_finite() {
        Ok(score)
    } else {
        Err(JobError::from(NotANumber))
    }
}

impl From<NotANumber> for JobError {
    fn from(error: NotANumber) -> Self {
        Arc::new(error)
    }
}

/// A score that is not a number.
#[derive(Debug, thiserror::Error)]
#[error("its score is not a number")]
struct NotANumber;
