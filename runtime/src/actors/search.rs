//! The search: supervises the others. What it does about their news is in `supervision.rs`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};

use super::supervision::Supervision;
use super::{Crew, Role};
use crate::checkpoint::Snapshot;
use crate::event::Event;
use crate::run::{Ask, Outcome, Recorder, Shared};
use crate::run_folder::FolderError;
use crate::search::SearchError;
use crate::search::course::Finding;
use crate::weights::Weights;

pub(super) struct Search;

pub(crate) enum Msg {
    /// From one of the children of that generation.
    Child(u32, News),
    /// Look at what the application asks for, and at who has been silent.
    Look,
}

pub(crate) enum News {
    /// The event of that number happened.
    Told(u64, Box<Event>),
    Snapshot(Box<Snapshot>),
    /// Nothing is under way, as asked for.
    Rests(Ask),
    Found(Box<Finding>, Arc<Weights>),
    Written(Result<PathBuf, FolderError>),
    /// The controller is there; whom it waits for, and for how long.
    Beat(Option<(Role, Duration)>),
}

/// What a search starts with.
pub(crate) struct Start {
    pub(crate) crew: Arc<Crew>,
    pub(crate) snapshot: Snapshot,
    pub(crate) recorder: Recorder,
    pub(crate) shared: Arc<Shared>,
}

/// Supervises a search until it has found something, or ends. Runs on the search's own thread. Whoever goes on after it
/// gets its recorder.
pub(crate) async fn supervise(
    start: Start,
    started: impl FnOnce(ActorRef<Msg>),
) -> (Outcome, Option<Recorder>) {
    let (shared, limit) = (Arc::clone(&start.shared), start.crew.limit);
    let failed = |reason: String| SearchError::Part {
        part: Role::Search.to_string(),
        reason,
        failures: 1,
    };
    #[cfg(test)]
    let actor = super::faults::Faulty::new(&start.crew, Role::Search, Search);
    #[cfg(not(test))]
    let actor = Search;
    match Actor::spawn(None, actor, start).await {
        Ok((search, ended)) => {
            search.send_interval((limit / 8).min(Duration::from_secs(1)), || Msg::Look);
            started(search);
            // Panics were caught; without an outcome there was one.
            let _ = ended.await;
            match shared.take_outcome() {
                Some((outcome, recorder)) => (outcome, Some(recorder)),
                None => (
                    Err(Arc::new(failed("it stopped before its end".to_owned()))),
                    None,
                ),
            }
        }
        Err(error) => (Err(Arc::new(failed(error.to_string()))), None),
    }
}

impl Actor for Search {
    type Msg = Msg;
    type State = Supervision;
    type Arguments = Start;

    async fn pre_start(
        &self,
        myself: ActorRef<Msg>,
        start: Start,
    ) -> Result<Supervision, ActorProcessingErr> {
        Ok(Supervision::new(start, myself))
    }

    async fn post_start(
        &self,
        _: ActorRef<Msg>,
        state: &mut Supervision,
    ) -> Result<(), ActorProcessingErr> {
        state.begin().await;
        Ok(())
    }

    async fn handle(
        &self,
        _: ActorRef<Msg>,
        message: Msg,
        state: &mut Supervision,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            // What a child says that was replaced meanwhile is said again by its successor.
            Msg::Child(generation, news) if state.is_current(generation) => state.hear(news).await,
            Msg::Child(..) => {}
            Msg::Look => state.look().await,
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<Msg>,
        event: SupervisionEvent,
        state: &mut Supervision,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorFailed(who, reason) => state.lost(&who, reason).await,
            SupervisionEvent::ActorTerminated(who, _, _) => {
                state.lost(&who, "it stopped".into()).await
            }
            _ => {}
        }
        Ok(())
    }
}
