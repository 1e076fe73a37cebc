//! The reactions of the supervisor: to log, to save, to replace failed workers, to end.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use ractor::{ActorCell, ActorRef};
use supernet_engine::weights::Weights;

use super::actor_thread::Silent;
use super::spawn::Workers;
use super::supervisor::{Msg, SharedRecorder, Start, WorkerReport};
use super::trainer::Ruined;
use super::{Failure, Role, SearchContext, checkpoint, coordinator};
use crate::error::Error;
use crate::events::{Command, Commands, Event};
use crate::runner::handle::{RunOutcome, RunResult, Shared};
use crate::search::snapshot::Snapshot;
use crate::search::{SearchError, SearchOutcome, SearchResult};
use crate::storage::StorageError;
use crate::training::TrainingError;

/// Number of failures without progress that ends a search.
const MOST_FAILURES: u32 = 4;

pub(crate) struct Supervision {
    context: Arc<SearchContext>,
    myself: ActorRef<Msg>,
    recorder: SharedRecorder,
    shared: Arc<Shared>,
    /// The snapshot from which workers continue after a failure.
    snapshot: Arc<Snapshot>,
    workers: Option<Workers>,
    generation: u32,
    /// The last command to the workers, and since when an answer is awaited.
    commanded: Command,
    awaited: Option<Instant>,
    /// Time of the coordinator's last message.
    heard: Instant,
    /// Checkpoints being written: the start time, and their number of steps.
    writing: VecDeque<(Instant, u64)>,
    /// The result, which waits for the last checkpoint.
    found: Option<(Box<SearchOutcome>, Arc<Weights>)>,
    paused: bool,
    failures: u32,
    unsaved: u32,
}

impl Supervision {
    pub(crate) fn new(start: Start, myself: ActorRef<Msg>) -> Self {
        let Start {
            context,
            snapshot,
            recorder,
            shared,
        } = start;
        Self {
            context,
            myself,
            recorder,
            shared,
            snapshot: Arc::new(snapshot),
            workers: None,
            generation: 0,
            commanded: Command::Run,
            awaited: None,
            heard: Instant::now(),
            writing: VecDeque::new(),
            found: None,
            paused: false,
            failures: 0,
            unsaved: 0,
        }
    }

    /// Starts the search. It is saved before its first step, so that it can always be resumed.
    pub(crate) async fn begin(&mut self) {
        self.spawn_workers().await;
        if self.snapshot.scheduler.position() == 0
            && let Err(error) = self.save(Snapshot::clone(&self.snapshot))
        {
            self.end(Err(Arc::new(error.into()))).await;
        }
    }

    pub(crate) fn is_current(&self, generation: u32) -> bool {
        self.workers.is_some() && generation == self.generation
    }

    /// Starts the workers from the last snapshot, repeatedly until it succeeds or retrying is
    /// useless.
    async fn spawn_workers(&mut self) {
        loop {
            self.generation += 1;
            self.heard = Instant::now();
            self.writing.clear();
            self.found = None;
            self.awaited = (self.commanded != Command::Run).then(Instant::now);
            let folder = self
                .recorder
                .folder()
                .map(|folder| folder.path().to_owned());
            let (context, snapshot, myself) = (&self.context, &self.snapshot, &self.myself);
            match Workers::start(
                context,
                snapshot,
                self.generation,
                self.commanded,
                folder.as_deref(),
                myself,
            )
            .await
            {
                Ok(workers) => return self.workers = Some(workers),
                Err((role, failure)) if !self.should_retry(role, &failure).await => {
                    return self.give_up(role, failure).await;
                }
                Err(_) => {}
            }
        }
    }

    /// Records a failure. Returns whether to retry.
    async fn should_retry(&mut self, role: Role, failure: &Failure) -> bool {
        self.failures += 1;
        let event = Event::Failed {
            part: role.to_string(),
            reason: failure.to_string(),
            failures: self.failures,
        };
        let noted = self.recorder.incident(event);
        // Errors of the strategy or the custom evaluator would occur again.
        let hopeless = matches!(
            failure.downcast_ref(),
            Some(
                SearchError::Strategy(_)
                    | SearchError::Evaluator { .. }
                    | SearchError::Unfit { .. }
            )
        );
        noted.is_ok() && !hopeless && self.failures < MOST_FAILURES
    }

    async fn give_up(&mut self, role: Role, failure: Failure) {
        let failures = self.failures;
        let part = |failure: Failure| Error::Worker {
            worker: role.to_string(),
            reason: failure.to_string(),
            failures,
        };
        let failed = |failure: Failure| {
            failure
                .downcast()
                .map_or_else(part, |error: Box<TrainingError>| (*error).into())
        };
        let ruined = |failure: Failure| {
            failure
                .downcast()
                .map_or_else(failed, |ruined: Box<Ruined>| ruined.source.into())
        };
        self.end(Err(Arc::new(
            failure
                .downcast()
                .map_or_else(ruined, |error: Box<SearchError>| (*error).into()),
        )))
        .await;
    }

    /// Replaces all workers because one failed.
    async fn fail(&mut self, role: Role, failure: Failure) {
        let Some(workers) = self.workers.take() else {
            return;
        };
        let goes_on = self.should_retry(role, &failure).await;
        workers.end(&self.context).await;
        if let Some(Ruined { task, .. }) = failure.downcast_ref() {
            Arc::make_mut(&mut self.snapshot).scheduler.set_aside(*task);
        }
        if goes_on {
            self.spawn_workers().await;
        } else {
            self.give_up(role, failure).await;
        }
    }

    /// Handles the unexpected end of a worker.
    pub(crate) async fn worker_exited(&mut self, who: &ActorCell, failure: Failure) {
        if let Some(role) = self.workers.as_ref().and_then(|workers| workers.role(who)) {
            self.fail(role, failure).await;
        }
    }

    async fn end(&mut self, outcome: RunResult) {
        if let Some(workers) = self.workers.take() {
            workers.end(&self.context).await;
        }
        self.shared
            .put_outcome(outcome, self.recorder.hand_over(Box::new(|_| Ok(()))));
        self.myself.stop(None);
    }

    pub(crate) async fn tick(&mut self) {
        let Some(workers) = &self.workers else { return };
        let command = self.shared.command();
        if command != self.commanded {
            if std::mem::take(&mut self.paused) && command == Command::Run {
                let resumed = Event::Resumed {
                    steps: self.snapshot.scheduler.steps(),
                };
                if let Err(error) = self.recorder.incident(resumed) {
                    return self.end(Err(Arc::new(error.into()))).await;
                }
            }
            (self.commanded, self.awaited) =
                (command, (command != Command::Run).then(Instant::now));
            let _ = workers.coordinator.cast(coordinator::Msg::Command(command));
        }
        let _ = workers.coordinator.cast(coordinator::Msg::Ping);
        let limit = self.context.limit;
        let late = |since: Option<Instant>| since.is_some_and(|since| since.elapsed() > limit);
        // An answer to a command takes the work in flight, and then a copy of the weights.
        let unanswered = self
            .awaited
            .is_some_and(|since| since.elapsed() > 3 * limit);
        if late(Some(self.heard)) || unanswered {
            self.fail(Role::Coordinator, Silent { limit }.into()).await;
        } else if late(self.writing.front().map(|(since, _)| *since)) {
            self.fail(Role::Checkpoint, Silent { limit }.into()).await;
        }
    }

    pub(crate) async fn handle_report(&mut self, report: WorkerReport) {
        self.heard = Instant::now();
        let done = match report {
            WorkerReport::Event(number, _) if number > self.recorder.recorded() => {
                return self
                    .fail(Role::Coordinator, "an event was lost".into())
                    .await;
            }
            WorkerReport::Event(number, event) => self.recorder.event(number, *event),
            WorkerReport::Snapshot(snapshot) => self.save(*snapshot),
            WorkerReport::Written(Ok(_)) => {
                self.unsaved = 0;
                let steps = self
                    .writing
                    .pop_front()
                    .map(|(_, steps)| steps)
                    .unwrap_or_default();
                let saved = self.recorder.incident(Event::Saved { steps });
                if saved.is_ok()
                    && self.commanded == Command::Stop
                    && self.awaited.is_none()
                    && self.writing.is_empty()
                {
                    return self.stopped().await;
                }
                saved
            }
            WorkerReport::Written(Err(error)) => {
                self.unsaved += 1;
                self.writing.pop_front();
                if self.unsaved >= MOST_FAILURES || self.commanded == Command::Stop {
                    return self.end(Err(Arc::new(error.into()))).await;
                }
                let (part, reason) = (Role::Checkpoint.to_string(), error.to_string());
                self.recorder.incident(Event::Failed {
                    part,
                    reason,
                    failures: self.unsaved,
                })
            }
            WorkerReport::Quiesced(command) if command != self.commanded => Ok(()),
            WorkerReport::Quiesced(command) => {
                self.awaited = None;
                match command {
                    Command::Stop if self.writing.is_empty() => return self.stopped().await,
                    Command::Pause => {
                        self.paused = true;
                        self.recorder.incident(Event::Paused)
                    }
                    _ => Ok(()),
                }
            }
            WorkerReport::Finished(outcome, weights) => {
                self.found = Some((outcome, weights));
                Ok(())
            }
            WorkerReport::Heartbeat(Some((role, silent))) if silent > self.context.limit => {
                return self
                    .fail(
                        role,
                        Silent {
                            limit: self.context.limit,
                        }
                        .into(),
                    )
                    .await;
            }
            WorkerReport::Heartbeat(_) => Ok(()),
        };
        if let Err(error) = done {
            self.end(Err(Arc::new(error.into()))).await;
        } else if self.writing.is_empty()
            && let Some((outcome, weights)) = self.found.take()
        {
            let weights = Arc::unwrap_or_clone(weights);
            let found = SearchResult::new(&self.context.experiment, *outcome, weights);
            self.end(Ok(RunOutcome::Completed(Arc::new(found)))).await;
        }
    }

    /// Keeps a snapshot, and has it written unless it precedes events that were already recorded.
    fn save(&mut self, snapshot: Snapshot) -> Result<(), StorageError> {
        let (snapshot, recorded) = (Arc::new(snapshot), self.recorder.recorded());
        if snapshot.scheduler.position() > self.snapshot.scheduler.position() {
            self.failures = 0;
        }
        self.snapshot = Arc::clone(&snapshot);
        let checkpoint = self
            .workers
            .as_ref()
            .and_then(|workers| workers.checkpoint.as_ref());
        if let (Some(checkpoint), true) = (checkpoint, snapshot.scheduler.events() == recorded) {
            let log = self.recorder.sync()?;
            self.writing
                .push_back((Instant::now(), snapshot.scheduler.steps()));
            let _ = checkpoint.cast(checkpoint::Msg { snapshot, log });
        }
        Ok(())
    }

    async fn stopped(&mut self) {
        let steps = self.snapshot.scheduler.steps();
        let noted = self.recorder.incident(Event::Stopped { steps });
        self.end(
            noted
                .map(|()| RunOutcome::Stopped { steps })
                .map_err(|error| Arc::new(error.into())),
        )
        .await;
    }
}
