//! Training steps and scores: one child on one minibatch at a time, independent of workers and
//! strategy.

mod error;
mod evaluator;
mod job;
mod lr_schedule;
mod pass_mean;
mod task_context;
mod trainer;

pub use error::TrainingError;
pub(crate) use evaluator::Evaluator;
pub(crate) use job::{Job, JobError, JobId, JobKind, JobResult, checked};
pub(crate) use lr_schedule::{CosineRestarts, LinearRamp, LrSchedule, WarmupCosine};
pub(crate) use pass_mean::PassMean;
pub(crate) use task_context::TaskContext;
pub(crate) use trainer::passes::{compile, network};
pub(crate) use trainer::{Trainer, TrainerSettings};
