//! A search under way, as the application that started it sees it.

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, mpsc};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use ractor::ActorRef;
use tokio::runtime::Builder;

use super::builder::SearchBuilder;
use super::last_phase;
use super::latch::Latch;
use super::subscription::{Events, Hub};
use super::workers::{Msg, SharedRecorder, Start, supervise};
use crate::config::Config;
use crate::error::Error;
use crate::events::{Command, Commands};
use crate::retrain::Retraining;
use crate::search::SearchResult;
use crate::storage::Recorded;

/// How a search ended, or why it could not go on.
pub type RunResult = Result<RunOutcome, Arc<Error>>;

/// How a search ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RunOutcome {
    /// It came to its end.
    Completed(Arc<SearchResult>),
    /// It was asked to stop. With a run folder it can be resumed.
    Stopped {
        /// Training steps done.
        steps: u64,
    },
}

impl RunOutcome {
    /// The result, if the search came to its end.
    pub fn result(self) -> Option<Arc<SearchResult>> {
        match self {
            Self::Completed(result) => Some(result),
            Self::Stopped { .. } => None,
        }
    }
}

/// A search under way: a handle that can be cloned and used from any thread, in any executor or in
/// none.
///
/// The search has threads of its own. When the last handle is dropped, it stops as after
/// [`Search::stop`], and its threads end; nobody is kept waiting for that.
#[derive(Clone, Debug)]
pub struct Search {
    handle: Arc<Handle>,
}

struct Handle {
    shared: Arc<Shared>,
    supervisor: Option<ActorRef<Msg>>,
    thread: Mutex<Option<thread::JoinHandle<()>>>,
    folder: Option<PathBuf>,
    config: Config,
}

/// What a search and its handles share.
#[derive(Default)]
pub(crate) struct Shared {
    command: AtomicU8,
    /// Retraining runs after the actors, and blocks here while it is paused.
    changed: (Mutex<()>, Condvar),
    pub(crate) hub: Hub,
    outcome: Mutex<Option<(RunResult, SharedRecorder)>>,
    done: Latch<RunResult>,
}

impl Shared {
    /// Gives a command, unless it was to stop already.
    fn set_command(&self, command: Command) {
        let change = |now| (now != Command::Stop as u8).then_some(command as u8);
        // An error says that the search stops anyway.
        let _ = self
            .command
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, change);
        drop(
            self.changed
                .0
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        self.changed.1.notify_all();
    }

    /// Keeps the outcome of the actors, and the recorder for what follows, until they have put
    /// everything away.
    pub(crate) fn put_outcome(&self, outcome: RunResult, recorder: SharedRecorder) {
        *self.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some((outcome, recorder));
    }

    pub(crate) fn take_outcome(&self) -> Option<(RunResult, SharedRecorder)> {
        self.outcome
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Tells everybody that the search is over.
    pub(crate) fn close(&self, outcome: RunResult) {
        self.hub.close();
        self.done.set(outcome);
    }
}

impl Commands for Arc<Shared> {
    fn command(&self) -> Command {
        match self.command.load(Ordering::Acquire) {
            0 => Command::Run,
            1 => Command::Pause,
            _ => Command::Stop,
        }
    }

    fn wait_while_paused(&self) -> Command {
        let (lock, changed) = &self.changed;
        let mut held = lock.lock().unwrap_or_else(PoisonError::into_inner);
        while Commands::command(self) == Command::Pause {
            held = changed.wait(held).unwrap_or_else(PoisonError::into_inner);
        }
        Commands::command(self)
    }
}

impl Search {
    /// Sets up a search that runs on threads of its own and can be paused, stopped and resumed.
    pub fn builder() -> SearchBuilder {
        SearchBuilder::default()
    }

    /// Starts the search on a thread of its own.
    pub(super) fn start(
        start: Start,
        retraining: Option<Retraining>,
        folder: Option<PathBuf>,
    ) -> Result<Self, Error> {
        let shared = Arc::clone(&start.shared);
        let config = start.context.experiment.config().clone();
        let (sender, started) = mpsc::channel();
        let run = move || {
            let (shared, context) = (Arc::clone(&start.shared), Arc::clone(&start.context));
            // Made and dropped on this thread: a runtime must not be dropped in asynchronous code.
            let (outcome, recorder) = match Builder::new_current_thread().enable_time().build() {
                Ok(runtime) => runtime.block_on(supervise(start, |actor| drop(sender.send(actor)))),
                Err(source) => (Err(Arc::new(Error::Thread { source })), None),
            };
            let outcome = match (outcome, recorder) {
                (Ok(RunOutcome::Completed(result)), Some(recorder)) => {
                    let mut observer = Recorded {
                        recorder,
                        commands: Arc::clone(&shared),
                        saves: true,
                    };
                    let experiment = &context.experiment;
                    let make = &*context.device;
                    last_phase::supervised(experiment, result, retraining, make, &mut observer)
                }
                (outcome, _) => outcome,
            };
            shared.close(outcome);
        };
        let spawned = thread::Builder::new()
            .name("supernet-search".to_owned())
            .spawn(run);
        let thread = spawned.map_err(|source| Error::Thread { source })?;
        // Without an answer there is no supervisor, and `wait` tells why.
        let (supervisor, thread) = (started.recv().ok(), Mutex::new(Some(thread)));
        Ok(Self {
            handle: Arc::new(Handle {
                shared,
                supervisor,
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

    /// What happens from now on. [`SearchBuilder::events`](crate::SearchBuilder::events) begins
    /// with the first event.
    pub fn events(&self) -> Events {
        self.handle.shared.hub.subscribe()
    }

    /// Asks the search to stand still after what is under way;
    /// [`Event::Paused`](crate::Event::Paused) says when it does. It is saved then.
    pub fn pause(&self) {
        self.handle.command(Command::Pause);
    }

    /// Asks a paused search to go on.
    pub fn resume(&self) {
        self.handle.command(Command::Run);
    }

    /// Asks the search to end after what is under way; it is saved then. This cannot be taken back.
    pub fn stop(&self) {
        self.handle.command(Command::Stop);
    }

    /// Waits for the end of the search; its thread is gone then. For asynchronous code there is
    /// [`Search::ended`].
    ///
    /// # Errors
    /// Why the search could not go on.
    pub fn wait(&self) -> RunResult {
        let outcome = self.handle.shared.done.wait(None);
        self.handle.join();
        outcome.unwrap_or(Ok(RunOutcome::Stopped { steps: 0 }))
    }

    /// As [`Search::wait`], for `limit` at most: none if the search goes on.
    pub fn wait_for(&self, limit: Duration) -> Option<RunResult> {
        let outcome = self.handle.shared.done.wait(Some(Instant::now() + limit))?;
        self.handle.join();
        Some(outcome)
    }

    /// The end of the search as a future that needs no particular executor. It does not keep the
    /// search alive.
    pub fn ended(&self) -> impl Future<Output = RunResult> + Send + Unpin + use<> {
        End {
            shared: Arc::clone(&self.handle.shared),
        }
    }
}

impl Handle {
    fn command(&self, command: Command) {
        self.shared.set_command(command);
        // A search that is over needs no telling.
        let _ = self.supervisor.as_ref().map(|actor| actor.cast(Msg::Tick));
    }

    fn join(&self) {
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        // It has told the outcome and returns at once. One's own thread, a listener's, cannot be
        // waited for.
        if let Some(thread) = thread.filter(|thread| thread.thread().id() != thread::current().id())
        {
            let _ = thread.join();
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.command(Command::Stop);
    }
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Search")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

struct End {
    shared: Arc<Shared>,
}

impl Future for End {
    type Output = RunResult;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<RunResult> {
        self.shared.done.poll(context)
    }
}
