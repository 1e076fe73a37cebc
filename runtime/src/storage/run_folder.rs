//! A run on disk: `config.toml`, `origin.json`, `data.json`, `events.jsonl`,
//! `incidents.jsonl`, `checkpoints/`, `best/`, `lock`.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use supernet_data::DatasetSummary;

use super::atomic;
use super::error::{StorageError, failed};
use super::event_log::{EVENTS, LogEnd};
use crate::events::Record;
use crate::space::SpaceProvenance;

/// The origin of the run's space.
const ORIGIN: &str = "origin.json";
/// The summary of its data.
const PROFILE: &str = "data.json";

/// A folder that belongs to one run, and to one process at a time.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    events: File,
    end: LogEnd,
    /// Number of events in the log, when it was last read.
    pub(crate) recorded: u64,
    /// Held for as long as the folder is open.
    _lock: File,
}

fn lock(path: &Path) -> Result<File, StorageError> {
    let place = path.join("lock");
    let options = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&place);
    let lock = options.map_err(failed("write", &place))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(StorageError::Locked {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(failed("lock", &place)(error)),
    }
}

/// Reads a JSON file, if it exists.
fn read_json<T: DeserializeOwned>(run: &Path, name: &str) -> Result<Option<T>, StorageError> {
    let place = run.join(name);
    let read = match fs::read_to_string(&place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => read,
    };
    let value = read.and_then(|text| serde_json::from_str(&text).map_err(io::Error::from));
    value.map(Some).map_err(failed("read", &place))
}

impl RunFolder {
    /// The folder of a retraining in progress.
    pub(crate) const RETRAINING: &str = "retraining";
    /// The folder of a selection in progress.
    pub(crate) const SELECTION: &str = "selection";

    /// Reads the settings of the run at `path`, and the origin of its space, without locking or
    /// changing it.
    ///
    /// # Errors
    /// If `path` is not a run, or the file system fails.
    pub(crate) fn peek(path: &Path) -> Result<(String, Option<SpaceProvenance>), StorageError> {
        let config = path.join("config.toml");
        if !config.is_file() {
            return Err(StorageError::NoRun {
                path: path.to_owned(),
            });
        }
        let text = fs::read_to_string(&config).map_err(failed("read", &config))?;
        Ok((text, read_json(path, ORIGIN)?))
    }

    /// Creates `path`, which must not exist, and its parents; writes `config.toml` into it.
    ///
    /// # Errors
    /// If `path` exists, or the file system fails.
    pub fn create(path: &Path, config: &str) -> Result<Self, StorageError> {
        if let Some(parent) = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
        {
            fs::create_dir_all(parent).map_err(failed("make the folder", parent))?;
        }
        fs::create_dir(path).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => StorageError::Exists {
                path: path.to_owned(),
            },
            _ => failed("make the folder", path)(source),
        })?;
        let lock = lock(path)?;
        let log = path.join(EVENTS);
        let events = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(&log)
            .map_err(failed("write", &log))?;
        let folder = Self {
            path: path.to_owned(),
            events,
            end: LogEnd::default(),
            recorded: 0,
            _lock: lock,
        };
        folder.write("config.toml", config.as_bytes())?;
        Ok(folder)
    }

    /// Creates the first of `parent/name-1`, `parent/name-2`, ... that does not exist yet.
    ///
    /// # Errors
    /// As [`RunFolder::create`].
    pub fn fresh(parent: &Path, name: &str, config: &str) -> Result<Self, StorageError> {
        let mut number = 1;
        loop {
            match Self::create(&parent.join(format!("{name}-{number}")), config) {
                Err(StorageError::Exists { .. }) => number += 1,
                other => return other,
            }
        }
    }

    /// Opens an unfinished run in order to continue it. Also returns its `config.toml`.
    ///
    /// # Errors
    /// If `path` is not a run, the run is finished or open in another process, or the file system
    /// fails.
    pub fn open(path: &Path) -> Result<(Self, String), StorageError> {
        let config = path.join("config.toml");
        if !config.is_file() {
            return Err(StorageError::NoRun {
                path: path.to_owned(),
            });
        }
        let lock = lock(path)?;
        // A selection or a retraining in progress follows the result of the search.
        let last_phase = [Self::SELECTION, Self::RETRAINING];
        if path.join("best/genome.json").exists()
            && last_phase.iter().all(|phase| !path.join(phase).exists())
        {
            return Err(StorageError::Finished {
                path: path.to_owned(),
            });
        }
        let text = fs::read_to_string(&config).map_err(failed("read", &config))?;
        let log = path.join(EVENTS);
        let opened = OpenOptions::new().append(true).create(true).open(&log);
        let opened = opened.and_then(|events| Ok((events.metadata()?.len(), events)));
        let (bytes, events) = opened.map_err(failed("write", &log))?;
        Ok((
            Self {
                path: path.to_owned(),
                events,
                end: LogEnd { bytes, at: 0.0 },
                recorded: 0,
                _lock: lock,
            },
            text,
        ))
    }

    /// Records the origin of the space, for a later resumption.
    pub(crate) fn write_provenance(
        &self,
        provenance: &SpaceProvenance,
    ) -> Result<(), StorageError> {
        self.write_json(ORIGIN, provenance)
    }

    /// The origin of the run's space; a run of an earlier version does not record it.
    ///
    /// # Errors
    /// If the file differs from what was written, or the file system fails.
    pub fn provenance(&self) -> Result<Option<SpaceProvenance>, StorageError> {
        read_json(&self.path, ORIGIN)
    }

    /// Records a summary of the data, for a later resumption.
    pub(crate) fn write_profile(&self, profile: &DatasetSummary) -> Result<(), StorageError> {
        self.write_json(PROFILE, profile)
    }

    /// The summary of the run's data; a run of an earlier version does not record it.
    ///
    /// # Errors
    /// If the file differs from what was written, or the file system fails.
    pub fn profile(&self) -> Result<Option<DatasetSummary>, StorageError> {
        Self::profile_of(&self.path)
    }

    /// The same for the run at `path`, which need not be open.
    pub(crate) fn profile_of(path: &Path) -> Result<Option<DatasetSummary>, StorageError> {
        read_json(path, PROFILE)
    }

    /// The end of the log.
    pub(crate) fn end(&self) -> LogEnd {
        self.end
    }

    /// Truncates the log to `end`.
    pub(crate) fn rewind(&mut self, end: LogEnd) -> Result<(), StorageError> {
        let cut = self
            .events
            .set_len(end.bytes)
            .and_then(|()| self.events.sync_all());
        cut.map_err(failed("write", &self.path.join(EVENTS)))?;
        self.end = end;
        Ok(())
    }

    /// Appends a line to `incidents.jsonl`: what happened to the search, not what it did.
    pub(crate) fn note(&mut self, record: &Record) -> Result<(), StorageError> {
        let place = self.path.join("incidents.jsonl");
        let append = || {
            let mut file = OpenOptions::new().append(true).create(true).open(&place)?;
            file.write_all(format!("{}\n", serde_json::to_string(record)?).as_bytes())
        };
        append().map_err(failed("write", &place))
    }

    /// The path of the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends a complete line to `events.jsonl` immediately: a search that is killed leaves a
    /// readable log.
    ///
    /// # Errors
    /// If the file system fails.
    pub fn log(&mut self, record: &Record) -> Result<(), StorageError> {
        let line = serde_json::to_string(record)
            .map(|line| format!("{line}\n"))
            .map_err(io::Error::from);
        let written = line.and_then(|line| {
            self.events.write_all(line.as_bytes())?;
            self.end = LogEnd {
                bytes: self.end.bytes + line.len() as u64,
                at: record.at,
            };
            Ok(())
        });
        written.map_err(failed("write", &self.path.join(EVENTS)))
    }

    /// Flushes all lines so far to disk.
    ///
    /// # Errors
    /// If the file system fails.
    pub fn sync(&self) -> Result<(), StorageError> {
        self.events
            .sync_data()
            .map_err(failed("write", &self.path.join(EVENTS)))
    }

    /// Writes a file atomically: to a temporary path, synced, then renamed.
    ///
    /// # Errors
    /// If the file system fails.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<(), StorageError> {
        let place = self.path.join(name);
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent).map_err(failed("make the folder", parent))?;
        }
        atomic::write(&place, content).map_err(failed("write", &place))
    }

    /// Reads a JSON file, if it exists.
    pub(crate) fn read_json<T: DeserializeOwned>(
        &self,
        name: &str,
    ) -> Result<Option<T>, StorageError> {
        read_json(&self.path, name)
    }

    /// Writes a value as indented JSON.
    ///
    /// # Errors
    /// If the file system fails.
    pub fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), StorageError> {
        let mut text = serde_json::to_vec_pretty(value)
            .map_err(io::Error::from)
            .map_err(failed("write", &self.path.join(name)))?;
        text.push(b'\n');
        self.write(name, &text)
    }
}
