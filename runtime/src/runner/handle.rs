//! The application's handle to a search in progress.

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
use super::last_phase::{self, LastPhase};
use super::latch::Latch;
use super::subscription::{Events, Hub};
use super::workers::{Msg, SharedRecorder, Start, supervise};
use crate::config::Config;
use crate::error::Error;
use crate::events::{Command, Commands};
use crate::results::Metric;
use crate::search::SearchResult;
use crate::storage::Recorded;

/// The outcome of a search, or the error that ended it.
pub type RunResult = Result<RunOutcome, Arc<Error>>;

/// How a search ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RunOutcome {
    /// The search was completed.
    Completed(Arc<SearchResult>),
    /// The search was stopped on request. With a run folder it can be resumed.
    Stopped {
        /// Training steps done.
        steps: u64,
    },
}

impl RunOutcome {
    /// The result, if the search was completed.
    pub fn result(self) -> Option<Arc<SearchResult>> {
        match self {
            Self::Completed(result) => Some(result),
            Self::Stopped { .. } => None,
        }
    }
}

/// A handle to a search in progress, which can be cloned and used from any thread, in any executor
/// or none.
///
/// The search has its own threads. When the last handle is dropped, it stops as after
/// [`Search::stop`], and its threads end; the drop does not block.
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
    metric: Metric,
}

/// State that a search shares with its handles.
#[derive(Default)]
pub(crate) struct Shared {
    command: AtomicU8,
    /// Retraining runs after the actors and blocks here while paused.
    changed: (Mutex<()>, Condvar),
    pub(crate) hub: Hub,
    outcome: Mutex<Option<(RunResult, SharedRecorder)>>,
    done: Latch<RunResult>,
}

impl Shared {
    /// Sets a command, unless a stop was requested already.
    fn set_command(&self, command: Command) {
        let change = |now| (now != Command::Stop as u8).then_some(command as u8);
        // An error means that the search is stopping anyway.
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

    /// Keeps the outcome of the actors, and the recorder for the next phase, until the actors have
    /// shut down.
    pub(crate) fn put_outcome(&self, outcome: RunResult, recorder: SharedRecorder) {
        *self.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some((outcome, recorder));
    }

    pub(crate) fn take_outcome(&self) -> Option<(RunResult, SharedRecorder)> {
        self.outcome
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Announces the end of the search to all waiters.
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
    /// Sets up a search that runs on its own threads and can be paused, stopped and resumed.
    pub fn builder() -> SearchBuilder {
        SearchBuilder::default()
    }

    /// Starts the search on its own thread.
    pub(super) fn start(
        start: Start,
        last_phase: LastPhase,
        folder: Option<PathBuf>,
    ) -> Result<Self, Error> {
        let shared = Arc::clone(&start.shared);
        let config = start.context.experiment.config().clone();
        let metric = start.context.experiment.metric();
        let (sender, started) = mpsc::channel();
        let run = move || {
            let (shared, context) = (Arc::clone(&start.shared), Arc::clone(&start.context));
            // Created and dropped on this thread: a runtime must not be dropped in asynchronous
            // code.
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
                    last_phase::supervised(experiment, result, last_phase, make, &mut observer)
                }
                (outcome, _) => outcome,
            };
            shared.close(outcome);
        };
        let spawned = thread::Builder::new()
            .name("supernet-search".to_owned())
            .spawn(run);
        let thread = spawned.map_err(|source| Error::Thread { source })?;
        // Without an answer there is no supervisor, and `wait` returns the reason.
        let (supervisor, thread) = (started.recv().ok(), Mutex::new(Some(thread)));
        Ok(Self {
            handle: Arc::new(Handle {
                shared,
                supervisor,
                thread,
                folder,
                config,
                metric,
            }),
        })
    }

    /// The resolved settings.
    pub fn config(&self) -> &Config {
        &self.handle.config
    }

    /// The meaning of the rewards.
    pub fn metric(&self) -> Metric {
        self.handle.metric
    }

    /// The run folder, if there is one.
    pub fn folder(&self) -> Option<&Path> {
        self.handle.folder.as_deref()
    }

    /// Subscribes to events from now on. [`SearchBuilder::events`](crate::SearchBuilder::events)
    /// includes all events.
    pub fn events(&self) -> Events {
        self.handle.shared.hub.subscribe()
    }

    /// Requests a pause after the work in flight; [`Event::Paused`](crate::Event::Paused) is
    /// emitted when it takes effect. The state is saved then.
    pub fn pause(&self) {
        self.handle.command(Command::Pause);
    }

    /// Resumes a paused search.
    pub fn resume(&self) {
        self.handle.command(Command::Run);
    }

    /// Requests a stop after the work in flight; the state is saved then. This cannot be undone.
    pub fn stop(&self) {
        self.handle.command(Command::Stop);
    }

    /// Waits for the end of the search, including its thread. For asynchronous code there is
    /// [`Search::ended`].
    ///
    /// # Errors
    /// The error that ended the search.
    pub fn wait(&self) -> RunResult {
        let outcome = self.handle.shared.done.wait(None);
        self.handle.join();
        outcome.unwrap_or(Ok(RunOutcome::Stopped { steps: 0 }))
    }

    /// As [`Search::wait`], for at most `limit`: none if the search is still running.
    pub fn wait_for(&self, limit: Duration) -> Option<RunResult> {
        let outcome = self.handle.shared.done.wait(Some(Instant::now() + limit))?;
        self.handle.join();
        Some(outcome)
    }

    /// A future of the end of the search, which needs no particular executor. It does not keep the
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
        // A search that is over needs no message.
        let _ = self.supervisor.as_ref().map(|actor| actor.cast(Msg::Tick));
    }

    fn join(&self) {
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        // The thread has published the outcome and returns at once. The current thread, if a
        // listener calls this, cannot be joined.
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
