//! A search on the thread that asks for it: every job is done where it is handed out.

use std::collections::VecDeque;
use std::sync::Arc;

use super::course::{Course, Labour, Limits, Next};
use super::{Found, Search, SearchError};
use crate::device::Device;
use crate::event::Event;
use crate::train::StageError;

impl Search {
    /// Explore, then judge: the whole loop.
    pub(super) fn stages(
        self: Arc<Self>,
        device: &mut dyn Device,
        log: &mut dyn FnMut(Event) -> Result<(), SearchError>,
    ) -> Result<Found, SearchError> {
        let limits = Limits {
            room: device.depth() + 1,
            crowd: 1,
            piece: usize::MAX,
        };
        let mut course = Course::new(Arc::clone(&self), limits)?;
        let (mut weights, mut trainer, mut evaluator) =
            (self.weights(), self.trainer(), self.evaluator());
        let mut started = VecDeque::new();
        loop {
            let next = course.next();
            course.told().try_for_each(|(_, event)| log(event))?;
            // Training steps beyond this many are finished now.
            let mut most = device.depth() - 1;
            match next? {
                Next::Await { .. } => most = 0,
                Next::Found(finding) => {
                    device.fetch(&mut weights).map_err(StageError::from)?;
                    return Ok(self.found(*finding, weights));
                }
                Next::Job(job) => {
                    let (place, weights) = (job.place, &mut weights);
                    match job.work {
                        Labour::Train { genome, epoch } => {
                            trainer.start(device, weights, &genome, epoch)?;
                            started.push_back(place);
                        }
                        // Nothing is ever set aside here: what ruins the weights ends the search.
                        Labour::Skip => trainer.skip(),
                        work => course.arrive(place, evaluator.answers(device, weights, &work)?),
                    }
                }
            }
            while started.len() > most {
                let score = trainer.finish(device)?;
                started
                    .pop_front()
                    .into_iter()
                    .for_each(|place| course.arrive(place, vec![Ok(score)]));
            }
        }
    }
}
