//! Setting up a search that runs on threads of its own.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use supernet_plugin::{RegistryError, Supergraph};

use super::course::Reason;
use super::{MakeStrategy, Own, Search, SearchError};
use crate::actors::{Crew, MakeDevice, OwnEvaluator, Start};
use crate::checkpoint::{self, Restored, Snapshot};
use crate::config::{Config, StrategyName};
use crate::data::Dataset;
use crate::device::choice::Choice;
use crate::device::cpu::Cpu;
use crate::device::{Device, DeviceError};
use crate::event::{Event, Record};
use crate::retrain::Retraining;
use crate::run::{Events, Recorder, Run, Shared};
use crate::run_folder::{LogEnd, RunFolder};
use crate::space::{Origin, SpaceError, Spaces};
use crate::strategy::{Genome, Schedule, Score, Strategy, StrategyError};
use crate::train::StageError;
use crate::trial;

/// How long a step, a score or a file may take before its actor is given up, unless the application says otherwise.
const LIMIT: Duration = Duration::from_secs(600);

/// Everything that a search starts with. Only [`SearchBuilder::start`] does something.
#[must_use = "nothing happens before `start`"]
pub struct SearchBuilder {
    config: Config,
    spaces: Spaces,
    data: Option<Dataset>,
    minutes: Option<f64>,
    threads: usize,
    evaluators: usize,
    device: Option<MakeDevice>,
    /// Where the space's own ops are tried out; none if the device is the application's own.
    trial: Option<Choice>,
    strategy: Option<MakeStrategy>,
    own: Option<OwnEvaluator>,
    place: Place,
    limit: Duration,
    listener: Box<dyn FnMut(&Record) + Send>,
    shared: Arc<Shared>,
    #[cfg(test)]
    pub(crate) faults: Option<Arc<crate::actors::faults::Faults>>,
}

enum Place {
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
            trial: Some(Choice::Cpu),
            strategy: None,
            own: None,
            place: Place::Nowhere,
            limit: LIMIT,
            listener: Box::new(|_| {}),
            shared: Arc::default(),
            #[cfg(test)]
            faults: None,
        }
    }
}

impl SearchBuilder {
    /// The settings; without this call the defaults.
    pub fn config(self, config: Config) -> Self {
        Self { config, ..self }
    }

    /// The spaces that the settings may name; without this call the linked ones.
    pub fn spaces(self, spaces: Spaces) -> Self {
        Self { spaces, ..self }
    }

    /// Data of the application's own, in place of the data set that the settings name.
    pub fn data(self, data: Dataset) -> Self {
        Self {
            data: Some(data),
            ..self
        }
    }

    /// Fixes the number of epochs such that the search takes about so long; `start` then times the first steps. Retraining
    /// comes on top, at most `retrain.budget` times as long.
    pub fn minutes(self, minutes: f64) -> Self {
        Self {
            minutes: Some(minutes),
            ..self
        }
    }

    /// Threads of the CPU device; 0, the default, takes one per core.
    pub fn threads(self, threads: usize) -> Self {
        Self { threads, ..self }
    }

    /// How many evaluators score side by side, at least 1. One shares the trainer's device; several have one each, and
    /// on the CPU they divide the threads among themselves.
    pub fn evaluators(self, evaluators: usize) -> Self {
        Self { evaluators, ..self }
    }

    /// The device by name; without this call the CPU.
    pub fn on(self, choice: Choice) -> Self {
        match choice.resolved() {
            // Several evaluators divide the threads.
            Choice::Cpu => Self {
                device: None,
                trial: Some(Choice::Cpu),
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

    /// Another device than the CPU. `make` is called once for the trainer, by `start`, once for each of several evaluators,
    /// on their threads, and again after a failure.
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

    /// A strategy of the application's own: `make` gets the space, the schedule and the seed, and is called again after a
    /// failure, before [`Strategy::load`].
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

    /// Scores candidates with a function of the application's own. A candidate for which it fails is set aside with the
    /// worst score; after ten in a row the search ends with the last error ([`SearchError::Evaluator`]). The last line
    /// of the report, the best candidate on the test part, still comes from the shared weights.
    ///
    /// The future is polled on an evaluator's thread, within a tokio runtime of one thread.
    pub fn evaluator<F, E>(self, evaluate: impl Fn(Genome) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Score, E>> + Send + 'static,
        E: std::error::Error + Send + Sync + 'static,
    {
        let own: OwnEvaluator = Arc::new(move |genome| {
            let score = evaluate(genome);
            Box::pin(async move { score.await.map_err(|error| Arc::new(error) as Reason) })
        });
        Self {
            own: Some(own),
            ..self
        }
    }

    /// Writes the run into a new folder at `path`.
    pub fn folder(self, path: impl Into<PathBuf>) -> Self {
        Self {
            place: Place::At(path.into()),
            ..self
        }
    }

    /// Writes the run into a new folder in `parent`, named after space and data with the first number that is free.
    pub fn fresh_folder(self, parent: impl Into<PathBuf>) -> Self {
        Self {
            place: Place::Fresh(parent.into()),
            ..self
        }
    }

    /// Goes on with the run at `path` from its last good checkpoint, with the settings that it was started with. Data,
    /// strategy and evaluator of the application's own must be given again, and plugins too: a run's folder loads none.
    pub fn resume(self, path: impl Into<PathBuf>) -> Self {
        Self {
            place: Place::Resume(path.into()),
            ..self
        }
    }

    /// How long one step, score or file may take before its actor is given up and replaced; 10 minutes by default.
    pub fn limit(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Is called with every event, on the search's thread: while it runs, the search waits. What a resumed run tells first is
    /// told on the thread that starts it.
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

    /// Starts the search on a thread of its own. Works in any thread, inside any executor or none.
    ///
    /// # Errors
    /// If a setting, the space, the data or the folder are wrong, or the system gives no thread. What goes wrong later is
    /// told by [`Run::wait`].
    pub fn start(mut self) -> Result<Run, SearchError> {
        let resumed = match &self.place {
            Place::Resume(path) => Some(RunFolder::open(path)?),
            _ => None,
        };
        if let Some((_, config)) = &resumed {
            self.config = Config::read::<&str>(config, &[])?;
        }
        let make = self.device.clone().unwrap_or_else(|| cpu(self.threads));
        let mut device = make().map_err(StageError::from)?;
        let earlier = resumed
            .as_ref()
            .map(|(folder, _)| folder.origin())
            .transpose()?
            .flatten();
        let search = self.search(&mut *device, earlier.as_ref());
        let mut search = match &resumed {
            Some((folder, _)) => same_space(search, earlier, folder.path())?,
            None => search?,
        };
        if let Some((folder, _)) = &resumed {
            same_data(&search, folder.path())?;
        }
        search.reserve(&mut *device)?;
        trial::before(&search, self.trial.as_ref())?;
        let search = Arc::new(search);
        let first = Snapshot::first(&search)?;
        let (mut restored, mut steps) = (Restored::first(first), None);
        let (mut recorded, mut log, mut retraining) = (0, LogEnd::default(), None);
        let folder = match resumed {
            None => self.create(&search)?,
            Some((mut folder, _)) => {
                restored = checkpoint::newest(folder.path(), &search, folder.end().bytes)?
                    .unwrap_or(restored);
                let (later, damaged) =
                    Retraining::read(folder.path(), &search, folder.end().bytes)?;
                restored.damaged.extend(damaged);
                // A retraining comes after the search, of which then nothing is told again.
                (recorded, log) = match &later {
                    Some(later) => (later.events, later.log),
                    None => (restored.snapshot.course.events(), restored.log),
                };
                folder.rewind(log)?;
                steps = Some(restored.snapshot.course.steps());
                retraining = later.map(|later| later.retraining);
                Some(folder)
            }
        };
        let Restored {
            snapshot, damaged, ..
        } = restored;
        let path = folder.as_ref().map(|folder| folder.path().to_owned());
        let shared = Arc::clone(&self.shared);
        let mut recorder =
            Recorder::new(folder, self.listener, Arc::clone(&shared), recorded, log.at);
        let damaged = damaged.into_iter().map(|reason| Event::Damaged { reason });
        damaged
            .chain(steps.map(|steps| Event::Resumed { steps }))
            .try_for_each(|event| recorder.incident(event))?;
        let (evaluators, each) = (
            self.evaluators.max(1),
            threads(self.threads) / self.evaluators.max(1),
        );
        let of_its_own = self.device.clone().unwrap_or_else(|| cpu(each.max(1)));
        let crew = Crew {
            search,
            evaluators,
            evaluator_device: (evaluators > 1).then_some(of_its_own),
            device: first_made(device, make),
            own: self.own,
            limit: self.limit,
            #[cfg(test)]
            faults: self.faults,
        };
        Run::start(
            Start {
                crew: Arc::new(crew),
                snapshot,
                recorder,
                shared,
            },
            retraining,
            path,
        )
    }

    /// The search that is set up.
    fn search(
        &mut self,
        device: &mut dyn Device,
        earlier: Option<&Origin>,
    ) -> Result<Search, SearchError> {
        let mut config = self.config.clone();
        if self.strategy.is_some() {
            config.search.strategy = StrategyName::Own;
        }
        config.check()?;
        let data = self.data.take().map_or_else(
            || Dataset::named_as(&config.search.data, &config.text.reading()),
            Ok,
        )?;
        let mut search = Search::again(&self.spaces, data, config, earlier)?;
        search.own = self.strategy.clone().map(Own);
        if let Some(minutes) = self.minutes {
            search.fit(minutes, device)?;
        }
        Ok(search)
    }

    fn create(&self, search: &Search) -> Result<Option<RunFolder>, SearchError> {
        let config = search.config().to_toml()?;
        let name = search.run_name();
        let folder = match &self.place {
            Place::At(path) => RunFolder::create(path, &config)?,
            Place::Fresh(parent) => RunFolder::fresh(parent, &name, &config)?,
            Place::Nowhere | Place::Resume(_) => return Ok(None),
        };
        folder.write_origin(search.origin())?;
        folder.write_profile(&search.profile())?;
        Ok(Some(folder))
    }
}

impl Search {
    /// What a folder of its own is called: its space and its data.
    pub fn run_name(&self) -> String {
        // A space's name may have slashes, which are no part of a folder's.
        let space = self
            .origin()
            .space
            .rsplit(['/', '\\'])
            .next()
            .unwrap_or_default();
        format!("{space}-{}", plain(self.data.name()))
    }
}

/// The search, if its space is that of the run that it goes on with. A run of an earlier version does not say.
pub(crate) fn same_space(
    search: Result<Search, SearchError>,
    earlier: Option<Origin>,
    run: &Path,
) -> Result<Search, SearchError> {
    let (Some(was), run) = (earlier, run.to_owned()) else {
        return search;
    };
    match search {
        Err(SearchError::Space(SpaceError::Registry(why @ RegistryError::Unknown { .. }))) => {
            Err(SearchError::SpaceGone {
                run,
                why: Box::new(why),
                remedy: was.remedy(),
            })
        }
        Ok(search) if search.origin().hash != was.hash => {
            let (was, is) = (Box::new(was), Box::new(search.origin().clone()));
            Err(SearchError::OtherSpace { run, was, is })
        }
        other => other,
    }
}

/// Refuses data that are not those of the run that the search goes on with. A run of an earlier version does not say.
pub(crate) fn same_data(search: &Search, run: &Path) -> Result<(), SearchError> {
    let Some(was) = RunFolder::profile_of(run)? else {
        return Ok(());
    };
    let is = search.profile();
    if is.fingerprint == was.fingerprint {
        return Ok(());
    }
    let (run, data) = (run.to_owned(), search.config().search.data.clone());
    Err(SearchError::OtherData {
        run,
        data,
        was: was.words(),
        is: is.words(),
    })
}

/// A name that is one on every file system.
fn plain(name: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "-_.".contains(c) {
            c
        } else {
            '-'
        }
    };
    name.chars().map(plain).collect()
}

/// Makes CPU devices.
fn cpu(threads: usize) -> MakeDevice {
    Arc::new(move || Ok(Box::new(Cpu::new(threads)?)))
}

/// Hands out the device that was made already, then others.
fn first_made(device: Box<dyn Device>, make: MakeDevice) -> MakeDevice {
    let first = Mutex::new(Some(device));
    Arc::new(
        move || match first.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(device) => Ok(device),
            None => make(),
        },
    )
}

fn threads(given: usize) -> usize {
    if given == 0 {
        thread::available_parallelism().map_or(1, usize::from)
    } else {
        given
    }
}
