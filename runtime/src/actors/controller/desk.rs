//! Where jobs go out and answers come in.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ractor::rpc::CallResult;
use ractor::{ActorProcessingErr, ActorRef, RpcReplyPort};

use super::Begin;
use crate::actors::search::News;
use crate::actors::{Crew, Role, evaluator, trainer};
use crate::checkpoint::Snapshot;
use crate::run::Ask;
use crate::search::SearchError;
use crate::search::course::{Answer, Course, Job, Limits, Next, Place};
use crate::weights::Weights;

pub(super) struct Desk {
    course: Course,
    trainer: ActorRef<trainer::Msg>,
    evaluators: Vec<ActorRef<evaluator::Msg>>,
    /// Jobs under way.
    handed: BTreeMap<Place, (Role, Instant)>,
    /// The version of the weights that evaluators read.
    lent: Option<Arc<Weights>>,
    /// When and after how many steps the last snapshot was made.
    saved: (Instant, u64),
    /// Whether the last snapshot has every score.
    complete: bool,
    /// What the application asked for and got: nothing is handed out.
    rests: Option<Ask>,
    through: bool,
    /// When something happened last.
    moved: Instant,
}

impl Desk {
    pub(super) fn new(
        begin: &Begin,
        trainer: ActorRef<trainer::Msg>,
        depth: usize,
        evaluators: Vec<ActorRef<evaluator::Msg>>,
    ) -> Result<Self, SearchError> {
        let (crew, saved) = (&begin.crew, begin.snapshot.course.clone());
        let course = Course::load(Arc::clone(&crew.search), limits(crew, depth), saved)?;
        let (moved, handed) = (Instant::now(), BTreeMap::new());
        let (saved, complete) = ((moved, course.steps()), course.is_scored());
        let (lent, rests, through) = (None, None, false);
        Ok(Self {
            course,
            trainer,
            evaluators,
            handed,
            lent,
            saved,
            complete,
            rests,
            through,
            moved,
        })
    }

    /// Takes the answers of a job.
    pub(super) fn take(&mut self, place: Place, answers: Vec<Answer>) {
        if self.handed.remove(&place).is_some() {
            self.course.arrive(place, answers);
            self.moved = Instant::now();
        }
    }

    /// Who has been silent for how long.
    pub(super) fn silence(&self) -> Option<(Role, Duration)> {
        match self.handed.values().min_by_key(|(_, since)| *since) {
            Some((role, since)) => Some((*role, since.elapsed())),
            None if self.rests.is_some() => None,
            None => Some((Role::Controller, self.moved.elapsed())),
        }
    }

    /// Hands out what can be handed out, saves what is to be saved.
    pub(super) async fn pump(&mut self, begin: &Begin) -> Result<(), ActorProcessingErr> {
        let limit = begin.crew.limit;
        while !self.through {
            let rest = Some(begin.ask).filter(|ask| *ask != Ask::GoOn);
            self.rests = self.rests.filter(|ask| Some(*ask) == rest);
            if self.rests.is_some() {
                break;
            }
            if self.due(begin) || rest.is_some() {
                if !self.course.idle() {
                    // A trainer that is gone is known to the supervisor; so below.
                    let _ = self.trainer.cast(trainer::Msg::Flush);
                    break;
                }
                // Nobody reads the weights any more, so the trainer need not keep a copy for others; so below.
                self.lent = None;
                // An answer that does not come is asked for again at the next pulse; so below.
                let Some((weights, trained)) = call(&self.trainer, limit, trainer::Msg::Copy).await
                else {
                    break;
                };
                let course = self.course.save()?;
                self.saved = (Instant::now(), self.course.steps());
                self.complete = self.course.is_scored();
                self.tell(begin);
                begin.send(News::Snapshot(Box::new(Snapshot {
                    course,
                    trained,
                    weights,
                })));
                self.rests = rest;
                rest.into_iter()
                    .for_each(|ask| begin.send(News::Rests(ask)));
                continue;
            }
            let next = self.course.next();
            self.tell(begin);
            match next? {
                Next::Job(job) => self.hand(job, begin).await,
                Next::Await { flush } => {
                    if flush && !self.course.idle() {
                        let _ = self.trainer.cast(trainer::Msg::Flush);
                    }
                    break;
                }
                Next::Found(finding) => {
                    self.lent = None;
                    let share = |reply| trainer::Msg::Share { fetch: true, reply };
                    let Some(weights) = call(&self.trainer, limit, share).await else {
                        break;
                    };
                    self.through = true;
                    begin.send(News::Found(finding, weights));
                }
            }
        }
        Ok(())
    }

    /// Whether it is time for a snapshot.
    fn due(&self, begin: &Begin) -> bool {
        let settings = begin.crew.search.config().checkpoint;
        self.course.is_scored() && !self.complete
            || self.course.steps() - self.saved.1 >= u64::from(settings.steps)
            || self.saved.0.elapsed().as_secs_f64() >= 60.0 * settings.minutes
    }

    async fn hand(&mut self, job: Job, begin: &Begin) {
        let Job { place, work } = job;
        self.moved = Instant::now();
        if work.trains() {
            self.lent = None;
            self.handed.insert(place, (Role::Trainer, self.moved));
            let _ = self.trainer.cast(trainer::Msg::Step { place, work });
            return;
        }
        if self.lent.is_none() {
            let fetch = begin.crew.evaluator_device.is_some();
            let share = |reply| trainer::Msg::Share { fetch, reply };
            self.lent = call(&self.trainer, begin.crew.limit, share).await;
        }
        let busy = |number: &usize| {
            self.handed
                .values()
                .filter(|(role, _)| *role == Role::Evaluator(*number))
                .count()
        };
        let number = (0..self.evaluators.len())
            .min_by_key(busy)
            .unwrap_or_default();
        self.handed
            .insert(place, (Role::Evaluator(number), self.moved));
        if let (Some(weights), Some(evaluator)) = (self.lent.clone(), self.evaluators.get(number)) {
            let _ = evaluator.cast(evaluator::Msg {
                place,
                work,
                weights,
            });
        }
    }

    fn tell(&mut self, begin: &Begin) {
        self.course
            .told()
            .for_each(|(number, event)| begin.send(News::Told(number, Box::new(event))));
    }
}

/// The trainer's answer, if one comes.
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

/// How much is handed out at a time.
fn limits(crew: &Crew, depth: usize) -> Limits {
    let (evaluators, rollouts) = (
        crew.evaluators,
        crew.search.config().score.rollouts as usize,
    );
    let piece = match evaluators {
        // The application's own evaluator may take its time for each.
        _ if crew.own.is_some() => 1,
        1 => rollouts,
        _ => rollouts.div_ceil(2 * evaluators),
    };
    Limits {
        room: depth + 1,
        crowd: 2 * evaluators,
        piece: piece.max(1),
    }
}
