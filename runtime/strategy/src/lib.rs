//! What decides which child is trained and scored next.
//!
//! A [`Strategy`] is a synchronous state machine: it hands out [`Task`]s and is told their
//! [`Outcome`]s in task order. It knows no device, no clock and no thread, so it is tested without
//! any, and the number of evaluators changes nothing.

mod agenda;
pub mod enas;
pub mod evolution;
pub mod random;
#[cfg(any(test, feature = "test-spaces"))]
pub mod test_spaces;

pub use random::from_prior;
use serde::de::Error as _;
use serde::{Deserialize, Serialize};
use supernet_plugin::{GenomeError, Supergraph};
pub use supernet_shaders::random::{Random, RngStream};

/// One choice per decision, in the published order of the space.
pub type Genome = Vec<u32>;

/// One piece of work for the trainer or an evaluator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Counts from 0 without gaps; outcomes are observed in this order.
    pub id: u64,
    /// What is to be done.
    pub work: Work,
}

/// What a task asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Work {
    /// Train the shared weights on the child of `genome` for the next minibatch of the training
    /// split.
    Train {
        /// The child.
        genome: Genome,
        /// The pass over the training split that this step belongs to, from 0; it fixes the
        /// learning rate.
        epoch: u32,
    },
    /// Score every child with the shared weights as they are, all on the same minibatch of the
    /// validation split.
    Score {
        /// The children.
        genomes: Vec<Genome>,
        /// Which minibatch: counts from 0 over the whole search; the data cursor is a function of
        /// it.
        batch: u64,
    },
}

/// How a child did on some samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// What the strategy maximises: of images the accuracy, a share of samples in [0, 1]; of a
    /// language model c/perplexity (ENAS §2.2), which is not bounded by 1.
    #[serde(alias = "accuracy")]
    pub reward: f32,
    /// Mean cross-entropy in nats.
    pub loss: f32,
}

impl Score {
    /// What a child without a score counts as.
    pub const WORST: Self = Self {
        reward: 0.0,
        loss: f32::MAX,
    };
}

/// What came of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// Of [`Work::Train`]: the minibatch's loss and accuracy before the update.
    Trained(Score),
    /// Of [`Work::Score`]: one score per genome, in order.
    Scored(Vec<Score>),
}

/// How long a search is and how it divides its time. Every strategy gets the same one, so that
/// comparisons are fair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// Passes over the training split.
    pub epochs: u32,
    /// Minibatches in a pass.
    pub steps: u32,
    /// Passes at the beginning that sample from the space's prior and score nothing.
    pub warm_up: u32,
    /// Score tasks after each pass that is not warm-up.
    pub updates: u32,
    /// Genomes in a score task.
    pub rollouts: u32,
}

/// What a strategy says about itself after an outcome, for the event log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StrategyStats {
    /// Mean reward of the rollouts.
    pub reward: f32,
    /// What the reward is compared with: mean over the rollouts of each one's own baseline.
    pub baseline: f32,
    /// Entropy of the policy in nats, mean over the rollouts of the sum over their active
    /// decisions.
    pub entropy: f32,
    /// The entropy as a share of what it would be if all choices that are open were equally likely,
    /// in [0, 1]; absent where there is no policy, or never a choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entropy_share: Option<f32>,
    /// Mean penalty on the skip probabilities (a KL divergence in nats); 0 where the space has no
    /// skips.
    pub skip_penalty: f32,
    /// Norm of the policy's gradient before clipping.
    pub gradient_norm: f32,
}

/// Why a strategy cannot go on.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StrategyError {
    /// The space's constraints leave no genome to sample.
    #[error(transparent)]
    Genome(#[from] GenomeError),
    /// The controller's parameters left the range of numbers.
    #[error(
        "the controller's parameters are no numbers any more; lower `controller.learning_rate` (it is {rate:e})"
    )]
    Diverged {
        /// Its learning rate.
        rate: f32,
    },
}

/// A way to search: what to train, what to score, what to learn from it.
pub trait Strategy: Send {
    /// The next task; `None` while outcomes are awaited that it depends on, and for ever once the
    /// schedule is through.
    ///
    /// # Errors
    /// If the space's constraints leave no genome to sample, or what was learnt is no use any more.
    fn next(&mut self) -> Result<Option<Task>, StrategyError>;

    /// Takes the outcome of the oldest task that is not observed yet. One that does not fit the
    /// task (another kind, another number of scores) ends it and teaches nothing; an accuracy that
    /// is no number counts as 0.
    fn observe(&mut self, outcome: &Outcome) -> Option<StrategyStats>;

    /// Fresh samples of the policy as it is now, for derivation and reports, drawn with `random`:
    /// they do not change what the search does next.
    ///
    /// # Errors
    /// If the space's constraints leave no genome to sample.
    fn sample(&self, count: usize, random: &mut Random) -> Result<Vec<Genome>, GenomeError>;

    /// Everything that the next call depends on.
    fn save(&self) -> serde_json::Value;

    /// Continues from what [`Strategy::save`] returned. Tasks that were out at that time come
    /// first, with the same ids: what was done of them is unknown.
    ///
    /// # Errors
    /// If the value was not saved by this strategy for this space.
    fn load(&mut self, saved: serde_json::Value) -> Result<(), serde_json::Error>;
}

/// Whether the tasks that were out at a save fit the space.
fn check_genomes(space: &Supergraph, agenda: &agenda::Agenda) -> Result<(), serde_json::Error> {
    agenda
        .genomes()
        .try_for_each(|genome| space.check(genome))
        .map_err(serde_json::Error::custom)
}
