//! The whole loop: train the shared weights, let the strategy learn from scores, derive, report.

mod builder;
#[cfg(test)]
mod check;
pub(crate) mod course;
mod error;
mod found;
mod minutes;
mod stages;
mod strategy;
#[cfg(test)]
pub(crate) mod text_check;

pub use builder::SearchBuilder;
pub(crate) use builder::{same_data, same_space};
pub use error::SearchError;
pub(crate) use found::genome_file;
pub use found::{Found, thousands};
pub(crate) use strategy::strategy;
use strategy::{MakeStrategy, Own};

use std::sync::Arc;

use supernet_plugin::{Child, Path, Pick, Supergraph};
use supernet_shaders::random::{Random, RngStream};

use crate::config::Config;
use crate::data::text::Unit;
use crate::data::{DataError, Dataset, Part, Profile, Splits};
use crate::device::Device;
use crate::evaluate::Evaluator;
use crate::event::{Event, Record};
use crate::measure::Measure;
use crate::program::{Context, CustomOps, Input, Plan, Program, Start};
use crate::retrain::{Follow, Plain};
use crate::run_folder::RunFolder;
use crate::schedule::{Cosine, Rate, Rise};
use crate::space::{Built, Origin, SpaceError, Spaces};
use crate::strategy::Schedule;
use crate::strategy::random::from_prior;
use crate::train::{Ground, StageError, Trainer, TrainerSettings};
use crate::weights::{Layout, Weights};

/// Children that stand for all where choices cannot be mixed.
const LOOKED_AT: usize = 16;
/// Children that the memory of a search is judged by.
const PLANNED: usize = 64;

/// A search that is set up: its settings, space and data have been checked, and every node that may run has a kernel. (A
/// space with elastic sizes, which no kernel runs yet, is judged by some children.)
#[derive(Debug)]
pub struct Search {
    config: Config,
    origin: Origin,
    data: Dataset,
    minutes: Option<f64>,
    ground: Ground,
    schedule: Schedule,
    own: Option<Own>,
    reserved: Reserved,
}

/// Where a search will run.
#[derive(Clone, Debug, Default)]
struct Reserved {
    device: String,
    /// Bytes.
    memory: u64,
}

impl Search {
    /// Sets up a search that runs on threads of its own and can be paused, stopped and resumed.
    pub fn builder() -> SearchBuilder {
        SearchBuilder::default()
    }

    /// Sets up a search of a linked space on the data set that the settings name.
    ///
    /// # Errors
    /// If a setting, the space or the data are wrong.
    pub fn new(config: Config) -> Result<Self, SearchError> {
        config.check()?;
        let data = Dataset::named_as(&config.search.data, &config.text.reading())?;
        Self::on(data, config)
    }

    /// Sets up a search of a linked space on data of the application's own.
    ///
    /// # Errors
    /// If a setting, the space or the data are wrong.
    pub fn on(data: Dataset, config: Config) -> Result<Self, SearchError> {
        Self::with(&Spaces::linked(), data, config)
    }

    /// Sets up a search of one of `spaces`.
    ///
    /// # Errors
    /// If a setting, the space or the data are wrong.
    pub fn with(spaces: &Spaces, data: Dataset, config: Config) -> Result<Self, SearchError> {
        Self::again(spaces, data, config, None)
    }

    /// As [`Search::with`], of the space that an earlier search had if several have its name.
    pub(crate) fn again(
        spaces: &Spaces,
        data: Dataset,
        mut config: Config,
        earlier: Option<&Origin>,
    ) -> Result<Self, SearchError> {
        config.check()?;
        data.address().clone_into(&mut config.search.data);
        if let Some(earlier) = earlier {
            // Whose it was is no matter by now, as long as it is the same; a qualifier may not even exist any more.
            config.search.space.clone_from(&earlier.space);
        }
        let Built {
            supergraph,
            origin,
            cpu,
        } = spaces.build_again(&mut config, &data.facts(), earlier)?;
        let (input, measure) = sample(&data, &mut config);
        let supergraph = if data.text().is_some() {
            supergraph.with_time(config.text.window)
        } else {
            supergraph
        };
        let layout = Layout::with_states(&supergraph, config.train.batch)?;
        let split = config.split().fitted(&data);
        (config.data.train, config.data.validation) = (split.train, split.validation);
        let splits = Splits::new(&data, &split)?;
        for (part, key, samples, batch) in [
            (
                "training",
                "train.batch",
                splits.train.len(),
                config.train.batch,
            ),
            (
                "validation",
                "score.batch",
                splits.validation.len(),
                config.score.batch,
            ),
        ] {
            // A text's last token has none after it.
            if samples < batch as usize + usize::from(data.text().is_some()) {
                let name = data.name().to_owned();
                return Err(DataError::TooSmall {
                    name,
                    part,
                    samples,
                    batch,
                    key,
                }
                .into());
            }
        }
        let (classes, custom) = (
            data.classes(),
            CustomOps::new(supergraph.space(), |op| cpu.twin(op)).map_err(SpaceError::from)?,
        );
        let layout = Arc::new(layout);
        let ground = Ground {
            supergraph,
            custom,
            layout,
            data: Arc::new(splits),
            input,
            classes,
            measure,
        };
        let steps = ground.passes(&ground.data.train, config.train.batch);
        if config.score.updates == 0 {
            // A step costs about three forward passes: forward, and backward through inputs and weights.
            let passes = 3.0 * f64::from(steps) * f64::from(config.train.batch);
            let scored = f64::from(config.score.rollouts) * f64::from(config.score.batch);
            // A glimpse costs as much as an update, and there is at most one for so many updates.
            let scored = scored * (1.0 + 1.0 / course::APART as f64);
            config.score.updates = (passes / scored).floor().max(1.0) as u32;
        }
        let schedule = schedule(&config, steps);
        let reserved = Reserved::default();
        let search = Self {
            config,
            origin,
            data,
            minutes: None,
            ground,
            schedule,
            own: None,
            reserved,
        };
        search.rehearse()?;
        Ok(search)
    }

    /// Lowers every node that some genome may run, so that an op without a kernel is found now and not hours into the
    /// search.
    fn rehearse(&self) -> Result<(), SearchError> {
        let (train, score) = (self.config.train.batch, self.config.score.batch);
        // What can be bound by itself depends on the batch of a text.
        let batches = if self.data.text().is_some() {
            vec![train, score]
        } else {
            vec![train.max(score)]
        };
        batches.into_iter().try_for_each(|batch| {
            let context = self.ground.context(batch);
            self.network(&mut |network| Program::rehearse(context, network))
        })
    }

    /// Shows `look` every node that some genome may run: in the network of all choices at once, or, where sizes that follow
    /// a decision cannot be mixed, in some children.
    pub(crate) fn network<E>(
        &self,
        look: &mut dyn FnMut(&Child) -> Result<(), E>,
    ) -> Result<(), SearchError>
    where
        StageError: From<E>,
    {
        let supergraph = &self.ground.supergraph;
        let all = |decision| {
            let choices: Vec<u32> = (0..supergraph.choices(decision)).collect();
            Pick::Mix {
                weights: vec![1.0; choices.len()],
                choices,
                rows: 1,
                gradient: false,
            }
        };
        let everything = Path {
            picks: (0..supergraph.genome_len()).map(all).collect(),
            at: Vec::new(),
        };
        let looked = match supergraph.relaxed(&everything) {
            Ok(relaxed) => look(relaxed.network()),
            Err(_) => {
                let mut random = Random::new(0, RngStream::Rehearsal);
                let mut looked = Ok(());
                for _ in 0..LOOKED_AT {
                    let child =
                        supergraph.child_in_training(&from_prior(supergraph, &mut random)?)?;
                    looked = looked.and_then(|()| look(&child));
                }
                looked
            }
        };
        Ok(looked.map_err(StageError::from)?)
    }

    /// What its stages work on.
    pub(crate) fn ground(&self) -> &Ground {
        &self.ground
    }

    /// The data set's parts.
    pub(crate) fn parts(&self) -> &Splits {
        &self.ground.data
    }

    /// What the search costs, in forward passes of one sample; a training step is about three.
    pub(crate) fn cost(&self) -> f64 {
        let Schedule {
            epochs,
            steps,
            warm_up,
            updates,
            rollouts,
        } = self.schedule;
        let (train, score) = (
            f64::from(self.config.train.batch),
            f64::from(self.config.score.batch),
        );
        let trained = 3.0 * f64::from(epochs) * f64::from(steps) * train;
        let scored = f64::from(epochs - warm_up) * f64::from(updates) * f64::from(rollouts) * score;
        trained + scored + f64::from(self.judged()) * f64::from(self.batches()) * score
    }

    /// The space's own ops.
    pub(crate) fn custom(&self) -> &CustomOps {
        &self.ground.custom
    }

    /// The settings as resolved: with the space's defaults, what the data told, and what was fitted.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Where the space came from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// What its data are, and how they are divided. Reads all of them, for the fingerprint.
    pub fn profile(&self) -> Profile {
        Profile::new(&self.data, &self.ground.data)
    }

    /// The space.
    pub fn supergraph(&self) -> &Supergraph {
        &self.ground.supergraph
    }

    /// How long it is.
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// Runs the search to its end, on the thread that calls. Every event goes to `listen`, and into the folder if there
    /// is one, which also receives the result. The last phase is [`Retraining`](crate::Retraining), unless `retrain.epochs`
    /// is 0 or it would cost too much (`retrain.budget`). Nothing is saved underway, and a failure ends the search:
    /// [`Search::builder`] offers more. The results are the same.
    ///
    /// # Errors
    /// If training diverges, the device fails, or the folder cannot be written.
    pub fn run(
        mut self,
        device: &mut dyn Device,
        folder: Option<&mut RunFolder>,
        listen: &mut dyn FnMut(&Record),
    ) -> Result<Found, SearchError> {
        self.reserve(device)?;
        if let Some(folder) = &folder {
            folder.write_origin(&self.origin)?;
            folder.write_profile(&self.profile())?;
        }
        let (search, mut follow) = (
            Arc::new(self),
            Plain::new(folder, listen, &|| false, 0, 0.0),
        );
        let mut found = Arc::clone(&search).stages(device, &mut |event| follow.tell(event))?;
        search.last_phase(&mut found, device, &mut follow)?;
        Ok(found)
    }

    fn rate(&self) -> Cosine {
        let optimizer = &self.config.optimizer;
        Cosine::fitted(
            optimizer.rate as f32,
            optimizer.rate_min as f32,
            self.schedule.epochs,
        )
    }

    pub(crate) fn weights(&self) -> Weights {
        let moments = self.config.optimizer.optimizer().moments();
        Weights::new(
            &self.ground.supergraph,
            Arc::clone(&self.ground.layout),
            moments,
            self.config.search.seed,
        )
    }

    /// What training programs are built for.
    pub(crate) fn context(&self) -> Context<'_> {
        self.ground.context(self.config.train.batch)
    }

    /// What the shared weights are trained on.
    pub(crate) fn train_part(&self) -> &Part {
        &self.ground.data.train
    }

    pub(crate) fn trainer(&self) -> Trainer {
        let settings = TrainerSettings {
            batch: self.config.train.batch,
            augment: self.config.augment,
            optimizer: self.config.optimizer.optimizer(),
            rate: Rate::Restarts(self.rate()),
            drop_path: Rise::default(),
            seed: self.config.search.seed,
        };
        Trainer::new(self.ground.clone(), settings)
    }

    pub(crate) fn evaluator(&self) -> Evaluator {
        Evaluator::new(
            self.ground.clone(),
            self.config.score.batch,
            self.config.search.seed,
        )
    }

    /// Genomes that are judged after the last epoch, at most.
    fn judged(&self) -> u32 {
        self.config.derive.candidates + 2 * self.config.derive.report
    }

    /// Minibatches of the validation part that judging a genome takes.
    fn batches(&self) -> u32 {
        let (part, batch) = (&self.ground.data.validation, self.config.score.batch);
        let streams = self.ground.streams(part, batch);
        streams.map_or(part.len().div_ceil(batch as usize) as u32, |streams| {
            streams.windows()
        })
    }

    /// Makes room for the search on the device that it will run on, so that one that cannot fit says so at once.
    ///
    /// # Errors
    /// If it does not fit.
    fn reserve(&mut self, device: &mut dyn Device) -> Result<(), SearchError> {
        // An earlier search may have ended with runs under way.
        device.forget();
        let memory = device
            .reserve(&self.plan()?, &self.weights())
            .map_err(StageError::from)?;
        self.reserved = Reserved {
            device: device.name(),
            memory,
        };
        Ok(())
    }

    /// The memory that programs need, as far as a sample of children tells.
    pub(crate) fn plan(&self) -> Result<Plan, SearchError> {
        let (mut plan, mut random) = (Plan::default(), Random::new(0, RngStream::MemoryPlan));
        let optimizer = self.config.optimizer.optimizer();
        for _ in 0..PLANNED {
            let child = self
                .ground
                .supergraph
                .child(&from_prior(&self.ground.supergraph, &mut random)?)?;
            let training =
                Program::training(self.context(), &child, &optimizer).map_err(StageError::from)?;
            let scoring = Program::scoring(self.ground.context(self.config.score.batch), &child);
            plan.add(&training);
            plan.add(&scoring.map_err(StageError::from)?);
        }
        Ok(plan)
    }

    fn started(&self) -> Event {
        let search = &self.config.search;
        Event::Started {
            space: self.origin.space.clone(),
            data: self.data.name().to_owned(),
            strategy: search.strategy,
            device: self.reserved.device.clone(),
            seed: search.seed,
            decisions: self.ground.supergraph.genome_len() as u64,
            size: self.ground.supergraph.size().to_string(),
            parameters: self.ground.supergraph.total_params(),
            train: self.ground.data.train.len() as u64,
            validation: self.ground.data.validation.len() as u64,
            test: self.ground.data.test.len() as u64,
        }
    }

    fn planned(&self) -> Event {
        let Schedule {
            epochs,
            steps,
            warm_up,
            updates,
            rollouts,
        } = self.schedule;
        let (judged, batches, memory) = (self.judged(), self.batches(), self.reserved.memory);
        Event::Planned {
            minutes: self.minutes,
            epochs,
            warm_up,
            steps,
            updates,
            rollouts,
            judged,
            batches,
            memory,
        }
    }
}

/// What a sample of the data is, and what a score of it says. What is left to be fitted is fitted.
fn sample(data: &Dataset, config: &mut Config) -> (Input, Measure) {
    if data.text().is_none() {
        return (Input::Image(data.shape()), Measure::Accuracy);
    }
    let by_character = config.text.unit == Unit::Character;
    if config.text.reward == 0.0 {
        config.text.reward = if by_character { 4.0 } else { 80.0 };
    }
    let measure = Measure::Perplexity {
        reward: config.text.reward as f32,
        by_character,
    };
    (Input::Tokens(Start::Alone), measure)
}

fn schedule(config: &Config, steps: u32) -> Schedule {
    let epochs = config.search.epochs;
    // At least one epoch is not warm-up, unless warm-up is all that is asked for.
    let warm_up = (config.search.warm_up * f64::from(epochs)).round() as u32;
    let warm_up = if config.search.warm_up < 1.0 {
        warm_up.min(epochs - 1)
    } else {
        epochs
    };
    Schedule {
        epochs,
        steps,
        warm_up,
        updates: config.score.updates,
        rollouts: config.score.rollouts,
    }
}
