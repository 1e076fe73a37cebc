//! A retraining on disk: `retraining/STEPS/` in its run folder, while it is in progress.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use supernet_engine::device::Device;
use supernet_engine::weights::Weights;

use super::plan::{RetrainPlan, steps};
use super::training_run::{TrainingProgress, TrainingRun};
use super::{RetrainError, Retraining};
use crate::experiment::Experiment;
use crate::results::TrainedNetwork;
use crate::storage::checkpoint_dir::{self, STATE, TENSORS, set_aside};
use crate::storage::{LogEnd, RunFolder, StorageError, failed, tensors};

/// Incremented when older versions cannot read the format.
const FORMAT: u32 = 2;
const AVERAGE: &str = "average.safetensors";
/// Number of checkpoints that are kept.
const KEPT: u32 = 2;

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
        let supergraph = self.experiment.supergraph();
        let mut write_state = |file: &mut dyn Write| Ok(serde_json::to_writer(file, &state)?);
        let put = |weights: Option<&Weights>, file: &mut dyn Write| -> io::Result<()> {
            weights.map_or(Ok(()), |weights| tensors::write(supergraph, weights, file))
        };
        let current = self.current.as_ref();
        let mut write_weights =
            |file: &mut dyn Write| put(current.map(|network| &network.weights), file);
        let mut write_average = |file: &mut dyn Write| {
            put(
                current.and_then(|network| network.average.mean.as_ref()),
                file,
            )
        };
        let files: &mut [(&str, checkpoint_dir::Content<'_>)] = &mut [
            (STATE, &mut write_state),
            (TENSORS, &mut write_weights),
            (AVERAGE, &mut write_average),
        ];
        let (parent, number) = (parent(run), self.steps_done(progress));
        let written = checkpoint_dir::write(&parent, number, 0, KEPT, files);
        Ok(written.map_err(failed("write", &checkpoint_dir::place(&parent, number)))?)
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
    let words = |error: RetrainError| error.to_string();
    let mut retraining = Retraining::planned(Arc::clone(experiment), plan);
    (retraining.finished, retraining.begun) = (finished, true);
    let planned = retraining.plan.networks.get(retraining.finished.len());
    if let Some((progress, planned)) = progress.zip(planned) {
        let mut network = TrainingRun::new(experiment, &retraining.data, planned).map_err(words)?;
        let fill = |weights: &mut Weights, name: &str| -> Result<(), String> {
            let bytes = checkpoint_dir::read(place, name)?;
            tensors::read(experiment.supergraph(), weights, &bytes)
                .map_err(|why| format!("{name}: {why}"))
        };
        fill(&mut network.weights, TENSORS)?;
        network.weights.version = u64::from(progress.done);
        let mut average = (progress.averaged > 0).then(|| network.weights.without_state());
        average
            .iter_mut()
            .try_for_each(|average| fill(average, AVERAGE))?;
        network.resume(progress, average);
        retraining.current = Some(network);
    }
    Ok(Restored {
        retraining,
        log,
        events,
    })
}
