//! A run on disk: `config.toml`, `events.jsonl`, `best/`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::event::Record;

/// What can go wrong with a run's folder.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Nothing is ever overwritten.
    #[error("the run folder {} exists already, and nothing in it is overwritten; name another", .path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
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

fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    let path = path.to_owned();
    move |source| FolderError::System { what, path, source }
}

/// A folder that belongs to one run.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    events: File,
}

impl RunFolder {
    /// Makes `path`, which must not exist, and its parents; writes `config.toml` into it.
    ///
    /// # Errors
    /// If something is there already, or the system refuses.
    pub fn create(path: &Path, config: &str) -> Result<Self, FolderError> {
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            fs::create_dir_all(parent).map_err(failed("make the folder", parent))?;
        }
        fs::create_dir(path).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => FolderError::Exists { path: path.to_owned() },
            _ => failed("make the folder", path)(source),
        })?;
        let log = path.join("events.jsonl");
        let events = OpenOptions::new().append(true).create_new(true).open(&log).map_err(failed("write", &log))?;
        let folder = Self { path: path.to_owned(), events };
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

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends a line to `events.jsonl`, at once and whole: a search that is killed leaves a log that can be read.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn log(&mut self, record: &Record) -> Result<(), FolderError> {
        let line = serde_json::to_string(record).map_err(io::Error::from);
        let written = line.and_then(|line| self.events.write_all(format!("{line}\n").as_bytes()));
        written.map_err(failed("write", &self.path.join("events.jsonl")))
    }

    /// Sees to it that all lines so far are on disk.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn sync(&self) -> Result<(), FolderError> {
        self.events.sync_data().map_err(failed("write", &self.path.join("events.jsonl")))
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
