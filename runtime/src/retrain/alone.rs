//! A candidate trained alone as a part of a search: what neural architecture search without shared
//! weights learns from (Zoph and Le 2017).

use std::sync::Arc;

use supernet_engine::device::Device;
use supernet_strategy::Score;

use super::RetrainError;
use super::training_run::{Training, TrainingRun};
use crate::experiment::Experiment;
use crate::training::{Evaluator, JobError, JobResult, TrainingError};

/// Trains a network from scratch on the training split, and scores it on the whole validation split
/// after each of its last `nas.last` passes: the best of these scores counts. `go_on` is asked
/// before every step; none if it says no.
///
/// # Errors
/// If the genome does not belong to the space, or the device fails. A training whose loss is no
/// longer a number is a result without a score.
pub(crate) fn train_alone(
    experiment: &Experiment,
    training: Training<'_>,
    device: &mut dyn Device,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<Option<JobResult>, RetrainError> {
    let config = experiment.config();
    let mut network = TrainingRun::new(experiment, &experiment.task().data, training)?;
    network.reserve(experiment, device)?;
    let mut evaluator = Evaluator::new(network.task.clone(), config.score.batch, training.seed);
    let first = training.epochs.saturating_sub(config.nas.last);
    let mut best: Option<Score> = None;
    while !network.is_through() {
        if !go_on() {
            device.forget();
            return Ok(None);
        }
        let passed = match network.step(device) {
            Err(error @ TrainingError::Diverged { .. }) => {
                device.forget();
                let reason: JobError = Arc::new(error);
                return Ok(Some(Err(reason)));
            }
            passed => passed?,
        };
        if passed.is_none_or(|passed| passed.epoch < first) {
            continue;
        }
        if network.is_through() {
            network.finalize(device)?;
        }
        let score = evaluator.validation(device, &network.weights, training.genome)?;
        if best.is_none_or(|best| score.reward > best.reward) {
            best = Some(score);
        }
    }
    Ok(Some(Ok(best.unwrap_or(Score::WORST))))
}
