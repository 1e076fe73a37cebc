//! A search on the calling thread: every job runs where it is handed out.

use std::collections::VecDeque;
use std::sync::Arc;

use supernet_engine::device::Device;

use super::last_phase;
use crate::error::Error;
use crate::events::{Event, Record, StopWhen};
use crate::experiment::Experiment;
use crate::retrain::{SelectionRun, Training, train_alone};
use crate::search::{Concurrency, Next, Scheduler, SearchResult};
use crate::storage::{Folder, Observer, Recorded, Recorder, RunFolder, StorageError};
use crate::training::{Job, JobKind, TrainingError};

impl Experiment {
    /// Runs the search to its end on the calling thread. Every event is passed to `listen`, and
    /// written to the folder if there is one, which also receives the result. The last
    /// phase is a selection among the candidates (`selection.share`) and
    /// [`Retraining`](crate::Retraining), unless `retrain.epochs` is 0 or they would cost too much
    /// (`retrain.budget`). No checkpoints are written, and a failure ends the search:
    /// [`Search::builder`](crate::Search::builder) offers more. The results are the same.
    ///
    /// # Errors
    /// If training diverges, the device fails, or the folder cannot be written.
    pub fn run(
        mut self,
        device: &mut dyn Device,
        folder: Option<&mut RunFolder>,
        listen: &mut dyn FnMut(&Record),
    ) -> Result<SearchResult, Error> {
        self.reserve(device)?;
        let experiment = Arc::new(self);
        SelectionRun::check(&experiment)?;
        if let Some(folder) = &folder {
            folder.write_provenance(experiment.provenance())?;
            folder.write_profile(&experiment.profile())?;
        }
        let hear = |record: &Record| {
            listen(record);
            Ok(())
        };
        let mut observer = Recorded {
            recorder: Recorder::new(folder.map(Folder::Borrowed), hear, 0, 0.0),
            commands: StopWhen(&|| false),
            saves: false,
        };
        let mut emit = |event| observer.event(event);
        let mut result = explore(&experiment, device, &mut emit)?;
        last_phase::inline(&experiment, &mut result, device, &mut observer)?;
        Ok(result)
    }
}

/// The whole search except for retraining.
fn explore(
    experiment: &Arc<Experiment>,
    device: &mut dyn Device,
    emit: &mut dyn FnMut(Event) -> Result<(), StorageError>,
) -> Result<SearchResult, Error> {
    let concurrency = Concurrency {
        train_in_flight: device.depth() + 1,
        score_in_flight: 1,
        alone_in_flight: 1,
        chunk: usize::MAX,
    };
    let mut scheduler = Scheduler::new(Arc::clone(experiment), concurrency)?;
    let mut weights = experiment.weights();
    let (mut trainer, mut evaluator) = (experiment.trainer(), experiment.evaluator());
    let mut started = VecDeque::new();
    loop {
        let next = scheduler.next();
        scheduler
            .drain_events()
            .try_for_each(|(_, event)| emit(event))?;
        // Training steps beyond this number are finished now.
        let mut most = device.depth() - 1;
        match next? {
            Next::Wait { .. } => most = 0,
            Next::Finished(outcome) => {
                device.fetch(&mut weights).map_err(TrainingError::from)?;
                return Ok(SearchResult::new(experiment, *outcome, weights));
            }
            Next::Job(Job { id, kind }) => match kind {
                JobKind::Train { paths, epoch } => {
                    trainer.start(device, &mut weights, &paths, epoch)?;
                    started.push_back(id);
                }
                JobKind::Step { passes, epoch } => {
                    while let Some(id) = started.pop_front() {
                        let score = trainer.finish(device)?;
                        scheduler.complete(id, vec![Ok(score)]);
                    }
                    let outcome = trainer.passes(device, &mut weights, &passes, epoch)?;
                    scheduler.complete_step(id, outcome);
                }
                JobKind::Alone {
                    genome,
                    epochs,
                    seed,
                } => {
                    while let Some(id) = started.pop_front() {
                        let score = trainer.finish(device)?;
                        scheduler.complete(id, vec![Ok(score)]);
                    }
                    // The device gives their place to the network.
                    device.fetch(&mut weights).map_err(TrainingError::from)?;
                    let training = Training {
                        genome: &genome,
                        epochs,
                        seed,
                    };
                    let result = train_alone(experiment, training, device, &mut || true)?;
                    scheduler.complete(id, result.into_iter().collect());
                }
                // Nothing is ever skipped here: a step that corrupts the weights ends the search.
                JobKind::Skip => trainer.skip(),
                kind => scheduler.complete(id, evaluator.results(device, &weights, &kind)?),
            },
        }
        while started.len() > most {
            let score = trainer.finish(device)?;
            if let Some(id) = started.pop_front() {
                scheduler.complete(id, vec![Ok(score)]);
            }
        }
    }
}
