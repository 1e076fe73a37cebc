use serde::{Deserialize, Serialize};
use supernet_data::text::{TextSettings, Unit};
use supernet_engine::program::{Method, Optimizer, Penalties};

/// What is searched, how and for how long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SearchSettings {
    /// A registered space.
    pub space: String,
    /// A data set: a built-in name, or a path.
    pub dataset: String,
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
#[non_exhaustive]
pub enum StrategyName {
    /// The LSTM controller of Pham et al. 2018.
    Enas,
    /// Samples of the space's prior at the same budget; in a search of a table, no genome twice.
    Random,
    /// Regularised evolution, of Real et al. 2019.
    Evolution,
    /// One that the application gives to
    /// [`SearchBuilder::strategy`](crate::SearchBuilder::strategy).
    #[serde(alias = "own")]
    Custom,
}

/// The update rules of the shared weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MethodName {
    /// Nesterov's momentum.
    Sgd,
    /// Adam.
    Adam,
}

/// Which weights a step moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Touch {
    /// Only those that the path reads.
    Path,
    /// The others too, by decay and momentum, as in the published code.
    All,
}

/// How the data set is divided; the test part is the source's own, else what these leave.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct DataSettings {
    /// Samples that train the shared weights: a share below 1, a number of samples from 1 on, 0 for
    /// one that is fitted.
    pub train: f64,
    /// Samples that score children, in the same way.
    pub validation: f64,
    /// Seeds the division, apart from the search's seed so that searches can be compared.
    pub seed: u64,
}

/// Text: how it is read and cut, and what a language model of it earns.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct LanguageSettings {
    /// What its words are.
    pub unit: Unit,
    /// The most words that the vocabulary has; 0 is no limit.
    pub vocabulary_limit: u32,
    /// Steps that gradients flow back, and that are read at a time; 35 in the paper.
    pub window: u32,
    /// c of the reward c/perplexity (ENAS §2.2); 0 takes the paper's 80 by word, and 4 by
    /// character, whose perplexities are a twentieth.
    pub reward: f64,
}

/// Training of the shared weights.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TrainSettings {
    /// Samples in a minibatch.
    pub batch: u32,
}

/// The optimiser of the shared weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct OptimizerSettings {
    /// The update rule.
    pub method: MethodName,
    /// The learning rate that every cosine period starts with.
    pub learning_rate: f64,
    /// The learning rate that every cosine period ends with.
    pub min_learning_rate: f64,
    /// Of `sgd`: share of the velocity kept.
    pub momentum: f64,
    /// Of `adam`: decay of the first moment.
    pub beta1: f64,
    /// Of `adam`: decay of the second moment.
    pub beta2: f64,
    /// Of `adam`: added to the root of the second moment.
    pub eps: f64,
    /// λ: the gradient of λ/2·‖w‖² is added, but for batch normalisation.
    pub weight_decay: f64,
    /// The largest norm of the gradient that is let through.
    pub clip: f64,
    /// Which weights a step moves.
    pub touch: Touch,
    /// Of text: α of the penalty α·mean(h²) on what the decoder reads (Merity et al. 2017).
    pub activation_penalty: f64,
    /// Of text: β of the penalty β·mean((hₜ − hₜ₋₁)²) on what the cell gives in neighbouring steps
    /// (the same).
    pub temporal_penalty: f64,
}

/// Scoring of children during the search.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ScoreSettings {
    /// Samples in a minibatch: whatever is scored is scored in minibatches of this size.
    pub batch: u32,
    /// Genomes that share a minibatch in one update of the strategy.
    pub rollouts: u32,
    /// Updates of the strategy after each epoch; 0 takes as many as cost about as much time as the
    /// epoch's training.
    pub updates: u32,
}

/// What comes after the last epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct DeriveSettings {
    /// Samples of the policy that are scored on the whole validation part; the best is the result.
    pub candidates: u32,
    /// Samples on each side of the gain report.
    pub report: u32,
}

/// Training of what was found, from scratch, beside random architectures: the last phase of a
/// search, and `supernet retrain`. The update rule is the one of `optimizer`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RetrainSettings {
    /// Passes over training and validation part together; 0 leaves retraining out of a search.
    pub epochs: u32,
    /// The learning rate after warm-up; 0 takes twice `optimizer.learning_rate`, since a network
    /// alone bears more than weights that many share. It falls to `optimizer.min_learning_rate`.
    pub learning_rate: f64,
    /// Passes, or a part of one, in which the learning rate rises.
    pub warm_up: f64,
    /// Share of every label that is spread over all classes (Szegedy et al. 2016, §7).
    pub smoothing: f64,
    /// The probability with which a path of the last layer is dropped at the end of training, in
    /// spaces with drop-path; it rises evenly to there, and is the smaller the earlier a layer
    /// stands (Zoph et al. 2018).
    pub drop_path: f64,
    /// The weight of the loss of an auxiliary head, in spaces with one (Szegedy et al. 2015); 0
    /// trains without it.
    pub auxiliary: f64,
    /// Whether the result is the mean of the weights at the ends of the last quarter of the passes
    /// (Izmailov et al. 2018).
    pub average: bool,
    /// Trainings of the architecture that was found, each with a seed of its own.
    pub seeds: u32,
    /// Random architectures that are trained alike, each with one of the same seeds.
    pub random: u32,
    /// As the last phase of a search: what retraining may cost, as a multiple of what the search
    /// did. Fewer networks are trained where not all fit.
    pub budget: f64,
}

/// How often a search is saved, such that it can go on after a crash: whenever so many steps or
/// minutes have passed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
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
        Self {
            steps: 500,
            minutes: 5.0,
            keep: 2,
        }
    }
}

impl Default for RetrainSettings {
    fn default() -> Self {
        Self {
            epochs: 30,
            learning_rate: 0.0,
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
            dataset: "digits".to_owned(),
            strategy: StrategyName::Enas,
            epochs: 150,
            warm_up: 0.25,
            seed: 0,
        }
    }
}

impl Default for DataSettings {
    fn default() -> Self {
        Self {
            train: 0.0,
            validation: 0.0,
            seed: 0,
        }
    }
}

impl Default for LanguageSettings {
    fn default() -> Self {
        let TextSettings { unit, limit } = TextSettings::default();
        Self {
            unit,
            vocabulary_limit: limit,
            window: 35,
            reward: 0.0,
        }
    }
}

impl LanguageSettings {
    /// How a text is read.
    pub fn reading(&self) -> TextSettings {
        TextSettings {
            unit: self.unit,
            limit: self.vocabulary_limit,
        }
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
            learning_rate: 0.05,
            min_learning_rate: 0.001,
            momentum: 0.9,
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            weight_decay: 2e-4,
            clip: 5.0,
            touch: Touch::Path,
            activation_penalty: 0.0,
            temporal_penalty: 0.0,
        }
    }
}

impl Default for ScoreSettings {
    fn default() -> Self {
        Self {
            batch: 64,
            rollouts: 20,
            updates: 0,
        }
    }
}

impl Default for DeriveSettings {
    fn default() -> Self {
        Self {
            candidates: 100,
            report: 200,
        }
    }
}

impl StrategyName {
    /// The word that names it in settings.
    pub fn word(self) -> &'static str {
        match self {
            Self::Enas => "enas",
            Self::Random => "random",
            Self::Evolution => "evolution",
            Self::Custom => "custom",
        }
    }
}

impl OptimizerSettings {
    /// The update rule that a training program ends with.
    pub fn optimizer(&self) -> Optimizer {
        let method = match self.method {
            MethodName::Adam => Method::Adam {
                beta1: self.beta1 as f32,
                beta2: self.beta2 as f32,
                eps: self.eps as f32,
            },
            MethodName::Sgd => Method::Sgd {
                momentum: self.momentum as f32,
            },
        };
        Optimizer {
            method,
            weight_decay: self.weight_decay as f32,
            clip: self.clip as f32,
            everywhere: self.touch == Touch::All,
            smoothing: 0.0,
            auxiliary: 0.0,
            drop_path: false,
            penalties: Penalties {
                activation: self.activation_penalty as f32,
                temporal: self.temporal_penalty as f32,
            },
        }
    }
}
