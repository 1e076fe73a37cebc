//! The whole loop: train the shared weights, let the strategy learn from scores, derive, report.

#[cfg(test)]
mod check;
mod found;
mod minutes;

pub use found::{Found, thousands};

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use supernet_plugin::{GenomeError, Supergraph};
use supernet_shaders::random::Random;

use crate::config::{Config, ConfigError};
use crate::data::{DataError, Dataset, Splits};
use crate::derive::{self, Candidate};
use crate::device::Device;
use crate::evaluate::Evaluator;
use crate::event::{Event, Judged, Record};
use crate::gain::Gain;
use crate::run_folder::{FolderError, RunFolder};
use crate::schedule::Cosine;
use crate::space::{self, SpaceError};
use crate::strategy::enas::Enas;
use crate::strategy::random::RandomSearch;
use crate::strategy::{Genome, Outcome, Schedule, Score, Strategy, Work};
use crate::stream;
use crate::train::{StageError, Trainer, TrainerSettings};
use crate::weights::{Layout, ParameterTooLarge, Weights};

/// Why a search cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// A setting is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The space cannot be had.
    #[error(transparent)]
    Space(#[from] SpaceError),
    /// The data are wrong.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A parameter does not fit a page.
    #[error(transparent)]
    ParameterTooLarge(#[from] ParameterTooLarge),
    /// A child could not be sampled.
    #[error(transparent)]
    Genome(#[from] GenomeError),
    /// A child could not be trained or scored.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// The run folder fails.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// Minutes that no search fits in.
    #[error("{minutes} minutes are no time for a search; give --minutes above 0, or a number of --epochs")]
    NoTime {
        /// What was asked for.
        minutes: f64,
    },
}

/// A search that is set up: everything that can be wrong with its settings has been found out.
#[derive(Debug)]
pub struct Search {
    config: Config,
    minutes: Option<f64>,
    supergraph: Supergraph,
    layout: Arc<Layout>,
    data: Arc<Splits>,
    image: [u32; 3],
    schedule: Schedule,
}

impl Search {
    /// Sets up a search on the data set that the settings name.
    ///
    /// # Errors
    /// If a setting, the space or the data are wrong.
    pub fn new(config: Config) -> Result<Self, SearchError> {
        config.check()?;
        let data = Dataset::named(&config.search.data)?;
        Self::on(data, config)
    }

    /// Sets up a search on data of the application's own.
    ///
    /// # Errors
    /// If a setting, the space or the data are wrong.
    pub fn on(data: Dataset, mut config: Config) -> Result<Self, SearchError> {
        config.check()?;
        config.search.data.clone_from(&data.name);
        let supergraph = space::build(&mut config, &data.facts())?;
        let layout = Arc::new(Layout::new(&supergraph)?);
        let splits = Splits::new(&data, &config.split())?;
        let small = |part, samples, batch, key| {
            let name = data.name.clone();
            Err(SearchError::from(DataError::TooSmall { name, part, samples, batch, key }))
        };
        let (train, validation) = (splits.train.len(), splits.validation.len());
        if train < config.train.batch as usize {
            return small("training", train, config.train.batch, "train.batch");
        }
        if validation < config.score.batch as usize {
            return small("validation", validation, config.score.batch, "score.batch");
        }
        let steps = train as u32 / config.train.batch;
        if config.score.updates == 0 {
            // A step costs about three forward passes: forward, and backward through inputs and weights.
            let passes = f64::from(3 * steps * config.train.batch);
            let scored = f64::from(config.score.rollouts * config.score.batch);
            config.score.updates = (passes / scored).round().max(1.0) as u32;
        }
        let schedule = schedule(&config, steps);
        Ok(Self { config, minutes: None, supergraph, layout, data: Arc::new(splits), image: data.shape, schedule })
    }

    /// The settings as resolved: with the space's defaults, what the data told, and what was fitted.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The space.
    pub fn supergraph(&self) -> &Supergraph {
        &self.supergraph
    }

    /// How long it is.
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// Runs the search to its end. Every event goes to `listen`, and into the folder if there is one, which also
    /// receives the result.
    ///
    /// # Errors
    /// If training diverges, the device fails, or the folder cannot be written.
    pub fn run(
        self,
        device: &mut dyn Device,
        mut folder: Option<&mut RunFolder>,
        listen: &mut dyn FnMut(&Record),
    ) -> Result<Found, SearchError> {
        let began = Instant::now();
        let mut log = |event: Event| -> Result<(), SearchError> {
            let record = Record { at: began.elapsed().as_secs_f64(), event };
            if let Some(folder) = folder.as_deref_mut() {
                folder.log(&record)?;
            }
            listen(&record);
            Ok(())
        };
        let found = self.stages(device, &mut log)?;
        if let Some(folder) = folder {
            folder.sync()?;
            found.save(folder)?;
        }
        Ok(found)
    }

    fn stages(
        self,
        device: &mut dyn Device,
        log: &mut dyn FnMut(Event) -> Result<(), SearchError>,
    ) -> Result<Found, SearchError> {
        let seed = self.config.search.seed;
        log(self.started())?;
        log(self.planned())?;
        let mut strategy = self.strategy()?;
        let mut weights = self.weights();
        let mut trainer = self.trainer();
        let mut evaluator = self.evaluator();
        self.explore(&mut *strategy, &mut trainer, &mut evaluator, &mut weights, device, log)?;

        // The weights stand still from here on: whatever is judged again has its score already.
        let mut known = BTreeMap::<Genome, Score>::new();
        let mut judge = |genomes: &[Genome], role| -> Result<Vec<Score>, SearchError> {
            let mut scores = Vec::with_capacity(genomes.len());
            for genome in genomes {
                let genome = self.supergraph.canonical(genome)?;
                let score = match known.get(&genome) {
                    Some(score) => *score,
                    None => evaluator.validation(device, &weights, &genome)?,
                };
                known.insert(genome.clone(), score);
                log(Event::Judged { role, genome, score })?;
                scores.push(score);
            }
            Ok(scores)
        };
        let sampled = strategy.sample(self.config.derive.candidates as usize, stream::sub(seed, 1))?;
        let candidates = derive::distinct(&self.supergraph, &sampled)?;
        let scores = judge(&candidates, Judged::Candidate)?;
        let candidates = candidates.iter().zip(scores);
        let mut top = candidates
            .map(|(genome, score)| Candidate::new(&self.supergraph, genome, score))
            .collect::<Result<Vec<_>, _>>()?;
        derive::rank(&mut top);
        top.truncate(10);

        let count = self.config.derive.report as usize;
        let policy = strategy.sample(count, stream::sub(seed, 2))?;
        let mut random = Random::new(seed, stream::sub(stream::REPORT, 3));
        let prior = (0..count).map(|_| self.supergraph.sample(&mut |weights| random.weighted(weights)));
        let prior = prior.collect::<Result<Vec<_>, _>>()?;
        let accuracy = |scores: Vec<Score>| scores.iter().map(|score| score.accuracy).collect::<Vec<_>>();
        let gain = Gain::new(&accuracy(judge(&policy, Judged::Policy)?), &accuracy(judge(&prior, Judged::Prior)?));
        log(Event::Derived { top: top.clone() })?;
        log(Event::Gain { gain, summary: gain.sentence() })?;

        let test = match top.first() {
            Some(best) => evaluator.test(device, &weights, &best.genome)?,
            None => Score { accuracy: 0.0, loss: 0.0 },
        };
        log(Event::Tested { score: test })?;
        Ok(Found { supergraph: self.supergraph, data: self.config.search.data, top, gain, test, weights })
    }

    /// Hands the strategy's tasks to trainer and evaluator until it has no more.
    fn explore(
        &self,
        strategy: &mut dyn Strategy,
        trainer: &mut Trainer,
        evaluator: &mut Evaluator,
        weights: &mut Weights,
        device: &mut dyn Device,
        log: &mut dyn FnMut(Event) -> Result<(), SearchError>,
    ) -> Result<(), SearchError> {
        let rate = self.rate();
        let mut pass = Pass::default();
        let (mut steps, mut updates) = (0, 0);
        while let Some(task) = strategy.next()? {
            match task.work {
                Work::Train { genome, epoch } => {
                    let score = trainer.step(device, weights, &genome, epoch)?;
                    strategy.observe(&Outcome::Trained(score));
                    steps += 1;
                    log(Event::Step { epoch, step: steps, score })?;
                    pass.add(score);
                    if steps % u64::from(self.schedule.steps) == 0 {
                        let warm_up = epoch < self.schedule.warm_up;
                        log(Event::Epoch { epoch, warm_up, rate: rate.rate(epoch), score: pass.mean() })?;
                        pass = Pass::default();
                    }
                }
                Work::Score { genomes, batch } => {
                    let scores = evaluator.minibatch(device, weights, &genomes, batch)?;
                    let best = scores.iter().map(|score| score.accuracy).fold(0.0, f32::max);
                    let insight = strategy.observe(&Outcome::Scored(scores));
                    updates += 1;
                    if let Some(insight) = insight {
                        log(Event::Update { update: updates, version: weights.version, best, insight })?;
                    }
                }
            }
        }
        Ok(())
    }

    fn strategy(&self) -> Result<Box<dyn Strategy>, SearchError> {
        let (supergraph, seed) = (self.supergraph.clone(), self.config.search.seed);
        Ok(match self.config.search.strategy.as_str() {
            "random" => Box::new(RandomSearch::new(supergraph, self.schedule, seed)),
            _ => {
                Box::new(Enas::new(supergraph, self.schedule, self.config.controller, seed).map_err(ConfigError::from)?)
            }
        })
    }

    fn rate(&self) -> Cosine {
        let optimizer = &self.config.optimizer;
        Cosine::fitted(optimizer.rate as f32, optimizer.rate_min as f32, self.schedule.epochs)
    }

    pub(crate) fn weights(&self) -> Weights {
        let moments = self.config.optimizer.optimizer().moments();
        Weights::new(&self.supergraph, Arc::clone(&self.layout), moments, self.config.search.seed)
    }

    pub(crate) fn trainer(&self) -> Trainer {
        let settings = TrainerSettings {
            batch: self.config.train.batch,
            optimizer: self.config.optimizer.optimizer(),
            rate: self.rate(),
            seed: self.config.search.seed,
        };
        let (layout, data) = (Arc::clone(&self.layout), Arc::clone(&self.data));
        Trainer::new(self.supergraph.clone(), layout, data, self.image, settings)
    }

    pub(crate) fn evaluator(&self) -> Evaluator {
        let (layout, data) = (Arc::clone(&self.layout), Arc::clone(&self.data));
        let (batch, seed) = (self.config.score.batch, self.config.search.seed);
        Evaluator::new(self.supergraph.clone(), layout, data, self.image, batch, seed)
    }

    /// Genomes that are judged after the last epoch, at most.
    fn judged(&self) -> u32 {
        self.config.derive.candidates + 2 * self.config.derive.report
    }

    /// Minibatches of the validation part that judging a genome takes.
    fn batches(&self) -> u32 {
        self.data.validation.len().div_ceil(self.config.score.batch as usize) as u32
    }

    fn started(&self) -> Event {
        let search = &self.config.search;
        Event::Started {
            space: search.space.clone(),
            data: search.data.clone(),
            strategy: search.strategy.clone(),
            seed: search.seed,
            decisions: self.supergraph.genome_len() as u64,
            size: self.supergraph.size().to_string(),
            parameters: self.supergraph.total_params(),
            train: self.data.train.len() as u64,
            validation: self.data.validation.len() as u64,
            test: self.data.test.len() as u64,
        }
    }

    fn planned(&self) -> Event {
        let Schedule { epochs, steps, warm_up, updates, rollouts } = self.schedule;
        let (judged, batches) = (self.judged(), self.batches());
        Event::Planned { minutes: self.minutes, epochs, warm_up, steps, updates, rollouts, judged, batches }
    }
}

fn schedule(config: &Config, steps: u32) -> Schedule {
    let epochs = config.search.epochs;
    // At least one epoch is not warm-up, unless warm-up is all that is asked for.
    let warm_up = (config.search.warm_up * f64::from(epochs)).round() as u32;
    let warm_up = if config.search.warm_up < 1.0 { warm_up.min(epochs - 1) } else { epochs };
    Schedule { epochs, steps, warm_up, updates: config.score.updates, rollouts: config.score.rollouts }
}

/// Means over a pass.
#[derive(Default)]
struct Pass {
    accuracy: f64,
    loss: f64,
    steps: u32,
}

impl Pass {
    fn add(&mut self, score: Score) {
        self.accuracy += f64::from(score.accuracy);
        self.loss += f64::from(score.loss);
        self.steps += 1;
    }

    fn mean(&self) -> Score {
        let steps = f64::from(self.steps.max(1));
        Score { accuracy: (self.accuracy / steps) as f32, loss: (self.loss / steps) as f32 }
    }
}
