//! The coordinator: owns the scheduler and its strategy, dispatches jobs, takes results.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ractor::{Actor, ActorProcessingErr, ActorRef};
use supernet_strategy::StepOutcome;

use super::dispatcher::Dispatcher;
use super::supervisor::WorkerReport;
use super::{Role, SearchContext, evaluator, supervisor, trainer};
use crate::events::Command;
use crate::search::snapshot::Snapshot;
use crate::training::{JobId, JobResult};

pub(crate) struct Coordinator;

pub(crate) enum Msg {
    /// All workers have started.
    Begin {
        trainer: ActorRef<trainer::Msg>,
        depth: usize,
        evaluators: Vec<ActorRef<evaluator::Msg>>,
    },
    /// A job is finished, and its worker has capacity for another.
    Done { id: JobId, results: Vec<JobResult> },
    /// A general step is finished.
    Stepped { id: JobId, outcome: StepOutcome },
    /// A training from scratch goes on.
    Alive { id: JobId },
    /// A training from scratch was interrupted.
    Interrupted { id: JobId },
    /// The application's current command.
    Command(Command),
    /// Requests a heartbeat.
    Ping,
}

pub(crate) struct Begin {
    pub(crate) context: Arc<SearchContext>,
    /// Interrupts trainings from scratch, which would take too long to wait for.
    pub(crate) interrupt: Arc<AtomicBool>,
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) generation: u32,
    pub(crate) command: Command,
    pub(crate) supervisor: ActorRef<supervisor::Msg>,
}

impl Begin {
    pub(super) fn send(&self, report: WorkerReport) {
        // Without a supervisor this actor ends too.
        let _ = self
            .supervisor
            .cast(supervisor::Msg::FromWorker(self.generation, report));
    }
}

pub(crate) struct State {
    begin: Begin,
    began: Instant,
    /// Absent until all workers have started.
    dispatcher: Option<Dispatcher>,
}

impl State {
    /// The worker that has been silent the longest, and for how long.
    fn silence(&self) -> Option<(Role, Duration)> {
        let waiting = Some((Role::Coordinator, self.began.elapsed()));
        self.dispatcher
            .as_ref()
            .map_or(waiting, Dispatcher::silence)
    }
}

impl Actor for Coordinator {
    type Msg = Msg;
    type State = State;
    type Arguments = Begin;

    async fn pre_start(&self, _: ActorRef<Msg>, begin: Begin) -> Result<State, ActorProcessingErr> {
        Ok(State {
            begin,
            began: Instant::now(),
            dispatcher: None,
        })
    }

    async fn handle(
        &self,
        _: ActorRef<Msg>,
        message: Msg,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Msg::Begin {
                trainer,
                depth,
                evaluators,
            } => {
                state.dispatcher = Some(Dispatcher::new(&state.begin, trainer, depth, evaluators)?);
            }
            Msg::Done { id, results } => {
                if let Some(dispatcher) = &mut state.dispatcher {
                    dispatcher.collect(id, results);
                }
            }
            Msg::Stepped { id, outcome } => {
                if let Some(dispatcher) = &mut state.dispatcher {
                    dispatcher.collect_step(id, outcome);
                }
            }
            Msg::Alive { id } => {
                if let Some(dispatcher) = &mut state.dispatcher {
                    dispatcher.is_alive(id);
                }
            }
            Msg::Interrupted { id } => {
                if let Some(dispatcher) = &mut state.dispatcher {
                    dispatcher.withdraw(id);
                }
            }
            Msg::Command(command) => {
                state.begin.command = command;
                let rest = command != Command::Run;
                state.begin.interrupt.store(rest, Ordering::Release);
            }
            Msg::Ping => state.begin.send(WorkerReport::Heartbeat(state.silence())),
        }
        match &mut state.dispatcher {
            Some(dispatcher) => dispatcher.run_ready(&state.begin).await,
            None => Ok(()),
        }
    }
}
