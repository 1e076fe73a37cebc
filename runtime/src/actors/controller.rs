//! The controller: owns the course and its strategy, hands out jobs, takes answers.

mod desk;

use std::sync::Arc;
use std::time::{Duration, Instant};

use ractor::{Actor, ActorProcessingErr, ActorRef};

use super::search::News;
use super::{Crew, Role, evaluator, search, trainer};
use crate::checkpoint::Snapshot;
use crate::run::Ask;
use crate::search::course::{Answer, Place};
use desk::Desk;

pub(super) struct Controller;

pub(super) enum Msg {
    /// Everybody is there.
    Begin {
        trainer: ActorRef<trainer::Msg>,
        depth: usize,
        evaluators: Vec<ActorRef<evaluator::Msg>>,
    },
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

impl Begin {
    fn send(&self, news: News) {
        // Without a supervisor this actor ends too.
        let _ = self.search.cast(search::Msg::Child(self.generation, news));
    }
}

pub(super) struct State {
    begin: Begin,
    began: Instant,
    /// Absent until everybody is there.
    desk: Option<Desk>,
}

impl State {
    /// Who has been silent for how long.
    fn silence(&self) -> Option<(Role, Duration)> {
        let waiting = Some((Role::Controller, self.began.elapsed()));
        self.desk.as_ref().map_or(waiting, Desk::silence)
    }
}

impl Actor for Controller {
    type Msg = Msg;
    type State = State;
    type Arguments = Begin;

    async fn pre_start(&self, _: ActorRef<Msg>, begin: Begin) -> Result<State, ActorProcessingErr> {
        Ok(State {
            begin,
            began: Instant::now(),
            desk: None,
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
                state.desk = Some(Desk::new(&state.begin, trainer, depth, evaluators)?);
            }
            Msg::Done { place, answers } => {
                if let Some(desk) = &mut state.desk {
                    desk.take(place, answers);
                }
            }
            Msg::Ask(ask) => state.begin.ask = ask,
            Msg::Pulse => state.begin.send(News::Beat(state.silence())),
        }
        match &mut state.desk {
            Some(desk) => desk.pump(&state.begin).await,
            None => Ok(()),
        }
    }
}
