//! A run on disk: `config.toml`, `origin.json`, `data.json`, `events.jsonl`, `incidents.jsonl`, `checkpoints/`, `best/`, `lock`.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::data::Profile;
use crate::event::Record;
use crate::space::Origin;

/// Where the run's space came from.
const ORIGIN: &str = "origin.json";
/// What its data are.
const PROFILE: &str = "data.json";

/// What can go wrong with a run's folder.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Nothing is ever overwritten.
    #[error(
        "{0} exists already, and nothing in it is overwritten; name another folder, or, if it is a run's, go on with it: \
         `supernet resume {0}`",
        .path.display()
    )]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// Somebody else is at it.
    #[error("the run {} is under way in another process (or in this one); wait for it, or stop it first", .path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// Nothing to go on with.
    #[error("{} is no run folder: it has no config.toml; a run begins with `supernet search`", .path.display())]
    NoRun {
        /// The folder.
        path: PathBuf,
    },
    /// Nothing left to do.
    #[error("the run {0} is finished; its result is in {0}/best", .path.display())]
    Finished {
        /// The folder.
        path: PathBuf,
    },
    /// No result yet.
    #[error("the run {0} has found nothing yet; go on with it: `supernet resume {0}`", .path.display())]
    Unfinished {
        /// The folder.
        path: PathBuf,
    },
    /// No search.
    #[error(
        "the run {} has no shared weights to ask, which are a search's: it trained from scratch, so name the folder of the \
         search",
        .path.display()
    )]
    NoSearch {
        /// The folder.
        path: PathBuf,
    },
    /// No checkpoint can be used.
    #[error(
        "no checkpoint of the run {0} can be used: {reasons}; `supernet search --config {0}/config.toml` begins anew",
        .path.display()
    )]
    AllDamaged {
        /// The folder.
        path: PathBuf,
        /// What is wrong with each.
        reasons: String,
    },
    /// The system refuses.
    #[error("cannot {what} {}: {source}", .path.display())]
    System {
        /// What was tried.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

pub(crate) fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    let path = path.to_owned();
    move |source| FolderError::System { what, path, source }
}

/// A folder that belongs to one run, and to one process at a time.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    events: File,
    end: LogEnd,
    /// Events of the log, as far as it was read.
    pub(crate) told: u64,
    /// Held as long as the folder is.
    _lock: File,
}

/// Where `events.jsonl` ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct LogEnd {
    /// Its length.
    pub(crate) bytes: u64,
    /// The time of its last line.
    pub(crate) at: f64,
}

fn lock(path: &Path) -> Result<File, FolderError> {
    let place = path.join("lock");
    let options = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&place);
    let lock = options.map_err(failed("write", &place))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(FolderError::Locked {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(failed("lock", &place)(error)),
    }
}

/// A file that was written as JSON, if it is there.
fn read_json<T: DeserializeOwned>(run: &Path, name: &str) -> Result<Option<T>, FolderError> {
    let place = run.join(name);
    let read = match fs::read_to_string(&place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => read,
    };
    let value = read.and_then(|text| serde_json::from_str(&text).map_err(io::Error::from));
    value.map(Some).map_err(failed("read", &place))
}

impl RunFolder {
    /// What a retraining goes on from, as long as it is under way.
    pub(crate) const RETRAINING: &str = "retraining";

    /// The settings of the run at `path`, and where its space came from; it is only looked at.
    ///
    /// # Errors
    /// If it is no run, or the system refuses.
    pub(crate) fn look(path: &Path) -> Result<(String, Option<Origin>), FolderError> {
        let config = path.join("config.toml");
        if !config.is_file() {
            return Err(FolderError::NoRun {
                path: path.to_owned(),
            });
        }
        let text = fs::read_to_string(&config).map_err(failed("read", &config))?;
        Ok((text, read_json(path, ORIGIN)?))
    }

    /// Makes `path`, which must not exist, and its parents; writes `config.toml` into it.
    ///
    /// # Errors
    /// If something is there already, or the system refuses.
    pub fn create(path: &Path, config: &str) -> Result<Self, FolderError> {
        if let Some(parent) = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
        {
            fs::create_dir_all(parent).map_err(failed("make the folder", parent))?;
        }
        fs::create_dir(path).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => FolderError::Exists {
                path: path.to_owned(),
            },
            _ => failed("make the folder", path)(source),
        })?;
        let lock = lock(path)?;
        let log = path.join("events.jsonl");
        let events = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(&log)
            .map_err(failed("write", &log))?;
        let folder = Self {
            path: path.to_owned(),
            events,
            end: LogEnd::default(),
            told: 0,
            _lock: lock,
        };
        folder.write("config.toml", config.as_bytes())?;
        Ok(folder)
    }

    /// The first of `parent/name-1`, `parent/name-2`, ... that does not exist yet.
    ///
    /// # Errors
    /// As [`RunFolder::create`].
    pub fn fresh(parent: &Path, name: &str, config: &str) -> Result<Self, FolderError> {
        let mut number = 1;
        loop {
            match Self::create(&parent.join(format!("{name}-{number}")), config) {
                Err(FolderError::Exists { .. }) => number += 1,
                other => return other,
            }
        }
    }

    /// Opens a run that was begun and is not finished, to go on with it. Also returns its `config.toml`.
    ///
    /// # Errors
    /// If it is no run, is finished, or is under way in another process, or the system refuses.
    pub fn open(path: &Path) -> Result<(Self, String), FolderError> {
        let config = path.join("config.toml");
        if !config.is_file() {
            return Err(FolderError::NoRun {
                path: path.to_owned(),
            });
        }
        let lock = lock(path)?;
        // A retraining under way comes after the result of the search.
        if path.join("best/genome.json").exists() && !path.join(Self::RETRAINING).exists() {
            return Err(FolderError::Finished {
                path: path.to_owned(),
            });
        }
        let text = fs::read_to_string(&config).map_err(failed("read", &config))?;
        let log = path.join("events.jsonl");
        let opened = OpenOptions::new().append(true).create(true).open(&log);
        let opened = opened.and_then(|events| Ok((events.metadata()?.len(), events)));
        let (bytes, events) = opened.map_err(failed("write", &log))?;
        Ok((
            Self {
                path: path.to_owned(),
                events,
                end: LogEnd { bytes, at: 0.0 },
                told: 0,
                _lock: lock,
            },
            text,
        ))
    }

    /// Notes where the space came from, for whoever goes on with the run.
    pub(crate) fn write_origin(&self, origin: &Origin) -> Result<(), FolderError> {
        self.write_json(ORIGIN, origin)
    }

    /// Where the run's space came from; a run of an earlier version does not say.
    ///
    /// # Errors
    /// If the file is not what was written, or the system refuses.
    pub fn origin(&self) -> Result<Option<Origin>, FolderError> {
        read_json(&self.path, ORIGIN)
    }

    /// Notes what the data are, for whoever goes on with the run.
    pub(crate) fn write_profile(&self, profile: &Profile) -> Result<(), FolderError> {
        self.write_json(PROFILE, profile)
    }

    /// What the run's data are; a run of an earlier version does not say.
    ///
    /// # Errors
    /// If the file is not what was written, or the system refuses.
    pub fn profile(&self) -> Result<Option<Profile>, FolderError> {
        Self::profile_of(&self.path)
    }

    /// The same of the run at `path`, which need not be open.
    pub(crate) fn profile_of(path: &Path) -> Result<Option<Profile>, FolderError> {
        read_json(path, PROFILE)
    }

    /// Where the log ends.
    pub(crate) fn end(&self) -> LogEnd {
        self.end
    }

    /// Forgets what was logged after `end`.
    pub(crate) fn rewind(&mut self, end: LogEnd) -> Result<(), FolderError> {
        let cut = self
            .events
            .set_len(end.bytes)
            .and_then(|()| self.events.sync_all());
        cut.map_err(failed("write", &self.path.join("events.jsonl")))?;
        self.end = end;
        Ok(())
    }

    /// Appends a line to `incidents.jsonl`: what happened to the search, as against what it did.
    pub(crate) fn note(&mut self, record: &Record) -> Result<(), FolderError> {
        let place = self.path.join("incidents.jsonl");
        let append = || {
            let mut file = OpenOptions::new().append(true).create(true).open(&place)?;
            file.write_all(format!("{}\n", serde_json::to_string(record)?).as_bytes())
        };
        append().map_err(failed("write", &place))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends a line to `events.jsonl`, at once and whole: a search that is killed leaves a log that can be read.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn log(&mut self, record: &Record) -> Result<(), FolderError> {
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
        written.map_err(failed("write", &self.path.join("events.jsonl")))
    }

    /// Sees to it that all lines so far are on disk.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn sync(&self) -> Result<(), FolderError> {
        self.events
            .sync_data()
            .map_err(failed("write", &self.path.join("events.jsonl")))
    }

    /// Writes a file whole or not at all: beside its place, synced, then renamed.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<(), FolderError> {
        let place = self.path.join(name);
        let beside = self.path.join(format!("{name}.part"));
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent).map_err(failed("make the folder", parent))?;
        }
        let write = || {
            let mut file = File::create(&beside)?;
            file.write_all(content)?;
            file.sync_all()?;
            fs::rename(&beside, &place)
        };
        write().map_err(failed("write", &place))
    }

    /// Writes a value as indented JSON.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), FolderError> {
        let mut text = serde_json::to_vec_pretty(value)
            .map_err(io::Error::from)
            .map_err(failed("write", &self.path.join(name)))?;
        text.push(b'\n');
        self.write(name, &text)
    }
}
