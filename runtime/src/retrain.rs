//! Training from scratch what a search found: networks with weights of their own, beside random
//! architectures.
//!
//! A search ranks architectures by shared weights. What one of them is worth is known when it is
//! trained alone, on all that the search has seen, training and validation part together (Pham et
//! al. 2018, §3.2), and scored on the test part; and whether the search was worth its while, when
//! random architectures are trained alike (Li and Talwalkar 2019, §3).

mod average;
mod error;
mod plan;
mod saved;
#[cfg(test)]
mod tests;
mod training_run;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

pub use error::RetrainError;
use plan::Planned;
pub(crate) use plan::RetrainPlan;
pub(crate) use saved::Restored;
use serde_json::json;
use supernet_data::{Dataset, Splits};
use supernet_engine::device::Device;
use supernet_engine::device::spec::DeviceSpec;
use supernet_engine::program::Input;
use supernet_strategy::Score;
use training_run::TrainingRun;

use crate::config::Config;
use crate::events::{Command, Event, Record, StopWhen};
use crate::experiment::{Architecture, Experiment, op_check, same_data, same_space};
use crate::model::{Model, Provenance};
use crate::results::genome_file::genome_file;
use crate::results::{Retrained, Side, TrainedNetwork};
use crate::space::Spaces;
use crate::storage::{Folder, Observer, Recorded, Recorder, RunFolder, StorageError};
use crate::training::{Evaluator, TrainingError};

/// Networks that are trained one after the other.
///
/// ```no_run
/// use supernet::{Retraining, device::Cpu};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // What the run found, with twice the filters, three times, beside three random architectures.
/// let run = "runs/enas-macro-digits-1".as_ref();
/// let retraining = Retraining::of_run(run, &supernet::space::Spaces::linked(), &["space.filters=32"], 3, 3)?;
/// let trained = retraining.run(&mut Cpu::new(0)?, None, &mut |_| {}, &|| false)?;
/// println!("{}", trained.ok_or("it was stopped")?.sentence());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Retraining {
    experiment: Arc<Experiment>,
    /// Its training part is what networks are trained on.
    data: Arc<Splits>,
    plan: RetrainPlan,
    finished: Vec<TrainedNetwork>,
    current: Option<TrainingRun>,
    /// Whether it was told that it starts.
    begun: bool,
}

impl Retraining {
    /// An architecture of a search's space, `seeds` times, beside `random` random ones, on the
    /// search's data. How is said by `retrain`, `optimizer` and `train` of its settings, where
    /// `search.seed` is the first seed. The search itself is not run.
    ///
    /// # Errors
    /// If the genome is none of the space's, `retrain.epochs` is 0, or the space has no other
    /// architecture.
    pub fn new(
        experiment: Experiment,
        genome: &[u32],
        seeds: u32,
        random: u32,
    ) -> Result<Self, RetrainError> {
        if experiment.config().retrain.epochs == 0 {
            return Err(RetrainError::NoEpochs);
        }
        let supergraph = experiment.supergraph();
        supergraph.check(genome)?;
        if random > 0 && supergraph.genome_len() == 0 {
            return Err(RetrainError::NoOthers {
                space: supergraph.space().name.clone(),
            });
        }
        let plan = RetrainPlan::new(&experiment, genome, seeds, random)?;
        Ok(Self::planned(Arc::new(experiment), plan))
    }

    /// What the run at `run` found, in its space with other settings (KEY=VALUE): the architecture
    /// is carried over by the names of decisions and choices.
    ///
    /// # Errors
    /// If the run found nothing yet, its space is not there, its data are not what they were, a
    /// setting is wrong, or the space asks other decisions.
    pub fn of_run<S: AsRef<str>>(
        run: &Path,
        spaces: &Spaces,
        assignments: &[S],
        seeds: u32,
        random: u32,
    ) -> Result<Self, RetrainError> {
        let (config, earlier) = RunFolder::look(run)?;
        let found = run.join("best/genome.json");
        if !found.exists() {
            return Err(StorageError::Unfinished {
                path: run.to_owned(),
            }
            .into());
        }
        let architecture = Architecture::read(&found)?;
        let before = Config::read::<&str>(&config, &[])?;
        let config = Config::read(&config, assignments)?;
        let data = Dataset::named_as(&config.search.dataset, &config.text.reading())?;
        // Other data are asked for, or the same text read otherwise.
        let others = config.search.dataset != before.search.dataset
            || config.text.reading() != before.text.reading();
        let experiment = Experiment::again(spaces, data, config, earlier.as_ref())?;
        if !others {
            same_data(&experiment, run)?;
        }
        let space = assignments
            .iter()
            .filter_map(|setting| setting.as_ref().strip_prefix("space."));
        let genome = architecture.transfer_to(
            experiment.supergraph(),
            &space.map(str::to_owned).collect::<Vec<_>>(),
        )?;
        Self::new(experiment, &genome, seeds, random)
    }

    /// Networks as planned.
    pub(crate) fn planned(experiment: Arc<Experiment>, plan: RetrainPlan) -> Self {
        let data = Arc::new(experiment.parts().joined());
        Self {
            experiment,
            data,
            plan,
            finished: Vec::new(),
            current: None,
            begun: false,
        }
    }

    /// What it is set up with. Its settings are resolved.
    pub fn experiment(&self) -> &Experiment {
        &self.experiment
    }

    /// Tries the space's own ops where the networks will be trained, if it has any.
    ///
    /// # Errors
    /// If one does not do what the space says.
    pub fn try_ops(&self, on: &DeviceSpec) -> Result<(), RetrainError> {
        Ok(op_check::before(&self.experiment, Some(on))?)
    }

    /// A new folder for it, as a search's run has one: settings, events, result.
    ///
    /// # Errors
    /// If something is at `path`, or the system refuses.
    pub fn folder(&self, path: &Path) -> Result<RunFolder, RetrainError> {
        self.described(RunFolder::create(
            path,
            &self.experiment.config().to_toml()?,
        )?)
    }

    /// The same, in `parent`: the first of `name-1`, `name-2`, ... that does not exist.
    ///
    /// # Errors
    /// As [`Retraining::folder`].
    pub fn fresh_folder(&self, parent: &Path, name: &str) -> Result<RunFolder, RetrainError> {
        self.described(RunFolder::fresh(
            parent,
            name,
            &self.experiment.config().to_toml()?,
        )?)
    }

    fn described(&self, folder: RunFolder) -> Result<RunFolder, RetrainError> {
        folder.write_provenance(self.experiment.provenance())?;
        folder.write_profile(&self.experiment.profile())?;
        Ok(folder)
    }

    /// Goes on with what was stopped, by itself and not as the last phase of a search, in its
    /// folder.
    ///
    /// # Errors
    /// If there is nothing that could go on, or the space or the data are not the same.
    pub fn resume(path: &Path, spaces: &Spaces) -> Result<(Self, RunFolder), RetrainError> {
        let (mut folder, config) = RunFolder::open(path)?;
        let config = Config::read::<&str>(&config, &[])?;
        let earlier = folder.provenance()?;
        let data = Dataset::named_as(&config.search.dataset, &config.text.reading())?;
        let experiment = Experiment::again(spaces, data, config, earlier.as_ref());
        let experiment = Arc::new(same_space(experiment, earlier, path)?);
        same_data(&experiment, path)?;
        let (restored, damaged) = Self::read(path, &experiment, folder.end().bytes)?;
        let Some(Restored {
            retraining,
            log,
            events,
        }) = restored
        else {
            let reasons = if damaged.is_empty() {
                "there is none".to_owned()
            } else {
                damaged.join("; ")
            };
            return Err(StorageError::AllDamaged {
                path: path.to_owned(),
                reasons,
            }
            .into());
        };
        folder.rewind(log)?;
        folder.recorded = events;
        Ok((retraining, folder))
    }

    /// Trains the networks on the thread that calls. Every event goes to `listen`, and into the
    /// folder if there is one, which also receives states to go on from and the result. `stop` is
    /// asked between steps; if it says so, what was done is saved, and there is no result.
    ///
    /// # Errors
    /// If the device fails, or the folder cannot be written. A network that diverges is no error:
    /// it has no score.
    pub fn run(
        self,
        device: &mut dyn Device,
        folder: Option<&mut RunFolder>,
        listen: &mut dyn FnMut(&Record),
        stop: &dyn Fn() -> bool,
    ) -> Result<Option<Retrained>, RetrainError> {
        let (recorded, before) = folder
            .as_ref()
            .map_or((0, 0.0), |folder| (folder.recorded, folder.end().at));
        let hear = |record: &Record| {
            listen(record);
            Ok(())
        };
        let mut observer = Recorded {
            recorder: Recorder::new(folder.map(Folder::Borrowed), hear, recorded, before),
            commands: StopWhen(stop),
            saves: true,
        };
        if self.begun {
            observer.incident(Event::Resumed {
                steps: self.steps(),
            })?;
        }
        self.go(device, &mut observer)
    }

    /// Steps done, over all networks.
    fn steps(&self) -> u64 {
        let current = self
            .current
            .as_ref()
            .map_or(0, |network| u64::from(network.done()));
        let whole = u64::from(self.experiment.config().retrain.epochs)
            * u64::from(plan::steps(&self.experiment));
        self.finished.len() as u64 * whole + current
    }

    /// Says that it starts, unless it has.
    pub(crate) fn announce(&mut self, observer: &mut dyn Observer) -> Result<(), StorageError> {
        if !self.begun {
            observer.event(self.plan.started(&self.experiment))?;
            self.begun = true;
        }
        Ok(())
    }

    /// Whether there is no network to be trained.
    pub(crate) fn is_empty(&self) -> bool {
        self.plan.networks.is_empty()
    }

    /// Trains what is left to be trained; none if it was stopped.
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
                if self.rests(command, observer)? {
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
            // How often it is saved changes no result.
            if saved.elapsed().as_secs_f64() >= 60.0 * minutes {
                self.save(device, observer)?;
                saved = Instant::now();
            }
        }
        let test = self.finalize(planned, device, observer)?;
        self.trained(planned, train, Some(test)).map(Some)
    }

    /// Whether it ends now, after it was saved.
    fn rests(&self, command: Command, observer: &mut dyn Observer) -> Result<bool, RetrainError> {
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

    /// The end of a network: frozen, it is scored on the test part; the first one with the
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
            // A language model is not kept. One that normalises is tested with the statistics of
            // the minibatch, as in a search.
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
        let tested = model.evaluate_parts(device, data, &[&data.test])?;
        // Which one is kept does not depend on how it does. One that is there was written before a
        // failure, alike.
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

    /// Writes down which architecture it is, unless the search did.
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
