//! A search as a state machine: which job comes next, and what its result means.
//!
//! All decisions are made here and in the strategy, so that the outcome does not depend on which
//! thread does the work, on the number of threads, or on the order in which results arrive: results
//! are processed in the order of their tasks, at moments that depend on counts and never on time.

mod alone;
mod outcomes;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use supernet_strategy::{StepOutcome, Strategy, Task, Work};

use super::error::SearchError;
use super::final_evaluation::{FinalEvaluation, SearchOutcome};
use super::monitor::{Monitor, MonitorState};
use super::saved::Tally;
use crate::events::Event;
use crate::experiment::{Account, Experiment};
use crate::results::ShortTraining;
use crate::training::{CosineRestarts, Job, JobId, JobKind, JobResult, checked};

/// What to do next.
#[derive(Debug)]
pub(crate) enum Next {
    /// Run this job.
    Job(Job),
    /// Wait for a result; with `drain`, training steps in flight must be finished first.
    Wait { drain: bool },
    /// The search is finished.
    Finished(Box<SearchOutcome>),
}

/// Limits of the work in flight. The outcome of a search depends on `train_in_flight` only.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Concurrency {
    /// Training steps: one more than the device's queue depth, so that the device never waits for
    /// the strategy.
    pub(crate) train_in_flight: usize,
    /// Jobs for evaluators.
    pub(crate) score_in_flight: usize,
    /// Trainings from scratch.
    pub(crate) alone_in_flight: usize,
    /// Children of a score task that form one job.
    pub(crate) chunk: usize,
}

pub(crate) struct Scheduler {
    pub(super) experiment: Arc<Experiment>,
    pub(super) strategy: Box<dyn Strategy>,
    lr_schedule: CosineRestarts,
    pub(super) concurrency: Concurrency,
    pub(super) started: bool,
    /// Tasks whose outcome the strategy has not yet observed, oldest first.
    pub(super) tasks: VecDeque<InFlight>,
    /// Number of tasks whose outcome it has observed, which is the number of the first one in
    /// `tasks`.
    pub(super) observed: u64,
    pending: Pending,
    /// Jobs without a result.
    pub(super) in_flight: usize,
    /// Results that a saved search already had, task by task.
    pub(super) recovered: VecDeque<RecoveredTask>,
    pub(super) tally: Tally,
    account: Account,
    /// Networks that were trained from scratch as tasks of the strategy.
    pub(super) alone: Vec<ShortTraining>,
    pub(super) monitor: Monitor,
    pub(super) monitor_state: MonitorState,
    /// Training steps that corrupt the weights.
    pub(super) skipped: BTreeSet<u64>,
    pub(super) final_evaluation: Option<FinalEvaluation>,
    events: VecDeque<(u64, Event)>,
}

/// The last answer of the strategy.
#[derive(Default)]
enum Pending {
    /// It has not been asked yet.
    #[default]
    Unasked,
    /// A task that has not been dispatched yet.
    Task(Task),
    /// No task; `waited` tells whether outcomes were outstanding at the time.
    Nothing { waited: bool },
}

pub(super) struct InFlight {
    work: Work,
    /// Number of children that the strategy asked for; the others are control samples of the prior.
    own: usize,
    pub(super) results: Vec<Option<JobResult>>,
    /// The outcome of a general step, if all its numbers are finite.
    pub(super) step: Option<StepOutcome>,
    /// Which children were dispatched.
    dispatched: Vec<bool>,
}

/// The results that a saved search already had for a task.
#[derive(Default)]
pub(super) struct RecoveredTask {
    pub(super) results: Vec<Option<JobResult>>,
    pub(super) step: Option<StepOutcome>,
}

impl InFlight {
    fn is_complete(&self) -> bool {
        self.results.iter().all(Option::is_some)
    }
}

impl Scheduler {
    pub(crate) fn new(
        experiment: Arc<Experiment>,
        concurrency: Concurrency,
    ) -> Result<Self, SearchError> {
        let strategy = experiment.strategy(*experiment.schedule())?;
        Ok(Self {
            lr_schedule: experiment.lr_schedule(),
            account: Account::new(experiment.supergraph(), experiment.config()),
            monitor: Monitor::new(&experiment)?,
            monitor_state: MonitorState::default(),
            experiment,
            strategy,
            concurrency,
            started: false,
            tasks: VecDeque::new(),
            observed: 0,
            pending: Pending::Unasked,
            in_flight: 0,
            recovered: VecDeque::new(),
            tally: Tally::default(),
            alone: Vec::new(),
            skipped: BTreeSet::new(),
            final_evaluation: None,
            events: VecDeque::new(),
        })
    }

    /// The events since the last call, each with its number in the search.
    pub(crate) fn drain_events(&mut self) -> impl Iterator<Item = (u64, Event)> {
        self.events.drain(..)
    }

    /// Whether no job is in flight.
    pub(crate) fn idle(&self) -> bool {
        self.in_flight == 0
    }

    /// Whether only the selection of the best is left: a state saved then contains all scores of
    /// the search.
    pub(crate) fn is_scored(&self) -> bool {
        self.final_evaluation
            .as_ref()
            .is_some_and(FinalEvaluation::is_scored)
    }

    /// Training steps whose outcome the strategy has observed.
    pub(crate) fn steps(&self) -> u64 {
        self.tally.steps
    }

    /// The next job.
    ///
    /// # Errors
    /// If the strategy cannot continue, or too many consecutive children have no score.
    pub(crate) fn next(&mut self) -> Result<Next, SearchError> {
        let next = self.advance();
        self.in_flight += usize::from(matches!(next, Ok(Next::Job(_))));
        next
    }

    fn advance(&mut self) -> Result<Next, SearchError> {
        if !self.started {
            self.started = true;
            self.emit(self.experiment.started());
            self.emit(self.experiment.planned());
            self.announce_alone();
            if let Some(warning) = self.experiment.too_short() {
                self.emit(warning);
            }
        }
        loop {
            if self.final_evaluation.is_some() {
                return self.evaluate_finally();
            }
            // A task that was started is dispatched completely before anything else.
            if let Some(next) = self.dispatch_rest() {
                return Ok(next);
            }
            if let Pending::Unasked = self.pending {
                let task = self.strategy.next()?;
                self.pending = task.map_or(
                    Pending::Nothing {
                        waited: !self.tasks.is_empty(),
                    },
                    Pending::Task,
                );
            }
            // Outcomes are observed in the order of their tasks, and only training steps overlap.
            let trains = matches!(
                &self.pending,
                Pending::Task(Task {
                    work: Work::Train { .. } | Work::Step { .. },
                    ..
                })
            );
            let scoring = self
                .tasks
                .iter()
                .any(|task| matches!(task.work, Work::Score { .. } | Work::Alone { .. }));
            let ends_at_most = trains && self.is_between_epochs();
            let most = if trains && !scoring && !ends_at_most {
                self.concurrency.train_in_flight
            } else {
                1
            };
            while self.tasks.len() >= most {
                if !self.observe_oldest()? {
                    return Ok(Next::Wait { drain: most == 1 });
                }
            }
            match std::mem::take(&mut self.pending) {
                Pending::Task(task) if self.exceeds_budget(&task.work)? => {
                    return Ok(Next::Finished(Box::new(self.choose_alone())));
                }
                // It became more expensive than it was expected to be.
                Pending::Task(_) if ends_at_most && self.has_spent_its_budget()? => {
                    self.evaluate()?;
                }
                Pending::Task(task) => self.enqueue(task.work)?,
                Pending::Nothing { waited: false } if !self.has_shared_weights() => {
                    return Ok(Next::Finished(Box::new(self.choose_alone())));
                }
                Pending::Nothing { waited: false } => self.evaluate()?,
                Pending::Nothing { waited: true } | Pending::Unasked => {}
            }
        }
    }

    /// Begins the final evaluation.
    fn evaluate(&mut self) -> Result<(), SearchError> {
        let spent = self.tally.ledger.total();
        let evaluation = FinalEvaluation::new(&self.experiment, &*self.strategy, spent)?;
        self.final_evaluation = Some(evaluation);
        Ok(())
    }

    /// Whether all steps of an epoch were handed out, in a search with a budget: there all of them
    /// are observed before the next epoch, so that the same epoch is the last one in every repetition.
    fn is_between_epochs(&self) -> bool {
        let handed_out = self.tasks.iter().filter(|task| task.work.updates()).count() as u64;
        let steps = u64::from(self.experiment.schedule().steps);
        let budget = self.experiment.shared_budget();
        budget.is_some() && (self.tally.steps + handed_out).is_multiple_of(steps)
    }

    /// Whether nothing of the budget is left but what the scores of the candidates take.
    fn has_spent_its_budget(&self) -> Result<bool, SearchError> {
        let Some(budget) = self.experiment.shared_budget() else {
            return Ok(false);
        };
        Ok(self.tally.ledger.total() + self.experiment.least_derivation()? >= budget)
    }

    fn enqueue(&mut self, mut work: Work) -> Result<(), SearchError> {
        let (mut own, mut children) = (1, 1);
        if let Work::Score { genomes, .. } = &mut work {
            own = genomes.len();
            // No other score task is in flight, so this is the next update.
            genomes.extend(self.monitor.control_samples(
                &self.experiment,
                self.tally.updates + 1,
                own,
            )?);
            children = genomes.len();
        }
        if let Work::Alone { genomes, .. } = &work {
            (own, children) = (genomes.len(), genomes.len());
        }
        let recovered = self.recovered.pop_front().unwrap_or_default();
        let mut results = recovered.results;
        results.resize(children, None);
        let dispatched = results.iter().map(Option::is_some).collect();
        self.tasks.push_back(InFlight {
            work,
            own,
            results,
            step: recovered.step,
            dispatched,
        });
        Ok(())
    }

    /// The next job of the newest task, if it has undispatched children.
    fn dispatch_rest(&mut self) -> Option<Next> {
        let number = self.observed + self.tasks.len().saturating_sub(1) as u64;
        let task = self.tasks.back_mut()?;
        let first = task.dispatched.iter().position(|done| !done)?;
        let (kind, dispatched) = match &task.work {
            work if work.updates() && self.skipped.contains(&number) => (JobKind::Skip, 1),
            Work::Step { passes, epoch } => {
                let (passes, epoch) = (passes.clone(), *epoch);
                (JobKind::Step { passes, epoch }, 1)
            }
            Work::Train { paths, epoch } => {
                let (paths, epoch) = (paths.clone(), *epoch);
                (JobKind::Train { paths, epoch }, 1)
            }
            Work::Score { .. } if self.in_flight >= self.concurrency.score_in_flight => {
                return Some(Next::Wait { drain: false });
            }
            Work::Score { genomes, batch } => {
                let open = task.dispatched[first..].iter().take_while(|done| !**done);
                let count = open.count().min(self.concurrency.chunk);
                let (genomes, batch) = (genomes[first..first + count].to_vec(), *batch);
                (JobKind::Score { genomes, batch }, count)
            }
            Work::Alone { .. } if self.in_flight >= self.concurrency.alone_in_flight => {
                return Some(Next::Wait { drain: false });
            }
            Work::Alone {
                genomes,
                epochs,
                first: before,
            } => {
                let (genome, epochs) = (genomes[first].clone(), *epochs);
                let seed = self.experiment.seed_alone(before + first as u64);
                (
                    JobKind::Alone {
                        genome,
                        epochs,
                        seed,
                    },
                    1,
                )
            }
        };
        task.dispatched[first..first + dispatched].fill(true);
        let id = JobId {
            task: number,
            first,
        };
        Some(Next::Job(Job { id, kind }))
    }

    /// Stores the outcome of a general step.
    pub(crate) fn complete_step(&mut self, id: JobId, outcome: StepOutcome) {
        let result = vec![Ok(outcome.last())];
        let number = id.task.checked_sub(self.observed);
        let task = number.and_then(|number| self.tasks.get_mut(number as usize));
        if let Some(task) = task.filter(|task| task.results.iter().all(Option::is_none)) {
            // What is not a number cannot be saved, and teaches nothing.
            task.step = Some(outcome).filter(StepOutcome::is_finite);
        }
        self.complete(id, result);
    }

    /// Stores the results of a job. Unexpected results are ignored.
    pub(crate) fn complete(&mut self, id: JobId, results: Vec<JobResult>) {
        let number = id.task.checked_sub(self.observed);
        let range = id.first..id.first + results.len();
        let slots = match &mut self.final_evaluation {
            Some(evaluation) => evaluation.slots(number).and_then(|all| all.get_mut(range)),
            None => {
                let task = number.and_then(|number| self.tasks.get_mut(number as usize));
                task.and_then(|task| {
                    let dispatched = task.dispatched.get(range.clone())?;
                    let all = dispatched.iter().all(|done| *done);
                    task.results.get_mut(range).filter(|_| all)
                })
            }
        };
        let Some(slots) = slots.filter(|slots| slots.iter().all(Option::is_none)) else {
            return;
        };
        self.in_flight -= 1;
        for (slot, result) in slots.iter_mut().zip(results) {
            *slot = Some(checked(result));
        }
    }

    /// Takes back a job that was interrupted: it will be handed out again.
    pub(crate) fn withdraw(&mut self, id: JobId) {
        let number = id.task.checked_sub(self.observed);
        let task = number.and_then(|number| self.tasks.get_mut(number as usize));
        let Some(done) = task.and_then(|task| task.dispatched.get_mut(id.first)) else {
            return;
        };
        if std::mem::take(done) {
            self.in_flight -= 1;
        }
    }

    pub(super) fn emit(&mut self, event: Event) {
        self.events.push_back((self.tally.events, event));
        self.tally.events += 1;
    }
}
