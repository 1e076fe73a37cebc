//! `events.jsonl`: the events of a run, one JSON object per line.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::{StorageError, failed};
use crate::events::Record;

/// The file name.
pub(crate) const EVENTS: &str = "events.jsonl";

/// The end of `events.jsonl`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct LogEnd {
    /// Its length in bytes.
    pub(crate) bytes: u64,
    /// The time of its last line.
    pub(crate) at: f64,
}

/// Reads the events of the run at `run`, oldest first. An incomplete line is the last one of a run
/// that was killed; it is left out, as are events that this version does not know.
///
/// # Errors
/// If there is no log, or it cannot be read.
pub fn read_events(run: &Path) -> Result<Vec<Record>, StorageError> {
    let place = run.join(EVENTS);
    let text = std::fs::read_to_string(&place).map_err(failed("read", &place))?;
    Ok(text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect())
}
