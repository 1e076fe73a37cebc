//! The observer of a training in progress: it receives events and supplies the application's
//! commands.

use super::error::StorageError;
use super::event_log::LogEnd;
use super::recorder::Recorder;
use super::run_folder::RunFolder;
use crate::events::{Command, Commands, Event, Record};

/// Where a state can be saved: the folder, the end of its log, which is on disk by then, and the
/// number of events in it.
pub(crate) type SavePoint<'a> = (&'a RunFolder, LogEnd, u64);

pub(crate) trait Observer {
    /// Records an event.
    fn event(&mut self, event: Event) -> Result<(), StorageError>;
    /// Records an incident, which happened *to* the training.
    fn incident(&mut self, event: Event) -> Result<(), StorageError>;
    /// The application's command; checked between steps.
    fn command(&self) -> Command;
    /// Blocks while the command is to pause.
    fn wait_while_paused(&self) -> Command;
    /// The folder for results, if there is one.
    fn folder(&self) -> Option<&RunFolder>;
    /// The place to save a state, if there is one.
    fn save_point(&self) -> Result<Option<SavePoint<'_>>, StorageError>;
}

/// A recorder with a source of commands.
pub(crate) struct Recorded<'a, L, C> {
    pub(crate) recorder: Recorder<'a, L>,
    pub(crate) commands: C,
    /// Whether states are saved.
    pub(crate) saves: bool,
}

impl<L: FnMut(&Record) -> Result<(), StorageError>, C: Commands> Observer for Recorded<'_, L, C> {
    fn event(&mut self, event: Event) -> Result<(), StorageError> {
        self.recorder.event(self.recorder.recorded(), event)
    }

    fn incident(&mut self, event: Event) -> Result<(), StorageError> {
        self.recorder.incident(event)
    }

    fn command(&self) -> Command {
        self.commands.command()
    }

    fn wait_while_paused(&self) -> Command {
        self.commands.wait_while_paused()
    }

    fn folder(&self) -> Option<&RunFolder> {
        self.recorder.folder()
    }

    fn save_point(&self) -> Result<Option<SavePoint<'_>>, StorageError> {
        if !self.saves {
            return Ok(None);
        }
        let log = self.recorder.sync()?;
        let point = |folder| (folder, log, self.recorder.recorded());
        Ok(self.recorder.folder().map(point))
    }
}
