//! Everything that a search depends on, in one file: `config.toml` in the run folder.

mod assign;
mod error;
mod method_settings;
mod nas_settings;
mod named;
mod settings;
mod strategy_name;

use std::collections::BTreeMap;

pub use error::ConfigError;
pub use method_settings::{Gates, GradientOf, MethodSettings};
pub use nas_settings::NasSettings;
use serde::{Deserialize, Serialize};
pub use settings::{
    CheckpointSettings, DataSettings, DeriveRule, DeriveSettings, LanguageSettings, MethodName,
    OptimizerSettings, RankBy, RetrainSettings, ScoreSettings, SearchSettings, SelectionSettings,
    Touch, TrainSettings,
};
pub use strategy_name::StrategyName;
use supernet_data::{AugmentSettings, SplitSpec};
use supernet_plugin::Setting;
use supernet_strategy::enas::ControllerSettings;
use supernet_strategy::evolution::EvolutionSettings;

/// The settings of a search. Equal settings give bit-identical results on machines of one kind,
/// with any number of threads.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Config {
    /// What to search, how, and for how long.
    pub search: SearchSettings,
    /// Settings of the space; `supernet spaces NAME` lists them.
    pub space: BTreeMap<String, Setting>,
    /// The split of the data set.
    pub data: DataSettings,
    /// Augmentation of the training images.
    pub augment: AugmentSettings,
    /// Tokenisation of text, and the reward of its language models.
    pub text: LanguageSettings,
    /// Training of the shared weights.
    pub train: TrainSettings,
    /// The optimiser of the shared weights.
    pub optimizer: OptimizerSettings,
    /// Scoring of children.
    pub score: ScoreSettings,
    /// The controller of the strategy `enas`.
    pub controller: ControllerSettings,
    /// The settings of the strategy `evolution`.
    pub evolution: EvolutionSettings,
    /// The settings of the methods that followed ENAS.
    pub method: MethodSettings,
    /// The settings of the strategy `nas`.
    pub nas: NasSettings,
    /// The evaluation after the last epoch.
    pub derive: DeriveSettings,
    /// The choice among candidates by short trainings.
    pub selection: SelectionSettings,
    /// Training of the best architecture from scratch.
    pub retrain: RetrainSettings,
    /// How often a search is saved; it does not affect results.
    pub checkpoint: CheckpointSettings,
}

impl Config {
    /// Checks that every value is in range.
    ///
    /// # Errors
    /// Names the first setting that is out of range.
    pub fn check(&self) -> Result<(), ConfigError> {
        // Kernels compute in f32.
        let positive = |x: f64| (x as f32).is_finite() && x as f32 > 0.0;
        let weight = |x: f64| (x as f32).is_finite() && x >= 0.0;
        let share = |x: f64| (0.0..1.0).contains(&(x as f32));
        let part = |x: f64| {
            (0.0..1.0).contains(&x) || x <= f64::from(u32::MAX) && x.fract() == 0.0 && x > 0.0
        };
        let temperature = |x: f64| x == 0.0 || (1e-3..=1e3).contains(&x);
        let parts = "a share below 1, a whole number of samples, or 0 (fitted)";
        let (search, data, optimizer, score) =
            (&self.search, &self.data, &self.optimizer, &self.score);
        let (most, minutes, evolution) = (1_u32 << 20, self.checkpoint.minutes, self.evolution);
        let (retrain, method, nas) = (self.retrain, self.method, self.nas);
        let numbers: [(&str, f64, bool, &'static str); 61] = [
            (
                "search.epochs",
                search.epochs.into(),
                search.epochs <= most,
                "from 0 (fitted) to 1048576",
            ),
            (
                "search.budget",
                search.budget,
                search.budget >= 0.0 && search.budget.is_finite(),
                "0 (none) or above",
            ),
            (
                "search.warm_up",
                search.warm_up,
                (0.0..=1.0).contains(&search.warm_up),
                "from 0 to 1",
            ),
            ("data.train", data.train, part(data.train), parts),
            (
                "data.validation",
                data.validation,
                part(data.validation),
                parts,
            ),
            (
                "augment.pad",
                self.augment.pad.into(),
                self.augment.pad <= 1024,
                "from 0 (off) to 1024",
            ),
            (
                "augment.cutout",
                self.augment.cutout.into(),
                self.augment.cutout <= 8192,
                "from 0 (off) to 8192",
            ),
            (
                "text.vocabulary_limit",
                self.text.vocabulary_limit.into(),
                self.text.vocabulary_limit != 1,
                "0 (no limit), or 2 and above",
            ),
            (
                "text.window",
                self.text.window.into(),
                (1..=4096).contains(&self.text.window),
                "from 1 to 4096",
            ),
            (
                "text.reward",
                self.text.reward,
                weight(self.text.reward),
                "0 (fitted) or above",
            ),
            (
                "train.batch",
                self.train.batch.into(),
                (1..=65536).contains(&self.train.batch),
                "from 1 to 65536",
            ),
            (
                "train.paths",
                self.train.paths.into(),
                self.train.paths <= 64,
                "from 0 (fitted) to 64",
            ),
            (
                "train.batch",
                self.train.batch.into(),
                self.train.batch.is_multiple_of(self.train.paths.max(1)),
                "a multiple of `train.paths`, since each path gets an equal share of it",
            ),
            (
                "train.identity_noise",
                self.train.identity_noise,
                (0.0..=1.0).contains(&self.train.identity_noise),
                "from 0 to 1",
            ),
            (
                "train.emphasis",
                self.train.emphasis,
                (1e-3..=1e3).contains(&self.train.emphasis),
                "from 0.001 to 1000",
            ),
            (
                "optimizer.learning_rate",
                optimizer.learning_rate,
                positive(optimizer.learning_rate),
                "above 0 and below 3.4e38",
            ),
            (
                "optimizer.min_learning_rate",
                optimizer.min_learning_rate,
                weight(optimizer.min_learning_rate),
                "0 or above",
            ),
            (
                "optimizer.momentum",
                optimizer.momentum,
                share(optimizer.momentum),
                "from 0 to below 1",
            ),
            (
                "optimizer.beta1",
                optimizer.beta1,
                share(optimizer.beta1),
                "from 0 to below 1",
            ),
            (
                "optimizer.beta2",
                optimizer.beta2,
                share(optimizer.beta2),
                "from 0 to below 1",
            ),
            (
                "optimizer.eps",
                optimizer.eps,
                positive(optimizer.eps),
                "above 0",
            ),
            (
                "optimizer.weight_decay",
                optimizer.weight_decay,
                weight(optimizer.weight_decay),
                "0 or above",
            ),
            (
                "optimizer.clip",
                optimizer.clip,
                positive(optimizer.clip),
                "above 0",
            ),
            (
                "optimizer.activation_penalty",
                optimizer.activation_penalty,
                weight(optimizer.activation_penalty),
                "0 or above",
            ),
            (
                "optimizer.temporal_penalty",
                optimizer.temporal_penalty,
                weight(optimizer.temporal_penalty),
                "0 or above",
            ),
            (
                "score.batch",
                score.batch.into(),
                (1..=65536).contains(&score.batch),
                "from 1 to 65536",
            ),
            (
                "score.rollouts",
                score.rollouts.into(),
                (1..=10000).contains(&score.rollouts),
                "from 1 to 10000",
            ),
            (
                "score.updates",
                score.updates.into(),
                score.updates <= most,
                "from 0 (fitted) to 1048576",
            ),
            (
                "evolution.population",
                evolution.population.into(),
                (1..=most).contains(&evolution.population),
                "from 1 to 1048576",
            ),
            (
                "evolution.tournament",
                evolution.tournament.into(),
                (1..=most).contains(&evolution.tournament),
                "from 1 to 1048576",
            ),
            (
                "method.learning_rate",
                method.learning_rate,
                weight(method.learning_rate),
                "0 (fitted) or above",
            ),
            (
                "method.every",
                method.every.into(),
                method.every <= most,
                "from 0 (fitted) to 1048576",
            ),
            (
                "method.order",
                method.order.into(),
                (1..=2).contains(&method.order),
                "1 or 2",
            ),
            (
                "method.temperature",
                method.temperature,
                temperature(method.temperature),
                "0 (as published), or from 0.001 to 1000",
            ),
            (
                "method.final_temperature",
                method.final_temperature,
                temperature(method.final_temperature),
                "0 (as published), or from 0.001 to 1000",
            ),
            (
                "method.dropout",
                method.dropout,
                share(method.dropout),
                "from 0 (none) to below 1",
            ),
            (
                "method.slices",
                method.slices.into(),
                method.slices <= 65536,
                "from 0 (slices of 16 samples) to 65536",
            ),
            (
                "nas.candidates",
                nas.candidates.into(),
                nas.candidates <= most,
                "from 0 (fitted) to 1048576",
            ),
            (
                "nas.children",
                nas.children.into(),
                (2..=most).contains(&nas.children),
                "from 2 to 1048576",
            ),
            (
                "nas.epochs",
                nas.epochs.into(),
                (1..=most).contains(&nas.epochs),
                "from 1 to 1048576",
            ),
            (
                "nas.last",
                nas.last.into(),
                (1..=most).contains(&nas.last),
                "from 1 to 1048576",
            ),
            (
                "nas.power",
                nas.power.into(),
                nas.power <= 16,
                "from 0 (fitted) to 16",
            ),
            (
                "derive.candidates",
                self.derive.candidates.into(),
                (1..=most).contains(&self.derive.candidates),
                "from 1 to 1048576",
            ),
            (
                "derive.generations",
                self.derive.generations.into(),
                self.derive.generations <= 1000,
                "from 0 to 1000",
            ),
            (
                "derive.report",
                self.derive.report.into(),
                (2..=most).contains(&self.derive.report),
                "from 2 to 1048576",
            ),
            (
                "selection.share",
                self.selection.share,
                (0.0..=1e9).contains(&self.selection.share),
                "from 0 (no selection) to 1000000000",
            ),
            (
                "retrain.epochs",
                retrain.epochs.into(),
                retrain.epochs <= most,
                "from 0 (no retraining) to 1048576",
            ),
            (
                "retrain.learning_rate",
                retrain.learning_rate,
                weight(retrain.learning_rate),
                "0 (twice `optimizer.learning_rate`) or above",
            ),
            (
                "retrain.warm_up",
                retrain.warm_up,
                (0.0..=f64::from(most)).contains(&retrain.warm_up),
                "from 0 to 1048576",
            ),
            (
                "retrain.smoothing",
                retrain.smoothing,
                share(retrain.smoothing),
                "from 0 to below 1",
            ),
            (
                "retrain.drop_path",
                retrain.drop_path,
                share(retrain.drop_path),
                "from 0 (none) to below 1",
            ),
            (
                "retrain.auxiliary",
                retrain.auxiliary,
                weight(retrain.auxiliary),
                "0 (none) or above",
            ),
            (
                "retrain.seeds",
                retrain.seeds.into(),
                (1..=1000).contains(&retrain.seeds),
                "from 1 to 1000",
            ),
            (
                "retrain.random",
                retrain.random.into(),
                retrain.random <= 1000,
                "from 0 (none) to 1000",
            ),
            (
                "retrain.same_size",
                retrain.same_size.into(),
                retrain.same_size <= 1000,
                "from 0 (none) to 1000",
            ),
            (
                "retrain.largest",
                retrain.largest.into(),
                retrain.largest <= 1000,
                "from 0 (none) to 1000",
            ),
            (
                "retrain.budget",
                retrain.budget,
                (0.0..=1e9).contains(&retrain.budget),
                "from 0 (no retraining) to 1000000000",
            ),
            (
                "checkpoint.steps",
                self.checkpoint.steps.into(),
                (1..=most).contains(&self.checkpoint.steps),
                "from 1 to 1048576",
            ),
            (
                "checkpoint.minutes",
                minutes,
                minutes > 0.0 && minutes <= 1e6,
                "above 0 and at most 1000000",
            ),
            (
                "checkpoint.keep",
                self.checkpoint.keep.into(),
                (1..=1000).contains(&self.checkpoint.keep),
                "from 1 to 1000",
            ),
            (
                "optimizer.min_learning_rate",
                optimizer.min_learning_rate,
                optimizer.min_learning_rate <= optimizer.learning_rate,
                "not above `optimizer.learning_rate`",
            ),
        ];
        if let Some((key, value, _, range)) = numbers.into_iter().find(|(_, _, holds, _)| !holds) {
            return Err(ConfigError::OutOfRange {
                key: key.to_owned(),
                value: short(value),
                range,
            });
        }
        Ok(self.controller.check()?)
    }

    /// The split of the data set.
    pub fn split(&self) -> SplitSpec {
        SplitSpec {
            train: self.data.train,
            validation: self.data.validation,
            seed: self.data.seed,
        }
    }
}

/// Formats a number without hundreds of digits.
fn short(value: f64) -> String {
    if value == 0.0 || (1e-4..1e9).contains(&value.abs()) {
        value.to_string()
    } else {
        format!("{value:e}")
    }
}
