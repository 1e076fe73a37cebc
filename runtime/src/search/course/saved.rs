//! A course as it is saved.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::judging::Judging;
use super::watch::Seen;
use super::{Answer, Course, Limits, Reason};
use crate::search::{Search, SearchError};
use crate::strategy::{Score, Strategy};

/// Everything that the next job depends on, but for the weights.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Saved {
    strategy: serde_json::Value,
    begun: bool,
    closed: u64,
    tally: Tally,
    /// Absent in older saves.
    #[serde(default)]
    seen: Seen,
    /// Answers of tasks that the strategy was not told about.
    held: Vec<Vec<Held>>,
    /// Training steps that are skipped.
    aside: Vec<u64>,
    /// Scores of the architectures that were reported, once exploring is over.
    judged: Option<Vec<Score>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Held {
    Score(Score),
    Failed(String),
}

/// What is counted.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Tally {
    pub(super) steps: u64,
    pub(super) updates: u64,
    /// Version of the shared weights: steps that were not skipped.
    pub(super) version: u64,
    /// Children of the tasks that the strategy was told about.
    pub(super) children: u64,
    /// Events told.
    pub(super) events: u64,
    /// Children without a score, in a row.
    pub(super) failures: u32,
    pass: Pass,
}

/// Sums over a pass.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Pass {
    accuracy: f64,
    loss: f64,
    steps: u32,
}

impl Tally {
    /// Counts a training step with its score, or one that was skipped.
    pub(super) fn step(&mut self, score: Option<Score>) {
        self.steps += 1;
        if let Some(score) = score {
            self.version += 1;
            self.pass.accuracy += f64::from(score.accuracy);
            self.pass.loss += f64::from(score.loss);
            self.pass.steps += 1;
        }
    }

    /// Means over the pass that ends.
    pub(super) fn end_pass(&mut self) -> Score {
        let Pass {
            accuracy,
            loss,
            steps,
        } = std::mem::take(&mut self.pass);
        let steps = f64::from(steps.max(1));
        Score {
            accuracy: (accuracy / steps) as f32,
            loss: (loss / steps) as f32,
        }
    }
}

impl Saved {
    /// Its place in the search: how many answers were there.
    pub(crate) fn position(&self) -> u64 {
        let held: usize = self.held.iter().map(Vec::len).sum();
        self.tally.children + (held + self.judged.as_ref().map_or(0, Vec::len)) as u64
    }

    /// The strategy as it was.
    pub(crate) fn strategy(&self, search: &Search) -> Result<Box<dyn Strategy>, SearchError> {
        let mut strategy = search.strategy(search.schedule)?;
        strategy
            .load(self.strategy.clone())
            .map_err(|error| SearchError::Unfit {
                reason: error.to_string(),
            })?;
        Ok(strategy)
    }

    /// Training steps that the strategy was told about.
    pub(crate) fn steps(&self) -> u64 {
        self.tally.steps
    }

    /// Events that were told before it.
    pub(crate) fn events(&self) -> u64 {
        self.tally.events
    }

    /// Sets a training step aside. False if it was already, or is in the past.
    pub(crate) fn set_aside(&mut self, task: u64) -> bool {
        let fresh = task >= self.closed && !self.aside.contains(&task);
        if fresh {
            self.aside.push(task);
        }
        fresh
    }
}

impl Course {
    /// The course as it stands; no job may be under way.
    pub(crate) fn save(&mut self) -> Result<Saved, SearchError> {
        if self.judging.is_some() {
            // An answer that came ahead of one before it was not reported, but none did if no job is under way.
            self.report()?;
        }
        let held = |answer: &Answer| match answer {
            Ok(score) => Held::Score(*score),
            Err(reason) => Held::Failed(reason.to_string()),
        };
        let all = |out: &super::Out| out.answers.iter().flatten().map(held).collect();
        Ok(Saved {
            strategy: self.strategy.save(),
            begun: self.begun,
            closed: self.closed,
            tally: self.tally.clone(),
            seen: self.seen.clone(),
            held: self.out.iter().map(all).collect(),
            aside: self.aside.iter().copied().collect(),
            judged: self.judging.as_ref().map(|judging| judging.scores.clone()),
        })
    }

    /// Continues from what was saved.
    pub(crate) fn load(
        search: Arc<Search>,
        limits: Limits,
        saved: Saved,
    ) -> Result<Self, SearchError> {
        let mut course = Self::new(search, limits)?;
        let Saved {
            strategy,
            begun,
            closed,
            tally,
            seen,
            held,
            aside,
            judged,
        } = saved;
        course
            .strategy
            .load(strategy)
            .map_err(|error| SearchError::Unfit {
                reason: error.to_string(),
            })?;
        (course.begun, course.closed, course.tally, course.seen) = (begun, closed, tally, seen);
        course.aside = aside.into_iter().collect();
        let answer = |held| match held {
            Held::Score(score) => Ok(score),
            Held::Failed(reason) => Err(Reason::from(Said(reason))),
        };
        course.held = held
            .into_iter()
            .map(|task| task.into_iter().map(answer).collect())
            .collect();
        if let Some(scores) = judged {
            let mut judging = Judging::new(&course.search, &*course.strategy)?;
            judging.resume(scores);
            course.judging = Some(judging);
        }
        Ok(course)
    }
}

/// A reason of which only the words are left.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Said(String);

impl From<Said> for Reason {
    fn from(said: Said) -> Self {
        Arc::new(said)
    }
}
