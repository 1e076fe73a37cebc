//! `events.jsonl`: what a run did, a JSON object a line.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::{StorageError, failed};
use crate::events::Record;

/// The name of the file.
pub(crate) const EVENTS: &str = "events.jsonl";

/// Where `events.jsonl` ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct LogEnd {
    /// Its length.
    pub(crate) bytes: u64,
    /// The time of its last line.
    pub(crate) at: f64,
}

/// The events of the run at `run`, oldest first; none if it has no log. A line that is not whole is
/// the last one of a run that was killed, and is left out, as are events that this version does not
/// know.
///
/// # Errors
/// If the file cannot be read.
pub fn read_events(run: &Path) -> Result<Vec<Record>, StorageError> {
    let place = run.join(EVENTS);
    let text = match std::fs::read_to_string(&place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => text.map_err(failed("read", &place))?,
    };
    Ok(text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect())
}
