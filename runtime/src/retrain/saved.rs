//! A retraining on disk: `retraining/STEPS/` in its run folder, while it is in progress.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use supernet_engine::device::Device;

use super::network_file::write;
use super::plan::{RetrainPlan, steps};
use super::training_run::{TrainingProgress, TrainingRun};
use super::{RetrainError, Retraining};
use crate::experiment::Experiment;
use crate::results::TrainedNetwork;
use crate::storage::checkpoint_dir::{self, set_aside};
use crate::storage::{LogEnd, RunFolder, StorageError, failed};

/// Incremented when older versions cannot read the format.
const FORMAT: u32 = 2;

/// `state.json`. The aliases are the names of format 1.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    format: u32,
    plan: RetrainPlan,
    finished: Vec<TrainedNetwork>,
    /// The network in progress.
    #[serde(alias = "standing")]
    progress: Option<TrainingProgress>,
    /// The end of `events.jsonl`, and its number of events.
    log: LogEnd,
    events: u64,
}

/// A retraining that was restored.
pub(crate) struct Restored {
    pub(crate) retraining: Retraining,
    pub(crate) log: LogEnd,
    pub(crate) events: u64,
}

fn parent(run: &Path) -> PathBuf {
    run.join(RunFolder::RETRAINING)
}

impl Retraining {
    /// Saves the state, such that a resumed retraining is bit-identical.
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
        let state = State {
            format: FORMAT,
            plan: self.plan.clone(),
            finished: self.finished.clone(),
            progress,
            log,
            events,
        };
        let number = self.steps_done(progress);
        Ok(write(&parent(run), number, &state, self.current.as_ref())?)
    }

    /// Steps done over all networks, with finished ones counted in full.
    fn steps_done(&self, progress: Option<TrainingProgress>) -> u64 {
        let whole =
            u64::from(self.experiment.config().retrain.epochs) * u64::from(steps(&self.experiment));
        self.finished.len() as u64 * whole + u64::from(progress.map_or(0, |progress| progress.done))
    }

    /// The retraining in a run folder whose log has `logged` bytes, and descriptions of damaged
    /// states; none if there is none or all are damaged.
    ///
    /// # Errors
    /// If the file system fails.
    pub(crate) fn read(
        run: &Path,
        experiment: &Arc<Experiment>,
        logged: u64,
    ) -> Result<(Option<Restored>, Vec<String>), StorageError> {
        let (parent, mut damaged) = (parent(run), Vec::new());
        checkpoint_dir::sweep(&parent).map_err(failed("tidy", &parent))?;
        for (_, place) in checkpoint_dir::all(&parent).map_err(failed("read", &parent))? {
            match read(&place, experiment, logged) {
                Ok(restored) => return Ok((Some(restored), damaged)),
                Err(reason) => damaged.push(format!(
                    "the saved retraining {} is damaged: {reason}",
                    place.display()
                )),
            }
            set_aside(&place)?;
        }
        Ok((None, damaged))
    }

    /// Deletes the saved states of a finished retraining.
    pub(super) fn forget(run: &Path) -> Result<(), StorageError> {
        let parent = parent(run);
        if !parent.exists() {
            return Ok(());
        }
        checkpoint_dir::remove(&parent).map_err(failed("delete", &parent))
    }

    /// Whether the folder is that of a standalone retraining, without a search.
    pub fn is_at(run: &Path) -> bool {
        parent(run).is_dir() && fs::symlink_metadata(run.join("checkpoints")).is_err()
    }
}

fn read(place: &Path, experiment: &Arc<Experiment>, logged: u64) -> Result<Restored, String> {
    let state: State = checkpoint_dir::read_state(place, FORMAT)?;
    let State {
        format: _,
        plan,
        finished,
        progress,
        log,
        events,
    } = state;
    if log.bytes > logged {
        return Err(format!(
            "it was written after {} bytes of events, and there are only {logged}",
            log.bytes
        ));
    }
    let mut retraining = Retraining::planned(Arc::clone(experiment), plan);
    (retraining.finished, retraining.begun) = (finished, true);
    let planned = retraining.plan.networks.get(retraining.finished.len());
    if let Some((progress, planned)) = progress.zip(planned) {
        let training = planned.training(experiment.config().retrain.epochs);
        let mut network = TrainingRun::new(experiment, &retraining.data, training)
            .map_err(|error| error.to_string())?;
        network.restore(place, progress)?;
        retraining.current = Some(network);
    }
    Ok(Restored {
        retraining,
        log,
        events,
    })
}
