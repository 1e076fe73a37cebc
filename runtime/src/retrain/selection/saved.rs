//! A selection on disk: `selection/STEPS/` in its run folder, while it is in progress.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use supernet_engine::device::Device;
use supernet_strategy::Score;

use super::SelectionRun;
use crate::experiment::Experiment;
use crate::results::{Candidate, Selection};
use crate::retrain::RetrainError;
use crate::retrain::network_file;
use crate::retrain::phase::Phase;
use crate::retrain::training_run::{TrainingProgress, TrainingRun};
use crate::storage::checkpoint_dir::{self, set_aside};
use crate::storage::{LogEnd, RunFolder, StorageError, failed};

/// Incremented when older versions cannot read the format.
const FORMAT: u32 = 1;

/// `state.json`. The plan follows from the settings and the candidates, and the rungs from the
/// results.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    format: u32,
    candidates: Vec<Candidate>,
    /// Index of the best candidate by the shared weights.
    best: usize,
    /// Multiply-adds of the search before it; absent in older checkpoints.
    #[serde(default)]
    spent: f64,
    /// Results of the trainings that are finished, in order; none for a diverged one.
    alone: Vec<Option<Score>>,
    /// The network in progress.
    progress: Option<TrainingProgress>,
    /// The end of `events.jsonl`, and its number of events.
    log: LogEnd,
    events: u64,
}

/// A selection that was restored.
pub(crate) struct RestoredSelection {
    pub(crate) run: SelectionRun,
    pub(crate) log: LogEnd,
    pub(crate) events: u64,
}

fn parent(run: &Path) -> PathBuf {
    run.join(RunFolder::SELECTION)
}

impl SelectionRun {
    /// Saves the state, such that a resumed selection is bit-identical.
    pub(super) fn write(
        &mut self,
        run: &Path,
        log: LogEnd,
        events: u64,
        device: &mut dyn Device,
    ) -> Result<(), RetrainError> {
        let progress = self
            .current
            .as_mut()
            .map(|network| network.sync(device))
            .transpose()?;
        let trainings = self.halving.trainings().iter();
        let state = State {
            format: FORMAT,
            candidates: self.halving.candidates().to_vec(),
            best: self.best,
            spent: self.spent,
            alone: trainings.map(|training| training.alone).collect(),
            progress,
            log,
            events,
        };
        let (parent, steps) = (parent(run), self.steps());
        let network = self.current.as_ref();
        Ok(network_file::write(&parent, steps, &state, network)?)
    }

    /// The selection in a run folder whose log has `logged` bytes, and descriptions of damaged
    /// states; none if there is none or all are damaged.
    ///
    /// # Errors
    /// If the file system fails.
    pub(crate) fn read(
        run: &Path,
        experiment: &Arc<Experiment>,
        logged: u64,
    ) -> Result<(Option<RestoredSelection>, Vec<String>), StorageError> {
        let (parent, mut damaged) = (parent(run), Vec::new());
        checkpoint_dir::sweep(&parent).map_err(failed("tidy", &parent))?;
        for (_, place) in checkpoint_dir::all(&parent).map_err(failed("read", &parent))? {
            match read(&place, experiment, logged) {
                Ok(restored) => return Ok((Some(restored), damaged)),
                Err(reason) => damaged.push(format!(
                    "the saved selection {} is damaged: {reason}",
                    place.display()
                )),
            }
            set_aside(&place)?;
        }
        Ok((None, damaged))
    }

    /// The result of a selection that has ended, if the run has one.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(crate) fn result_in(folder: &RunFolder) -> Result<Option<Selection>, StorageError> {
        folder.read_json("best/selection.json")
    }

    /// Deletes the saved states of a finished selection.
    pub(crate) fn forget(run: &Path) -> Result<(), StorageError> {
        let parent = parent(run);
        if !parent.exists() {
            return Ok(());
        }
        checkpoint_dir::remove(&parent).map_err(failed("delete", &parent))
    }
}

fn read(
    place: &Path,
    experiment: &Arc<Experiment>,
    logged: u64,
) -> Result<RestoredSelection, String> {
    let state: State = checkpoint_dir::read_state(place, FORMAT)?;
    if state.log.bytes > logged {
        return Err(format!(
            "it was written after {} bytes of events, and there are only {logged}",
            state.log.bytes
        ));
    }
    let words = |error: RetrainError| error.to_string();
    let mut run = SelectionRun::among(experiment, state.candidates, state.best, state.spent)
        .map_err(words)??;
    for alone in state.alone {
        run.halving.complete(alone);
    }
    if let Some((progress, training)) = state.progress.zip(run.halving.next()) {
        let data = Arc::clone(&experiment.task().data);
        let mut network = TrainingRun::new(experiment, &data, training).map_err(words)?;
        network.restore(place, progress)?;
        run.current = Some(network);
    }
    run.begun = true;
    Ok(RestoredSelection {
        run,
        log: state.log,
        events: state.events,
    })
}
