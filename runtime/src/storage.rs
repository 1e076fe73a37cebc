//! A run on disk: its folder, its log, its checkpoints, and the recorder that writes them.
//!
//! Files are written to a temporary path, synced and renamed; nothing is overwritten unless
//! requested.

pub(crate) mod atomic;
pub(crate) mod checkpoint_dir;
mod error;
mod event_log;
mod hashing;
pub(crate) mod observer;
mod recorder;
mod run_folder;
pub(crate) mod tensors;

pub use error::StorageError;
pub(crate) use error::failed;
pub(crate) use event_log::LogEnd;
pub use event_log::read_events;
pub(crate) use observer::{Observer, Recorded};
pub(crate) use recorder::{Folder, Recorder};
pub use run_folder::RunFolder;
