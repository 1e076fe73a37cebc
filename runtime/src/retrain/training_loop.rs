//! The loop that trains, tests and saves the planned networks, one after the other.

use std::time::Instant;

use serde_json::json;
use supernet_engine::device::Device;
use supernet_engine::program::Input;
use supernet_strategy::Score;

use super::plan::{self, Planned};
use super::training_run::{self, TrainingRun};
use super::{RetrainError, Retraining};
use crate::events::{Command, Event};
use crate::model::{Model, Provenance};
use crate::results::genome_file::genome_file;
use crate::results::{Retrained, Side, TrainedNetwork};
use crate::storage::{Observer, StorageError};
use crate::training::{Evaluator, TrainingError};

impl Retraining {
    /// Steps done, over all networks.
    pub(super) fn steps(&self) -> u64 {
        let current = self
            .current
            .as_ref()
            .map_or(0, |network| u64::from(network.done()));
        let whole = u64::from(self.experiment.config().retrain.epochs)
            * u64::from(plan::steps(&self.experiment));
        self.finished.len() as u64 * whole + current
    }

    /// Records the start event, unless it was recorded before.
    pub(crate) fn announce(&mut self, observer: &mut dyn Observer) -> Result<(), StorageError> {
        if !self.begun {
            observer.event(self.plan.started(&self.experiment))?;
            self.begun = true;
        }
        Ok(())
    }

    /// Whether there is no network to train.
    pub(crate) fn is_empty(&self) -> bool {
        self.plan.networks.is_empty()
    }

    /// Trains the remaining networks; none if it was stopped.
    pub(crate) fn go(
        mut self,
        device: &mut dyn Device,
        observer: &mut dyn Observer,
    ) -> Result<Option<Retrained>, RetrainError> {
        if !self.begun {
            self.announce(observer)?;
            self.save(device, observer)?;
            self.name(observer)?;
        }
        while let Some(planned) = self.plan.networks.get(self.finished.len()).cloned() {
            match self.train(&planned, device, observer)? {
                Some(trained) => {
                    let network = self.finished.len() as u32;
                    observer.event(Event::Retrained {
                        network,
                        trained: trained.clone(),
                    })?;
                    self.finished.push(trained);
                    self.current = None;
                    self.save(device, observer)?;
                }
                None => return Ok(None),
            }
        }
        let retrained = Retrained::new(
            self.experiment.config().retrain.epochs,
            self.finished,
            self.experiment.task().metric,
        );
        let (comparison, summary) = (retrained.comparison, retrained.summary());
        observer.event(Event::RetrainCompared {
            comparison,
            summary,
        })?;
        if let Some(folder) = observer.folder() {
            folder.sync()?;
            folder.write_json("best/retrained.json", &retrained)?;
            Self::forget(folder.path())?;
        }
        Ok(Some(retrained))
    }

    /// Trains one network to its end; none if it was stopped.
    fn train(
        &mut self,
        planned: &Planned,
        device: &mut dyn Device,
        observer: &mut dyn Observer,
    ) -> Result<Option<TrainedNetwork>, RetrainError> {
        let network = match self.current.take() {
            Some(network) => network,
            None => TrainingRun::new(&self.experiment, &self.data, planned)?,
        };
        network.reserve(&self.experiment, device)?;
        self.current = Some(network);
        let minutes = self.experiment.config().checkpoint.minutes;
        let (mut saved, mut train) = (Instant::now(), None);
        while let Some(network) = self
            .current
            .as_mut()
            .filter(|network| !network.is_through())
        {
            let command = observer.command();
            if command != Command::Run {
                self.save(device, observer)?;
                if self.quiesced(command, observer)? {
                    return Ok(None);
                }
                continue;
            }
            match network.step(device) {
                Err(error @ TrainingError::Diverged { .. }) => {
                    observer.event(Event::SetAside {
                        genome: planned.genome.clone(),
                        reason: error.to_string(),
                    })?;
                    device.forget();
                    return self.trained(planned, None, None).map(Some);
                }
                Err(error) => return Err(error.into()),
                Ok(None) => {}
                Ok(Some(passed)) => {
                    train = Some(passed.score);
                    let (network, seed) = (self.finished.len() as u32, planned.seed);
                    let training_run::Passed { epoch, rate, score } = passed;
                    observer.event(Event::RetrainEpoch {
                        network,
                        side: planned.side,
                        seed,
                        epoch,
                        rate,
                        score,
                    })?;
                }
            }
            // The checkpoint interval does not affect the result.
            if saved.elapsed().as_secs_f64() >= 60.0 * minutes {
                self.save(device, observer)?;
                saved = Instant::now();
            }
        }
        let test = self.finalize(planned, device, observer)?;
        self.trained(planned, train, Some(test)).map(Some)
    }

    /// Handles a pause or a stop after saving; returns whether to stop.
    fn quiesced(
        &self,
        command: Command,
        observer: &mut dyn Observer,
    ) -> Result<bool, RetrainError> {
        let steps = self.steps();
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

    /// Finalises a network: it is frozen and scored on the test split. The first network with the
    /// architecture that was found is kept.
    fn finalize(
        &mut self,
        planned: &Planned,
        device: &mut dyn Device,
        observer: &mut dyn Observer,
    ) -> Result<Score, RetrainError> {
        let Some(network) = &mut self.current else {
            return Ok(Score::WORST);
        };
        network.finalize(device)?;
        let (config, data) = (self.experiment.config(), &self.data);
        if let Input::Tokens(_) = network.task.input {
            // A language model is not kept. One with batch normalisation is tested with the
            // statistics of the minibatch, as in a search.
            let mut evaluator =
                Evaluator::new(network.task.clone(), config.score.batch, planned.seed);
            return Ok(evaluator.test(device, &network.weights, &planned.genome)?);
        }
        let training = json!({ "retrain": config.retrain, "optimizer": config.optimizer, "seed": planned.seed });
        let (name, fingerprint) = (config.search.dataset.clone(), None);
        let provenance = Provenance {
            data: name,
            fingerprint,
            split: config.split(),
            training,
        };
        let (task, batch) = (&network.task, config.train.batch);
        let model = Model::freeze(
            task,
            &planned.genome,
            &mut network.weights,
            device,
            batch,
            provenance,
        )?;
        let tested = model.evaluate_subsets(device, data, &[&data.test])?;
        // The choice of the network to keep does not depend on its score. An existing model was
        // written before a failure, and is identical.
        if let Some(folder) = observer
            .folder()
            .filter(|_| self.finished.is_empty() && planned.side == Side::Found)
        {
            let place = folder.path().join("best/model");
            if !place.exists() {
                let profile = self.experiment.profile();
                model
                    .called(&profile.class_names)?
                    .trained_on(profile.fingerprint)
                    .save(&place)?;
            }
        }
        Ok(Score {
            reward: tested.accuracy as f32,
            loss: tested.loss as f32,
        })
    }

    fn trained(
        &self,
        planned: &Planned,
        train: Option<Score>,
        test: Option<Score>,
    ) -> Result<TrainedNetwork, RetrainError> {
        let (supergraph, Planned { side, genome, seed }) =
            (self.experiment.supergraph(), planned.clone());
        let parameters = supergraph.count(&genome, supernet_plugin::Count::Live)?;
        let macs = supergraph.macs(&genome)?;
        Ok(TrainedNetwork {
            side,
            genome,
            seed,
            parameters,
            macs,
            train,
            test,
        })
    }

    /// Writes the genome file, unless the search did.
    fn name(&self, observer: &mut dyn Observer) -> Result<(), RetrainError> {
        let found = self
            .plan
            .networks
            .iter()
            .find(|planned| planned.side == Side::Found);
        if let (Some(folder), Some(planned)) = (observer.folder(), found)
            && !folder.path().join("best/genome.json").exists()
        {
            folder.write_json(
                "best/genome.json",
                &genome_file(self.experiment.supergraph(), &planned.genome, None)?,
            )?;
        }
        Ok(())
    }

    pub(crate) fn save(
        &mut self,
        device: &mut dyn Device,
        observer: &mut dyn Observer,
    ) -> Result<(), RetrainError> {
        let Some((folder, log, events)) = observer.save_point()? else {
            return Ok(());
        };
        let path = folder.path().to_owned();
        self.write(&path, log, events, device)?;
        let steps = self.steps();
        Ok(observer.incident(Event::Saved { steps })?)
    }
}
