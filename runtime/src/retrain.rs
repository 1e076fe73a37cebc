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
mod training_loop;
mod training_run;

use std::path::Path;
use std::sync::Arc;

pub use error::RetrainError;
pub(crate) use plan::RetrainPlan;
pub(crate) use saved::Restored;
use supernet_data::{Dataset, Splits};
use supernet_engine::device::Device;
use supernet_engine::device::spec::DeviceSpec;
use training_run::TrainingRun;

use crate::config::Config;
use crate::events::{Event, Record, StopWhen};
use crate::experiment::{Architecture, Experiment, op_check, same_data, same_space};
use crate::results::{Retrained, TrainedNetwork};
use crate::space::Spaces;
use crate::storage::{Folder, Observer, Recorded, Recorder, RunFolder, StorageError};

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
}
