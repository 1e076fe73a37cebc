//! The controller: owns the course and its strategy, hands out jobs, takes answers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ractor::rpc::CallResult;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};

use super::search::News;
use super::{Crew, Role, evaluator, search, trainer};
use crate::checkpoint::Snapshot;
use crate::run::Ask;
use crate::search::course::{Answer, Course, Job, Limits, Next, Place};
use crate::weights::Weights;

pub(super) struct Controller;

pub(super) enum Msg {
    /// Everybody is there.
    Begin { trainer: ActorRef<trainer::Msg>, depth: usize, evaluators: Vec<ActorRef<evaluator::Msg>> },
    /// A job is done, and its worker has room for another.
    Done { place: Place, answers: Vec<Answer> },
    /// What the application wants now.
    Ask(Ask),
    /// Say that you are there.
    Pulse,
}

pub(super) struct Begin {
    pub(super) crew: Arc<Crew>,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) generation: u32,
    pub(super) ask: Ask,
    pub(super) search: ActorRef<search::Msg>,
}

pub(super) struct State {
    begin: Begin,
    at_work: Option<AtWork>,
    /// When something happened last.
    moved: Instant,
}

struct AtWork {
    course: Course,
    trainer: ActorRef<trainer::Msg>,
    evaluators: Vec<ActorRef<evaluator::Msg>>,
    /// Jobs under way.
    handed: BTreeMap<Place, (Role, Instant)>,
    /// The version of the weights that evaluators read.
    lent: Option<Arc<Weights>>,
    /// When and after how many steps the last snapshot was made.
    saved: (Instant, u64),
    /// What the application asked for and got: nothing is handed out.
    rests: Option<Ask>,
    through: bool,
}

impl State {
    fn send(&self, news: News) {
        // Without a supervisor this actor ends too.
        let _ = self.begin.search.cast(search::Msg::Child(self.begin.generation, news));
    }

    /// Hands out what can be handed out.
    async fn pump(&mut self) -> Result<(), ActorProcessingErr> {
        let Some(mut work) = self.at_work.take() else { return Ok(()) };
        let done = self.pumped(&mut work).await;
        self.at_work = Some(work);
        done
    }

    async fn pumped(&mut self, work: &mut AtWork) -> Result<(), ActorProcessingErr> {
        let limit = self.begin.crew.limit;
        while !work.through {
            let settings = self.begin.crew.search.config().checkpoint;
            let due = work.course.steps() - work.saved.1 >= u64::from(settings.steps)
                || work.saved.0.elapsed().as_secs_f64() >= 60.0 * settings.minutes;
            let rest = Some(self.begin.ask).filter(|ask| *ask != Ask::GoOn);
            work.rests = work.rests.filter(|ask| Some(*ask) == rest);
            if work.rests.is_some() {
                break;
            }
            if due || rest.is_some() {
                if !work.course.idle() {
                    let _ = work.trainer.cast(trainer::Msg::Flush);
                    break;
                }
                // An answer that does not come is asked for again at the next pulse.
                let Some((weights, trained)) = call(&work.trainer, limit, trainer::Msg::Copy).await else { break };
                let course = work.course.save()?;
                work.saved = (Instant::now(), work.course.steps());
                self.tell(work);
                self.send(News::Snapshot(Box::new(Snapshot { course, trained, weights })));
                work.rests = rest;
                rest.into_iter().for_each(|ask| self.send(News::Rests(ask)));
                continue;
            }
            let next = work.course.next();
            self.tell(work);
            match next? {
                Next::Job(job) => self.hand(work, job).await,
                Next::Await { flush } => {
                    if flush && !work.course.idle() {
                        let _ = work.trainer.cast(trainer::Msg::Flush);
                    }
                    break;
                }
                Next::Found(finding) => {
                    let share = |reply| trainer::Msg::Share { fetch: true, reply };
                    let Some(weights) = call(&work.trainer, limit, share).await else { break };
                    work.through = true;
                    self.send(News::Found(finding, weights));
                }
            }
        }
        Ok(())
    }

    async fn hand(&mut self, work: &mut AtWork, job: Job) {
        let Job { place, work: labour } = job;
        self.moved = Instant::now();
        if labour.trains() {
            work.lent = None;
            work.handed.insert(place, (Role::Trainer, self.moved));
            // A worker that is gone is known to the supervisor; so below.
            let _ = work.trainer.cast(trainer::Msg::Step { place, work: labour });
            return;
        }
        if work.lent.is_none() {
            let fetch = self.begin.crew.evaluator_device.is_some();
            let limit = self.begin.crew.limit;
            work.lent = call(&work.trainer, limit, |reply| trainer::Msg::Share { fetch, reply }).await;
        }
        let busy = |number: &usize| work.handed.values().filter(|(role, _)| *role == Role::Evaluator(*number)).count();
        let number = (0..work.evaluators.len()).min_by_key(busy).unwrap_or_default();
        work.handed.insert(place, (Role::Evaluator(number), self.moved));
        if let Some(weights) = work.lent.clone() {
            let _ = work.evaluators[number].cast(evaluator::Msg { place, work: labour, weights });
        }
    }

    fn tell(&self, work: &mut AtWork) {
        work.course.told().for_each(|(number, event)| self.send(News::Told(number, Box::new(event))));
    }

    /// Who has been silent for how long.
    fn silence(&self) -> Option<(Role, Duration)> {
        let Some(work) = &self.at_work else { return Some((Role::Controller, self.moved.elapsed())) };
        let oldest = work.handed.values().min_by_key(|(_, since)| *since);
        match oldest {
            Some((role, since)) => Some((*role, since.elapsed())),
            None if work.rests.is_some() => None,
            None => Some((Role::Controller, self.moved.elapsed())),
        }
    }
}

/// The trainer's answer. Without one there is nothing to be done here: the supervisor knows of a trainer that failed.
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

impl Actor for Controller {
    type Msg = Msg;
    type State = State;
    type Arguments = Begin;

    async fn pre_start(&self, _: ActorRef<Msg>, begin: Begin) -> Result<State, ActorProcessingErr> {
        Ok(State { begin, at_work: None, moved: Instant::now() })
    }

    async fn handle(&self, _: ActorRef<Msg>, message: Msg, state: &mut State) -> Result<(), ActorProcessingErr> {
        match message {
            Msg::Begin { trainer, depth, evaluators } => {
                let Begin { crew, snapshot, .. } = &state.begin;
                let limits = limits(crew, depth);
                let course = Course::load(Arc::clone(&crew.search), limits, snapshot.course.clone())?;
                let (saved, handed) = ((Instant::now(), course.steps()), BTreeMap::new());
                let (lent, rests, through) = (None, None, false);
                state.at_work = Some(AtWork { course, trainer, evaluators, handed, lent, saved, rests, through });
                state.moved = Instant::now();
            }
            Msg::Done { place, answers } => {
                if let Some(work) = &mut state.at_work
                    && work.handed.remove(&place).is_some()
                {
                    work.course.arrive(place, answers);
                    state.moved = Instant::now();
                }
            }
            Msg::Ask(ask) => state.begin.ask = ask,
            Msg::Pulse => state.send(News::Beat(state.silence())),
        }
        state.pump().await
    }
}

fn limits(crew: &Crew, depth: usize) -> Limits {
    let (evaluators, rollouts) = (crew.evaluators, crew.search.config().score.rollouts as usize);
    let piece = match evaluators {
        // The application's own evaluator may take its time for each.
        _ if crew.own.is_some() => 1,
        1 => rollouts,
        _ => rollouts.div_ceil(2 * evaluators),
    };
    Limits { room: depth + 1, crowd: 2 * evaluators, piece: piece.max(1) }
}
