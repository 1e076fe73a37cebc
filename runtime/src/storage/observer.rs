//! Who observes a training that is under way: what happens goes there, and what the application
//! wants comes from there.

use super::error::StorageError;
use super::event_log::LogEnd;
use super::recorder::Recorder;
use super::run_folder::RunFolder;
use crate::events::{Command, Commands, Event, Record};

/// Where a state can be saved: the folder, where its log ends, which is on disk then, and how many
/// events it has.
pub(crate) type SavePoint<'a> = (&'a RunFolder, LogEnd, u64);

pub(crate) trait Observer {
    /// Something happened.
    fn event(&mut self, event: Event) -> Result<(), StorageError>;
    /// Something happened *to* the training.
    fn incident(&mut self, event: Event) -> Result<(), StorageError>;
    /// What the application wants; looked at between steps.
    fn command(&self) -> Command;
    /// Blocks as long as a pause is wanted.
    fn wait_while_paused(&self) -> Command;
    /// Where results go, if anywhere.
    fn folder(&self) -> Option<&RunFolder>;
    /// Where states go, if anywhere.
    fn save_point(&self) -> Result<Option<SavePoint<'_>>, StorageError>;
}

/// A recorder with whoever gives commands.
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
