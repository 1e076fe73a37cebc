//! Search strategies: which child to train or score next.
//!
//! A [`Strategy`] is a synchronous state machine: it hands out [`Task`]s and receives their
//! [`Outcome`]s in task order. It uses no device, clock or thread, so it can be tested without
//! them, and the number of evaluators does not change its results.

#![warn(clippy::exhaustive_enums)]

mod agenda;
mod generation;
mod method;
pub mod methods;
mod pass;
mod training_prior;
pub mod enas;
pub mod evolution;
pub mod random;
pub mod table_policy;
#[cfg(any(test, feature = "test-spaces"))]
pub mod test_spaces;

pub use generation::next_generation;
pub use method::{MethodStrategy, Moment, SearchMethod, StepWork};
pub use pass::{Pass, PassOutcome, PassSamples, PassWeights, StepOutcome, Wanted};
pub use random::from_prior;
use serde::de::Error as _;
use serde::{Deserialize, Serialize};
use supernet_plugin::{GenomeError, Supergraph};
pub use supernet_shaders::random::{Random, RngStream};
pub use training_prior::TrainingPrior;

/// One choice per decision, in the published order of the space.
pub type Genome = Vec<u32>;

/// A unit of work for the trainer or an evaluator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Counts from 0 without gaps; outcomes are observed in this order.
    pub id: u64,
    /// The work to do.
    pub work: Work,
}

/// The work of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the code that does the work must handle every kind of it"
)]
pub enum Work {
    /// Make one update of the shared weights: each of `paths` is trained on its own part of the next
    /// minibatch of the training split, and every weight moves by its mean gradient over the paths
    /// that read it.
    Train {
        /// The children, [`Schedule::paths`] of them.
        #[serde(alias = "genome", deserialize_with = "one_or_several")]
        paths: Vec<Genome>,
        /// The pass over the training split that this step belongs to, from 0; it determines the
        /// learning rate.
        epoch: u32,
    },
    /// Run passes of the network one after another, and make at most one update of the shared
    /// weights. Nothing else sees the weights that passes are moved to.
    Step {
        /// The passes. Only the last one may make an update.
        passes: Vec<Pass>,
        /// The pass over the training split that this step belongs to, from 0; it determines the
        /// learning rate.
        epoch: u32,
    },
    /// Score every child with the current shared weights, all on the same minibatch of the
    /// validation split.
    Score {
        /// The children.
        genomes: Vec<Genome>,
        /// Index of the minibatch: counts from 0 over the whole search; the data cursor is a
        /// function of it.
        batch: u64,
    },
    /// Train every child from scratch, alone, on the training split, and score it on the whole
    /// validation split. The shared weights are neither read nor changed.
    Alone {
        /// The children.
        genomes: Vec<Genome>,
        /// Passes over the training split for each.
        epochs: u32,
        /// Index of the first child, counted from 0 over the whole search; each child's seed is a
        /// function of its index.
        first: u64,
    },
}

impl Work {
    /// Whether it makes an update of the shared weights.
    pub fn updates(&self) -> bool {
        match self {
            Self::Train { .. } => true,
            Self::Step { passes, .. } => passes
                .last()
                .is_some_and(|pass| pass.wanted == Wanted::Update),
            Self::Score { .. } | Self::Alone { .. } => false,
        }
    }
}

/// Reads the paths of a training step; before there could be several, it was one genome.
fn one_or_several<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<Genome>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Paths {
        One(Genome),
        Several(Vec<Genome>),
    }
    Ok(match Paths::deserialize(from)? {
        Paths::One(genome) => vec![genome],
        Paths::Several(paths) => paths,
    })
}

/// The score of a child on some samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// The quantity that the strategy maximises: for images the accuracy, a share of samples in [0,
    /// 1]; for a language model c/perplexity (ENAS §2.2), which is not bounded by 1.
    #[serde(alias = "accuracy")]
    pub reward: f32,
    /// Mean cross-entropy in nats.
    pub loss: f32,
}

impl Score {
    /// The value that counts for a child without a score.
    pub const WORST: Self = Self {
        reward: 0.0,
        loss: f32::MAX,
    };
}

/// The result of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Outcome {
    /// Of [`Work::Train`]: loss and reward of the minibatch before the update.
    Trained(Score),
    /// Of [`Work::Step`].
    Stepped(StepOutcome),
    /// Of [`Work::Score`] and [`Work::Alone`]: one score per genome, in order.
    Scored(Vec<Score>),
}

/// The length of a search and how it divides its time. Every strategy gets the same budget, so that
/// comparisons are fair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// Passes over the training split.
    pub epochs: u32,
    /// Minibatches per pass.
    pub steps: u32,
    /// Initial passes that sample from the space's prior and score nothing.
    pub warm_up: u32,
    /// Score tasks after each pass that is not warm-up.
    pub updates: u32,
    /// Genomes per score task.
    pub rollouts: u32,
    /// Paths per training step; at least 1.
    #[serde(default = "one")]
    pub paths: u32,
}

fn one() -> u32 {
    1
}

/// What a strategy reports after an outcome, for the event log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StrategyStats {
    /// Mean reward of the rollouts.
    pub reward: f32,
    /// The reference for the reward: the mean over the rollouts of each one's baseline.
    pub baseline: f32,
    /// Entropy of the policy in nats: the mean over the rollouts of the sum over their active
    /// decisions.
    pub entropy: f32,
    /// The entropy as a share of its maximum, with all open choices equally likely, in [0, 1];
    /// absent if there is no policy, or never a choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entropy_share: Option<f32>,
    /// Mean penalty on the skip probabilities (a KL divergence in nats); 0 if the space has no
    /// skips.
    pub skip_penalty: f32,
    /// Norm of the policy's gradient before clipping.
    pub gradient_norm: f32,
}

/// Why a strategy cannot continue.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StrategyError {
    /// The space's constraints leave no genome to sample.
    #[error(transparent)]
    Genome(#[from] GenomeError),
    /// The controller's parameters are no longer finite.
    #[error(
        "the controller's parameters are no longer numbers; lower `controller.learning_rate` (it is {rate:e})"
    )]
    Diverged {
        /// Its learning rate.
        rate: f32,
    },
}

/// A search strategy: what to train, what to score, and what to learn from the scores.
pub trait Strategy: Send {
    /// The next task; `None` while it depends on outcomes that are still awaited, and for ever once
    /// the schedule is complete.
    ///
    /// # Errors
    /// If the space's constraints leave no genome to sample, or the controller's parameters are no
    /// longer finite.
    fn next(&mut self) -> Result<Option<Task>, StrategyError>;

    /// Takes the outcome of the oldest task that is not observed yet. One that does not match the
    /// task (another kind, another number of scores) ends it without any learning; a reward
    /// that is not finite counts as 0.
    fn observe(&mut self, outcome: &Outcome) -> Option<StrategyStats>;

    /// Fresh samples of the current policy, for derivation and reports, drawn with `random`: they
    /// do not change what the search does next.
    ///
    /// # Errors
    /// If the space's constraints leave no genome to sample.
    fn sample(&self, count: usize, random: &mut Random) -> Result<Vec<Genome>, GenomeError>;

    /// The architecture that the policy prefers by the method's own rule, such as the most likely
    /// choice of every decision; none if the answer of the method is the best of its samples.
    ///
    /// # Errors
    /// If the space's constraints leave no genome.
    fn favourite(&self) -> Result<Option<Genome>, GenomeError> {
        Ok(None)
    }

    /// What has to be known about the answer, in a sentence, such as why the search ended before its
    /// schedule did.
    fn verdict(&self) -> Option<String> {
        None
    }

    /// The whole state of the strategy.
    fn save(&self) -> serde_json::Value;

    /// Continues from what [`Strategy::save`] returned. Tasks that were pending at that time come
    /// first, with the same ids: whether they were done is unknown.
    ///
    /// # Errors
    /// If the value was not saved by this strategy for this space.
    fn load(&mut self, saved: serde_json::Value) -> Result<(), serde_json::Error>;
}

/// Whether the tasks that were pending at a save fit the space.
fn check_genomes(space: &Supergraph, agenda: &agenda::Agenda) -> Result<(), serde_json::Error> {
    agenda
        .genomes()
        .try_for_each(|genome| space.check(genome))
        .map_err(serde_json::Error::custom)
}
