//! What retraining and selection share: they train one network after the other, and can be paused,
//! stopped and saved between any two steps.

use std::time::Instant;

use supernet_engine::device::Device;
use supernet_strategy::Score;

use super::RetrainError;
use super::training_run::{Passed, TrainingRun};
use crate::events::{Command, Event};
use crate::experiment::Experiment;
use crate::storage::{Observer, StorageError};
use crate::training::TrainingError;

/// How a training ended.
pub(crate) enum Trained {
    /// All passes are done; with the means over the last one, unless it was done before the phase
    /// was resumed.
    Through(Option<Score>),
    /// Its loss was no longer a number.
    Diverged,
    /// The application stopped it; its state is saved.
    Stopped,
}

/// A phase that trains one network after the other.
pub(crate) trait Phase {
    fn experiment(&self) -> &Experiment;
    /// The network in training.
    fn current(&mut self) -> &mut Option<TrainingRun>;
    /// Steps done, over all networks.
    fn steps(&self) -> u64;
    /// Saves the state at this point.
    fn save(
        &mut self,
        device: &mut dyn Device,
        observer: &mut dyn Observer,
    ) -> Result<(), RetrainError>;
    /// A pass of the current network has ended.
    fn passed(&self, passed: Passed, observer: &mut dyn Observer) -> Result<(), StorageError>;

    /// Trains `network`, the current one, to its end.
    fn train(
        &mut self,
        network: TrainingRun,
        device: &mut dyn Device,
        observer: &mut dyn Observer,
    ) -> Result<Trained, RetrainError> {
        network.reserve(self.experiment(), device)?;
        *self.current() = Some(network);
        let minutes = self.experiment().config().checkpoint.minutes;
        let (mut saved, mut train) = (Instant::now(), None);
        loop {
            let unfinished = |network: &TrainingRun| !network.is_through();
            if !self.current().as_ref().is_some_and(unfinished) {
                return Ok(Trained::Through(train));
            }
            let command = observer.command();
            if command != Command::Run {
                self.save(device, observer)?;
                if quiesced(self.steps(), command, observer)? {
                    return Ok(Trained::Stopped);
                }
                continue;
            }
            let Some(network) = self.current() else {
                return Ok(Trained::Through(train));
            };
            match network.step(device) {
                Err(error @ TrainingError::Diverged { .. }) => {
                    observer.event(Event::SetAside {
                        genome: network.genome().to_vec(),
                        reason: error.to_string(),
                    })?;
                    device.forget();
                    return Ok(Trained::Diverged);
                }
                Err(error) => return Err(error.into()),
                Ok(None) => {}
                Ok(Some(passed)) => {
                    train = Some(passed.score);
                    self.passed(passed, observer)?;
                }
            }
            // The checkpoint interval does not affect the result.
            if saved.elapsed().as_secs_f64() >= 60.0 * minutes {
                self.save(device, observer)?;
                saved = Instant::now();
            }
        }
    }
}

/// Handles a pause or a stop after saving; returns whether to stop.
fn quiesced(
    steps: u64,
    command: Command,
    observer: &mut dyn Observer,
) -> Result<bool, StorageError> {
    let command = match command {
        Command::Pause => {
            observer.incident(Event::Paused)?;
            observer.wait_while_paused()
        }
        command => command,
    };
    if command == Command::Stop {
        observer.incident(Event::Stopped { steps })?;
        return Ok(true);
    }
    observer.incident(Event::Resumed { steps })?;
    Ok(false)
}
