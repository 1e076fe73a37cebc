//! Execution of a search: on one thread, or by actors under a supervisor.

mod builder;
#[cfg(all(test, feature = "gpu"))]
mod gpu_tests;
#[cfg(test)]
mod halving_tests;
#[cfg(test)]
mod nas_tests;
mod handle;
mod inline;
mod last_phase;
mod latch;
#[cfg(test)]
mod search_tests;
#[cfg(test)]
mod selection_tests;
mod subscription;
#[cfg(test)]
pub(crate) mod text_tests;
mod workers;

pub use builder::SearchBuilder;
pub use handle::{RunOutcome, RunResult, Search};
pub use subscription::{EventStream, Events};
