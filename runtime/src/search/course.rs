//! The course of a search as a state machine: which job comes next, and what its answer means.
//!
//! Everything that decides lies here and in the strategy, so that it does not matter who does the work, on how many
//! threads, or in which order answers come: they are taken in the order of their tasks, at moments that follow from
//! counts and never from time.

mod judging;
mod saved;
mod watch;

pub(crate) use judging::Finding;
pub(crate) use saved::Saved;

use std::collections::{BTreeSet, VecDeque};
use std::error::Error;
use std::sync::Arc;

use super::{Search, SearchError};
use crate::event::Event;
use crate::gain::Glimpse;
use crate::schedule::Cosine;
use crate::strategy::{Genome, Outcome, Score, Strategy, Task, Work};
use judging::Judging;
pub(super) use watch::APART;
use watch::{Seen, Watch};

/// Why a child has no score.
pub(crate) type Reason = Arc<dyn Error + Send + Sync>;
/// What came of one child.
pub(crate) type Answer = Result<Score, Reason>;

/// So many children in a row without a score end a search.
const FAILURES: u32 = 10;

/// One bounded piece of work.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Job {
    pub(crate) place: Place,
    pub(crate) work: Labour,
}

/// Where the answers of a job belong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The task, counted from 0 over the search.
    pub(crate) task: u64,
    /// The first of its children that the job has.
    pub(crate) first: usize,
}

/// What a job asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Labour {
    /// A training step.
    Train { genome: Genome, epoch: u32 },
    /// A training step that was found to ruin the weights: its minibatch goes by unused.
    Skip,
    /// Scores on one minibatch of the validation part.
    Score { genomes: Vec<Genome>, batch: u64 },
    /// A score on the whole validation part.
    Judge { genome: Genome },
    /// A score on the test part.
    Test { genome: Genome },
}

impl Labour {
    /// Whether the trainer does it.
    pub(crate) fn trains(&self) -> bool {
        matches!(self, Self::Train { .. } | Self::Skip)
    }
}

/// What is to be done now.
#[derive(Debug)]
pub(crate) enum Next {
    /// This.
    Job(Job),
    /// Nothing before an answer comes; with `flush`, training steps under way must be finished first.
    Await { flush: bool },
    /// Nothing any more.
    Found(Box<Finding>),
}

/// How much may be handed out at a time. Results depend on `room` alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Training steps: one more than the device is deep, so that it never waits for the strategy.
    pub(crate) room: usize,
    /// Jobs for evaluators.
    pub(crate) crowd: usize,
    /// Children of a score task that are one job.
    pub(crate) piece: usize,
}

pub(crate) struct Course {
    search: Arc<Search>,
    strategy: Box<dyn Strategy>,
    rate: Cosine,
    limits: Limits,
    begun: bool,
    /// Tasks that the strategy has not been told about, oldest first.
    out: VecDeque<Out>,
    /// Tasks that it has been told about: the number of the first one in `out`.
    closed: u64,
    ahead: Ahead,
    /// Jobs without an answer.
    under_way: usize,
    /// Answers that a saved course had already, task by task.
    held: VecDeque<Vec<Answer>>,
    tally: saved::Tally,
    watch: Watch,
    seen: Seen,
    /// Steps that ruin the weights.
    aside: BTreeSet<u64>,
    judging: Option<Judging>,
    told: VecDeque<(u64, Event)>,
}

/// What the strategy said last.
#[derive(Default)]
enum Ahead {
    /// It was not asked yet.
    #[default]
    Unasked,
    /// A task that was not handed out yet.
    Task(Task),
    /// Nothing, while it waited for outcomes or did not.
    Nothing { waited: bool },
}

struct Out {
    work: Work,
    /// How many of the children are the strategy's own; the rest are samples of the prior beside them.
    own: usize,
    answers: Vec<Option<Answer>>,
    /// Children handed out.
    handed: usize,
}

impl Course {
    pub(crate) fn new(search: Arc<Search>, limits: Limits) -> Result<Self, SearchError> {
        let strategy = search.strategy(search.schedule)?;
        Ok(Self {
            rate: search.rate(),
            watch: Watch::new(&search)?,
            seen: Seen::default(),
            search,
            strategy,
            limits,
            begun: false,
            out: VecDeque::new(),
            closed: 0,
            ahead: Ahead::Unasked,
            under_way: 0,
            held: VecDeque::new(),
            tally: saved::Tally::default(),
            aside: BTreeSet::new(),
            judging: None,
            told: VecDeque::new(),
        })
    }

    /// What happened since the last call, each with its number in the search.
    pub(crate) fn told(&mut self) -> impl Iterator<Item = (u64, Event)> {
        self.told.drain(..)
    }

    /// Whether no job is under way.
    pub(crate) fn idle(&self) -> bool {
        self.under_way == 0
    }

    /// Whether nothing is left but to choose the best: what is saved then answers for the whole search.
    pub(crate) fn is_scored(&self) -> bool {
        self.judging.as_ref().is_some_and(Judging::is_scored)
    }

    /// Training steps that the strategy was told about.
    pub(crate) fn steps(&self) -> u64 {
        self.tally.steps
    }

    /// The next job.
    ///
    /// # Errors
    /// If the strategy cannot go on, or too many children in a row have no score.
    pub(crate) fn next(&mut self) -> Result<Next, SearchError> {
        let next = self.seek();
        self.under_way += usize::from(matches!(next, Ok(Next::Job(_))));
        next
    }

    fn seek(&mut self) -> Result<Next, SearchError> {
        if !self.begun {
            self.begun = true;
            self.tell(self.search.started());
            self.tell(self.search.planned());
        }
        loop {
            if self.judging.is_some() {
                return self.judge();
            }
            // A task that was begun goes out whole before anything else.
            if let Some(next) = self.rest() {
                return Ok(next);
            }
            if let Ahead::Unasked = self.ahead {
                let task = self.strategy.next()?;
                self.ahead = task.map_or(
                    Ahead::Nothing {
                        waited: !self.out.is_empty(),
                    },
                    Ahead::Task,
                );
            }
            // Outcomes are observed in the order of their tasks, and only training steps run beside each other.
            let trains = matches!(
                &self.ahead,
                Ahead::Task(Task {
                    work: Work::Train { .. },
                    ..
                })
            );
            let scoring = self
                .out
                .iter()
                .any(|out| matches!(out.work, Work::Score { .. }));
            let room = if trains && !scoring {
                self.limits.room
            } else {
                1
            };
            while self.out.len() >= room {
                if !self.close()? {
                    return Ok(Next::Await { flush: room == 1 });
                }
            }
            match std::mem::take(&mut self.ahead) {
                Ahead::Task(task) => self.begin(task.work)?,
                Ahead::Nothing { waited: false } => {
                    self.judging = Some(Judging::new(&self.search, &*self.strategy)?)
                }
                Ahead::Nothing { waited: true } | Ahead::Unasked => {}
            }
        }
    }

    fn begin(&mut self, mut work: Work) -> Result<(), SearchError> {
        let (mut own, mut children) = (1, 1);
        if let Work::Score { genomes, .. } = &mut work {
            own = genomes.len();
            // No other score task is out, so this is the next update.
            genomes.extend(
                self.watch
                    .beside(&self.search, self.tally.updates + 1, own)?,
            );
            children = genomes.len();
        }
        let mut answers: Vec<_> = self
            .held
            .pop_front()
            .unwrap_or_default()
            .into_iter()
            .map(Some)
            .collect();
        answers.truncate(children);
        let handed = answers.len();
        answers.resize(children, None);
        self.out.push_back(Out {
            work,
            own,
            answers,
            handed,
        });
        Ok(())
    }

    /// What is left of the newest task.
    fn rest(&mut self) -> Option<Next> {
        let task = self.closed + self.out.len().saturating_sub(1) as u64;
        let out = self.out.back_mut()?;
        let (first, children) = (out.handed, out.answers.len());
        if first == children {
            return None;
        }
        let work = match &out.work {
            Work::Train { .. } if self.aside.contains(&task) => Labour::Skip,
            Work::Train { genome, epoch } => Labour::Train {
                genome: genome.clone(),
                epoch: *epoch,
            },
            Work::Score { .. } if self.under_way >= self.limits.crowd => {
                return Some(Next::Await { flush: false });
            }
            Work::Score { genomes, batch } => {
                let genomes =
                    genomes[first..children.min(first.saturating_add(self.limits.piece))].to_vec();
                Labour::Score {
                    genomes,
                    batch: *batch,
                }
            }
        };
        out.handed += if let Labour::Score { genomes, .. } = &work {
            genomes.len()
        } else {
            1
        };
        Some(Next::Job(Job {
            place: Place { task, first },
            work,
        }))
    }

    /// Takes the answers of a job. What is not awaited is ignored.
    pub(crate) fn arrive(&mut self, place: Place, answers: Vec<Answer>) {
        let slots = match &mut self.judging {
            Some(judging) => judging.slots(place.task.checked_sub(self.closed)),
            None => {
                let out = place
                    .task
                    .checked_sub(self.closed)
                    .and_then(|index| self.out.get_mut(index as usize));
                out.map(|out| &mut out.answers[..out.handed])
            }
        };
        let slots = slots.and_then(|slots| slots.get_mut(place.first..place.first + answers.len()));
        if let Some(slots) = slots.filter(|slots| slots.iter().all(Option::is_none)) {
            self.under_way -= 1;
            slots
                .iter_mut()
                .zip(answers)
                .for_each(|(slot, answer)| *slot = Some(sound(answer)));
        }
    }

    /// Tells the strategy of the oldest task, if all its answers are there.
    fn close(&mut self) -> Result<bool, SearchError> {
        if !self
            .out
            .front()
            .is_some_and(|out| out.answers.iter().all(Option::is_some))
        {
            return Ok(false);
        }
        let Some(Out {
            work, own, answers, ..
        }) = self.out.pop_front()
        else {
            return Ok(false);
        };
        let task = self.closed;
        self.closed += 1;
        self.tally.children += answers.len() as u64;
        match work {
            Work::Train { genome, .. } if self.aside.contains(&task) => {
                self.strategy.observe(&Outcome::Trained(Score::WORST));
                let reason = format!(
                    "training step {} on it ruins the shared weights: its loss is not a number",
                    task + 1
                );
                self.tell(Event::SetAside { genome, reason });
                self.stepped(None);
            }
            Work::Train { .. } => {
                let score = answers
                    .into_iter()
                    .flatten()
                    .find_map(Result::ok)
                    .unwrap_or(Score::WORST);
                self.strategy.observe(&Outcome::Trained(score));
                self.stepped(Some(score));
            }
            Work::Score { genomes, .. } => {
                let mut scores = Vec::with_capacity(answers.len());
                for (genome, answer) in genomes.iter().zip(answers.into_iter().flatten()) {
                    scores.push(self.score(genome, answer)?);
                }
                self.updated(&genomes[..own], scores)?;
            }
        }
        Ok(true)
    }

    /// Tells the strategy of the scores of `genomes`, which the scores of the samples beside them follow.
    fn updated(&mut self, genomes: &[Genome], mut scores: Vec<Score>) -> Result<(), SearchError> {
        let accuracies = |scores: &[Score]| {
            scores
                .iter()
                .map(|score| score.accuracy)
                .collect::<Vec<_>>()
        };
        let beside = accuracies(&scores.split_off(genomes.len()));
        let own = accuracies(&scores);
        let best = own.iter().copied().fold(0.0, f32::max);
        let insight = self.strategy.observe(&Outcome::Scored(scores));
        self.tally.updates += 1;
        let (update, version) = (self.tally.updates, self.tally.version);
        if let Some(insight) = insight {
            let shares = self.watch.census.of(genomes);
            self.tell(Event::Update {
                update,
                version,
                best,
                insight,
                shares,
            });
            let warnings = self
                .watch
                .look(&mut self.seen, update, &insight, shares, &own);
            warnings.into_iter().for_each(|warning| self.tell(warning));
        }
        if !beside.is_empty() {
            let glimpse = Glimpse::new(&own, &beside);
            self.tell(Event::Glimpse { update, glimpse });
            let warning = self.watch.compare(&mut self.seen, update, glimpse);
            warning.into_iter().for_each(|warning| self.tell(warning));
        }
        Ok(())
    }

    fn stepped(&mut self, score: Option<Score>) {
        let schedule = self.search.schedule;
        let epoch = (self.tally.steps / u64::from(schedule.steps)) as u32;
        self.tally.step(score);
        if let Some(score) = score {
            self.tell(Event::Step {
                epoch,
                step: self.tally.steps,
                score,
            });
        }
        if self.tally.steps.is_multiple_of(u64::from(schedule.steps)) {
            let (warm_up, rate) = (epoch < schedule.warm_up, self.rate.rate(epoch));
            let score = self.tally.end_pass();
            self.tell(Event::Epoch {
                epoch,
                warm_up,
                rate,
                score,
            });
        }
    }

    /// The score of an answer; a child without one is set aside with the worst.
    fn score(&mut self, genome: &[u32], answer: Answer) -> Result<Score, SearchError> {
        match answer {
            Ok(score) => {
                self.tally.failures = 0;
                Ok(score)
            }
            Err(reason) => {
                self.tally.failures += 1;
                self.tell(Event::SetAside {
                    genome: genome.to_vec(),
                    reason: reason.to_string(),
                });
                if self.tally.failures >= FAILURES {
                    return Err(SearchError::Evaluator {
                        failures: FAILURES,
                        source: reason,
                    });
                }
                Ok(Score::WORST)
            }
        }
    }

    fn tell(&mut self, event: Event) {
        self.told.push_back((self.tally.events, event));
        self.tally.events += 1;
    }
}

/// An answer that can be ranked and written down.
fn sound(answer: Answer) -> Answer {
    let score = answer?;
    if score.accuracy.is_finite() && score.loss.is_finite() {
        Ok(score)
    } else {
        Err(Reason::from(NotANumber))
    }
}

impl From<NotANumber> for Reason {
    fn from(error: NotANumber) -> Self {
        Arc::new(error)
    }
}

/// A score that is none.
#[derive(Debug, thiserror::Error)]
#[error("its score is not a number")]
struct NotANumber;
