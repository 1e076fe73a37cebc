//! The jobs that a search is cut into: what the trainer and the evaluators are asked for, and what
//! they answer.

use std::error::Error;
use std::sync::Arc;

use supernet_strategy::{Genome, Score};

/// Why a child has no score.
pub(crate) type JobError = Arc<dyn Error + Send + Sync>;
/// What came of one child.
pub(crate) type JobResult = Result<Score, JobError>;

/// One bounded piece of work.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Job {
    pub(crate) id: JobId,
    pub(crate) kind: JobKind,
}

/// Where the answers of a job belong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct JobId {
    /// The task, counted from 0 over the search.
    pub(crate) task: u64,
    /// The first of its children that the job has.
    pub(crate) first: usize,
}

/// What a job asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum JobKind {
    /// A training step.
    Train { genome: Genome, epoch: u32 },
    /// A training step that was found to ruin the weights: its minibatch goes by unused.
    Skip,
    /// Scores on one minibatch of the validation part.
    Score { genomes: Vec<Genome>, batch: u64 },
    /// A score on the whole validation part.
    Validate { genome: Genome },
    /// A score on the test part.
    Test { genome: Genome },
}

impl JobKind {
    /// Whether the trainer does it.
    pub(crate) fn trains(&self) -> bool {
        matches!(self, Self::Train { .. } | Self::Skip)
    }
}

/// An answer that can be ranked and written down.
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

/// A score that is none.
#[derive(Debug, thiserror::Error)]
#[error("its score is not a number")]
struct NotANumber;
