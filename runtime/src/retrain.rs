//! Training from scratch of a search's best architecture, next to random architectures.
//!
//! A search ranks architectures by shared weights. The quality of an architecture is known when it
//! is trained alone, on all data that the search has seen, which are the training and validation
//! splits together (Pham et al. 2018, §3.2), and scored on the test split. Whether the search was
//! worth its cost is known when random architectures are trained in the same way (Li and Talwalkar
//! 2019, §3).

mod alone;
mod average;
mod error;
mod network_file;
mod opponents;
mod phase;
mod plan;
mod saved;
mod selection;
#[cfg(test)]
mod tests;
mod time_budget;
mod training_loop;
mod training_run;

use std::path::Path;
use std::sync::Arc;

pub(crate) use alone::train_alone;
pub use error::RetrainError;
pub(crate) use phase::Phase;
pub(crate) use plan::RetrainPlan;
pub(crate) use saved::Restored;
pub(crate) use selection::{SelectionRun, SelectionStart};
use supernet_data::{Dataset, Splits};
use supernet_engine::device::Device;
use supernet_engine::device::spec::DeviceSpec;
pub(crate) use training_loop::write_front;
pub(crate) use training_run::Training;
use training_run::TrainingRun;

use crate::config::Config;
use crate::events::{Event, Record, StopWhen};
use crate::experiment::{Architecture, Experiment, data_of, op_check, same_data, same_space};
use crate::results::{Retrained, TrainedNetwork};
use crate::space::Spaces;
use crate::storage::{Folder, Observer, Recorded, Recorder, RunFolder, StorageError};

/// A sequence of networks that are trained from scratch.
///
/// ```no_run
/// use supernet::{Retraining, device::Cpu, space::Spaces};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // The result of the run with twice the filters, three times, next to three random ones.
/// let run = "runs/enas-macro-digits-1".as_ref();
/// let settings = ["space.filters=32"];
/// let retraining = Retraining::of_run(run, &Spaces::linked(), &settings, 3, 3)?;
/// let trained = retraining.run(&mut Cpu::new(0)?, None, &mut |_| {}, &|| false)?;
/// println!("{}", trained.ok_or("it was stopped")?.summary());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Retraining {
    experiment: Arc<Experiment>,
    /// The networks are trained on its training split.
    data: Arc<Splits>,
    plan: RetrainPlan,
    finished: Vec<TrainedNetwork>,
    current: Option<TrainingRun>,
    /// Whether the start event was recorded.
    begun: bool,
}

impl Retraining {
    /// Trains an architecture of a search's space `seeds` times, next to `random` random ones, on
    /// the search's data. The settings `retrain`, `optimizer` and `train` of the experiment apply,
    /// and `search.seed` is the first seed. The search itself is not run.
    ///
    /// # Errors
    /// If the genome does not belong to the space, `retrain.epochs` is 0, or the space has no other
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

    /// Trains the result of the run at `run` in its space with other settings (KEY=VALUE): the
    /// architecture is transferred by the names of decisions and choices. If the run has
    /// `retrain.epochs` = 0, the default applies.
    ///
    /// # Errors
    /// If the run has no result yet, its space is missing, its data have changed, a setting is
    /// wrong, or the space has other decisions.
    pub fn of_run<S: AsRef<str>>(
        run: &Path,
        spaces: &Spaces,
        assignments: &[S],
        seeds: u32,
        random: u32,
    ) -> Result<Self, RetrainError> {
        Self::of(None, None, run, spaces, assignments, [seeds, random])
    }

    /// As [`Retraining::of_run`], for another architecture of the run's space.
    ///
    /// # Errors
    /// As [`Retraining::of_run`].
    pub fn of_run_as<S: AsRef<str>>(
        architecture: &Architecture,
        run: &Path,
        spaces: &Spaces,
        assignments: &[S],
        seeds: u32,
        random: u32,
    ) -> Result<Self, RetrainError> {
        let counts = [seeds, random];
        Self::of(Some(architecture), None, run, spaces, assignments, counts)
    }

    /// As [`Retraining::of_run`], on data that the application hands over: those of the run, which
    /// it made, or others.
    ///
    /// # Errors
    /// As [`Retraining::of_run`].
    pub fn of_run_on<S: AsRef<str>>(
        data: Dataset,
        run: &Path,
        spaces: &Spaces,
        assignments: &[S],
        seeds: u32,
        random: u32,
    ) -> Result<Self, RetrainError> {
        let counts = [seeds, random];
        Self::of(None, Some(data), run, spaces, assignments, counts)
    }

    fn of<S: AsRef<str>>(
        architecture: Option<&Architecture>,
        data: Option<Dataset>,
        run: &Path,
        spaces: &Spaces,
        assignments: &[S],
        [seeds, random]: [u32; 2],
    ) -> Result<Self, RetrainError> {
        let (config, earlier) = RunFolder::peek(run)?;
        let found = run.join("best/genome.json");
        let architecture = match architecture {
            Some(architecture) => architecture.clone(),
            None if found.exists() => Architecture::read(&found)?,
            None => {
                return Err(StorageError::Unfinished {
                    path: run.to_owned(),
                }
                .into());
            }
        };
        let before = Config::of_run::<&str>(&config, &[])?;
        // A search that retrains nothing says nothing about the length of a training.
        let default = Config::default().retrain.epochs;
        let length = (before.retrain.epochs == 0).then(|| format!("retrain.epochs={default}"));
        let given = assignments
            .iter()
            .map(|setting| setting.as_ref().to_owned());
        let given: Vec<String> = length.into_iter().chain(given).collect();
        let config = Config::of_run(&config, &given)?;
        let data = data_of(run, &config, data)?;
        // Other data, or another tokenisation of the same text, are requested.
        let others = data.address() != before.search.dataset
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

    /// Also trains `same_size` random architectures of nearly as many parameters, which show what size
    /// alone achieves, and `largest` times the largest architecture of the space, unless it is the
    /// one at hand; each with one of the same seeds.
    ///
    /// # Errors
    /// If the space has no other architecture.
    pub fn versus(mut self, same_size: u32, largest: u32) -> Result<Self, RetrainError> {
        let supergraph = self.experiment.supergraph();
        if same_size > 0 && supergraph.genome_len() == 0 {
            return Err(RetrainError::NoOthers {
                space: supergraph.space().name.clone(),
            });
        }
        self.plan = self.plan.versus(&self.experiment, same_size, largest)?;
        Ok(self)
    }

    /// A retraining of the planned networks.
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

    /// The experiment that it is based on, with resolved settings.
    pub fn experiment(&self) -> &Experiment {
        &self.experiment
    }

    /// Checks the space's custom ops, if it has any, on the device of the training.
    ///
    /// # Errors
    /// If an op does not do what the space declares.
    pub fn try_ops(&self, on: &DeviceSpec) -> Result<(), RetrainError> {
        Ok(op_check::before(&self.experiment, Some(on))?)
    }

    /// Creates a run folder for it, as for a search: settings, events, result.
    ///
    /// # Errors
    /// If `path` exists, or the file system fails.
    pub fn folder(&self, path: &Path) -> Result<RunFolder, RetrainError> {
        self.described(RunFolder::create(
            path,
            &self.experiment.config().to_toml()?,
        )?)
    }

    /// Creates a run folder in `parent`: the first of `name-1`, `name-2`, ... that does not exist.
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

    /// Resumes a retraining in its own folder, one that is not the last phase of a search.
    ///
    /// # Errors
    /// If there is nothing to resume, or the space or the data have changed.
    pub fn resume(path: &Path, spaces: &Spaces) -> Result<(Self, RunFolder), RetrainError> {
        Self::again(path, spaces, None)
    }

    /// As [`Retraining::resume`], for data that an application made and hands over again.
    ///
    /// # Errors
    /// As [`Retraining::resume`].
    pub fn resume_on(
        data: Dataset,
        path: &Path,
        spaces: &Spaces,
    ) -> Result<(Self, RunFolder), RetrainError> {
        Self::again(path, spaces, Some(data))
    }

    fn again(
        path: &Path,
        spaces: &Spaces,
        data: Option<Dataset>,
    ) -> Result<(Self, RunFolder), RetrainError> {
        let (mut folder, config) = RunFolder::open(path)?;
        let config = Config::of_run::<&str>(&config, &[])?;
        let earlier = folder.provenance()?;
        let data = data_of(path, &config, data)?;
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

    /// Trains the networks on the calling thread. Every event is passed to `listen`, and written to
    /// the folder if there is one, which also receives checkpoints and the result. `stop` is called
    /// between steps; if it returns true, the state is saved, and there is no result.
    ///
    /// # Errors
    /// If the device fails, or the folder cannot be written. A network that diverges is not an
    /// error: it has no score.
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
