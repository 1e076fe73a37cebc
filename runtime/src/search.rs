//! The logic of a search, independent of threads: a state machine that hands out jobs and takes
//! their results.

pub(crate) mod composition;
mod error;
mod final_evaluation;
mod monitor;
mod result;
mod saved;
mod scheduler;
pub(crate) mod snapshot;

pub use composition::OpComposition;
pub use error::SearchError;
pub(crate) use final_evaluation::SearchOutcome;
pub use result::SearchResult;
pub(crate) use saved::SchedulerState;
pub(crate) use scheduler::{Concurrency, Next, Scheduler};
