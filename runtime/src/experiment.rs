//! A search that is set up: space, data, settings, and the plan derived from them. Nothing runs
//! here.

mod account;
mod announcement;
mod cost;
mod error;
mod identity;
mod ledger_budget;
mod memory;
pub mod op_check;
mod rehearsal;
mod strategies;
mod time_budget;
mod transfer;

use std::sync::Arc;

pub(crate) use account::Account;
pub(crate) use cost::{GENERATION, UPDATES_APART};
pub use error::ExperimentError;
pub(crate) use identity::{data_of, same_data, same_space};
use memory::Reserved;
pub(crate) use strategies::{CustomStrategy, MakeStrategy, named_strategy};
use supernet_data::text::Unit;
use supernet_data::{DataError, Dataset, DatasetSummary, Splits, Subset};
use supernet_engine::program::{Context, CustomOps, Input, Start};
use supernet_engine::weights::{Layout, Weights};
use supernet_plugin::Supergraph;
use supernet_strategy::Schedule;
pub(crate) use time_budget::{Lengths, SharedPace};
pub use transfer::{Architecture, LabelledChoice, TransferError};

use crate::config::{Config, StrategyName};
use crate::results::Metric;
use crate::space::{BuiltSpace, SpaceError, SpaceProvenance, Spaces};
pub use crate::training::TrainingError;
use crate::training::{
    CosineRestarts, Evaluator, LinearRamp, LrSchedule, TaskContext, Trainer, TrainerSettings,
};

/// A search that is set up: its settings, space and data have been checked, and every node that may
/// run has a kernel. (In a space with elastic sizes, which no kernel supports yet, only some
/// children are checked.)
#[derive(Debug)]
pub struct Experiment {
    config: Config,
    provenance: SpaceProvenance,
    data: Dataset,
    minutes: Option<f64>,
    /// A sentence, if that is too short.
    too_short: Option<String>,
    task: TaskContext,
    schedule: Schedule,
    custom_strategy: Option<CustomStrategy>,
    /// Whether the number of networks that the strategy `nas` trains follows from the cost.
    fits_trainings: bool,
    reserved: Reserved,
}

impl Experiment {
    /// Sets up a search of a linked space on the data set that the settings name.
    ///
    /// # Errors
    /// If a setting, the space or the data are invalid.
    pub fn new(config: Config) -> Result<Self, ExperimentError> {
        config.check()?;
        let data = Dataset::named_as(&config.search.dataset, &config.text.reading())?;
        Self::on(data, config)
    }

    /// Sets up a search of a linked space on the application's data.
    ///
    /// # Errors
    /// If a setting, the space or the data are invalid.
    pub fn on(data: Dataset, config: Config) -> Result<Self, ExperimentError> {
        Self::with(&Spaces::linked(), data, config)
    }

    /// Sets up a search of one of `spaces`.
    ///
    /// # Errors
    /// If a setting, the space or the data are invalid.
    pub fn with(spaces: &Spaces, data: Dataset, config: Config) -> Result<Self, ExperimentError> {
        Self::again(spaces, data, config, None)
    }

    /// As [`Experiment::with`]; if several spaces have the name, takes the one of an earlier
    /// search.
    pub(crate) fn again(
        spaces: &Spaces,
        data: Dataset,
        mut config: Config,
        earlier: Option<&SpaceProvenance>,
    ) -> Result<Self, ExperimentError> {
        config.check()?;
        data.address().clone_into(&mut config.search.dataset);
        if let Some(earlier) = earlier {
            // The provider no longer matters as long as the space is the same; a qualifier may not
            // even exist any more.
            config.search.space.clone_from(&earlier.space);
        }
        let BuiltSpace {
            supergraph,
            provenance,
            cpu,
        } = spaces.build_again(&mut config, &data.facts(), earlier)?;
        strategies::fit(&mut config, &supergraph, data.text().is_some())?;
        let (input, metric) = sample(&data, &mut config);
        let supergraph = if data.text().is_some() {
            supergraph.with_time(config.text.window)
        } else {
            supergraph
        };
        let layout = Layout::with_states(&supergraph, config.train.per_path())?;
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
            // The last token of a text has no successor.
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
            CustomOps::new(supergraph.space(), |op| cpu.cpu_kernel(op))
                .map_err(SpaceError::from)?,
        );
        let layout = Arc::new(layout);
        let task = TaskContext {
            supergraph,
            custom,
            layout,
            data: Arc::new(splits),
            input,
            classes,
            metric,
        };
        let steps = task.passes(&task.data.train, config.train.per_path()) / config.train.paths;
        if steps == 0 {
            // A text of fewer windows than paths.
            return Err(DataError::TooSmall {
                name: data.name().to_owned(),
                part: "training",
                samples: task.data.train.len(),
                batch: config.train.batch * config.text.window,
                key: "train.paths",
            }
            .into());
        }
        if config.search.epochs == 0 {
            config.search.epochs = cost::fitted_epochs(&config, &task.data.train, &data);
        }
        if config.score.updates == 0 {
            config.score.updates = cost::balanced_updates(&config, steps);
        }
        let schedule = schedule(&config, steps);
        let reserved = Reserved::default();
        let mut experiment = Self {
            config,
            provenance,
            data,
            minutes: None,
            too_short: None,
            task,
            schedule,
            custom_strategy: None,
            fits_trainings: false,
            reserved,
        };
        experiment.fits_trainings = experiment.config.nas.candidates == 0;
        experiment.fit_trainings();
        // A custom strategy is not known yet.
        if experiment.config.search.strategy != StrategyName::Custom {
            experiment.fit_budget()?;
        }
        experiment.rehearse()?;
        Ok(experiment)
    }

    /// The meaning of the rewards.
    pub fn metric(&self) -> Metric {
        self.task.metric
    }

    /// The context that training and scoring share.
    pub(crate) fn task(&self) -> &TaskContext {
        &self.task
    }

    #[cfg(test)]
    pub(crate) fn task_mut(&mut self) -> &mut TaskContext {
        &mut self.task
    }

    /// The splits of the data set.
    pub(crate) fn parts(&self) -> &Splits {
        &self.task.data
    }

    /// The space's custom ops.
    pub(crate) fn custom(&self) -> &CustomOps {
        &self.task.custom
    }

    /// The resolved settings: with the space's defaults, the facts of the data, and fitted values.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The origin of the space.
    pub fn provenance(&self) -> &SpaceProvenance {
        &self.provenance
    }

    /// A summary of the data and its splits. Reads all data to compute the fingerprint.
    pub fn profile(&self) -> DatasetSummary {
        DatasetSummary::new(&self.data, &self.task.data)
    }

    /// The space.
    pub fn supergraph(&self) -> &Supergraph {
        &self.task.supergraph
    }

    /// The length of the search.
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    pub(crate) fn lr_schedule(&self) -> CosineRestarts {
        let optimizer = &self.config.optimizer;
        CosineRestarts::fitted(
            optimizer.learning_rate as f32,
            optimizer.min_learning_rate as f32,
            self.schedule.epochs,
        )
    }

    pub(crate) fn weights(&self) -> Weights {
        let (supergraph, train) = (&self.task.supergraph, self.config.train);
        let moments = self.config.optimizer.optimizer().moments();
        let layout = Arc::clone(&self.task.layout);
        let mut weights = Weights::new(supergraph, layout, moments, self.config.search.seed);
        if train.identity {
            weights.start_near_identity(supergraph, train.identity_noise as f32);
        }
        weights
    }

    /// The context of training programs.
    pub(crate) fn training_context(&self) -> Context<'_> {
        self.task.context(self.config.train.per_path())
    }

    /// The split that trains the shared weights.
    pub(crate) fn train_part(&self) -> &Subset {
        &self.task.data.train
    }

    pub(crate) fn trainer(&self) -> Trainer {
        let settings = TrainerSettings {
            batch: self.config.train.per_path(),
            paths: self.config.train.paths,
            augment: self.config.augment,
            optimizer: self.config.optimizer.optimizer(),
            rate: LrSchedule::Restarts(self.lr_schedule()),
            drop_path: LinearRamp::default(),
            seed: self.config.search.seed,
        };
        Trainer::new(self.task.clone(), settings).with_validation(self.evaluator())
    }

    pub(crate) fn evaluator(&self) -> Evaluator {
        Evaluator::new(
            self.task.clone(),
            self.config.score.batch,
            self.config.search.seed,
        )
    }

    /// Sets the custom strategy, if there is one.
    pub(crate) fn set_custom_strategy(
        &mut self,
        strategy: Option<CustomStrategy>,
    ) -> Result<(), ExperimentError> {
        self.custom_strategy = strategy;
        if self.custom_strategy.is_some() && self.config.search.strategy == StrategyName::Custom {
            self.fit_budget()?;
        }
        Ok(())
    }

    /// The data set.
    pub(crate) fn data(&self) -> &Dataset {
        &self.data
    }
}

/// The input that a sample is, and the metric of its scores. Fills in the settings that depend on
/// them.
fn sample(data: &Dataset, config: &mut Config) -> (Input, Metric) {
    if data.text().is_none() {
        config.train.fit_to_images();
        return (Input::Image(data.shape()), Metric::Accuracy);
    }
    config.train.paths = config.train.paths.max(1);
    let by_character = config.text.unit == Unit::Character;
    if config.text.reward == 0.0 {
        config.text.reward = if by_character { 4.0 } else { 80.0 };
    }
    let metric = Metric::Perplexity {
        reward: config.text.reward as f32,
        by_character,
    };
    (Input::Tokens(Start::Alone), metric)
}

fn schedule(config: &Config, steps: u32) -> Schedule {
    // Without shared weights there is nothing to train but single networks.
    let epochs = match config.search.strategy.shares_weights() {
        true => config.search.epochs,
        false => 0,
    };
    // At least one epoch is not warm-up, unless only warm-up is requested.
    let warm_up = (config.search.warm_up * f64::from(epochs)).round() as u32;
    let warm_up = if config.search.warm_up < 1.0 {
        warm_up.min(epochs.saturating_sub(1))
    } else {
        epochs
    };
    Schedule {
        epochs,
        steps,
        warm_up,
        updates: match config.search.strategy.scores_meanwhile() {
            true => config.score.updates,
            false => 0,
        },
        rollouts: config.score.rollouts,
        paths: config.train.paths,
    }
}
