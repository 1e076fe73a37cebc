//! Everything a search depends on, in one file: a run folder's `config.toml`.

mod assign;
mod named;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use supernet_plugin::Setting;

use crate::data::text::{TextSettings, Unit};
use crate::data::{AugmentSettings, Split};
use crate::program::{Method, Optimizer, Penalties};
use crate::strategy::enas::{ControllerSettings, SettingError};
use crate::strategy::evolution::EvolutionSettings;

/// The settings of a search. Equal settings give equal bits on one kind of machine, on any number of threads.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What is searched, how and for how long.
    pub search: SearchSettings,
    /// The space's own settings; `supernet spaces --space NAME` lists them.
    pub space: BTreeMap<String, Setting>,
    /// How the data set is divided.
    pub data: DataSettings,
    /// How training images are changed.
    pub augment: AugmentSettings,
    /// How a text is read, and what its language models are rewarded with.
    pub text: LanguageSettings,
    /// Training of the shared weights.
    pub train: TrainSettings,
    /// Their optimiser.
    pub optimizer: OptimizerSettings,
    /// Scoring of children.
    pub score: ScoreSettings,
    /// The controller of the strategy `enas`.
    pub controller: ControllerSettings,
    /// The strategy `evolution`.
    pub evolution: EvolutionSettings,
    /// What comes after the last epoch.
    pub derive: DeriveSettings,
    /// Training of what was found, from scratch.
    pub retrain: RetrainSettings,
    /// How often a search is saved; changes no result.
    pub checkpoint: CheckpointSettings,
}

/// What is searched, how and for how long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SearchSettings {
    /// A registered space.
    pub space: String,
    /// A data set: a built-in name, or a path.
    pub data: String,
    /// What decides which child is trained and scored next.
    pub strategy: StrategyName,
    /// Passes over the training part.
    pub epochs: u32,
    /// Share of the epochs that sample from the prior, before the strategy starts.
    pub warm_up: f64,
    /// Seeds everything but the division of the data.
    pub seed: u64,
}

/// The strategies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StrategyName {
    /// The LSTM controller of Pham et al. 2018.
    Enas,
    /// Samples of the space's prior at the same budget; in a search of a table, no genome twice.
    Random,
    /// Regularised evolution, of Real et al. 2019.
    Evolution,
    /// One that the application gives to [`SearchBuilder::strategy`](crate::SearchBuilder::strategy).
    Own,
}

/// The update rules of the shared weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MethodName {
    /// Nesterov's momentum.
    Sgd,
    /// Adam.
    Adam,
}

/// Which weights a step moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Touch {
    /// Only those that the path reads.
    Path,
    /// The others too, by decay and momentum, as in the published code.
    All,
}

/// How the data set is divided; the test part is the source's own, else what these leave.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataSettings {
    /// Samples that train the shared weights: a share below 1, a number of samples from 1 on, 0 for one that is fitted.
    pub train: f64,
    /// Samples that score children, in the same way.
    pub validation: f64,
    /// Seeds the division, apart from the search's seed so that searches can be compared.
    pub seed: u64,
}

/// Text: how it is read and cut, and what a language model of it earns.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LanguageSettings {
    /// What its words are.
    pub unit: Unit,
    /// The most words that the vocabulary has; 0 is no limit.
    pub limit: u32,
    /// Steps that gradients flow back, and that are read at a time; 35 in the paper.
    pub window: u32,
    /// c of the reward c/perplexity (ENAS §2.2); 0 takes the paper's 80 by word, and 4 by character, whose perplexities are
    /// a twentieth.
    pub reward: f64,
}

/// Training of the shared weights.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainSettings {
    /// Samples in a minibatch.
    pub batch: u32,
}

/// The optimiser of the shared weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OptimizerSettings {
    /// The update rule.
    pub method: MethodName,
    /// The learning rate that every cosine period starts with.
    pub rate: f64,
    /// The learning rate that every cosine period ends with.
    pub rate_min: f64,
    /// Of `sgd`: share of the velocity kept.
    pub momentum: f64,
    /// Of `adam`: decay of the first moment.
    pub beta1: f64,
    /// Of `adam`: decay of the second moment.
    pub beta2: f64,
    /// Of `adam`: added to the root of the second moment.
    pub eps: f64,
    /// λ: the gradient of λ/2·‖w‖² is added, but for batch normalisation.
    pub l2: f64,
    /// The largest norm of the gradient that is let through.
    pub clip: f64,
    /// Which weights a step moves.
    pub touch: Touch,
    /// Of text: α of the penalty α·mean(h²) on what the decoder reads (Merity et al. 2017).
    pub activation_penalty: f64,
    /// Of text: β of the penalty β·mean((hₜ − hₜ₋₁)²) on what the cell gives in neighbouring steps (the same).
    pub temporal_penalty: f64,
}

/// Scoring of children during the search.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScoreSettings {
    /// Samples in a minibatch: whatever is scored is scored in minibatches of this size.
    pub batch: u32,
    /// Genomes that share a minibatch in one update of the strategy.
    pub rollouts: u32,
    /// Updates of the strategy after each epoch; 0 takes as many as cost about as much time as the epoch's training.
    pub updates: u32,
}

/// What comes after the last epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeriveSettings {
    /// Samples of the policy that are scored on the whole validation part; the best is the result.
    pub candidates: u32,
    /// Samples on each side of the gain report.
    pub report: u32,
}

/// Training of what was found, from scratch, beside random architectures: the last phase of a search, and
/// `supernet retrain`. The update rule is the one of `optimizer`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetrainSettings {
    /// Passes over training and validation part together; 0 leaves retraining out of a search.
    pub epochs: u32,
    /// The learning rate after warm-up; 0 takes twice `optimizer.rate`, since a network alone bears more than weights that
    /// many share. It falls to `optimizer.rate_min`.
    pub rate: f64,
    /// Passes, or a part of one, in which the learning rate rises.
    pub warm_up: f64,
    /// Share of every label that is spread over all classes (Szegedy et al. 2016, §7).
    pub smoothing: f64,
    /// The probability with which a path of the last layer is dropped at the end of training, in spaces with drop-path; it
    /// rises evenly to there, and is the smaller the earlier a layer stands (Zoph et al. 2018).
    pub drop_path: f64,
    /// The weight of the loss of an auxiliary head, in spaces with one (Szegedy et al. 2015); 0 trains without it.
    pub auxiliary: f64,
    /// Whether the result is the mean of the weights at the ends of the last quarter of the passes (Izmailov et al. 2018).
    pub average: bool,
    /// Trainings of the architecture that was found, each with a seed of its own.
    pub seeds: u32,
    /// Random architectures that are trained alike, each with one of the same seeds.
    pub random: u32,
    /// As the last phase of a search: what retraining may cost, as a multiple of what the search did. Fewer networks are
    /// trained where not all fit.
    pub budget: f64,
}

/// How often a search is saved, such that it can go on after a crash: whenever so many steps or minutes have passed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CheckpointSettings {
    /// Training steps between two checkpoints, at most.
    pub steps: u32,
    /// Minutes between two checkpoints, at most.
    pub minutes: f64,
    /// Checkpoints that are kept.
    pub keep: u32,
}

impl Default for CheckpointSettings {
    fn default() -> Self {
        Self { steps: 500, minutes: 5.0, keep: 2 }
    }
}

impl Default for RetrainSettings {
    fn default() -> Self {
        Self {
            epochs: 30,
            rate: 0.0,
            warm_up: 2.0,
            smoothing: 0.1,
            drop_path: 0.0,
            auxiliary: 0.4,
            average: true,
            seeds: 5,
            random: 5,
            budget: 1.5,
        }
    }
}

impl Default for SearchSettings {
    fn default() -> Self {
        Self {
            space: "enas-macro".to_owned(),
            data: "digits".to_owned(),
            strategy: StrategyName::Enas,
            epochs: 150,
            warm_up: 0.25,
            seed: 0,
        }
    }
}

impl Default for DataSettings {
    fn default() -> Self {
        Self { train: 0.0, validation: 0.0, seed: 0 }
    }
}

impl Default for LanguageSettings {
    fn default() -> Self {
        let TextSettings { unit, limit } = TextSettings::default();
        Self { unit, limit, window: 35, reward: 0.0 }
    }
}

impl LanguageSettings {
    /// How a text is read.
    pub fn reading(&self) -> TextSettings {
        TextSettings { unit: self.unit, limit: self.limit }
    }
}

impl Default for TrainSettings {
    fn default() -> Self {
        Self { batch: 64 }
    }
}

impl Default for OptimizerSettings {
    /// ENAS §3.2: Nesterov 0.9, cosine from 0.05 to 0.001, L2 of 1e-4 (λ·‖w‖², hence 2e-4 here).
    fn default() -> Self {
        Self {
            method: MethodName::Sgd,
            rate: 0.05,
            rate_min: 0.001,
            momentum: 0.9,
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            l2: 2e-4,
            clip: 5.0,
            touch: Touch::Path,
            activation_penalty: 0.0,
            temporal_penalty: 0.0,
        }
    }
}

impl Default for ScoreSettings {
    fn default() -> Self {
        Self { batch: 64, rollouts: 20, updates: 0 }
    }
}

impl Default for DeriveSettings {
    fn default() -> Self {
        Self { candidates: 100, report: 200 }
    }
}

/// What can be wrong with settings.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is not TOML.
    #[error("the configuration is not valid TOML: {0}")]
    Syntax(String),
    /// A word that a setting does not know.
    #[error("`{key}` is `{given}`, but it must be {known}")]
    UnknownWord {
        /// The setting.
        key: String,
        /// What was given.
        given: String,
        /// What it may be.
        known: String,
    },
    /// A name that no settings have.
    #[error("no settings are named `{given}`; the names are {known}")]
    UnknownName {
        /// What was given.
        given: String,
        /// The names.
        known: String,
    },
    /// A value that a setting does not take.
    #[error("a setting does not hold: {0}")]
    Invalid(String),
    /// A key that does not exist.
    #[error("there is no setting `{key}`{hint}")]
    UnknownKey {
        /// What was given.
        key: String,
        /// The nearest key that exists, as the end of the sentence.
        hint: String,
    },
    /// Not `KEY=VALUE`.
    #[error("`{given}` does not assign anything; write KEY=VALUE, for example `--set optimizer.rate=0.1`")]
    NotAssigned {
        /// What was given.
        given: String,
    },
    /// A value of another kind.
    #[error("`{key}` must be {wanted}, not `{given}`")]
    WrongKind {
        /// The setting.
        key: String,
        /// What it takes.
        wanted: &'static str,
        /// What was given.
        given: String,
    },
    /// A value out of its range.
    #[error("`{key}` is {value}, but it must be {range}")]
    OutOfRange {
        /// The setting.
        key: String,
        /// What it is.
        value: String,
        /// What it may be.
        range: &'static str,
    },
    /// A setting of the controller out of its range.
    #[error(transparent)]
    Controller(#[from] SettingError),
}

impl StrategyName {
    /// The word that names it in settings.
    pub fn word(self) -> &'static str {
        match self {
            Self::Enas => "enas",
            Self::Random => "random",
            Self::Evolution => "evolution",
            Self::Own => "own",
        }
    }
}

impl Config {
    /// Whether every value lies in its range.
    ///
    /// # Errors
    /// Names the first setting that does not.
    pub fn check(&self) -> Result<(), ConfigError> {
        // What the kernels see is an f32.
        let positive = |x: f64| (x as f32).is_finite() && x as f32 > 0.0;
        let weight = |x: f64| (x as f32).is_finite() && x >= 0.0;
        let share = |x: f64| (0.0..1.0).contains(&(x as f32));
        let part = |x: f64| (0.0..1.0).contains(&x) || x <= f64::from(u32::MAX) && x.fract() == 0.0 && x > 0.0;
        let parts = "a share below 1, a whole number of samples, or 0 (fitted)";
        let (search, data, optimizer, score) = (&self.search, &self.data, &self.optimizer, &self.score);
        let (most, minutes, evolution) = (1_u32 << 20, self.checkpoint.minutes, self.evolution);
        let retrain = self.retrain;
        let numbers: [(&str, f64, bool, &'static str); 40] = [
            ("search.epochs", search.epochs.into(), (1..=most).contains(&search.epochs), "from 1 to 1048576"),
            ("search.warm_up", search.warm_up, (0.0..=1.0).contains(&search.warm_up), "from 0 to 1"),
            ("data.train", data.train, part(data.train), parts),
            ("data.validation", data.validation, part(data.validation), parts),
            ("augment.pad", self.augment.pad.into(), self.augment.pad <= 1024, "from 0 (off) to 1024"),
            ("augment.cutout", self.augment.cutout.into(), self.augment.cutout <= 8192, "from 0 (off) to 8192"),
            ("text.limit", self.text.limit.into(), self.text.limit != 1, "0 (no limit), or 2 and above"),
            ("text.window", self.text.window.into(), (1..=4096).contains(&self.text.window), "from 1 to 4096"),
            ("text.reward", self.text.reward, weight(self.text.reward), "0 (fitted) or above"),
            ("train.batch", self.train.batch.into(), (1..=65536).contains(&self.train.batch), "from 1 to 65536"),
            ("optimizer.rate", optimizer.rate, positive(optimizer.rate), "above 0 and below 3.4e38"),
            ("optimizer.rate_min", optimizer.rate_min, weight(optimizer.rate_min), "0 or above"),
            ("optimizer.momentum", optimizer.momentum, share(optimizer.momentum), "from 0 to below 1"),
            ("optimizer.beta1", optimizer.beta1, share(optimizer.beta1), "from 0 to below 1"),
            ("optimizer.beta2", optimizer.beta2, share(optimizer.beta2), "from 0 to below 1"),
            ("optimizer.eps", optimizer.eps, positive(optimizer.eps), "above 0"),
            ("optimizer.l2", optimizer.l2, weight(optimizer.l2), "0 or above"),
            ("optimizer.clip", optimizer.clip, positive(optimizer.clip), "above 0"),
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
            ("score.batch", score.batch.into(), (1..=65536).contains(&score.batch), "from 1 to 65536"),
            ("score.rollouts", score.rollouts.into(), (1..=10000).contains(&score.rollouts), "from 1 to 10000"),
            ("score.updates", score.updates.into(), score.updates <= most, "from 0 (fitted) to 1048576"),
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
                "derive.candidates",
                self.derive.candidates.into(),
                (1..=most).contains(&self.derive.candidates),
                "from 1 to 1048576",
            ),
            ("derive.report", self.derive.report.into(), (2..=most).contains(&self.derive.report), "from 2 to 1048576"),
            ("retrain.epochs", retrain.epochs.into(), retrain.epochs <= most, "from 0 (no retraining) to 1048576"),
            ("retrain.rate", retrain.rate, weight(retrain.rate), "0 (twice `optimizer.rate`) or above"),
            (
                "retrain.warm_up",
                retrain.warm_up,
                (0.0..=f64::from(most)).contains(&retrain.warm_up),
                "from 0 to 1048576",
            ),
            ("retrain.smoothing", retrain.smoothing, share(retrain.smoothing), "from 0 to below 1"),
            ("retrain.drop_path", retrain.drop_path, share(retrain.drop_path), "from 0 (none) to below 1"),
            ("retrain.auxiliary", retrain.auxiliary, weight(retrain.auxiliary), "0 (none) or above"),
            ("retrain.seeds", retrain.seeds.into(), (1..=1000).contains(&retrain.seeds), "from 1 to 1000"),
            ("retrain.random", retrain.random.into(), retrain.random <= 1000, "from 0 (none) to 1000"),
            ("retrain.budget", retrain.budget, (0.0..=1e9).contains(&retrain.budget), "from 0 to 1000000000"),
            (
                "checkpoint.steps",
                self.checkpoint.steps.into(),
                (1..=most).contains(&self.checkpoint.steps),
                "from 1 to 1048576",
            ),
            ("checkpoint.minutes", minutes, minutes > 0.0 && minutes <= 1e6, "above 0 and at most 1000000"),
            (
                "checkpoint.keep",
                self.checkpoint.keep.into(),
                (1..=1000).contains(&self.checkpoint.keep),
                "from 1 to 1000",
            ),
            (
                "optimizer.rate_min",
                optimizer.rate_min,
                optimizer.rate_min <= optimizer.rate,
                "not above `optimizer.rate`",
            ),
        ];
        if let Some((key, value, _, range)) = numbers.into_iter().find(|(_, _, holds, _)| !holds) {
            return Err(ConfigError::OutOfRange { key: key.to_owned(), value: short(value), range });
        }
        Ok(self.controller.check()?)
    }

    /// How the data set is divided.
    pub fn split(&self) -> Split {
        Split { train: self.data.train, validation: self.data.validation, seed: self.data.seed }
    }
}

impl OptimizerSettings {
    /// The update rule that a training program ends with.
    pub fn optimizer(&self) -> Optimizer {
        let method = match self.method {
            MethodName::Adam => {
                Method::Adam { beta1: self.beta1 as f32, beta2: self.beta2 as f32, eps: self.eps as f32 }
            }
            MethodName::Sgd => Method::Sgd { momentum: self.momentum as f32 },
        };
        Optimizer {
            method,
            l2: self.l2 as f32,
            clip: self.clip as f32,
            everywhere: self.touch == Touch::All,
            smoothing: 0.0,
            auxiliary: 0.0,
            drop_path: false,
            penalties: Penalties { activation: self.activation_penalty as f32, temporal: self.temporal_penalty as f32 },
        }
    }
}

/// A number without hundreds of digits.
fn short(value: f64) -> String {
    if value == 0.0 || (1e-4..1e9).contains(&value.abs()) { value.to_string() } else { format!("{value:e}") }
}
