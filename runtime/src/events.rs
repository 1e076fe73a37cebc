//! The events of a search, as data, and the commands that an application may give.

mod command;
mod event;
mod progress;

pub(crate) use command::{Command, Commands, StopWhen};
pub use event::{EvaluationRole, Event, Record, WarningKind};
pub use progress::{LastUpdate, Phase, Progress, TRAINING_PASSES};
