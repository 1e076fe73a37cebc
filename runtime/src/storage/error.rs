//! What can go wrong with a run on disk.

use std::io;
use std::path::{Path, PathBuf};

/// What can go wrong with a run's folder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
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
    /// The application's listener panicked.
    #[error("the search cannot go on: its listener failed with {reason}")]
    Listener {
        /// What it said.
        reason: String,
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

pub(crate) fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StorageError {
    let path = path.to_owned();
    move |source| StorageError::System { what, path, source }
}
