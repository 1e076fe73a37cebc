//! A search on disk, such that it goes on with the same bits: `checkpoints/POSITION/`.
//!
//! A checkpoint is written into a folder of another name, synced, and renamed, so that it is there whole or not at all.
//! `b3sum --check blake3` says whether it still is what was written. The newest ones are kept; a damaged one is named,
//! and the one before it is used.

pub(crate) mod folder;
mod hashing;
pub(crate) mod tensors;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::run_folder::{FolderError, LogEnd, failed};
use crate::search::course::{Course, Limits, Saved};
use crate::search::{Search, SearchError};
use crate::weights::Weights;

/// Changes when older versions cannot read what is written.
const FORMAT: u32 = 1;
pub(crate) const STATE: &str = "state.json";
pub(crate) const TENSORS: &str = "tensors.safetensors";

/// Everything that the next step depends on.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) course: Saved,
    /// Training steps done: where the data cursor stands.
    pub(crate) trained: u32,
    pub(crate) weights: Arc<Weights>,
}

impl Snapshot {
    /// The beginning of a search.
    pub(crate) fn first(search: &Arc<Search>) -> Result<Self, SearchError> {
        let limits = Limits {
            room: 1,
            crowd: 1,
            piece: 1,
        };
        let course = Course::new(Arc::clone(search), limits)?.save()?;
        Ok(Self {
            course,
            trained: 0,
            weights: Arc::new(search.weights()),
        })
    }
}

/// `state.json`.
#[derive(Serialize, Deserialize)]
struct State {
    format: u32,
    /// Training steps done.
    trained: u32,
    /// Version of the shared weights.
    version: u64,
    /// Where `events.jsonl` ends.
    log: LogEnd,
    course: Saved,
}

/// A checkpoint that was read.
pub(crate) struct Restored {
    pub(crate) snapshot: Snapshot,
    pub(crate) log: LogEnd,
    /// Newer ones that are damaged, in words.
    pub(crate) damaged: Vec<String>,
}

impl Restored {
    /// As if the beginning of a search had been read.
    pub(crate) fn first(snapshot: Snapshot) -> Self {
        Self {
            snapshot,
            log: LogEnd::default(),
            damaged: Vec::new(),
        }
    }
}

pub(crate) fn parent(run: &Path) -> PathBuf {
    run.join("checkpoints")
}

/// Writes `snapshot` into the run's folder and deletes all but the newest `keep`. Returns where it is. For `writer` see
/// [`folder::write`].
///
/// # Errors
/// If the system refuses.
pub(crate) fn write(
    run: &Path,
    search: &Search,
    snapshot: &Snapshot,
    log: LogEnd,
    keep: u32,
    writer: u32,
) -> Result<PathBuf, FolderError> {
    let parent = parent(run);
    let position = snapshot.course.position();
    let version = snapshot.weights.version;
    let state = State {
        format: FORMAT,
        trained: snapshot.trained,
        version,
        log,
        course: snapshot.course.clone(),
    };
    let mut write_state = |file: &mut dyn Write| Ok(serde_json::to_writer(file, &state)?);
    let mut write_tensors =
        |file: &mut dyn Write| tensors::write(search.supergraph(), &snapshot.weights, file);
    let place = folder::place(&parent, position);
    let files: &mut [(&str, folder::Content<'_>)] =
        &mut [(STATE, &mut write_state), (TENSORS, &mut write_tensors)];
    folder::write(&parent, position, writer, keep, files)
        .map_err(failed("write the checkpoint", &place))?;
    Ok(place)
}

/// The newest good checkpoint in the run's folder, whose log has `logged` bytes; none if none was ever written.
///
/// # Errors
/// If there are checkpoints and all are damaged, or the system refuses.
pub(crate) fn newest(
    run: &Path,
    search: &Search,
    logged: u64,
) -> Result<Option<Restored>, FolderError> {
    let parent = parent(run);
    let there = folder::all(&parent).map_err(failed("read", &parent))?;
    folder::sweep(&parent).map_err(failed("tidy", &parent))?;
    let mut damaged = Vec::new();
    for (number, (_, place)) in there.iter().enumerate() {
        match read(place, search, logged) {
            Ok((snapshot, log)) => {
                // Out of the way of those to come, but not thrown away.
                there[..number]
                    .iter()
                    .try_for_each(|(_, place)| set_aside(place))?;
                return Ok(Some(Restored {
                    snapshot,
                    log,
                    damaged,
                }));
            }
            Err(reason) => damaged.push(format!(
                "the checkpoint {} is damaged: {reason}",
                place.display()
            )),
        }
    }
    match damaged.is_empty() {
        true => Ok(None),
        false => Err(FolderError::AllDamaged {
            path: run.to_owned(),
            reasons: damaged.join("; "),
        }),
    }
}

/// The newest good checkpoint of a run that is not gone on with. Nothing in its folder is changed.
///
/// # Errors
/// If there is none.
pub(crate) fn last(run: &Path, search: &Search) -> Result<Snapshot, FolderError> {
    let parent = parent(run);
    let mut reasons = Vec::new();
    for (_, place) in folder::all(&parent).map_err(failed("read", &parent))? {
        match read(&place, search, u64::MAX) {
            Ok((snapshot, _)) => return Ok(snapshot),
            Err(reason) => reasons.push(format!(
                "the checkpoint {} is damaged: {reason}",
                place.display()
            )),
        }
    }
    let reasons = if reasons.is_empty() {
        "there is none".to_owned()
    } else {
        reasons.join("; ")
    };
    Err(FolderError::AllDamaged {
        path: run.to_owned(),
        reasons,
    })
}

/// Renames a damaged checkpoint, so that it is in nobody's way and not thrown away.
pub(crate) fn set_aside(place: &Path) -> Result<(), FolderError> {
    let aside = place.with_extension("damaged");
    let moved = if aside.exists() {
        fs::remove_dir_all(&aside)
    } else {
        Ok(())
    };
    moved
        .and_then(|()| fs::rename(place, &aside))
        .map_err(failed("rename", place))
}

fn read(place: &Path, search: &Search, logged: u64) -> Result<(Snapshot, LogEnd), String> {
    let checked = |name: &str| folder::read(place, name);
    let state: State =
        serde_json::from_slice(&checked(STATE)?).map_err(|error| format!("{STATE}: {error}"))?;
    if state.format != FORMAT {
        return Err(format!(
            "its format is {}, and this version reads {FORMAT}",
            state.format
        ));
    }
    if state.log.bytes > logged {
        return Err(format!(
            "it was written after {} bytes of events, and there are only {logged}",
            state.log.bytes
        ));
    }
    let mut weights = search.weights();
    tensors::read(search.supergraph(), &mut weights, &checked(TENSORS)?)
        .map_err(|why| format!("{TENSORS}: {why}"))?;
    weights.version = state.version;
    Ok((
        Snapshot {
            course: state.course,
            trained: state.trained,
            weights: Arc::new(weights),
        },
        state.log,
    ))
}

#[cfg(test)]
mod tests;
