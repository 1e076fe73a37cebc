//! The supervisor of a search. Its reactions to the reports of the workers are in `supervision.rs`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use supernet_engine::weights::Weights;

use super::supervision::Supervision;
use super::{Role, SearchContext};
use crate::error::Error;
use crate::events::{Command, Event, Record};
use crate::runner::handle::{RunResult, Shared};
use crate::search::SearchOutcome;
use crate::search::snapshot::Snapshot;
use crate::storage::{Recorder, StorageError};

pub(crate) struct Supervisor;

pub(crate) enum Msg {
    /// A report from a worker of that generation.
    FromWorker(u32, WorkerReport),
    /// Check the application's command and the silence of workers.
    Tick,
}

pub(crate) enum WorkerReport {
    /// The event with that number was emitted.
    Event(u64, Box<Event>),
    Snapshot(Box<Snapshot>),
    /// No work is in flight, as requested.
    Quiesced(Command),
    Finished(Box<SearchOutcome>, Arc<Weights>),
    Written(Result<PathBuf, StorageError>),
    /// The coordinator is alive; the worker that it waits for, and for how long.
    Heartbeat(Option<(Role, Duration)>),
}

/// Receives every record of a search, on its thread.
pub(crate) type SharedListener = Box<dyn FnMut(&Record) -> Result<(), StorageError> + Send>;
/// The recorder of a search with workers.
pub(crate) type SharedRecorder = Recorder<'static, SharedListener>;

/// The start parameters of a search.
pub(crate) struct Start {
    pub(crate) context: Arc<SearchContext>,
    pub(crate) snapshot: Snapshot,
    pub(crate) recorder: SharedRecorder,
    pub(crate) shared: Arc<Shared>,
}

/// Supervises a search until it has a result, or ends. Runs on the search's own thread. The
/// recorder is handed over to the next phase.
pub(crate) async fn supervise(
    start: Start,
    started: impl FnOnce(ActorRef<Msg>),
) -> (RunResult, Option<SharedRecorder>) {
    let (shared, limit) = (Arc::clone(&start.shared), start.context.limit);
    let failed = |reason: String| Error::Worker {
        worker: Role::Supervisor.to_string(),
        reason,
        failures: 1,
    };
    #[cfg(test)]
    let actor =
        crate::runner::workers::faults::Faulty::new(&start.context, Role::Supervisor, Supervisor);
    #[cfg(not(test))]
    let actor = Supervisor;
    match Actor::spawn(None, actor, start).await {
        Ok((supervisor, ended)) => {
            supervisor.send_interval((limit / 8).min(Duration::from_secs(1)), || Msg::Tick);
            started(supervisor);
            // Panics are caught; a missing outcome means that there was one.
            let _ = ended.await;
            match shared.take_outcome() {
                Some((outcome, recorder)) => (outcome, Some(recorder)),
                None => (
                    Err(Arc::new(failed("it stopped before its end".to_owned()))),
                    None,
                ),
            }
        }
        Err(error) => (Err(Arc::new(failed(error.to_string()))), None),
    }
}

impl Actor for Supervisor {
    type Msg = Msg;
    type State = Supervision;
    type Arguments = Start;

    async fn pre_start(
        &self,
        myself: ActorRef<Msg>,
        start: Start,
    ) -> Result<Supervision, ActorProcessingErr> {
        Ok(Supervision::new(start, myself))
    }

    async fn post_start(
        &self,
        _: ActorRef<Msg>,
        state: &mut Supervision,
    ) -> Result<(), ActorProcessingErr> {
        state.begin().await;
        Ok(())
    }

    async fn handle(
        &self,
        _: ActorRef<Msg>,
        message: Msg,
        state: &mut Supervision,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            // The reports of a replaced worker are repeated by its successor.
            Msg::FromWorker(generation, report) if state.is_current(generation) => {
                state.handle_report(report).await
            }
            Msg::FromWorker(..) => {}
            Msg::Tick => state.tick().await,
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<Msg>,
        event: SupervisionEvent,
        state: &mut Supervision,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorFailed(who, reason) => state.worker_exited(&who, reason).await,
            SupervisionEvent::ActorTerminated(who, _, _) => {
                state.worker_exited(&who, "it stopped".into()).await
            }
            _ => {}
        }
        Ok(())
    }
}
