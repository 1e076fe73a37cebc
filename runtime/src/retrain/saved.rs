//! A retraining on disk: `retraining/STEPS/` in its run's folder, as long as it is under way.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Retraining;
use super::network::{Network, Standing};
use super::plan::{Plan, steps};
use super::result::Trained;
use crate::checkpoint::{STATE, TENSORS, folder, set_aside, tensors};
use crate::device::Device;
use crate::run_folder::{FolderError, LogEnd, RunFolder, failed};
use crate::search::{Search, SearchError};
use crate::weights::Weights;

/// Changes when older versions cannot read what is written.
const FORMAT: u32 = 1;
const AVERAGE: &str = "average.safetensors";
/// Saved states that are kept.
const KEPT: u32 = 2;

/// `state.json`.
#[derive(Serialize, Deserialize)]
struct State {
    format: u32,
    plan: Plan,
    finished: Vec<Trained>,
    /// Of the network that is under way.
    standing: Option<Standing>,
    /// Where `events.jsonl` ends, and how many events it has.
    log: LogEnd,
    events: u64,
}

/// A retraining that goes on.
pub(crate) struct Restored {
    pub(crate) retraining: Retraining,
    pub(crate) log: LogEnd,
    pub(crate) events: u64,
}

fn parent(run: &Path) -> PathBuf {
    run.join(RunFolder::RETRAINING)
}

impl Retraining {
    /// Writes it down, such that it goes on with the same bits.
    pub(super) fn write(
        &mut self,
        run: &Path,
        log: LogEnd,
        events: u64,
        device: &mut dyn Device,
    ) -> Result<(), SearchError> {
        let standing = self
            .current
            .as_mut()
            .map(|network| network.rest(device))
            .transpose()?;
        let state = State {
            format: FORMAT,
            plan: self.plan.clone(),
            finished: self.finished.clone(),
            standing,
            log,
            events,
        };
        let supergraph = self.search.supergraph();
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
        let files: &mut [(&str, folder::Content<'_>)] = &mut [
            (STATE, &mut write_state),
            (TENSORS, &mut write_weights),
            (AVERAGE, &mut write_average),
        ];
        let (parent, number) = (parent(run), self.steps_done(standing));
        let written = folder::write(&parent, number, 0, KEPT, files);
        Ok(written.map_err(failed("write", &folder::place(&parent, number)))?)
    }

    /// Steps done over all networks, the finished ones counted in full.
    fn steps_done(&self, standing: Option<Standing>) -> u64 {
        let whole = u64::from(self.search.config().retrain.epochs) * u64::from(steps(&self.search));
        self.finished.len() as u64 * whole + u64::from(standing.map_or(0, |standing| standing.done))
    }

    /// The retraining that a run's folder has, whose log has `logged` bytes, and what is damaged, in words; none if none
    /// is under way or all is damaged.
    ///
    /// # Errors
    /// If the system refuses.
    pub(crate) fn read(
        run: &Path,
        search: &Arc<Search>,
        logged: u64,
    ) -> Result<(Option<Restored>, Vec<String>), FolderError> {
        let (parent, mut damaged) = (parent(run), Vec::new());
        folder::sweep(&parent).map_err(failed("tidy", &parent))?;
        for (_, place) in folder::all(&parent).map_err(failed("read", &parent))? {
            match read(&place, search, logged) {
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

    /// Nothing is under way any more.
    pub(super) fn forget(run: &Path) -> Result<(), FolderError> {
        let parent = parent(run);
        if !parent.exists() {
            return Ok(());
        }
        folder::remove(&parent).map_err(failed("delete", &parent))
    }

    /// Whether a folder is that of a retraining by itself, which comes after no search.
    pub fn is_at(run: &Path) -> bool {
        parent(run).is_dir() && fs::symlink_metadata(run.join("checkpoints")).is_err()
    }
}

fn read(place: &Path, search: &Arc<Search>, logged: u64) -> Result<Restored, String> {
    let state = folder::read(place, STATE)?;
    let state: State =
        serde_json::from_slice(&state).map_err(|error| format!("{STATE}: {error}"))?;
    let State {
        format,
        plan,
        finished,
        standing,
        log,
        events,
    } = state;
    if format != FORMAT {
        return Err(format!(
            "its format is {format}, and this version reads {FORMAT}"
        ));
    }
    if log.bytes > logged {
        return Err(format!(
            "it was written after {} bytes of events, and there are only {logged}",
            log.bytes
        ));
    }
    let words = |error: SearchError| error.to_string();
    let mut retraining = Retraining::planned(Arc::clone(search), plan);
    (retraining.finished, retraining.begun) = (finished, true);
    let planned = retraining.plan.networks.get(retraining.finished.len());
    if let Some((standing, planned)) = standing.zip(planned) {
        let mut network = Network::new(search, &retraining.data, planned).map_err(words)?;
        let fill = |weights: &mut Weights, name: &str| -> Result<(), String> {
            let bytes = folder::read(place, name)?;
            tensors::read(search.supergraph(), weights, &bytes)
                .map_err(|why| format!("{name}: {why}"))
        };
        fill(&mut network.weights, TENSORS)?;
        network.weights.version = u64::from(standing.done);
        let mut average = (standing.averaged > 0).then(|| network.weights.without_state());
        average
            .iter_mut()
            .try_for_each(|average| fill(average, AVERAGE))?;
        network.resume(standing, average);
        retraining.current = Some(network);
    }
    Ok(Restored {
        retraining,
        log,
        events,
    })
}
