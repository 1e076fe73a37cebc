//! The one way that events take: into the run's folder, then to whoever listens.

use std::ops::{Deref, DerefMut};
use std::time::Instant;

use super::error::StorageError;
use super::event_log::LogEnd;
use super::run_folder::RunFolder;
use crate::events::{Event, Record};

/// A run's folder that a recorder owns, or has on loan.
pub(crate) enum Folder<'a> {
    Owned(RunFolder),
    Borrowed(&'a mut RunFolder),
}

impl Deref for Folder<'_> {
    type Target = RunFolder;

    fn deref(&self) -> &RunFolder {
        match self {
            Self::Owned(folder) => folder,
            Self::Borrowed(folder) => folder,
        }
    }
}

impl DerefMut for Folder<'_> {
    fn deref_mut(&mut self) -> &mut RunFolder {
        match self {
            Self::Owned(folder) => folder,
            Self::Borrowed(folder) => folder,
        }
    }
}

/// Numbers events and stamps them with the time, writes them down, and passes them on to a
/// listener, whose error ends the search.
pub(crate) struct Recorder<'a, L> {
    folder: Option<Folder<'a>>,
    listener: L,
    began: Instant,
    /// Seconds that the search had run before it was resumed.
    before: f64,
    /// Events recorded: the number of the next one.
    recorded: u64,
}

impl<'a, L: FnMut(&Record) -> Result<(), StorageError>> Recorder<'a, L> {
    /// A recorder that expects the event of number `recorded` next, `before` seconds into the
    /// search.
    pub(crate) fn new(folder: Option<Folder<'a>>, listener: L, recorded: u64, before: f64) -> Self {
        Self {
            folder,
            listener,
            began: Instant::now(),
            before,
            recorded,
        }
    }

    pub(crate) fn folder(&self) -> Option<&RunFolder> {
        self.folder.as_deref()
    }

    /// How many events were recorded.
    pub(crate) fn recorded(&self) -> u64 {
        self.recorded
    }

    /// This recorder, for whoever goes on; `rest` takes its listener's place, and what is left here
    /// records nothing.
    pub(crate) fn hand_over(&mut self, rest: L) -> Self {
        std::mem::replace(self, Self::new(None, rest, u64::MAX, 0.0))
    }

    /// Records an event, unless it was recorded before a failure already.
    pub(crate) fn event(&mut self, number: u64, event: Event) -> Result<(), StorageError> {
        if number < self.recorded {
            return Ok(());
        }
        let record = self.record(event);
        if let Some(folder) = &mut self.folder {
            folder.log(&record)?;
        }
        self.recorded += 1;
        (self.listener)(&record)
    }

    /// Records something that happened to the search.
    pub(crate) fn incident(&mut self, event: Event) -> Result<(), StorageError> {
        let record = self.record(event);
        if let Some(folder) = &mut self.folder {
            folder.note(&record)?;
        }
        (self.listener)(&record)
    }

    /// Sees to it that the log is on disk. Returns where it ends.
    pub(crate) fn sync(&self) -> Result<LogEnd, StorageError> {
        let Some(folder) = self.folder() else {
            return Ok(LogEnd::default());
        };
        folder.sync()?;
        Ok(folder.end())
    }

    fn record(&self, event: Event) -> Record {
        Record {
            at: self.before + self.began.elapsed().as_secs_f64(),
            event,
        }
    }
}
