//! Set-up of a search that runs on its own threads.

mod devices;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use devices::{cpu, first_made, threads};
use supernet_data::Dataset;
use supernet_engine::device::spec::DeviceSpec;
use supernet_engine::device::{Device, DeviceError};
use supernet_plugin::Supergraph;
use supernet_strategy::{Genome, Schedule, Score, Strategy, StrategyError};

use super::handle::{Search, Shared};
use super::last_phase::LastPhase;
use super::subscription::Events;
use super::workers::{CustomEvaluator, MakeDevice, SearchContext, SharedListener, Start};
use crate::config::{Config, RankBy, StrategyName};
use crate::error::Error;
use crate::events::{Event, Record};
use crate::experiment::{
    CustomStrategy, Experiment, ExperimentError, MakeStrategy, data_of, op_check, same_data,
    same_space,
};
use crate::results::format::panic_message;
use crate::retrain::{Retraining, SelectionRun};
use crate::search::snapshot;
use crate::search::snapshot::{Restored, Snapshot};
use crate::space::{SpaceProvenance, Spaces};
use crate::storage::{Folder, LogEnd, Recorder, RunFolder, StorageError};
use crate::training::{JobError, TrainingError};

/// Default time limit of a step, a score or a file operation before its actor is given up.
const LIMIT: Duration = Duration::from_secs(600);

/// The settings of a search. Only [`SearchBuilder::start`] does something.
#[must_use = "nothing happens before `start`"]
pub struct SearchBuilder {
    config: Config,
    spaces: Spaces,
    data: Option<Dataset>,
    minutes: Option<f64>,
    threads: usize,
    evaluators: usize,
    device: Option<MakeDevice>,
    /// The device for the check of custom ops; none if the device is a custom one.
    trial: Option<DeviceSpec>,
    strategy: Option<MakeStrategy>,
    own: Option<CustomEvaluator>,
    location: RunLocation,
    limit: Duration,
    listener: Box<dyn FnMut(&Record) + Send>,
    shared: Arc<Shared>,
    #[cfg(test)]
    pub(crate) faults: Option<Arc<crate::runner::workers::faults::Faults>>,
}

enum RunLocation {
    Nowhere,
    At(PathBuf),
    Fresh(PathBuf),
    Resume(PathBuf),
}

impl Default for SearchBuilder {
    fn default() -> Self {
        Self {
            config: Config::default(),
            spaces: Spaces::linked(),
            data: None,
            minutes: None,
            threads: 0,
            evaluators: 1,
            device: None,
            trial: Some(DeviceSpec::Cpu),
            strategy: None,
            own: None,
            location: RunLocation::Nowhere,
            limit: LIMIT,
            listener: Box::new(|_| {}),
            shared: Arc::default(),
            #[cfg(test)]
            faults: None,
        }
    }
}

impl SearchBuilder {
    /// Sets the settings; the defaults if not called.
    pub fn config(self, config: Config) -> Self {
        Self { config, ..self }
    }

    /// Sets the spaces that the settings may name; the linked ones if not called.
    pub fn spaces(self, spaces: Spaces) -> Self {
        Self { spaces, ..self }
    }

    /// Sets the application's data, which replace the data set that the settings name.
    pub fn data(self, data: Dataset) -> Self {
        Self {
            data: Some(data),
            ..self
        }
    }

    /// Chooses the lengths of all phases, retraining included, such that the search takes about this
    /// long; `start` then times a few steps of each. If that is too short for a search that means
    /// anything, a warning says what would be needed ([`Experiment::fit`]).
    pub fn minutes(self, minutes: f64) -> Self {
        Self {
            minutes: Some(minutes),
            ..self
        }
    }

    /// Sets the number of threads of the CPU device; 0, the default, takes one per core.
    pub fn threads(self, threads: usize) -> Self {
        Self { threads, ..self }
    }

    /// Sets the number of evaluators that score in parallel, at least 1. A single one shares the
    /// trainer's device; several have one each, and on the CPU they divide the threads among
    /// themselves.
    pub fn evaluators(self, evaluators: usize) -> Self {
        Self { evaluators, ..self }
    }

    /// Selects a device by name; the CPU if not called.
    pub fn on(self, choice: DeviceSpec) -> Self {
        match choice.resolved() {
            // Without a factory, several evaluators divide the threads among themselves.
            DeviceSpec::Cpu => Self {
                device: None,
                trial: Some(DeviceSpec::Cpu),
                ..self
            },
            choice => {
                let trial = Some(choice.clone());
                Self {
                    trial,
                    ..self.device(move || Ok(choice.open(0)? as Box<dyn Device>))
                }
            }
        }
    }

    /// Sets a custom device. `make` is called once for the trainer, by `start`, once for each of
    /// several evaluators, on their threads, and again after a failure.
    pub fn device(
        self,
        make: impl Fn() -> Result<Box<dyn Device>, DeviceError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            device: Some(Arc::new(make)),
            trial: None,
            ..self
        }
    }

    /// Sets a custom strategy: `make` receives the space, the schedule and the seed, and is called
    /// again after a failure, before [`Strategy::load`].
    pub fn strategy(
        self,
        make: impl Fn(&Supergraph, Schedule, u64) -> Result<Box<dyn Strategy>, StrategyError>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self {
            strategy: Some(Arc::new(make)),
            ..self
        }
    }

    /// Scores candidates with a custom function. A candidate for which it fails is skipped and gets
    /// the worst score; after ten consecutive failures the search ends with the last error
    /// ([`SearchError::Evaluator`](crate::search::SearchError::Evaluator)). The last line of the
    /// report, the best candidate on the test split, still uses the shared weights.
    ///
    /// The future is polled on an evaluator's thread, within a single-threaded tokio runtime.
    pub fn evaluator<F, E>(self, evaluate: impl Fn(Genome) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Score, E>> + Send + 'static,
        E: std::error::Error + Send + Sync + 'static,
    {
        let own: CustomEvaluator = Arc::new(move |genome| {
            let score = evaluate(genome);
            Box::pin(async move { score.await.map_err(|error| Arc::new(error) as JobError) })
        });
        Self {
            own: Some(own),
            ..self
        }
    }

    /// Writes the run into a new folder at `path`.
    pub fn folder(self, path: impl Into<PathBuf>) -> Self {
        Self {
            location: RunLocation::At(path.into()),
            ..self
        }
    }

    /// Writes the run into a new folder in `parent`, named after the space and the data, with the
    /// first free number.
    pub fn fresh_folder(self, parent: impl Into<PathBuf>) -> Self {
        Self {
            location: RunLocation::Fresh(parent.into()),
            ..self
        }
    }

    /// Resumes the run at `path` from its last intact checkpoint, with its original settings.
    /// Custom data, strategy and evaluator must be supplied again, and plugins too: a run folder
    /// does not load any.
    pub fn resume(self, path: impl Into<PathBuf>) -> Self {
        Self {
            location: RunLocation::Resume(path.into()),
            ..self
        }
    }

    /// Sets the time limit of one step, score or file operation before its actor is given up and
    /// replaced; 10 minutes by default.
    pub fn limit(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Sets a listener for every event. It is called on the search's thread, and the search waits
    /// for it. The first events of a resumed run are passed on the thread that starts it.
    pub fn listen(self, listener: impl FnMut(&Record) + Send + 'static) -> Self {
        Self {
            listener: Box::new(listener),
            ..self
        }
    }

    /// A subscription that begins with the first event.
    pub fn events(&self) -> Events {
        self.shared.hub.subscribe()
    }

    /// Starts the search on its own thread. Works on any thread, inside any executor or none.
    ///
    /// # Errors
    /// If a setting, the space, the data or the folder are invalid, or the operating system cannot
    /// create a thread. Later errors are returned by [`Search::wait`].
    pub fn start(mut self) -> Result<Search, Error> {
        let resumed = match &self.location {
            RunLocation::Resume(path) => Some(RunFolder::open(path)?),
            _ => None,
        };
        if let Some((_, config)) = &resumed {
            self.config = Config::of_run::<&str>(config, &[])?;
        }
        if self.own.is_some() {
            if self.config.search.strategy == StrategyName::Halving && self.strategy.is_none() {
                return Err(ExperimentError::NoSharedWeights {
                    therefore: "it trains networks alone, and an evaluator of the application has nothing to score; \
                                choose another strategy",
                }
                .into());
            }
            // What an application's own evaluator maximises is the reward; its loss may be anything.
            self.config.derive.by = RankBy::Reward;
            // And so nothing is selected by it.
            self.config.selection.share = 0.0;
        }
        let make = self.device.clone().unwrap_or_else(|| cpu(self.threads));
        let mut device = make().map_err(TrainingError::from)?;
        let earlier = resumed
            .as_ref()
            .map(|(folder, _)| folder.provenance())
            .transpose()?
            .flatten();
        let experiment = self.experiment(earlier.as_ref());
        let mut experiment = match &resumed {
            Some((folder, _)) => same_space(experiment, earlier, folder.path())?,
            None => experiment?,
        };
        if let Some((folder, _)) = &resumed {
            same_data(&experiment, folder.path())?;
        }
        // A run that is resumed has its lengths.
        if let (Some(minutes), None) = (self.minutes, &resumed) {
            experiment.fit(minutes, &mut *device)?;
        }
        experiment.reserve(&mut *device)?;
        op_check::before(&experiment, self.trial.as_ref())?;
        let experiment = Arc::new(experiment);
        SelectionRun::check(&experiment)?;
        let first = Snapshot::first(&experiment)?;
        let (mut restored, mut steps) = (Restored::first(first), None);
        let first_phase = match self.own {
            None => LastPhase::Ahead,
            Some(_) => LastPhase::AheadWithoutSelection,
        };
        let (mut recorded, mut log, mut last_phase) = (0, LogEnd::default(), first_phase);
        let folder = match resumed {
            None => self.create(&experiment)?,
            Some((mut folder, _)) => {
                restored = snapshot::newest(folder.path(), &experiment, folder.end().bytes)?
                    .unwrap_or(restored);
                (recorded, log) = (restored.snapshot.scheduler.events(), restored.log);
                // Selection and retraining follow the search, whose events are then not emitted
                // again.
                let (path, logged) = (folder.path(), folder.end().bytes);
                let (later, damaged) = Retraining::read(path, &experiment, logged)?;
                restored.damaged.extend(damaged);
                if let Some(later) = later {
                    (recorded, log) = (later.events, later.log);
                    last_phase = LastPhase::Retraining(Box::new(later.retraining));
                } else {
                    let (later, damaged) = SelectionRun::read(path, &experiment, logged)?;
                    restored.damaged.extend(damaged);
                    if let Some(later) = later {
                        (recorded, log) = (later.events, later.log);
                        last_phase = LastPhase::Selection(Box::new(later.run));
                    }
                }
                folder.rewind(log)?;
                steps = Some(restored.snapshot.scheduler.steps());
                Some(folder)
            }
        };
        let Restored {
            snapshot, damaged, ..
        } = restored;
        let path = folder.as_ref().map(|folder| folder.path().to_owned());
        let shared = Arc::clone(&self.shared);
        let listener = listener(self.listener, Arc::clone(&shared));
        let mut recorder = Recorder::new(folder.map(Folder::Owned), listener, recorded, log.at);
        let damaged = damaged.into_iter().map(|reason| Event::Damaged { reason });
        damaged
            .chain(steps.map(|steps| Event::Resumed { steps }))
            .try_for_each(|event| recorder.incident(event))?;
        let (evaluators, each) = (
            self.evaluators.max(1),
            threads(self.threads) / self.evaluators.max(1),
        );
        let of_its_own = self.device.clone().unwrap_or_else(|| cpu(each.max(1)));
        let context = SearchContext {
            experiment,
            evaluators,
            evaluator_device: (evaluators > 1).then_some(of_its_own),
            device: first_made(device, make),
            custom_evaluator: self.own,
            limit: self.limit,
            #[cfg(test)]
            faults: self.faults,
        };
        Search::start(
            Start {
                context: Arc::new(context),
                snapshot,
                recorder,
                shared,
            },
            last_phase,
            path,
        )
    }

    /// Sets up the experiment.
    fn experiment(
        &mut self,
        earlier: Option<&SpaceProvenance>,
    ) -> Result<Experiment, ExperimentError> {
        let mut config = self.config.clone();
        if self.strategy.is_some() {
            config.search.strategy = StrategyName::Custom;
        }
        config.check()?;
        let data = match (&self.location, self.data.take()) {
            (RunLocation::Resume(run), data) => data_of(run, &config, data)?,
            (_, Some(data)) => data,
            (_, None) => Dataset::named_as(&config.search.dataset, &config.text.reading())?,
        };
        let mut experiment = Experiment::again(&self.spaces, data, config, earlier)?;
        experiment.set_custom_strategy(self.strategy.clone().map(CustomStrategy))?;
        Ok(experiment)
    }

    fn create(&self, experiment: &Experiment) -> Result<Option<RunFolder>, Error> {
        let config = experiment.config().to_toml()?;
        let name = experiment.run_name();
        let folder = match &self.location {
            RunLocation::At(path) => RunFolder::create(path, &config)?,
            RunLocation::Fresh(parent) => RunFolder::fresh(parent, &name, &config)?,
            RunLocation::Nowhere | RunLocation::Resume(_) => return Ok(None),
        };
        folder.write_provenance(experiment.provenance())?;
        folder.write_profile(&experiment.profile())?;
        Ok(Some(folder))
    }
}

/// Passes records on to subscriptions, then to the application's listener.
fn listener(mut listen: Box<dyn FnMut(&Record) + Send>, shared: Arc<Shared>) -> SharedListener {
    Box::new(move |record| {
        shared.hub.send(record);
        catch_unwind(AssertUnwindSafe(|| listen(record))).map_err(|panic| StorageError::Listener {
            reason: format!("a panic: {}", panic_message(&*panic)),
        })
    })
}
