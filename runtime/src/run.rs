//! A search under way, as the application that started it sees it.

mod events;
mod latch;
mod recorder;

pub use events::Events;

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, mpsc};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use ractor::ActorRef;
use tokio::runtime::Builder;

use crate::actors::{Msg, Start, supervise};
use crate::config::Config;
use crate::retrain::{Retraining, Supervised, last_phase};
use crate::search::{Found, SearchError};
use events::Hub;
use latch::Latch;
pub(crate) use recorder::Recorder;

/// How a search ended, or why it could not go on.
pub type Outcome = Result<Ended, Arc<SearchError>>;

/// How a search ended.
#[derive(Clone, Debug)]
pub enum Ended {
    /// It came to its end.
    Found(Arc<Found>),
    /// It was asked to stop. With a run folder it can be resumed.
    Stopped {
        /// Training steps done.
        steps: u64,
    },
}

impl Ended {
    /// What was found, if the search came to its end.
    pub fn found(self) -> Option<Arc<Found>> {
        match self {
            Self::Found(found) => Some(found),
            Self::Stopped { .. } => None,
        }
    }
}

/// A search under way: a handle that can be cloned and used from any thread, in any executor or in none.
///
/// The search has threads of its own. When the last handle is dropped, it stops as after [`Run::stop`], and its threads
/// end; nobody is kept waiting for that.
#[derive(Clone, Debug)]
pub struct Run {
    handle: Arc<Handle>,
}

struct Handle {
    shared: Arc<Shared>,
    search: Option<ActorRef<Msg>>,
    thread: Mutex<Option<thread::JoinHandle<()>>>,
    folder: Option<PathBuf>,
    config: Config,
}

/// What the application wants a search to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Ask {
    GoOn,
    Pause,
    Stop,
}

/// What a search and its handles share.
#[derive(Default)]
pub(crate) struct Shared {
    ask: AtomicU8,
    /// Whoever stands still outside the actors waits here for another question.
    asked_anew: (Mutex<()>, Condvar),
    pub(crate) hub: Hub,
    outcome: Mutex<Option<(Outcome, Recorder)>>,
    done: Latch<Outcome>,
}

impl Shared {
    /// Asks, unless a stop was asked for already.
    fn ask(&self, ask: Ask) {
        let change = |now| (now != Ask::Stop as u8).then_some(ask as u8);
        // An error says that the search stops anyway.
        let _ = self
            .ask
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, change);
        drop(
            self.asked_anew
                .0
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        self.asked_anew.1.notify_all();
    }

    /// Stands still as long as a pause is asked for. Returns what is asked for then.
    pub(crate) fn stand(&self) -> Ask {
        let mut held = self
            .asked_anew
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        while self.asked() == Ask::Pause {
            held = self
                .asked_anew
                .1
                .wait(held)
                .unwrap_or_else(PoisonError::into_inner);
        }
        self.asked()
    }

    pub(crate) fn asked(&self) -> Ask {
        match self.ask.load(Ordering::Acquire) {
            0 => Ask::GoOn,
            1 => Ask::Pause,
            _ => Ask::Stop,
        }
    }

    /// Keeps the outcome of the actors, and the recorder for what follows, until they have put everything away.
    pub(crate) fn put_outcome(&self, outcome: Outcome, recorder: Recorder) {
        *self.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some((outcome, recorder));
    }

    pub(crate) fn take_outcome(&self) -> Option<(Outcome, Recorder)> {
        self.outcome
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Tells everybody that the search is over.
    pub(crate) fn close(&self, outcome: Outcome) {
        self.hub.close();
        self.done.set(outcome);
    }
}

impl Run {
    /// Starts the search on a thread of its own.
    pub(crate) fn start(
        start: Start,
        retraining: Option<Retraining>,
        folder: Option<PathBuf>,
    ) -> Result<Self, SearchError> {
        let (shared, config) = (
            Arc::clone(&start.shared),
            start.crew.search.config().clone(),
        );
        let (sender, started) = mpsc::channel();
        let run = move || {
            let (shared, crew) = (Arc::clone(&start.shared), Arc::clone(&start.crew));
            // Made and dropped on this thread: a runtime must not be dropped in asynchronous code.
            let (outcome, recorder) = match Builder::new_current_thread().enable_time().build() {
                Ok(runtime) => {
                    runtime.block_on(supervise(start, |search| drop(sender.send(search))))
                }
                Err(source) => (Err(Arc::new(SearchError::Thread { source })), None),
            };
            let outcome = match (outcome, recorder) {
                (Ok(Ended::Found(found)), Some(recorder)) => {
                    let follow = Supervised {
                        recorder,
                        shared: Arc::clone(&shared),
                    };
                    last_phase(&crew.search, found, retraining, &*crew.device, follow)
                }
                (outcome, _) => outcome,
            };
            shared.close(outcome);
        };
        let spawned = thread::Builder::new()
            .name("supernet-search".to_owned())
            .spawn(run);
        let thread = spawned.map_err(|source| SearchError::Thread { source })?;
        // Without an answer there is no search, and `wait` tells why.
        let (search, thread) = (started.recv().ok(), Mutex::new(Some(thread)));
        Ok(Self {
            handle: Arc::new(Handle {
                shared,
                search,
                thread,
                folder,
                config,
            }),
        })
    }

    /// The settings as resolved.
    pub fn config(&self) -> &Config {
        &self.handle.config
    }

    /// The run's folder, if it has one.
    pub fn folder(&self) -> Option<&Path> {
        self.handle.folder.as_deref()
    }

    /// What happens from now on. [`SearchBuilder::events`](crate::SearchBuilder::events) begins with the first event.
    pub fn events(&self) -> Events {
        self.handle.shared.hub.subscribe()
    }

    /// Asks the search to stand still after what is under way; [`Event::Paused`](crate::Event::Paused) says when it
    /// does. It is saved then.
    pub fn pause(&self) {
        self.handle.ask(Ask::Pause);
    }

    /// Asks a paused search to go on.
    pub fn resume(&self) {
        self.handle.ask(Ask::GoOn);
    }

    /// Asks the search to end after what is under way; it is saved then. This cannot be taken back.
    pub fn stop(&self) {
        self.handle.ask(Ask::Stop);
    }

    /// Waits for the end of the search; its thread is gone then. For asynchronous code there is [`Run::ended`].
    ///
    /// # Errors
    /// Why the search could not go on.
    pub fn wait(&self) -> Outcome {
        let outcome = self.handle.shared.done.wait(None);
        self.handle.join();
        outcome.unwrap_or(Ok(Ended::Stopped { steps: 0 }))
    }

    /// As [`Run::wait`], for `limit` at most: none if the search goes on.
    pub fn wait_for(&self, limit: Duration) -> Option<Outcome> {
        let outcome = self.handle.shared.done.wait(Some(Instant::now() + limit))?;
        self.handle.join();
        Some(outcome)
    }

    /// The end of the search as a future that needs no particular executor. It does not keep the search alive.
    pub fn ended(&self) -> impl Future<Output = Outcome> + Send + Unpin + use<> {
        End {
            shared: Arc::clone(&self.handle.shared),
        }
    }
}

impl Handle {
    fn ask(&self, ask: Ask) {
        self.shared.ask(ask);
        // A search that is over needs no telling.
        let _ = self.search.as_ref().map(|search| search.cast(Msg::Look));
    }

    fn join(&self) {
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        // It has told the outcome and returns at once. One's own thread, a listener's, cannot be waited for.
        if let Some(thread) = thread.filter(|thread| thread.thread().id() != thread::current().id())
        {
            let _ = thread.join();
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.ask(Ask::Stop);
    }
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

struct End {
    shared: Arc<Shared>,
}

impl Future for End {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        self.shared.done.poll(context)
    }
}
