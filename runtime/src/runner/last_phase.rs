//! Retraining as the last phase of a search.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use supernet_engine::device::{Device, DeviceError};

use super::handle::{RunOutcome, RunResult};
use crate::error::Error;
use crate::experiment::Experiment;
use crate::results::format::panic_message;
use crate::retrain::{RetrainPlan, Retraining};
use crate::search::SearchResult;
use crate::storage::Observer;

/// Creates a device.
type Make<'a> = &'a dyn Fn() -> Result<Box<dyn Device>, DeviceError>;

/// The phase after the actors have ended with a result, on the search's own thread: the result is
/// written, then the best architecture is retrained, continuing from `earlier` if that had started.
pub(super) fn supervised(
    experiment: &Arc<Experiment>,
    result: Arc<SearchResult>,
    earlier: Option<Retraining>,
    make: Make<'_>,
    observer: &mut dyn Observer,
) -> RunResult {
    let result = Arc::unwrap_or_clone(result);
    let phase = || retrained(experiment, result, earlier, make, observer);
    // No supervisor is left to notice a panic.
    let ended = catch_unwind(AssertUnwindSafe(phase)).unwrap_or_else(|panic| {
        Err(Error::Worker {
            worker: "retraining".to_owned(),
            reason: format!("a panic: {}", panic_message(&*panic)),
            failures: 1,
        })
    });
    ended.map_err(Arc::new)
}

fn retrained(
    experiment: &Arc<Experiment>,
    mut result: SearchResult,
    earlier: Option<Retraining>,
    make: Make<'_>,
    observer: &mut dyn Observer,
) -> Result<RunOutcome, Error> {
    let retraining = match (earlier, result.top.first()) {
        (Some(earlier), _) => Some(earlier),
        (None, Some(best)) if experiment.config().retrain.epochs > 0 => {
            let plan = RetrainPlan::last_phase(experiment, &best.genome)?;
            Some(Retraining::planned(Arc::clone(experiment), plan))
        }
        _ => None,
    };
    let completed = |result| Ok(RunOutcome::Completed(Arc::new(result)));
    let Some(mut retraining) = retraining else {
        write(&result, observer)?;
        return completed(result);
    };
    retraining.announce(observer)?;
    if retraining.is_empty() {
        write(&result, observer)?;
        return completed(result);
    }
    let mut device = make()?;
    // A checkpoint of the retraining is written before the result: a folder with a result and
    // without such a checkpoint counts as finished.
    retraining.save(&mut *device, observer)?;
    write(&result, observer)?;
    match retraining.go(&mut *device, observer)? {
        Some(retrained) => {
            result.retrained = Some(retrained);
            completed(result)
        }
        None => Ok(RunOutcome::Stopped {
            steps: result.weights.version,
        }),
    }
}

/// The same on the calling thread: the result is written, then the best architecture is retrained.
/// No checkpoints are written.
pub(super) fn inline(
    experiment: &Arc<Experiment>,
    result: &mut SearchResult,
    device: &mut dyn Device,
    observer: &mut dyn Observer,
) -> Result<(), Error> {
    write(result, observer)?;
    let epochs = experiment.config().retrain.epochs;
    let Some(best) = result.top.first().filter(|_| epochs > 0) else {
        return Ok(());
    };
    let plan = RetrainPlan::last_phase(experiment, &best.genome)?;
    if plan.networks.is_empty() {
        return Ok(observer.event(plan.started(experiment))?);
    }
    let retraining = Retraining::planned(Arc::clone(experiment), plan);
    result.retrained = retraining.go(device, observer)?;
    Ok(())
}

/// Writes the result into the run folder, if there is one.
fn write(result: &SearchResult, observer: &dyn Observer) -> Result<(), Error> {
    let Some(folder) = observer.folder() else {
        return Ok(());
    };
    folder.sync()?;
    Ok(result.save(folder)?)
}
