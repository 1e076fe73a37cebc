//! Who follows a retraining: what it tells goes there, and what the application wants comes from there.

use std::sync::Arc;
use std::time::Instant;

use crate::event::{Event, Record};
use crate::run::{Ask, Recorder, Shared};
use crate::run_folder::{LogEnd, RunFolder};
use crate::search::SearchError;

pub(crate) trait Follow {
    /// Something happened.
    fn tell(&mut self, event: Event) -> Result<(), SearchError>;
    /// Something happened *to* it.
    fn incident(&mut self, event: Event) -> Result<(), SearchError>;
    /// What the application wants; looked at between steps.
    fn asked(&self) -> Ask;
    /// Stands still as long as a pause is wanted.
    fn stand(&self) -> Ask;
    /// Where results go, if anywhere.
    fn folder(&self) -> Option<&RunFolder>;
    /// Where states go, if anywhere: with it, where the log ends, which is on disk then, and how many events it has.
    fn saves(&self) -> Result<Option<(&RunFolder, LogEnd, u64)>, SearchError>;
}

/// On a search's own thread, after its actors.
pub(crate) struct Supervised {
    pub(crate) recorder: Recorder,
    pub(crate) shared: Arc<Shared>,
}

impl Follow for Supervised {
    fn tell(&mut self, event: Event) -> Result<(), SearchError> {
        self.recorder.event(self.recorder.recorded(), event)
    }

    fn incident(&mut self, event: Event) -> Result<(), SearchError> {
        self.recorder.incident(event)
    }

    fn asked(&self) -> Ask {
        self.shared.asked()
    }

    fn stand(&self) -> Ask {
        self.shared.stand()
    }

    fn folder(&self) -> Option<&RunFolder> {
        self.recorder.folder()
    }

    fn saves(&self) -> Result<Option<(&RunFolder, LogEnd, u64)>, SearchError> {
        let log = self.recorder.sync()?;
        Ok(self
            .recorder
            .folder()
            .map(|folder| (folder, log, self.recorder.recorded())))
    }
}

/// On the thread that calls.
pub(crate) struct Plain<'a> {
    pub(crate) folder: Option<&'a mut RunFolder>,
    pub(crate) listen: &'a mut dyn FnMut(&Record),
    pub(crate) stop: &'a dyn Fn() -> bool,
    /// Whether states are saved.
    pub(crate) saves: bool,
    began: Instant,
    before: f64,
    events: u64,
}

impl<'a> Plain<'a> {
    /// Of a run that has told so many events, the last one at `before`, in seconds.
    pub(crate) fn new(
        folder: Option<&'a mut RunFolder>,
        listen: &'a mut dyn FnMut(&Record),
        stop: &'a dyn Fn() -> bool,
        events: u64,
        before: f64,
    ) -> Self {
        Self {
            folder,
            listen,
            stop,
            saves: false,
            began: Instant::now(),
            before,
            events,
        }
    }

    fn record(&self, event: Event) -> Record {
        Record {
            at: self.before + self.began.elapsed().as_secs_f64(),
            event,
        }
    }
}

impl Follow for Plain<'_> {
    fn tell(&mut self, event: Event) -> Result<(), SearchError> {
        let record = self.record(event);
        if let Some(folder) = self.folder.as_deref_mut() {
            folder.log(&record)?;
        }
        self.events += 1;
        (self.listen)(&record);
        Ok(())
    }

    fn incident(&mut self, event: Event) -> Result<(), SearchError> {
        let record = self.record(event);
        if let Some(folder) = self.folder.as_deref_mut() {
            folder.note(&record)?;
        }
        (self.listen)(&record);
        Ok(())
    }

    fn asked(&self) -> Ask {
        if (self.stop)() { Ask::Stop } else { Ask::GoOn }
    }

    fn stand(&self) -> Ask {
        self.asked()
    }

    fn folder(&self) -> Option<&RunFolder> {
        self.folder.as_deref()
    }

    fn saves(&self) -> Result<Option<(&RunFolder, LogEnd, u64)>, SearchError> {
        let Some(folder) = self.folder.as_deref().filter(|_| self.saves) else {
            return Ok(None);
        };
        folder.sync()?;
        Ok(Some((folder, folder.end(), self.events)))
    }
}
