//! Where events go: into the run's folder, to the application's listener, to all subscriptions.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use super::Shared;
use crate::event::{Event, Record};
use crate::run_folder::{LogEnd, RunFolder};
use crate::search::{Found, SearchError};

pub(crate) type Listener = Box<dyn FnMut(&Record) + Send>;

pub(crate) struct Recorder {
    folder: Option<RunFolder>,
    listener: Listener,
    shared: Arc<Shared>,
    began: Instant,
    /// Seconds that the search had run before it was resumed.
    before: f64,
    /// Events recorded: the number of the next one.
    recorded: u64,
}

impl Recorder {
    /// A recorder that expects the event of number `recorded` next, `before` seconds into the search.
    pub(crate) fn new(
        folder: Option<RunFolder>,
        listener: Listener,
        shared: Arc<Shared>,
        recorded: u64,
        before: f64,
    ) -> Self {
        Self {
            folder,
            listener,
            shared,
            began: Instant::now(),
            before,
            recorded,
        }
    }

    pub(crate) fn folder(&self) -> Option<&RunFolder> {
        self.folder.as_ref()
    }

    pub(crate) fn recorded(&self) -> u64 {
        self.recorded
    }

    /// This recorder, for whoever goes on; what is left here records nothing.
    pub(crate) fn hand_over(&mut self) -> Self {
        let left = Self::new(
            None,
            Box::new(|_| {}),
            Arc::clone(&self.shared),
            u64::MAX,
            0.0,
        );
        std::mem::replace(self, left)
    }

    /// Records an event, unless it was recorded before a failure already.
    pub(crate) fn event(&mut self, number: u64, event: Event) -> Result<(), SearchError> {
        if number < self.recorded {
            return Ok(());
        }
        let record = self.record(event);
        if let Some(folder) = &mut self.folder {
            folder.log(&record)?;
        }
        self.recorded += 1;
        self.publish(&record)
    }

    /// Records something that happened to the search.
    pub(crate) fn incident(&mut self, event: Event) -> Result<(), SearchError> {
        let record = self.record(event);
        if let Some(folder) = &mut self.folder {
            folder.note(&record)?;
        }
        self.publish(&record)
    }

    /// Sees to it that the log is on disk. Returns where it ends.
    pub(crate) fn sync(&self) -> Result<LogEnd, SearchError> {
        self.folder.iter().try_for_each(RunFolder::sync)?;
        Ok(self.folder.as_ref().map(RunFolder::end).unwrap_or_default())
    }

    /// Writes what was found.
    pub(crate) fn finish(&self, found: &Found) -> Result<(), SearchError> {
        self.sync()?;
        self.folder.iter().try_for_each(|folder| found.save(folder))
    }

    fn record(&self, event: Event) -> Record {
        Record {
            at: self.before + self.began.elapsed().as_secs_f64(),
            event,
        }
    }

    fn publish(&mut self, record: &Record) -> Result<(), SearchError> {
        self.shared.hub.send(record);
        let listener = &mut self.listener;
        catch_unwind(AssertUnwindSafe(|| listener(record))).map_err(|panic| {
            let words = panic
                .downcast_ref::<&str>()
                .map(|words| (*words).to_owned());
            let words = words.or_else(|| panic.downcast_ref::<String>().cloned());
            let reason = format!(
                "a panic: {}",
                words.unwrap_or_else(|| "without words".to_owned())
            );
            SearchError::Part {
                part: "listener".to_owned(),
                reason,
                failures: 1,
            }
        })
    }
}
