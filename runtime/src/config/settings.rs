use serde::{Deserialize, Serialize};
use supernet_data::text::{TextSettings, Unit};
use supernet_engine::program::{Method, Optimizer, Penalties};

use super::strategy_name::StrategyName;

/// What to search, how, and for how long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SearchSettings {
    /// A registered space.
    pub space: String,
    /// A data set: a built-in name or a path.
    #[serde(alias = "data")]
    pub dataset: String,
    /// The strategy that chooses which children are trained and scored.
    pub strategy: StrategyName,
    /// Passes over the training split; 0 takes 150, or, where nothing is scored meanwhile, as many as
    /// show the weights 64,000 images, from 8 to 150. `halving` has the budget of so many.
    pub epochs: u32,
    /// The length in multiply-adds instead of epochs, as the ledger counts them, for everything before
    /// retraining: the epochs are as many as it pays for. 0 is no budget.
    pub budget: f64,
    /// Fraction of the epochs that sample from the prior, before the strategy starts.
    pub warm_up: f64,
    /// Seeds everything except the split of the data.
    pub seed: u64,
}

/// The update rules of the shared weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MethodName {
    /// SGD with momentum.
    Sgd,
    /// Adam.
    Adam,
}

/// Which weights a step updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Touch {
    /// Only those on the sampled path.
    Path,
    /// All weights: the others too, by decay and momentum, as in the published code.
    All,
}

/// The split of the data set. The test split is the source's own if it has one, else the remainder.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct DataSettings {
    /// Samples that train the shared weights: a fraction below 1, a count from 1 on, or 0 to choose
    /// one automatically.
    pub train: f64,
    /// Samples that score children, in the same units.
    pub validation: f64,
    /// Seeds the split. It is separate from the search's seed so that searches can be compared.
    pub seed: u64,
}

/// Text data: tokenisation, windows, and the reward of a language model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct LanguageSettings {
    /// The unit of the vocabulary.
    pub unit: Unit,
    /// Maximum vocabulary size; 0 means no limit.
    #[serde(alias = "limit")]
    pub vocabulary_limit: u32,
    /// Length of the window that is read at a time, and of backpropagation through time; 35 in the
    /// paper.
    pub window: u32,
    /// c of the reward c/perplexity (ENAS §2.2); 0 takes the paper's 80 by word, and 4 by
    /// character, since perplexities per character are about a twentieth.
    pub reward: f64,
}

/// Training of the shared weights.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TrainSettings {
    /// Samples per update, divided evenly among the paths.
    pub batch: u32,
    /// Paths whose gradients make one update of the shared weights, each on its share of the
    /// minibatch; 0 takes up to four for images, as long as each has eight, and one for text.
    pub paths: u32,
    /// Whether ops that can pass their input on start near doing so
    /// ([`Weights::start_near_identity`](supernet_engine::weights::Weights::start_near_identity));
    /// else all weights start as the space says.
    pub identity: bool,
    /// The share of the space's own start that such ops keep.
    pub identity_noise: f64,
    /// How many times as often ops with weights are sampled as those without, while no policy
    /// chooses.
    pub emphasis: f64,
}

/// The optimiser of the shared weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct OptimizerSettings {
    /// The update rule.
    pub method: MethodName,
    /// The learning rate at the start of every cosine period.
    #[serde(alias = "rate")]
    pub learning_rate: f64,
    /// The learning rate at the end of every cosine period.
    #[serde(alias = "rate_min")]
    pub min_learning_rate: f64,
    /// For `sgd`: the momentum coefficient.
    pub momentum: f64,
    /// For `sgd`: whether the momentum is Nesterov's.
    pub nesterov: bool,
    /// For `adam`: decay of the first moment.
    pub beta1: f64,
    /// For `adam`: decay of the second moment.
    pub beta2: f64,
    /// For `adam`: added to the square root of the second moment.
    pub eps: f64,
    /// λ: the gradient of λ/2·‖w‖² is added, except for batch normalisation.
    #[serde(alias = "l2")]
    pub weight_decay: f64,
    /// Gradients are clipped to this norm.
    pub clip: f64,
    /// Which weights a step updates.
    pub touch: Touch,
    /// For text: α of the penalty α·mean(h²) on the decoder's input (Merity et al. 2017).
    pub activation_penalty: f64,
    /// For text: β of the penalty β·mean((hₜ − hₜ₋₁)²) on the cell's output in neighbouring steps
    /// (Merity et al. 2017).
    pub temporal_penalty: f64,
}

/// Scoring of children during the search.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ScoreSettings {
    /// Samples per minibatch: all scoring uses minibatches of this size.
    pub batch: u32,
    /// Genomes that share a minibatch in one update of the strategy.
    pub rollouts: u32,
    /// Updates of the strategy after each epoch; 0 chooses a number that takes about as much time
    /// as the epoch's training.
    pub updates: u32,
}

/// The evaluation after the last epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct DeriveSettings {
    /// Samples of the policy that are scored on the whole validation split; the best one is the
    /// result.
    pub candidates: u32,
    /// Generations of candidates that are bred from the best ones, at most 50 candidates each, as in
    /// the second stage of Guo et al. 2020 (§3.4); fewer if they would cost more than the training.
    pub generations: u32,
    /// Samples on each side of the report on the policy's gain.
    pub report: u32,
    /// What the candidates are ranked by.
    pub by: RankBy,
    /// How the answer is found.
    pub rule: DeriveRule,
}

/// How a search finds its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DeriveRule {
    /// By the method's own rule: with `darts`, `snas`, `gdas` and `proxyless` the most likely
    /// choices; with the others the best of samples.
    Method,
    /// The best of samples of the policy, and of what is bred from them.
    Samples,
    /// For `darts`: decision by decision the op whose removal from the trained supernet raises the
    /// validation loss most (Wang et al. 2021, §4).
    Perturbation,
}

/// What architectures are ranked by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RankBy {
    /// The cross-entropy, which distinguishes architectures that get equally many samples right.
    Loss,
    /// The reward.
    Reward,
}

/// The choice among the candidates of a search by short trainings of each alone, before the best
/// is retrained. The settings of `retrain` apply to these trainings, apart from their length. It
/// needs `retrain.epochs`, and is left out where the application's own evaluator scores children.
/// With the strategy `halving` it is the whole search, whatever `retrain.epochs` is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SelectionSettings {
    /// Its budget, as a share of the cost of the search; 0 turns it off. It decides how many
    /// networks are trained, and for how long: at least 8 of 2 epochs, or none.
    pub share: f64,
}

/// Training of the best architecture from scratch, next to random architectures: the last phase of
/// a search, and `supernet retrain`. The update rule is that of `optimizer`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RetrainSettings {
    /// Passes over the training and validation splits together; 0 disables retraining in a search.
    pub epochs: u32,
    /// The learning rate after warm-up; 0 takes twice `optimizer.learning_rate`, since a network
    /// trained alone tolerates more than shared weights do. It decays to
    /// `optimizer.min_learning_rate`.
    #[serde(alias = "rate")]
    pub learning_rate: f64,
    /// Passes, possibly fractional, of linear learning-rate warm-up.
    pub warm_up: f64,
    /// Label smoothing: the fraction of every label that is spread over all classes (Szegedy et al.
    /// 2016, §7).
    pub smoothing: f64,
    /// The probability with which a path of the last layer is dropped at the end of training, in
    /// spaces with drop-path. It increases linearly during training, and is smaller in earlier
    /// layers (Zoph et al. 2018).
    pub drop_path: f64,
    /// The weight of the auxiliary head's loss, in spaces with an auxiliary head (Szegedy et al.
    /// 2015); 0 trains without it.
    pub auxiliary: f64,
    /// Whether the final weights are the mean of the weights at the ends of the last quarter of the
    /// passes (Izmailov et al. 2018).
    pub average: bool,
    /// Trainings of the best architecture, each with a different seed.
    pub seeds: u32,
    /// Random architectures that are trained in the same way, each with one of the same seeds.
    pub random: u32,
    /// For the last phase of a search: random architectures of nearly as many parameters as the
    /// best, which show what size alone achieves; each with one of the same seeds.
    pub same_size: u32,
    /// For the last phase of a search: trainings of the largest architecture of the space, each
    /// with one of the same seeds.
    pub largest: u32,
    /// For the last phase of a search: the budget of retraining, as a multiple of the cost of the
    /// search. If not all networks fit, fewer are trained; 0 turns this phase off.
    pub budget: f64,
}

/// How often a search is saved, so that it can be resumed after a crash: whenever the given number
/// of steps or minutes has passed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CheckpointSettings {
    /// Maximum number of training steps between two checkpoints.
    pub steps: u32,
    /// Maximum number of minutes between two checkpoints.
    pub minutes: f64,
    /// Number of checkpoints that are kept.
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

impl Default for SelectionSettings {
    fn default() -> Self {
        Self { share: 1.0 }
    }
}

impl Default for RetrainSettings {
    fn default() -> Self {
        Self {
            epochs: 10,
            learning_rate: 0.0,
            warm_up: 2.0,
            smoothing: 0.1,
            drop_path: 0.0,
            auxiliary: 0.4,
            average: true,
            seeds: 3,
            random: 3,
            same_size: 3,
            largest: 2,
            budget: 4.0,
        }
    }
}

impl Default for SearchSettings {
    fn default() -> Self {
        Self {
            space: "enas-macro".to_owned(),
            dataset: "digits".to_owned(),
            strategy: StrategyName::Spos,
            epochs: 0,
            budget: 0.0,
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
        let TextSettings { unit, limit, .. } = TextSettings::default();
        Self {
            unit,
            vocabulary_limit: limit,
            window: 35,
            reward: 0.0,
        }
    }
}

impl LanguageSettings {
    /// How text is read.
    pub fn reading(&self) -> TextSettings {
        TextSettings::new(self.unit, self.vocabulary_limit)
    }
}

impl Default for TrainSettings {
    fn default() -> Self {
        Self {
            batch: 64,
            paths: 0,
            identity: true,
            identity_noise: 0.2,
            emphasis: 3.0,
        }
    }
}

impl TrainSettings {
    /// Samples that each path is trained on in one update.
    pub fn per_path(&self) -> u32 {
        self.batch / self.paths.max(1)
    }

    /// Fits the number of paths to images.
    pub(crate) fn fit_to_images(&mut self) {
        if self.paths == 0 {
            let fits = |paths: &u32| self.batch.is_multiple_of(*paths) && self.batch >= 8 * paths;
            self.paths = [4, 3, 2].into_iter().find(fits).unwrap_or(1);
        }
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
            nesterov: true,
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
            generations: 10,
            report: 200,
            by: RankBy::Loss,
            rule: DeriveRule::Method,
        }
    }
}

impl OptimizerSettings {
    /// The update rule at the end of a training program.
    pub fn optimizer(&self) -> Optimizer {
        let method = match self.method {
            MethodName::Adam => Method::Adam {
                beta1: self.beta1 as f32,
                beta2: self.beta2 as f32,
                eps: self.eps as f32,
            },
            MethodName::Sgd => Method::Sgd {
                momentum: self.momentum as f32,
                nesterov: self.nesterov,
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
