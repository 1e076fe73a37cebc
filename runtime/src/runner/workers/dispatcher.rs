//! Dispatch of jobs and collection of their results.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ractor::rpc::CallResult;
use ractor::{ActorProcessingErr, ActorRef, RpcReplyPort};
use supernet_engine::weights::Weights;
use supernet_strategy::StepOutcome;

use super::coordinator::Begin;
use super::supervisor::WorkerReport;
use super::{Role, SearchContext, evaluator, trainer};
use crate::events::Command;
use crate::search::snapshot::Snapshot;
use crate::search::{Concurrency, Next, Scheduler, SearchError};
use crate::training::{Job, JobId, JobResult};

pub(crate) struct Dispatcher {
    scheduler: Scheduler,
    trainer: ActorRef<trainer::Msg>,
    evaluators: Vec<ActorRef<evaluator::Msg>>,
    /// Jobs in flight.
    in_flight: BTreeMap<JobId, (Role, Instant)>,
    /// The version of the weights that evaluators read.
    shared_weights: Option<Arc<Weights>>,
    /// Time and step count of the last snapshot.
    saved: (Instant, u64),
    /// Whether the last snapshot contains every score.
    complete: bool,
    /// The command that is in effect: no jobs are dispatched.
    quiesced: Option<Command>,
    finished: bool,
    /// Time of the last progress.
    last_progress: Instant,
}

impl Dispatcher {
    pub(crate) fn new(
        begin: &Begin,
        trainer: ActorRef<trainer::Msg>,
        depth: usize,
        evaluators: Vec<ActorRef<evaluator::Msg>>,
    ) -> Result<Self, SearchError> {
        let (context, saved) = (&begin.context, begin.snapshot.scheduler.clone());
        let scheduler = Scheduler::load(
            Arc::clone(&context.experiment),
            concurrency(context, depth),
            saved,
        )?;
        let (last_progress, in_flight) = (Instant::now(), BTreeMap::new());
        let (saved, complete) = ((last_progress, scheduler.steps()), scheduler.is_scored());
        let (shared_weights, quiesced, finished) = (None, None, false);
        Ok(Self {
            scheduler,
            trainer,
            evaluators,
            in_flight,
            shared_weights,
            saved,
            complete,
            quiesced,
            finished,
            last_progress,
        })
    }

    /// Collects the results of a job.
    pub(crate) fn collect(&mut self, id: JobId, results: Vec<JobResult>) {
        if self.in_flight.remove(&id).is_some() {
            self.scheduler.complete(id, results);
            self.last_progress = Instant::now();
        }
    }

    /// Collects the outcome of a general step.
    pub(crate) fn collect_step(&mut self, id: JobId, outcome: StepOutcome) {
        if self.in_flight.remove(&id).is_some() {
            self.scheduler.complete_step(id, outcome);
            self.last_progress = Instant::now();
        }
    }

    /// Notes that the worker of a long job is alive.
    pub(crate) fn is_alive(&mut self, id: JobId) {
        if let Some((_, since)) = self.in_flight.get_mut(&id) {
            *since = Instant::now();
        }
    }

    /// Takes back an interrupted job.
    pub(crate) fn withdraw(&mut self, id: JobId) {
        if self.in_flight.remove(&id).is_some() {
            self.scheduler.withdraw(id);
            self.last_progress = Instant::now();
        }
    }

    /// The worker that has been silent the longest, and for how long.
    pub(crate) fn silence(&self) -> Option<(Role, Duration)> {
        match self.in_flight.values().min_by_key(|(_, since)| *since) {
            Some((role, since)) => Some((*role, since.elapsed())),
            None if self.quiesced.is_some() => None,
            None => Some((Role::Coordinator, self.last_progress.elapsed())),
        }
    }

    /// Dispatches all jobs that can run, and makes snapshots when they are due.
    pub(crate) async fn run_ready(&mut self, begin: &Begin) -> Result<(), ActorProcessingErr> {
        let limit = begin.context.limit;
        while !self.finished {
            let rest = Some(begin.command).filter(|command| *command != Command::Run);
            self.quiesced = self.quiesced.filter(|command| Some(*command) == rest);
            if self.quiesced.is_some() {
                break;
            }
            if self.due(begin) || rest.is_some() {
                if !self.scheduler.idle() {
                    // The supervisor notices a dead trainer; likewise below.
                    let _ = self.trainer.cast(trainer::Msg::Flush);
                    break;
                }
                // The weights have no more readers, so the trainer need not keep a copy for others;
                // likewise below.
                self.shared_weights = None;
                // A missing answer is requested again at the next heartbeat; likewise below.
                let Some((weights, trained)) = call(&self.trainer, limit, trainer::Msg::Copy).await
                else {
                    break;
                };
                let scheduler = self.scheduler.save()?;
                self.saved = (Instant::now(), self.scheduler.steps());
                self.complete = self.scheduler.is_scored();
                self.report_events(begin);
                begin.send(WorkerReport::Snapshot(Box::new(Snapshot {
                    scheduler,
                    trained,
                    weights,
                })));
                self.quiesced = rest;
                rest.into_iter()
                    .for_each(|command| begin.send(WorkerReport::Quiesced(command)));
                continue;
            }
            let next = self.scheduler.next();
            self.report_events(begin);
            match next? {
                Next::Job(job) => self.dispatch(job, begin).await,
                Next::Wait { drain } => {
                    if drain && !self.scheduler.idle() {
                        let _ = self.trainer.cast(trainer::Msg::Flush);
                    }
                    break;
                }
                Next::Finished(outcome) => {
                    self.shared_weights = None;
                    let share = |reply| trainer::Msg::Share { fetch: true, reply };
                    let Some(weights) = call(&self.trainer, limit, share).await else {
                        break;
                    };
                    self.finished = true;
                    begin.send(WorkerReport::Finished(outcome, weights));
                }
            }
        }
        Ok(())
    }

    /// Whether a snapshot is due.
    fn due(&self, begin: &Begin) -> bool {
        let settings = begin.context.experiment.config().checkpoint;
        self.scheduler.is_scored() && !self.complete
            || self.scheduler.steps() - self.saved.1 >= u64::from(settings.steps)
            || self.saved.0.elapsed().as_secs_f64() >= 60.0 * settings.minutes
    }

    async fn dispatch(&mut self, job: Job, begin: &Begin) {
        let Job { id, kind } = job;
        self.last_progress = Instant::now();
        if kind.trains() {
            self.shared_weights = None;
            self.in_flight
                .insert(id, (Role::Trainer, self.last_progress));
            let _ = self.trainer.cast(trainer::Msg::Step { id, kind });
            return;
        }
        if self.shared_weights.is_none() {
            let fetch = begin.context.evaluator_device.is_some();
            let share = |reply| trainer::Msg::Share { fetch, reply };
            self.shared_weights = call(&self.trainer, begin.context.limit, share).await;
        }
        let busy = |number: &usize| {
            self.in_flight
                .values()
                .filter(|(role, _)| *role == Role::Evaluator(*number))
                .count()
        };
        let number = (0..self.evaluators.len())
            .min_by_key(busy)
            .unwrap_or_default();
        self.in_flight
            .insert(id, (Role::Evaluator(number), self.last_progress));
        if let (Some(weights), Some(evaluator)) =
            (self.shared_weights.clone(), self.evaluators.get(number))
        {
            let _ = evaluator.cast(evaluator::Msg { id, kind, weights });
        }
    }

    fn report_events(&mut self, begin: &Begin) {
        self.scheduler
            .drain_events()
            .for_each(|(number, event)| begin.send(WorkerReport::Event(number, Box::new(event))));
    }
}

/// Waits for the trainer's answer, if one arrives in time.
async fn call<T: Send + 'static>(
    trainer: &ActorRef<trainer::Msg>,
    limit: Duration,
    message: impl FnOnce(RpcReplyPort<T>) -> trainer::Msg,
) -> Option<T> {
    match trainer.call(message, Some(limit)).await {
        Ok(CallResult::Success(answer)) => Some(answer),
        _ => None,
    }
}

/// The limits of the work in flight.
fn concurrency(context: &SearchContext, depth: usize) -> Concurrency {
    let (evaluators, rollouts) = (
        context.evaluators,
        context.experiment.config().score.rollouts as usize,
    );
    let chunk = match evaluators {
        // A custom evaluator may take long for each candidate.
        _ if context.custom_evaluator.is_some() => 1,
        1 => rollouts,
        _ => rollouts.div_ceil(2 * evaluators),
    };
    Concurrency {
        train_in_flight: depth + 1,
        score_in_flight: 2 * evaluators,
        alone_in_flight: evaluators,
        chunk: chunk.max(1),
    }
}
