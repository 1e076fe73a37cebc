//! The loop that trains, tests and saves the planned networks, one after the other.

use serde_json::json;
use supernet_engine::device::Device;
use supernet_engine::program::Input;
use supernet_plugin::Supergraph;
use supernet_strategy::Score;

use super::phase::{Phase, Trained};
use super::plan::{self, Planned};
use super::training_run::{Passed, TrainingRun};
use super::{RetrainError, Retraining};
use crate::events::Event;
use crate::experiment::Experiment;
use crate::model::{Model, Provenance};
use crate::results::genome_file::genome_file;
use crate::results::{Front, Ledger, Retrained, Side, TrainedNetwork};
use crate::storage::{Observer, RunFolder, StorageError};
use crate::training::Evaluator;

impl Retraining {
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
            match self.network(&planned, device, observer)? {
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
            self.plan.affordable,
            self.experiment.task().metric,
        );
        let (comparison, summary) = (retrained.comparison, retrained.summary());
        observer.event(Event::RetrainCompared {
            comparison,
            summary,
        })?;
        let ledger = Self::ledger(&self.experiment, &retrained);
        observer.event(Event::Ledger {
            ledger,
            summary: ledger.summary(),
        })?;
        if let Some(folder) = observer.folder() {
            folder.sync()?;
            folder.write_json("best/retrained.json", &retrained)?;
            let metric = retrained.comparison.metric;
            if let Some(front) = Front::new(Some(&retrained), None, metric) {
                write_front(folder, self.experiment.supergraph(), &front)?;
            }
            Self::forget(folder.path())?;
        }
        Ok(Some(retrained))
    }

    /// What these trainings and their tests computed.
    pub(crate) fn ledger(experiment: &Experiment, retrained: &Retrained) -> Ledger {
        let test = experiment.parts().test.len() as f64;
        let each = plan::cost(experiment) + test;
        let macs = retrained.networks.iter().map(|of| of.macs as f64);
        Ledger {
            retraining: macs.sum::<f64>() * each,
            ..Ledger::default()
        }
    }

    /// Trains one network to its end; none if it was stopped.
    fn network(
        &mut self,
        planned: &Planned,
        device: &mut dyn Device,
        observer: &mut dyn Observer,
    ) -> Result<Option<TrainedNetwork>, RetrainError> {
        let network = match self.current.take() {
            Some(network) => network,
            None => {
                let epochs = self.experiment.config().retrain.epochs;
                TrainingRun::new(&self.experiment, &self.data, planned.training(epochs))?
            }
        };
        match self.train(network, device, observer)? {
            Trained::Stopped => Ok(None),
            Trained::Diverged => self.trained(planned, None, None).map(Some),
            Trained::Through(train) => {
                let test = self.finalize(planned, device, observer)?;
                self.trained(planned, train, Some(test)).map(Some)
            }
        }
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
}

/// Writes `best/front.json` and the architecture of its knee, `best/knee.json`.
///
/// # Errors
/// If the file system fails.
pub(crate) fn write_front(
    folder: &RunFolder,
    supergraph: &Supergraph,
    front: &Front,
) -> Result<(), RetrainError> {
    folder.write_json("best/front.json", front)?;
    if let Some(knee) = front.points.get(front.knee) {
        folder.write_json(
            "best/knee.json",
            &genome_file(supergraph, &knee.genome, None)?,
        )?;
    }
    Ok(())
}

impl Phase for Retraining {
    fn experiment(&self) -> &Experiment {
        &self.experiment
    }

    fn current(&mut self) -> &mut Option<TrainingRun> {
        &mut self.current
    }

    fn steps(&self) -> u64 {
        let current = self
            .current
            .as_ref()
            .map_or(0, |network| u64::from(network.done()));
        let whole = u64::from(self.experiment.config().retrain.epochs)
            * u64::from(plan::steps(&self.experiment));
        self.finished.len() as u64 * whole + current
    }

    fn save(
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

    fn passed(&self, passed: Passed, observer: &mut dyn Observer) -> Result<(), StorageError> {
        let network = self.finished.len();
        let Some(planned) = self.plan.networks.get(network) else {
            return Ok(());
        };
        let Passed { epoch, rate, score } = passed;
        observer.event(Event::RetrainEpoch {
            network: network as u32,
            side: planned.side,
            seed: planned.seed,
            epoch,
            rate,
            score,
        })
    }
}
