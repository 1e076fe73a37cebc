//! The ranking laboratory: how well the shared weights of a search rank networks whose truth is
//! known, next to what ranks them at no cost, such as their size.
//!
//! A laboratory trains shared weights by each strategy with several seeds, scores the same networks
//! with all of them on the whole validation split, and compares the scores with the truth: a
//! published table, or trainings of every network alone. Its folder keeps every finished piece, so
//! that it can be continued, and enlarged by strategies and seeds.

mod alone;
mod baselines;
mod csv;
mod figures;
mod folder;
mod networks;
mod plots;
mod processor_time;
mod report;
mod shared;
mod truth;

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

pub use alone::AloneOptions;
pub use figures::RankingFigures;
pub use networks::RankedNetwork;
pub use report::{BaselineRanking, RankingReport, RankingTruth, SearchOfLab, StrategyRanking};
use supernet_data::Dataset;
pub use truth::TruthTable;

use crate::config::{Config, StrategyName};
use crate::error::Error;
use crate::experiment::{Experiment, ExperimentError};
use crate::space::Spaces;
use alone::Trainings;
use folder::{Identity, LabFolder};
use shared::SharedScores;
use truth::Truth;

/// Fewer networks than this cannot be ranked with any meaning.
pub const FEWEST_NETWORKS: u32 = 10;

/// What a ranking laboratory does.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "an application creates it, and names every field"
)]
pub struct RankingOptions {
    /// The strategies whose shared weights are compared, each once.
    pub strategies: Vec<StrategyName>,
    /// Number of searches by each strategy; `search.seed` is the first seed.
    pub seeds: u32,
    /// Number of networks that are ranked, at least [`FEWEST_NETWORKS`]; fewer if the space or the
    /// table has no more.
    pub networks: u32,
    /// The table of the truth. Without it, `alone` must be given.
    pub table: Option<TruthTable>,
    /// Trains every network alone: this is the truth without a table, and a baseline with one.
    pub alone: Option<AloneOptions>,
    /// The folder of the laboratory, which is created or continued.
    pub folder: PathBuf,
    /// Number of searches or trainings at a time, each on one thread; 0 means one per core. Results
    /// do not depend on it.
    pub threads: usize,
}

/// A ranking laboratory that is set up: networks and their truth, as far as it is known, are
/// fixed.
#[derive(Debug)]
pub struct RankingLab {
    spaces: Spaces,
    data: Dataset,
    config: Config,
    options: RankingOptions,
    experiment: Experiment,
    networks: Vec<RankedNetwork>,
    table: Option<Truth>,
    folder: LabFolder,
}

impl RankingLab {
    /// Sets up a laboratory for a space and data, with the settings of its searches. The settings
    /// `retrain` are those of networks that are trained alone.
    ///
    /// # Errors
    /// If a setting, the space or the data are invalid, the table does not fit the space, there are
    /// fewer than ten networks, or the folder has another laboratory.
    pub fn new(
        spaces: Spaces,
        data: Dataset,
        config: Config,
        mut options: RankingOptions,
    ) -> Result<Self, Error> {
        let mut known = Vec::new();
        options.strategies.retain(|strategy| {
            let fresh = !known.contains(strategy);
            known.push(*strategy);
            fresh
        });
        if options.table.is_none() && options.alone.is_none() {
            return Err(Error::NoTruth);
        }
        if !options.strategies.iter().all(|of| of.shares_weights()) {
            return Err(ExperimentError::NoSharedWeights {
                therefore: "it has no ranking that could be measured; `--alone` measures short trainings",
            }
            .into());
        }
        if let Some(seeds) = options.alone.map(|alone| alone.seeds).filter(|n| *n < 2) {
            return Err(Error::AloneSeeds { seeds });
        }
        let experiment = Experiment::with(&spaces, data.clone(), config.clone())?;
        let table = options
            .table
            .as_ref()
            .map(|table| Truth::open(table, experiment.supergraph()))
            .transpose()?;
        let networks = networks::select(
            experiment.supergraph(),
            options.networks,
            config.search.seed,
            &|genome| {
                table
                    .as_ref()
                    .is_none_or(|table| table.value(genome).is_some())
            },
        )?;
        let identity = Identity::new(&experiment, &config, &networks)?;
        let folder = LabFolder::open(&options.folder, &identity)?;
        Ok(Self {
            spaces,
            data,
            config,
            options,
            experiment,
            networks,
            table,
            folder,
        })
    }

    /// The networks, by number of parameters.
    pub fn networks(&self) -> &[RankedNetwork] {
        &self.networks
    }

    /// Does what the folder does not have yet, then writes `ranking.csv`, `ranking.json` and two
    /// plots into it. `listen` receives a sentence about everything that was done or found.
    ///
    /// # Errors
    /// If a search or a training fails, or the folder cannot be written.
    pub fn run(&self, listen: &(dyn Fn(&str) + Sync)) -> Result<RankingReport, Error> {
        let trainings = self
            .options
            .alone
            .map(|options| self.train_alone(options, listen))
            .transpose()?;
        if let Some(trainings) = &trainings {
            listen(&trainings.describe());
        }
        let searches = self.search(listen)?;
        let report = RankingReport::new(self, trainings.as_ref(), &searches)?;
        report.write(self, trainings.as_ref(), &searches)?;
        Ok(report)
    }

    fn train_alone(
        &self,
        options: AloneOptions,
        listen: &(dyn Fn(&str) + Sync),
    ) -> Result<Trainings, Error> {
        let experiment = self.experiment_with(|config| config.retrain.epochs = options.epochs)?;
        let experiment = std::sync::Arc::new(experiment);
        let known = Mutex::new(Trainings::read(&self.folder, &experiment, options)?);
        let open = |known: &Trainings| -> Vec<&RankedNetwork> {
            let lacks = |network: &&RankedNetwork| !known.has(&network.genome);
            self.networks.iter().filter(lacks).collect()
        };
        let missing = open(&locked(&known));
        let found = self.networks.len() - missing.len();
        if found > 0 {
            listen(&format!("found {found} networks trained alone"));
        }
        self.in_parallel(&missing, &|network| {
            let trained = alone::train(&experiment, &network.genome, options)?;
            let mut known = locked(&known);
            known.add(trained);
            known.write(&self.folder)?;
            let done = self.networks.len() - open(&known).len();
            listen(&format!(
                "trained alone: {done} of {} networks",
                self.networks.len()
            ));
            Ok(())
        })?;
        Ok(known
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// The scores by every search, strategy by strategy and seed by seed.
    fn search(&self, listen: &(dyn Fn(&str) + Sync)) -> Result<Vec<SharedScores>, Error> {
        let first = self.config.search.seed;
        let seeds = (0..u64::from(self.options.seeds)).map(|i| first.wrapping_add(i));
        let asked: Vec<(StrategyName, u64)> = self
            .options
            .strategies
            .iter()
            .flat_map(|strategy| seeds.clone().map(|seed| (*strategy, seed)))
            .collect();
        let mut missing = Vec::new();
        for (strategy, seed) in &asked {
            match SharedScores::read(&self.folder, *strategy, *seed, &self.networks)? {
                Some(_) => listen(&format!("found {} with seed {seed}", strategy.word())),
                None => missing.push((*strategy, *seed)),
            }
        }
        self.in_parallel(&missing, &|&(strategy, seed)| {
            let experiment = self.experiment_with(|config| {
                config.search.strategy = strategy;
                config.search.seed = seed;
                config.retrain.epochs = 0;
            })?;
            let scores = shared::search(experiment, &self.networks)?;
            scores.write(&self.folder)?;
            listen(&scores.describe());
            Ok(())
        })?;
        let mut all = Vec::new();
        for (strategy, seed) in asked {
            all.extend(SharedScores::read(
                &self.folder,
                strategy,
                seed,
                &self.networks,
            )?);
        }
        Ok(all)
    }

    fn experiment_with(&self, change: impl FnOnce(&mut Config)) -> Result<Experiment, Error> {
        let mut config = self.config.clone();
        change(&mut config);
        Ok(Experiment::with(&self.spaces, self.data.clone(), config)?)
    }

    /// Does all pieces of work, several at a time. After a failure no other piece is begun.
    fn in_parallel<T: Sync>(
        &self,
        pieces: &[T],
        work: &(dyn Fn(&T) -> Result<(), Error> + Sync),
    ) -> Result<(), Error> {
        let threads = match self.options.threads {
            0 => thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        };
        let (next, stopped, failure) = (
            AtomicUsize::new(0),
            AtomicBool::new(false),
            Mutex::new(None),
        );
        thread::scope(|scope| {
            for _ in 0..threads.min(pieces.len()) {
                scope.spawn(|| {
                    while !stopped.load(Ordering::Acquire)
                        && let Some(piece) = pieces.get(next.fetch_add(1, Ordering::AcqRel))
                    {
                        if let Err(error) = work(piece) {
                            stopped.store(true, Ordering::Release);
                            locked(&failure).get_or_insert(error);
                        }
                    }
                });
            }
        });
        let failure = failure.into_inner();
        match failure.unwrap_or_else(std::sync::PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

/// A lock that a panic elsewhere does not spoil: what it guards is whole between two statements.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
