//! The workers of a search as actors: who does what, who asks whom, and who replaces them when they
//! fail.
//!
//! ```text
//! Search ──▶ Supervisor             writes the log, notifies listeners, holds the last snapshot
//!              ├── Coordinator      owns the scheduler and its strategy: dispatches jobs,
//!              │     │ ▲            processes results in order
//!              │     ▼ │ jobs, results
//!              ├── Trainer          owns the shared weights, their only writer
//!              ├── Evaluator × N    read one version of them
//!              └── Checkpoint       writes snapshots
//! ```
//!
//! Each actor has its own thread, so that a blocked one does not block the others. Any failure of
//! one of the lower four (an error, a panic, or silence beyond the limit) is handled in the same
//! way: all four are replaced by new ones that continue from the last snapshot. Events that were
//! already emitted are not emitted again, since the repeated work is identical. Actors are not
//! registered by name: names are global to a process, and two searches must not interfere.

mod actor_thread;
mod checkpoint;
mod coordinator;
#[cfg(test)]
mod deep_device;
mod dispatcher;
mod evaluator;
#[cfg(test)]
pub(crate) mod faults;
mod spawn;
mod supervision;
mod supervisor;
#[cfg(test)]
mod tests;
mod trainer;

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use supernet_engine::device::{Device, DeviceError};
use supernet_strategy::Genome;
pub(super) use supervisor::{Msg, SharedListener, SharedRecorder, Start, supervise};

use crate::experiment::Experiment;
use crate::training::JobResult;

/// Creates a device, on the thread that uses it first.
pub(crate) type MakeDevice = Arc<dyn Fn() -> Result<Box<dyn Device>, DeviceError> + Send + Sync>;
/// A custom evaluator.
pub(crate) type CustomEvaluator =
    Arc<dyn Fn(Genome) -> Pin<Box<dyn Future<Output = JobResult> + Send>> + Send + Sync>;
/// Why an actor ended.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The context that all actors of a search share.
pub(crate) struct SearchContext {
    pub(crate) experiment: Arc<Experiment>,
    /// The trainer's device.
    pub(crate) device: MakeDevice,
    /// Number of evaluators, and the device of each; without one they share the trainer's.
    pub(crate) evaluators: usize,
    pub(crate) evaluator_device: Option<MakeDevice>,
    pub(crate) custom_evaluator: Option<CustomEvaluator>,
    /// Time limit of any operation before it is given up.
    pub(crate) limit: Duration,
    #[cfg(test)]
    pub(crate) faults: Option<Arc<faults::Faults>>,
}

/// A device that the trainer and the evaluators may share. They never use it at the same time: an
/// evaluator has work only while no training step is in flight.
#[derive(Clone)]
struct SharedDevice(Arc<Mutex<Box<dyn Device>>>);

impl SharedDevice {
    fn new(make: &MakeDevice) -> Result<Self, DeviceError> {
        Ok(Self(Arc::new(Mutex::new(make()?))))
    }

    fn lock(&self) -> MutexGuard<'_, Box<dyn Device>> {
        // After a panic all actors get new devices.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The role of an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Supervisor,
    Coordinator,
    Trainer,
    Evaluator(usize),
    Checkpoint,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Supervisor => f.write_str("search"),
            Self::Coordinator => f.write_str("coordinator"),
            Self::Trainer => f.write_str("trainer"),
            Self::Evaluator(number) => write!(f, "evaluator {}", number + 1),
            Self::Checkpoint => f.write_str("checkpoint"),
        }
    }
}
