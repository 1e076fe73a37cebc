//! Retraining as the last phase of a search, after its actors, on its own thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::follow::{Follow, Supervised};
use super::{Plan, Retraining};
use crate::device::Device;
use crate::run::{Ended, Outcome};
use crate::search::{Found, Search, SearchError};
use crate::train::StageError;

/// Makes a device.
type Make<'a> = &'a dyn Fn() -> Result<Box<dyn Device>, crate::device::DeviceError>;

/// What follows after a search has found something: the result is written, then what was found is retrained, from
/// `earlier` on if it was begun already.
pub(crate) fn last_phase(
    search: &Arc<Search>,
    found: Arc<Found>,
    earlier: Option<Retraining>,
    make: Make<'_>,
    mut follow: Supervised,
) -> Outcome {
    let found = Arc::unwrap_or_clone(found);
    let phase = || retrained(search, found, earlier, make, &mut follow);
    // There is nobody left to notice a panic.
    let ended = catch_unwind(AssertUnwindSafe(phase)).unwrap_or_else(|panic| {
        let words = panic
            .downcast_ref::<&str>()
            .map(|words| (*words).to_owned());
        let words = words.or_else(|| panic.downcast_ref::<String>().cloned());
        let reason = format!(
            "a panic: {}",
            words.unwrap_or_else(|| "without words".to_owned())
        );
        Err(SearchError::Part {
            part: "retraining".to_owned(),
            reason,
            failures: 1,
        })
    });
    ended.map_err(Arc::new)
}

fn retrained(
    search: &Arc<Search>,
    mut found: Found,
    earlier: Option<Retraining>,
    make: Make<'_>,
    follow: &mut Supervised,
) -> Result<Ended, SearchError> {
    let retraining = match (earlier, found.top.first()) {
        (Some(earlier), _) => Some(earlier),
        (None, Some(best)) if search.config().retrain.epochs > 0 => Some(Retraining::planned(
            Arc::clone(search),
            Plan::last_phase(search, &best.genome)?,
        )),
        _ => None,
    };
    let Some(mut retraining) = retraining else {
        follow.recorder.finish(&found)?;
        return Ok(Ended::Found(Arc::new(found)));
    };
    if !retraining.begun {
        follow.tell(retraining.plan.started(search))?;
        retraining.begun = true;
    }
    if retraining.plan.networks.is_empty() {
        follow.recorder.finish(&found)?;
        return Ok(Ended::Found(Arc::new(found)));
    }
    let mut device = make().map_err(StageError::from)?;
    // A state of the retraining comes before the result: a folder with a result and without such a state is finished.
    retraining.save(&mut *device, follow)?;
    follow.recorder.finish(&found)?;
    match retraining.go(&mut *device, follow)? {
        Some(retrained) => found.retrained = Some(retrained),
        None => {
            return Ok(Ended::Stopped {
                steps: found.weights.version,
            });
        }
    }
    Ok(Ended::Found(Arc::new(found)))
}

impl Search {
    /// The same on the thread that calls: what was found is written, then retrained. States are not saved.
    pub(crate) fn last_phase(
        self: &Arc<Self>,
        found: &mut Found,
        device: &mut dyn Device,
        follow: &mut dyn Follow,
    ) -> Result<(), SearchError> {
        if let Some(folder) = follow.folder() {
            folder.sync()?;
            found.save(folder)?;
        }
        let Some(best) = found
            .top
            .first()
            .filter(|_| self.config().retrain.epochs > 0)
        else {
            return Ok(());
        };
        let plan = Plan::last_phase(self, &best.genome)?;
        if plan.networks.is_empty() {
            return follow.tell(plan.started(self));
        }
        found.retrained = Retraining::planned(Arc::clone(self), plan).go(device, follow)?;
        Ok(())
    }
}
