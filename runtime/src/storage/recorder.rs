//! The single path of events: into the run folder, then to the listener.

use std::ops::{Deref, DerefMut};
use std::time::Instant;

use super::error::StorageError;
use super::event_log::LogEnd;
use super::run_folder::RunFolder;
use crate::events::{Event, Record};

/// A run folder that a recorder owns or borrows.
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

/// Numbers and timestamps events, writes them to the log, and passes them on to a listener, whose
/// error ends the search.
pub(crate) struct Recorder<'a, L> {
    folder: Option<Folder<'a>>,
    listener: L,
    began: Instant,
    /// Seconds that the search ran before it was resumed.
    before: f64,
    /// Number of recorded events, which is the number of the next one.
    recorded: u64,
}

impl<'a, L: FnMut(&Record) -> Result<(), StorageError>> Recorder<'a, L> {
    /// A recorder whose next event has number `recorded`, starting `before` seconds into the
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

    /// Number of recorded events.
    pub(crate) fn recorded(&self) -> u64 {
        self.recorded
    }

    /// Moves this recorder out for the next phase; `rest` replaces its listener, and what remains
    /// here records nothing.
    pub(crate) fn hand_over(&mut self, rest: L) -> Self {
        std::mem::replace(self, Self::new(None, rest, u64::MAX, 0.0))
    }

    /// Records an event, unless it was recorded before a failure.
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

    /// Records an incident of the search.
    pub(crate) fn incident(&mut self, event: Event) -> Result<(), StorageError> {
        let record = self.record(event);
        if let Some(folder) = &mut self.folder {
            folder.note(&record)?;
        }
        (self.listener)(&record)
    }

    /// Flushes the log to disk. Returns its end.
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
