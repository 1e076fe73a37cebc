//! What the search does about what it hears: log it, save it, replace those who failed, end.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use ractor::{ActorCell, ActorRef};

use super::child::Silent;
use super::search::{Msg, News, Start};
use super::team::Team;
use super::trainer::Ruined;
use super::{Crew, Failure, Role, checkpoint, controller};
use crate::checkpoint::Snapshot;
use crate::event::Event;
use crate::run::{Ask, Ended, Outcome, Recorder, Shared};
use crate::search::SearchError;
use crate::search::course::Finding;
use crate::train::StageError;
use crate::weights::Weights;

/// Failures without getting further that end a search.
const MOST_FAILURES: u32 = 4;

pub(super) struct Supervision {
    crew: Arc<Crew>,
    myself: ActorRef<Msg>,
    recorder: Recorder,
    shared: Arc<Shared>,
    /// Where the children continue from if one fails.
    snapshot: Arc<Snapshot>,
    team: Option<Team>,
    generation: u32,
    /// What the children were asked for last, and since when that is awaited.
    asked: Ask,
    awaited: Option<Instant>,
    /// When the controller was heard last.
    heard: Instant,
    /// Checkpoints being written: since when, and how many steps they hold.
    writing: VecDeque<(Instant, u64)>,
    /// The end, which waits for the last checkpoint.
    found: Option<(Box<Finding>, Arc<Weights>)>,
    paused: bool,
    failures: u32,
    unsaved: u32,
}

impl Supervision {
    pub(super) fn new(start: Start, myself: ActorRef<Msg>) -> Self {
        let Start {
            crew,
            snapshot,
            recorder,
            shared,
        } = start;
        Self {
            crew,
            myself,
            recorder,
            shared,
            snapshot: Arc::new(snapshot),
            team: None,
            generation: 0,
            asked: Ask::GoOn,
            awaited: None,
            heard: Instant::now(),
            writing: VecDeque::new(),
            found: None,
            paused: false,
            failures: 0,
            unsaved: 0,
        }
    }

    /// Begins. A search is saved before its first step, so that it can always be resumed.
    pub(super) async fn begin(&mut self) {
        self.gather().await;
        if self.snapshot.course.position() == 0
            && let Err(error) = self.save(Snapshot::clone(&self.snapshot))
        {
            self.end(Err(Arc::new(error))).await;
        }
    }

    pub(super) fn is_current(&self, generation: u32) -> bool {
        self.team.is_some() && generation == self.generation
    }

    /// Starts the children from the last snapshot, again and again until it works or there is no use in it.
    async fn gather(&mut self) {
        loop {
            self.generation += 1;
            self.heard = Instant::now();
            self.writing.clear();
            self.found = None;
            self.awaited = (self.asked != Ask::GoOn).then(Instant::now);
            let folder = self
                .recorder
                .folder()
                .map(|folder| folder.path().to_owned());
            let (crew, snapshot, myself) = (&self.crew, &self.snapshot, &self.myself);
            match Team::start(
                crew,
                snapshot,
                self.generation,
                self.asked,
                folder.as_deref(),
                myself,
            )
            .await
            {
                Ok(team) => return self.team = Some(team),
                Err((role, failure)) if !self.counts(role, &failure).await => {
                    return self.give_up(role, failure).await;
                }
                Err(_) => {}
            }
        }
    }

    /// Notes a failure. Whether there is use in another attempt.
    async fn counts(&mut self, role: Role, failure: &Failure) -> bool {
        self.failures += 1;
        let event = Event::Failed {
            part: role.to_string(),
            reason: failure.to_string(),
            failures: self.failures,
        };
        let noted = self.recorder.incident(event);
        // What the strategy or the application's evaluator says will be said again.
        let hopeless = matches!(
            failure.downcast_ref(),
            Some(
                SearchError::Strategy(_)
                    | SearchError::Evaluator { .. }
                    | SearchError::Unfit { .. }
            )
        );
        noted.is_ok() && !hopeless && self.failures < MOST_FAILURES
    }

    async fn give_up(&mut self, role: Role, failure: Failure) {
        let failures = self.failures;
        let part = |failure: Failure| SearchError::Part {
            part: role.to_string(),
            reason: failure.to_string(),
            failures,
        };
        let stage = |failure: Failure| {
            failure
                .downcast()
                .map_or_else(part, |error: Box<StageError>| (*error).into())
        };
        let ruined = |failure: Failure| {
            failure
                .downcast()
                .map_or_else(stage, |ruined: Box<Ruined>| ruined.source.into())
        };
        self.end(Err(Arc::new(
            failure
                .downcast()
                .map_or_else(ruined, |error: Box<SearchError>| *error),
        )))
        .await;
    }

    /// Replaces everybody because one failed.
    async fn fail(&mut self, role: Role, failure: Failure) {
        let Some(team) = self.team.take() else { return };
        let goes_on = self.counts(role, &failure).await;
        team.end(&self.crew).await;
        if let Some(Ruined { task, .. }) = failure.downcast_ref() {
            Arc::make_mut(&mut self.snapshot).course.set_aside(*task);
        }
        if goes_on {
            self.gather().await;
        } else {
            self.give_up(role, failure).await;
        }
    }

    /// A child ended that should not have.
    pub(super) async fn lost(&mut self, who: &ActorCell, failure: Failure) {
        if let Some(role) = self.team.as_ref().and_then(|team| team.role(who)) {
            self.fail(role, failure).await;
        }
    }

    async fn end(&mut self, outcome: Outcome) {
        if let Some(team) = self.team.take() {
            team.end(&self.crew).await;
        }
        self.shared.put_outcome(outcome, self.recorder.hand_over());
        self.myself.stop(None);
    }

    pub(super) async fn look(&mut self) {
        let Some(team) = &self.team else { return };
        let ask = self.shared.asked();
        if ask != self.asked {
            if std::mem::take(&mut self.paused) && ask == Ask::GoOn {
                let resumed = Event::Resumed {
                    steps: self.snapshot.course.steps(),
                };
                if let Err(error) = self.recorder.incident(resumed) {
                    return self.end(Err(Arc::new(error))).await;
                }
            }
            (self.asked, self.awaited) = (ask, (ask != Ask::GoOn).then(Instant::now));
            let _ = team.controller.cast(controller::Msg::Ask(ask));
        }
        let _ = team.controller.cast(controller::Msg::Pulse);
        let limit = self.crew.limit;
        let late = |since: Option<Instant>| since.is_some_and(|since| since.elapsed() > limit);
        // An answer to a question takes what is under way, and then a copy of the weights.
        let unanswered = self
            .awaited
            .is_some_and(|since| since.elapsed() > 3 * limit);
        if late(Some(self.heard)) || unanswered {
            self.fail(Role::Controller, Silent { limit }.into()).await;
        } else if late(self.writing.front().map(|(since, _)| *since)) {
            self.fail(Role::Checkpoint, Silent { limit }.into()).await;
        }
    }

    pub(super) async fn hear(&mut self, news: News) {
        self.heard = Instant::now();
        let done = match news {
            News::Told(number, _) if number > self.recorder.recorded() => {
                return self
                    .fail(Role::Controller, "an event was lost".into())
                    .await;
            }
            News::Told(number, event) => self.recorder.event(number, *event),
            News::Snapshot(snapshot) => self.save(*snapshot),
            News::Written(Ok(_)) => {
                self.unsaved = 0;
                let steps = self
                    .writing
                    .pop_front()
                    .map(|(_, steps)| steps)
                    .unwrap_or_default();
                let saved = self.recorder.incident(Event::Saved { steps });
                if saved.is_ok()
                    && self.asked == Ask::Stop
                    && self.awaited.is_none()
                    && self.writing.is_empty()
                {
                    return self.stopped().await;
                }
                saved
            }
            News::Written(Err(error)) => {
                self.unsaved += 1;
                self.writing.pop_front();
                if self.unsaved >= MOST_FAILURES || self.asked == Ask::Stop {
                    return self.end(Err(Arc::new(error.into()))).await;
                }
                let (part, reason) = (Role::Checkpoint.to_string(), error.to_string());
                self.recorder.incident(Event::Failed {
                    part,
                    reason,
                    failures: self.unsaved,
                })
            }
            News::Rests(ask) if ask != self.asked => Ok(()),
            News::Rests(ask) => {
                self.awaited = None;
                match ask {
                    Ask::Stop if self.writing.is_empty() => return self.stopped().await,
                    Ask::Pause => {
                        self.paused = true;
                        self.recorder.incident(Event::Paused)
                    }
                    _ => Ok(()),
                }
            }
            News::Found(finding, weights) => {
                self.found = Some((finding, weights));
                Ok(())
            }
            News::Beat(Some((role, silent))) if silent > self.crew.limit => {
                return self
                    .fail(
                        role,
                        Silent {
                            limit: self.crew.limit,
                        }
                        .into(),
                    )
                    .await;
            }
            News::Beat(_) => Ok(()),
        };
        if let Err(error) = done {
            self.end(Err(Arc::new(error))).await;
        } else if self.writing.is_empty()
            && let Some((finding, weights)) = self.found.take()
        {
            let found = self
                .crew
                .search
                .found(*finding, Arc::unwrap_or_clone(weights));
            self.end(Ok(Ended::Found(Arc::new(found)))).await;
        }
    }

    /// Keeps a snapshot, and has it written unless it lies before what was told already.
    fn save(&mut self, snapshot: Snapshot) -> Result<(), SearchError> {
        let (snapshot, told) = (Arc::new(snapshot), self.recorder.recorded());
        if snapshot.course.position() > self.snapshot.course.position() {
            self.failures = 0;
        }
        self.snapshot = Arc::clone(&snapshot);
        let checkpoint = self.team.as_ref().and_then(|team| team.checkpoint.as_ref());
        if let (Some(checkpoint), true) = (checkpoint, snapshot.course.events() == told) {
            let log = self.recorder.sync()?;
            self.writing
                .push_back((Instant::now(), snapshot.course.steps()));
            let _ = checkpoint.cast(checkpoint::Msg { snapshot, log });
        }
        Ok(())
    }

    async fn stopped(&mut self) {
        let steps = self.snapshot.course.steps();
        let noted = self.recorder.incident(Event::Stopped { steps });
        self.end(noted.map(|()| Ended::Stopped { steps }).map_err(Arc::new))
            .await;
    }
}
