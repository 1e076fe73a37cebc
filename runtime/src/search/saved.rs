//! The saved state of a search.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use supernet_strategy::{Score, StepOutcome, Strategy, StrategyStats};

use super::error::SearchError;
use super::final_evaluation::FinalEvaluation;
use super::monitor::MonitorState;
use super::scheduler::{Concurrency, InFlight, RecoveredTask, Scheduler};
use crate::experiment::Experiment;
use crate::results::{Ledger, ShortTraining};
use crate::training::{JobError, JobResult, PassMean};

/// The state that the next job depends on, without the weights.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SchedulerState {
    strategy: serde_json::Value,
    #[serde(alias = "begun")]
    started: bool,
    #[serde(alias = "closed")]
    observed: u64,
    tally: Tally,
    /// Absent in older checkpoints.
    #[serde(default, alias = "seen")]
    monitor: MonitorState,
    /// Results of tasks whose outcome the strategy has not observed.
    #[serde(alias = "held")]
    recovered: Vec<Vec<Recovered>>,
    /// Networks that were trained from scratch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    alone: Vec<ShortTraining>,
    /// Training steps that are skipped.
    #[serde(alias = "aside")]
    skipped: Vec<u64>,
    /// Scores of the reported architectures, in the final evaluation.
    #[serde(alias = "judged")]
    evaluated: Option<Vec<Score>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Recovered {
    Score(Score),
    Failed(String),
    Step(StepOutcome),
    /// No result yet, before one that has arrived.
    Open,
}

/// Counters of the search.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Tally {
    pub(super) steps: u64,
    pub(super) updates: u64,
    /// Version of the shared weights: steps that were not skipped.
    pub(super) version: u64,
    /// Children of the tasks whose outcome the strategy has observed.
    pub(super) children: u64,
    /// Number of emitted events.
    pub(super) events: u64,
    /// Consecutive children without a score.
    pub(super) failures: u32,
    /// What was computed so far; absent in older checkpoints.
    #[serde(default)]
    pub(super) ledger: Ledger,
    pass: PassMean,
    /// What a policy that learns step by step reported since the end of the last epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    learnt: Option<Learnt>,
}

/// The updates of a policy since the end of an epoch.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Learnt {
    updates: u32,
    reward: f64,
    baseline: f64,
    gradient_norm: f64,
    /// The latest one.
    last: StrategyStats,
}

impl Tally {
    /// Counts an update of the policy.
    pub(super) fn learn(&mut self, stats: StrategyStats) {
        let learnt = self.learnt.get_or_insert(Learnt {
            updates: 0,
            reward: 0.0,
            baseline: 0.0,
            gradient_norm: 0.0,
            last: stats,
        });
        learnt.updates += 1;
        learnt.reward += f64::from(stats.reward);
        learnt.baseline += f64::from(stats.baseline);
        learnt.gradient_norm += f64::from(stats.gradient_norm);
        learnt.last = stats;
    }

    /// The means over these updates; the entropy is the latest one.
    pub(super) fn take_learnt(&mut self) -> Option<StrategyStats> {
        let learnt = self.learnt.take()?;
        let mean = |sum: f64| (sum / f64::from(learnt.updates)) as f32;
        Some(StrategyStats {
            reward: mean(learnt.reward),
            baseline: mean(learnt.baseline),
            gradient_norm: mean(learnt.gradient_norm),
            ..learnt.last
        })
    }

    /// Counts a training step with its score, or a skipped one.
    pub(super) fn step(&mut self, score: Option<Score>) {
        self.steps += 1;
        if let Some(score) = score {
            self.version += 1;
            self.pass.add(score);
        }
    }

    /// The means over the pass that ends.
    pub(super) fn end_pass(&mut self) -> Score {
        self.pass.take()
    }
}

impl SchedulerState {
    /// The position in the search: the number of results so far.
    pub(crate) fn position(&self) -> u64 {
        let has_result = |one: &&Recovered| !matches!(one, Recovered::Open);
        let recovered = self.recovered.iter().flatten().filter(has_result).count();
        self.tally.children + (recovered + self.evaluated.as_ref().map_or(0, Vec::len)) as u64
    }

    /// The strategy in its saved state.
    pub(crate) fn strategy(
        &self,
        experiment: &Experiment,
    ) -> Result<Box<dyn Strategy>, SearchError> {
        let mut strategy = experiment.strategy(*experiment.schedule())?;
        strategy
            .load(self.strategy.clone())
            .map_err(|error| SearchError::Unfit {
                reason: error.to_string(),
            })?;
        Ok(strategy)
    }

    /// Training steps whose outcome the strategy has observed.
    pub(crate) fn steps(&self) -> u64 {
        self.tally.steps
    }

    /// Number of events that were emitted before it.
    pub(crate) fn events(&self) -> u64 {
        self.tally.events
    }

    /// Marks a training step as skipped. Returns false if it was skipped already, or is in the
    /// past.
    pub(crate) fn set_aside(&mut self, task: u64) -> bool {
        let fresh = task >= self.observed && !self.skipped.contains(&task);
        if fresh {
            self.skipped.push(task);
        }
        fresh
    }
}

impl Scheduler {
    /// The current state; no job may be in flight.
    pub(crate) fn save(&mut self) -> Result<SchedulerState, SearchError> {
        if self.final_evaluation.is_some() {
            // A result that arrived before an earlier one is not reported yet, but there is none if
            // no job is in flight.
            self.report()?;
        }
        let recovered = |result: &Option<JobResult>| match result {
            Some(Ok(score)) => Recovered::Score(*score),
            Some(Err(reason)) => Recovered::Failed(reason.to_string()),
            None => Recovered::Open,
        };
        let all = |task: &InFlight| match &task.step {
            Some(outcome) => vec![Recovered::Step(outcome.clone())],
            None => {
                let last = task.results.iter().rposition(Option::is_some);
                let known = &task.results[..last.map_or(0, |last| last + 1)];
                known.iter().map(recovered).collect()
            }
        };
        Ok(SchedulerState {
            strategy: self.strategy.save(),
            started: self.started,
            observed: self.observed,
            tally: self.tally.clone(),
            monitor: self.monitor_state.clone(),
            recovered: self.tasks.iter().map(all).collect(),
            alone: self.alone.clone(),
            skipped: self.skipped.iter().copied().collect(),
            evaluated: self
                .final_evaluation
                .as_ref()
                .map(|evaluation| evaluation.scores.clone()),
        })
    }

    /// Restores a saved state.
    pub(crate) fn load(
        experiment: Arc<Experiment>,
        concurrency: Concurrency,
        saved: SchedulerState,
    ) -> Result<Self, SearchError> {
        let mut scheduler = Self::new(experiment, concurrency)?;
        scheduler.strategy = saved.strategy(&scheduler.experiment)?;
        scheduler.started = saved.started;
        scheduler.observed = saved.observed;
        scheduler.tally = saved.tally;
        scheduler.monitor_state = saved.monitor;
        scheduler.alone = saved.alone;
        scheduler.skipped = saved.skipped.into_iter().collect();
        let task = |saved: Vec<Recovered>| {
            let mut task = RecoveredTask::default();
            for recovered in saved {
                task.results.push(match recovered {
                    Recovered::Score(score) => Some(Ok(score)),
                    Recovered::Failed(reason) => Some(Err(JobError::from(Quoted(reason)))),
                    Recovered::Step(outcome) => Some(Ok(task.step.insert(outcome).last())),
                    Recovered::Open => None,
                });
            }
            task
        };
        scheduler.recovered = saved.recovered.into_iter().map(task).collect();
        if let Some(scores) = saved.evaluated {
            let spent = scheduler.tally.ledger.total();
            let mut evaluation =
                FinalEvaluation::new(&scheduler.experiment, &*scheduler.strategy, spent)?;
            evaluation.resume(scores)?;
            scheduler.final_evaluation = Some(evaluation);
        }
        Ok(scheduler)
    }
}

/// An error of which only the message was saved.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Quoted(String);

impl From<Quoted> for JobError {
    fn from(message: Quoted) -> Self {
        Arc::new(message)
    }
}
