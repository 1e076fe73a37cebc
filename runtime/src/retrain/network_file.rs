//! A network in training, as a part of a saved state.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use supernet_engine::weights::Weights;

use super::training_run::{TrainingProgress, TrainingRun};
use crate::storage::checkpoint_dir::{self, STATE, TENSORS};
use crate::storage::{StorageError, failed, tensors};

const AVERAGE: &str = "average.safetensors";
/// Number of checkpoints that are kept.
const KEPT: u32 = 2;

/// Writes a state, with the weights of the network in training, into the folder of that number.
pub(super) fn write(
    parent: &Path,
    number: u64,
    state: &impl Serialize,
    network: Option<&TrainingRun>,
) -> Result<(), StorageError> {
    let mut write_state = |file: &mut dyn Write| Ok(serde_json::to_writer(file, state)?);
    let put = |weights: Option<&Weights>, file: &mut dyn Write| -> io::Result<()> {
        let (Some(network), Some(weights)) = (network, weights) else {
            return Ok(());
        };
        tensors::write(&network.task.supergraph, weights, file)
    };
    let mut write_weights =
        |file: &mut dyn Write| put(network.map(|network| &network.weights), file);
    let mut write_average = |file: &mut dyn Write| {
        put(
            network.and_then(|network| network.average.mean.as_ref()),
            file,
        )
    };
    let files: &mut [(&str, checkpoint_dir::Content<'_>)] = &mut [
        (STATE, &mut write_state),
        (TENSORS, &mut write_weights),
        (AVERAGE, &mut write_average),
    ];
    let written = checkpoint_dir::write(parent, number, 0, KEPT, files);
    written.map_err(failed("write", &checkpoint_dir::place(parent, number)))
}

impl TrainingRun {
    /// Continues from saved progress, with the weights that were written with it.
    ///
    /// # Errors
    /// A message, if the files cannot be read or are not what was written.
    pub(super) fn restore(
        &mut self,
        place: &Path,
        progress: TrainingProgress,
    ) -> Result<(), String> {
        let supergraph = self.task.supergraph.clone();
        let fill = |weights: &mut Weights, name: &str| -> Result<(), String> {
            let bytes = checkpoint_dir::read(place, name)?;
            tensors::read(&supergraph, weights, &bytes).map_err(|why| format!("{name}: {why}"))
        };
        fill(&mut self.weights, TENSORS)?;
        self.weights.version = u64::from(progress.done);
        let mut average = (progress.averaged > 0).then(|| self.weights.without_state());
        average
            .iter_mut()
            .try_for_each(|average| fill(average, AVERAGE))?;
        self.resume(progress, average);
        Ok(())
    }
}
