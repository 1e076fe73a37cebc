//! A search on disk, such that it goes on with the same bits: `checkpoints/POSITION/`.
//!
//! A checkpoint is written into a folder of another name, synced, and renamed, so that it is there
//! whole or not at all. `b3sum --check blake3` says whether it still is what was written. The
//! newest ones are kept; a damaged one is named, and the one before it is used.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use supernet_engine::weights::Weights;

use super::error::SearchError;
use super::saved::SchedulerState;
use super::scheduler::{Concurrency, Scheduler};
use crate::experiment::Experiment;
use crate::storage::checkpoint_dir::{self, STATE, TENSORS, set_aside};
use crate::storage::{LogEnd, StorageError, failed, tensors};

/// Changes when older versions cannot read what is written.
const FORMAT: u32 = 1;

/// Everything that the next step depends on.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) scheduler: SchedulerState,
    /// Training steps done: where the data cursor stands.
    pub(crate) trained: u32,
    pub(crate) weights: Arc<Weights>,
}

impl Snapshot {
    /// The beginning of a search.
    pub(crate) fn first(experiment: &Arc<Experiment>) -> Result<Self, SearchError> {
        let concurrency = Concurrency {
            train_in_flight: 1,
            score_in_flight: 1,
            chunk: 1,
        };
        let scheduler = Scheduler::new(Arc::clone(experiment), concurrency)?.save()?;
        Ok(Self {
            scheduler,
            trained: 0,
            weights: Arc::new(experiment.weights()),
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
    #[serde(alias = "course")]
    scheduler: SchedulerState,
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

/// Writes `snapshot` into the run's folder and deletes all but the newest `keep`. Returns where it
/// is. For `writer` see [`checkpoint_dir::write`].
///
/// # Errors
/// If the system refuses.
pub(crate) fn write(
    run: &Path,
    experiment: &Experiment,
    snapshot: &Snapshot,
    log: LogEnd,
    keep: u32,
    writer: u32,
) -> Result<PathBuf, StorageError> {
    let parent = parent(run);
    let position = snapshot.scheduler.position();
    let version = snapshot.weights.version;
    let state = State {
        format: FORMAT,
        trained: snapshot.trained,
        version,
        log,
        scheduler: snapshot.scheduler.clone(),
    };
    let mut write_state = |file: &mut dyn Write| Ok(serde_json::to_writer(file, &state)?);
    let mut write_tensors =
        |file: &mut dyn Write| tensors::write(experiment.supergraph(), &snapshot.weights, file);
    let place = checkpoint_dir::place(&parent, position);
    let files: &mut [(&str, checkpoint_dir::Content<'_>)] =
        &mut [(STATE, &mut write_state), (TENSORS, &mut write_tensors)];
    checkpoint_dir::write(&parent, position, writer, keep, files)
        .map_err(failed("write the checkpoint", &place))?;
    Ok(place)
}

/// The newest good checkpoint in the run's folder, whose log has `logged` bytes; none if none was
/// ever written.
///
/// # Errors
/// If there are checkpoints and all are damaged, or the system refuses.
pub(crate) fn newest(
    run: &Path,
    experiment: &Experiment,
    logged: u64,
) -> Result<Option<Restored>, StorageError> {
    let parent = parent(run);
    let there = checkpoint_dir::all(&parent).map_err(failed("read", &parent))?;
    checkpoint_dir::sweep(&parent).map_err(failed("tidy", &parent))?;
    let mut damaged = Vec::new();
    for (number, (_, place)) in there.iter().enumerate() {
        match read(place, experiment, logged) {
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
        false => Err(StorageError::AllDamaged {
            path: run.to_owned(),
            reasons: damaged.join("; "),
        }),
    }
}

/// The newest good checkpoint of a run that is not gone on with. Nothing in its folder is changed.
///
/// # Errors
/// If there is none.
pub(crate) fn last(run: &Path, experiment: &Experiment) -> Result<Snapshot, StorageError> {
    let parent = parent(run);
    let mut reasons = Vec::new();
    for (_, place) in checkpoint_dir::all(&parent).map_err(failed("read", &parent))? {
        match read(&place, experiment, u64::MAX) {
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
    Err(StorageError::AllDamaged {
        path: run.to_owned(),
        reasons,
    })
}

fn read(place: &Path, experiment: &Experiment, logged: u64) -> Result<(Snapshot, LogEnd), String> {
    let checked = |name: &str| checkpoint_dir::read(place, name);
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
    let mut weights = experiment.weights();
    tensors::read(experiment.supergraph(), &mut weights, &checked(TENSORS)?)
        .map_err(|why| format!("{TENSORS}: {why}"))?;
    weights.version = state.version;
    Ok((
        Snapshot {
            scheduler: state.scheduler,
            trained: state.trained,
            weights: Arc::new(weights),
        },
        state.log,
    ))
}

#[cfg(test)]
#[path = "snapshot_tests.rs"]
mod tests;
