use serde::{Deserialize, Serialize};
use supernet_strategy::random::RandomSearch;
use supernet_strategy::{Genome, Outcome, Schedule, Score, Strategy, Work};

use super::error::TableError;
use super::repeat::Repeated;
use super::result::{TabularResult, Tally};
use super::{Entry, Table};
use crate::config::{Config, StrategyName};
use crate::experiment::{ExperimentError, named_strategy};

/// The maximum number of samples of a search, and of seeds in a repetition.
const MOST: (u32, u32) = (1 << 20, 10_000);

/// A strategy on a table: it scores, and trains nothing.
///
/// A search looks up exactly the requested number of samples. They come in groups of
/// `score.rollouts`; the last group is cut to the remaining number, and the strategy does not
/// observe a group that was cut. A genome that is requested again counts again. `random` never
/// requests one again ([`RandomSearch::without_repetition`]).
#[derive(Debug)]
pub struct TableSearch<'a> {
    table: &'a Table,
    config: Config,
    samples: u32,
}

/// A look-up of a genome. Values are in the units of the table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Query {
    /// The seed of the search.
    pub seed: u64,
    /// Number of the sample, from 1.
    pub sample: u32,
    /// The genome.
    pub genome: Genome,
    /// Its reward.
    pub reward: f64,
    /// Its reported value.
    pub report: f64,
    /// The best reward so far.
    pub best: f64,
}

impl<'a> TableSearch<'a> {
    /// A search with the strategy, the group size and the strategy settings of `config`; the rest
    /// of `config` is not used.
    ///
    /// # Errors
    /// If a setting or the number of samples is out of range.
    pub fn new(table: &'a Table, config: Config, samples: u32) -> Result<Self, TableError> {
        config.check().map_err(ExperimentError::from)?;
        if config.search.strategy == StrategyName::Halving {
            return Err(ExperimentError::NoSharedWeights {
                therefore: "it takes trainings of several lengths, and a table has one value for a network; `random` takes \
                            the best of many",
            }
            .into());
        }
        if !(1..=MOST.0).contains(&samples) {
            return Err(TableError::Samples { given: samples });
        }
        Ok(Self {
            table,
            config,
            samples,
        })
    }

    /// The schedule that strategies receive.
    pub fn schedule(&self) -> Schedule {
        let rollouts = self.config.score.rollouts;
        Schedule {
            epochs: self.samples.div_ceil(rollouts),
            steps: 0,
            warm_up: 0,
            updates: 1,
            rollouts,
            paths: 1,
        }
    }

    /// Runs the search. Every sample is passed to `listen`.
    ///
    /// # Errors
    /// If the table has no row for a genome, or the strategy cannot continue.
    pub fn run(
        &self,
        seed: u64,
        listen: &mut dyn FnMut(&Query),
    ) -> Result<TabularResult, TableError> {
        let (space, schedule) = (self.table.space(), self.schedule());
        // Where every answer is a query of the table there is nothing to train, so that methods which
        // only train are random search.
        let name = match self.config.search.strategy {
            name if name.learns_only_weights() => StrategyName::Random,
            name => name,
        };
        let mut strategy = match name {
            StrategyName::Random => Box::new(RandomSearch::without_repetition(
                space.clone(),
                schedule,
                seed,
            )),
            _ => named_strategy(space, schedule, &self.config, seed, 1)?,
        };
        self.follow(&mut *strategy, name, seed, listen)
    }

    /// Runs the search with a custom strategy, which must be created for [`TableSearch::schedule`].
    /// A training step that it requests is answered from the table too, and counts as a sample.
    ///
    /// # Errors
    /// As [`TableSearch::run`].
    pub fn run_with(
        &self,
        strategy: &mut dyn Strategy,
        seed: u64,
        listen: &mut dyn FnMut(&Query),
    ) -> Result<TabularResult, TableError> {
        self.follow(strategy, StrategyName::Custom, seed, listen)
    }

    /// Runs the search with `count` seeds from `first` on.
    ///
    /// # Errors
    /// As [`TableSearch::run`], and if the seeds are out of range.
    pub fn repeat(
        &self,
        first: u64,
        count: u32,
        listen: &mut dyn FnMut(&Query),
    ) -> Result<Repeated, TableError> {
        // TOML has no larger integers.
        let last = first
            .checked_add(count.into())
            .filter(|last| i64::try_from(*last).is_ok());
        let Some(last) = last.filter(|_| (1..=MOST.1).contains(&count)) else {
            return Err(TableError::Seeds {
                first,
                given: count,
            });
        };
        let runs = (first..last)
            .map(|seed| self.run(seed, listen))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Repeated::new(runs))
    }

    fn follow(
        &self,
        strategy: &mut dyn Strategy,
        name: StrategyName,
        seed: u64,
        listen: &mut dyn FnMut(&Query),
    ) -> Result<TabularResult, TableError> {
        let mut tally = Tally::new(self.table, self.samples);
        while tally.samples() < self.samples {
            let Some(task) = strategy.next()? else { break };
            let genomes = match &task.work {
                Work::Train { paths, .. } => paths,
                Work::Score { genomes, .. } | Work::Alone { genomes, .. } => genomes,
                Work::Step { .. } => return Err(TableError::NoWeights { strategy: name }),
            };
            let left = (self.samples - tally.samples()) as usize;
            let mut scores = Vec::with_capacity(genomes.len());
            for genome in genomes.iter().take(left) {
                let Entry { reward, report } = self.table.query(genome)?;
                let best = tally.take(genome, Entry { reward, report });
                let sample = tally.samples();
                listen(&Query {
                    seed,
                    sample,
                    genome: genome.clone(),
                    reward,
                    report,
                    best,
                });
                // A table has no cross-entropy, and no built-in strategy uses it.
                scores.push(Score {
                    reward: self.table.share(reward),
                    loss: 0.0,
                });
            }
            if scores.is_empty() || scores.len() < genomes.len() {
                break;
            }
            match task.work {
                Work::Train { .. } | Work::Step { .. } => {
                    strategy.observe(&Outcome::Trained(scores[0]))
                }
                Work::Score { .. } | Work::Alone { .. } => {
                    strategy.observe(&Outcome::Scored(scores))
                }
            };
        }
        tally.found(name, seed).ok_or(TableError::NothingAsked)
    }
}
