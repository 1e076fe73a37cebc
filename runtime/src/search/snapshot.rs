//! Checkpoints of a search, from which it continues bit-identically: `checkpoints/POSITION/`.
//!
//! A checkpoint is written into a temporary folder, synced, and renamed, so that it is complete or
//! absent. `b3sum --check blake3` verifies its files. The newest checkpoints are kept; a damaged
//! one is reported, and the previous one is used.

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

/// Incremented when older versions cannot read the format.
const FORMAT: u32 = 2;

/// The state that the next step depends on.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) scheduler: SchedulerState,
    /// Training steps done, which is the position in the data.
    pub(crate) trained: u32,
    pub(crate) weights: Arc<Weights>,
}

impl Snapshot {
    /// The initial state of a search.
    pub(crate) fn first(experiment: &Arc<Experiment>) -> Result<Self, SearchError> {
        let concurrency = Concurrency {
            train_in_flight: 1,
            score_in_flight: 1,
            alone_in_flight: 1,
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

/// `state.json`. The aliases are the names of format 1.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    format: u32,
    /// Training steps done.
    trained: u32,
    /// Version of the shared weights.
    version: u64,
    /// The end of `events.jsonl`.
    log: LogEnd,
    #[serde(alias = "course")]
    scheduler: SchedulerState,
}

/// A checkpoint that was read.
pub(crate) struct Restored {
    pub(crate) snapshot: Snapshot,
    pub(crate) log: LogEnd,
    /// Descriptions of newer checkpoints that are damaged.
    pub(crate) damaged: Vec<String>,
}

impl Restored {
    /// Treats the initial state of a search as a restored checkpoint.
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

/// Writes `snapshot` into the run folder and deletes all but the newest `keep`. Returns its path.
/// For `writer` see [`checkpoint_dir::write`].
///
/// # Errors
/// If the file system fails.
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

/// The newest intact checkpoint in the run folder, whose log has `logged` bytes; none if none was
/// ever written.
///
/// # Errors
/// If there are checkpoints and all are damaged, or the file system fails.
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
                // Moved out of the way of later ones, but not deleted.
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

/// The newest intact checkpoint of a run that is not resumed. The folder is not modified.
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
    let state: State = checkpoint_dir::read_state(place, FORMAT)?;
    if state.log.bytes > logged {
        return Err(format!(
            "it was written after {} bytes of events, and there are only {logged}",
            state.log.bytes
        ));
    }
    let mut weights = experiment.weights();
    tensors::read(
        experiment.supergraph(),
        &mut weights,
        &checkpoint_dir::read(place, TENSORS)?,
    )
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
