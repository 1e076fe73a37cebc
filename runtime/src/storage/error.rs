//! Errors of runs on disk.

use std::io;
use std::path::{Path, PathBuf};

/// An error of a run folder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The folder exists: nothing is ever overwritten.
    #[error(
        "{0} exists already, and nothing in it is overwritten; name another folder, or, if it is a run, continue it: \
         `supernet resume {0}`",
        .path.display()
    )]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// Another process uses the folder.
    #[error("the run {} is under way in another process (or in this one); wait for it, or stop it first", .path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// The folder contains no run to continue.
    #[error("{} is not a run folder: it has no config.toml; a run begins with `supernet search`", .path.display())]
    NoRun {
        /// The folder.
        path: PathBuf,
    },
    /// The run is finished.
    #[error("the run {0} is finished; its result is in {0}/best", .path.display())]
    Finished {
        /// The folder.
        path: PathBuf,
    },
    /// The run has no result yet.
    #[error("the run {0} has found nothing yet; continue it: `supernet resume {0}`", .path.display())]
    Unfinished {
        /// The folder.
        path: PathBuf,
    },
    /// The run is not a search.
    #[error(
        "the run {} has no shared weights: it trained from scratch; name the folder of a search",
        .path.display()
    )]
    NoSearch {
        /// The folder.
        path: PathBuf,
    },
    /// No checkpoint is usable.
    #[error(
        "no checkpoint of the run {0} can be used: {reasons}; `supernet search --config {0}/config.toml` begins anew",
        .path.display()
    )]
    AllDamaged {
        /// The folder.
        path: PathBuf,
        /// The defect of each checkpoint.
        reasons: String,
    },
    /// The application's listener panicked.
    #[error("the search cannot continue: its listener failed with {reason}")]
    Listener {
        /// The message of the panic.
        reason: String,
    },
    /// The file system fails.
    #[error("cannot {what} {}: {source}", .path.display())]
    System {
        /// The attempted operation.
        what: &'static str,
        /// The path.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
}

pub(crate) fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StorageError {
    let path = path.to_owned();
    move |source| StorageError::System { what, path, source }
}
