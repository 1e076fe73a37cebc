//! The last phase of a search: selection among its candidates, then retraining of the best.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use supernet_engine::device::{Device, DeviceError};

use super::handle::{RunOutcome, RunResult};
use crate::config::StrategyName;
use crate::error::Error;
use crate::experiment::Experiment;
use crate::results::format::panic_message;
use crate::results::{Retrained, Selection};
use crate::retrain::{Phase, RetrainPlan, Retraining, SelectionRun, SelectionStart, write_front};
use crate::search::SearchResult;
use crate::storage::Observer;

/// Creates a device.
type Make<'a> = &'a dyn Fn() -> Result<Box<dyn Device>, DeviceError>;

/// Where the last phase of a search begins or continues.
pub(super) enum LastPhase {
    /// It has not begun.
    Ahead,
    /// It has not begun, and selects nothing: the application's own evaluator may score other
    /// things than the validation loss.
    AheadWithoutSelection,
    Selection(Box<SelectionRun>),
    Retraining(Box<Retraining>),
}

/// The phase after the actors have ended with a result, on the search's own thread: the result is
/// written, then the best architecture is selected and retrained, continuing from `earlier`.
pub(super) fn supervised(
    experiment: &Arc<Experiment>,
    result: Arc<SearchResult>,
    earlier: LastPhase,
    make: Make<'_>,
    observer: &mut dyn Observer,
) -> RunResult {
    let result = Arc::unwrap_or_clone(result);
    let phase = || finished(experiment, result, earlier, make, observer);
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

fn finished(
    experiment: &Arc<Experiment>,
    mut result: SearchResult,
    earlier: LastPhase,
    make: Make<'_>,
    observer: &mut dyn Observer,
) -> Result<RunOutcome, Error> {
    let stopped = Ok(RunOutcome::Stopped {
        steps: result.weights.version,
    });
    let mut device = None;
    let retraining = match earlier {
        LastPhase::Retraining(retraining) => {
            if let Some(folder) = observer.folder()
                && result.selection.is_none()
                && let Some(selection) = SelectionRun::result_in(folder)?
            {
                select(experiment, &mut result, selection);
            }
            Some(*retraining)
        }
        LastPhase::AheadWithoutSelection => retraining(experiment, &result)?,
        LastPhase::Ahead | LastPhase::Selection(_) => {
            let selection = match earlier {
                LastPhase::Selection(run) => Some(run),
                _ => selection(experiment, &result, observer)?,
            };
            if let Some(mut run) = selection {
                run.announce(observer)?;
                let device = &mut **device.insert(make()?);
                // A folder with a result and without a checkpoint of this phase counts as finished.
                run.save(device, observer)?;
                write(&result, observer)?;
                let Some(selection) = run.go(device, observer)? else {
                    return stopped;
                };
                select(experiment, &mut result, selection);
            }
            retraining(experiment, &result)?
        }
    };
    if let Some(mut retraining) = retraining {
        retraining.announce(observer)?;
        if !retraining.is_empty() {
            let device = &mut **match &mut device {
                Some(device) => device,
                none => none.insert(make()?),
            };
            // Likewise.
            retraining.save(device, observer)?;
            write(&result, observer)?;
            let Some(retrained) = retraining.go(device, observer)? else {
                return stopped;
            };
            add_retrained(experiment, &mut result, retrained);
            return Ok(RunOutcome::Completed(Arc::new(result)));
        }
    }
    write(&result, observer)?;
    Ok(RunOutcome::Completed(Arc::new(result)))
}

/// The same on the calling thread. No checkpoints are written.
pub(super) fn inline(
    experiment: &Arc<Experiment>,
    result: &mut SearchResult,
    device: &mut dyn Device,
    observer: &mut dyn Observer,
) -> Result<(), Error> {
    write(result, observer)?;
    if let Some(mut run) = selection(experiment, result, observer)? {
        run.announce(observer)?;
        if let Some(selection) = run.go(device, observer)? {
            select(experiment, result, selection);
        }
        write(result, observer)?;
    }
    if let Some(mut retraining) = retraining(experiment, result)? {
        retraining.announce(observer)?;
        if !retraining.is_empty()
            && let Some(retrained) = retraining.go(device, observer)?
        {
            add_retrained(experiment, result, retrained);
        }
    }
    Ok(())
}

/// Adds a selection to the result.
fn select(experiment: &Experiment, result: &mut SearchResult, selection: Selection) {
    let ledger = SelectionRun::ledger(experiment, &selection);
    result.ledger.add(ledger);
    result.select(selection);
}

/// Adds what retraining gave to the result.
fn add_retrained(experiment: &Experiment, result: &mut SearchResult, retrained: Retrained) {
    let ledger = Retraining::ledger(experiment, &retrained);
    result.ledger.add(ledger);
    result.retrained = Some(retrained);
}

/// The selection among the scored architectures, if there is one; a warning if it is skipped.
fn selection(
    experiment: &Arc<Experiment>,
    result: &SearchResult,
    observer: &mut dyn Observer,
) -> Result<Option<Box<SelectionRun>>, Error> {
    if experiment.config().search.strategy == StrategyName::Halving {
        return Ok(Some(Box::new(SelectionRun::of_prior(experiment)?)));
    }
    let Some(best) = result.top.first() else {
        return Ok(None);
    };
    match SelectionRun::of_search(experiment, &result.scored, best, result.ledger.total())? {
        SelectionStart::Off => Ok(None),
        SelectionStart::Skipped(reason) => {
            observer.event(SelectionRun::skipped(reason))?;
            Ok(None)
        }
        SelectionStart::Run(run) => Ok(Some(run)),
    }
}

/// The retraining of the best architecture, unless it is disabled.
fn retraining(
    experiment: &Arc<Experiment>,
    result: &SearchResult,
) -> Result<Option<Retraining>, Error> {
    let settings = experiment.config().retrain;
    let Some(best) = result
        .best()
        .filter(|_| settings.epochs > 0 && settings.budget > 0.0)
    else {
        return Ok(None);
    };
    let mut genomes = vec![best.genome.clone()];
    let selected = result.selection.iter().flat_map(|of| of.top.iter().skip(1));
    genomes.extend(selected.map(|runner_up| runner_up.genome.clone()));
    let plan = RetrainPlan::last_phase(experiment, &genomes, result.selection.as_ref())?;
    Ok(Some(Retraining::planned(Arc::clone(experiment), plan)))
}

/// Writes the result into the run folder, if there is one. After a selection, its saved states are
/// no longer needed.
fn write(result: &SearchResult, observer: &dyn Observer) -> Result<(), Error> {
    let Some(folder) = observer.folder() else {
        return Ok(());
    };
    folder.sync()?;
    result.save(folder)?;
    // Retraining replaces it with a front of its own networks.
    if let Some(front) = result.front() {
        write_front(folder, &result.supergraph, &front)?;
    }
    if result.selection.is_some() {
        SelectionRun::forget(folder.path())?;
    }
    Ok(())
}
