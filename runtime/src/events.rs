//! What happens in a search, as data, and what an application may ask of it.

mod command;
mod event;
mod progress;

pub(crate) use command::{Command, Commands, StopWhen};
pub use event::{EvaluationRole, Event, Record, WarningKind};
pub use progress::{LastUpdate, Phase, Progress, TRAINING_PASSES};
