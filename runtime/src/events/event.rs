//! What happens in a search: the only thing that terminals, logs and reports see.

use serde::{Deserialize, Serialize};
use supernet_strategy::{Genome, Score, StrategyStats};

use crate::config::StrategyName;
use crate::results::{
    Candidate, Comparison, InterimComparison, Metric, OpShares, PolicyGain, Side, TrainedNetwork,
};

/// An event with its time. Two runs of equal settings differ in nothing but `at`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Seconds since the search began.
    pub at: f64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What can happen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// The search is set up.
    Started {
        /// The space.
        space: String,
        /// The data set.
        data: String,
        /// The strategy.
        strategy: StrategyName,
        /// The device.
        device: String,
        /// The seed.
        seed: u64,
        /// Decisions of the space.
        decisions: u64,
        /// Different genomes, in words.
        size: String,
        /// Parameters of the whole supergraph.
        parameters: u64,
        /// Samples of the training part.
        train: u64,
        /// Samples of the validation part.
        validation: u64,
        /// Samples of the test part.
        test: u64,
        /// What rewards are.
        #[serde(default, skip_serializing_if = "Metric::is_accuracy")]
        metric: Metric,
    },
    /// How long the search will be.
    Planned {
        /// Minutes that were asked for and turned into epochs, if any were.
        minutes: Option<f64>,
        /// Passes over the training part.
        epochs: u32,
        /// How many of them are warm-up.
        warm_up: u32,
        /// Steps in a pass.
        steps: u32,
        /// Updates of the strategy after a pass.
        updates: u32,
        /// Genomes scored in an update.
        rollouts: u32,
        /// Genomes scored on the whole validation part after the last epoch, at most: candidates,
        /// and both sides of the comparison with random samples.
        #[serde(alias = "judged")]
        evaluated: u32,
        /// Minibatches of the validation part that scoring one of them takes.
        batches: u32,
        /// Bytes of memory on the device: weights with gradients and moments, and the values of
        /// sampled children. It may grow a little when a larger child comes along.
        memory: u64,
    },
    /// One training step.
    Step {
        /// The pass, from 0.
        epoch: u32,
        /// The step, counted from 1 over the whole search.
        step: u64,
        /// The child's score on the minibatch before the update.
        #[serde(flatten)]
        score: Score,
    },
    /// A pass over the training part is done.
    Epoch {
        /// Which one, from 0.
        epoch: u32,
        /// Whether it sampled from the prior.
        warm_up: bool,
        /// The learning rate.
        rate: f32,
        /// Means over the pass.
        #[serde(flatten)]
        score: Score,
    },
    /// The strategy saw a group of scores.
    Update {
        /// Counted from 1.
        update: u64,
        /// Version of the shared weights that was scored.
        version: u64,
        /// The best accuracy of the group.
        best: f32,
        /// What the strategy says of itself.
        #[serde(flatten)]
        stats: StrategyStats,
        /// What its rollouts are made of.
        #[serde(flatten)]
        shares: OpShares,
    },
    /// The policy against random samples along the way, on the minibatch of an update; about ten
    /// times in a search. What the strategy does does not depend on it.
    #[serde(alias = "glimpse")]
    InterimComparison {
        /// The update whose rollouts are the policy's samples.
        update: u64,
        /// The numbers.
        #[serde(flatten)]
        comparison: InterimComparison,
    },
    /// Something in what the strategy does looks wrong. Each kind is told once.
    Warning {
        /// What.
        kind: WarningKind,
        /// Numbers and a way out.
        sentence: String,
    },
    /// A candidate is set aside: it has no score, or a training step on it would ruin the shared
    /// weights.
    SetAside {
        /// The genome.
        genome: Genome,
        /// Why.
        reason: String,
    },
    /// A genome is scored on the whole validation part, after the last epoch.
    #[serde(alias = "judged")]
    Evaluated {
        /// Why.
        role: EvaluationRole,
        /// Version of the shared weights.
        version: u64,
        /// The genome.
        genome: Genome,
        /// Its score.
        #[serde(flatten)]
        score: Score,
    },
    /// The best candidates, best first.
    Derived {
        /// Version of the shared weights that they were judged with.
        version: u64,
        /// At most ten.
        top: Vec<Candidate>,
    },
    /// The policy against random samples.
    #[serde(alias = "gain")]
    PolicyGain {
        /// The numbers.
        #[serde(flatten)]
        gain: PolicyGain,
        /// The same in words.
        summary: String,
    },
    /// The best candidate on the test part, with the shared weights: not the accuracy that it will
    /// have on its own.
    Tested {
        /// The score.
        #[serde(flatten)]
        score: Score,
    },
    /// What was found is trained from scratch now, beside random architectures.
    RetrainStarted {
        /// Passes of each network.
        epochs: u32,
        /// Steps in a pass.
        steps: u32,
        /// Samples in a pass: training and validation part.
        samples: u64,
        /// Trainings of the architecture that was found.
        seeds: u32,
        /// Random architectures.
        random: u32,
        /// Trainings that the settings ask for, and that `retrain.budget` does not pay.
        left_out: u32,
        /// What networks are compared by.
        #[serde(default, skip_serializing_if = "Metric::is_accuracy")]
        metric: Metric,
    },
    /// A network that is trained from scratch has done a pass.
    RetrainEpoch {
        /// Which network, from 0.
        network: u32,
        /// Whose architecture it has.
        side: Side,
        /// Its seed.
        seed: u64,
        /// Which pass, from 0.
        epoch: u32,
        /// The learning rate of the last step.
        rate: f32,
        /// Means over the pass.
        #[serde(flatten)]
        score: Score,
    },
    /// A network was trained from scratch, and tested.
    Retrained {
        /// Which network, from 0.
        network: u32,
        /// What came of it.
        #[serde(flatten)]
        trained: TrainedNetwork,
    },
    /// All networks were trained.
    RetrainCompared {
        /// The numbers.
        #[serde(flatten)]
        comparison: Comparison,
        /// The same in words.
        summary: String,
    },
    /// The search stands still because it was asked to. This and what follows are incidents: see
    /// [`Event::is_incident`].
    Paused,
    /// It goes on: after a pause, or from a checkpoint.
    Resumed {
        /// Training steps done before.
        steps: u64,
    },
    /// It ends because it was asked to.
    Stopped {
        /// Training steps done.
        steps: u64,
    },
    /// A checkpoint was written: from here the search can be resumed.
    Saved {
        /// Training steps done at that moment.
        steps: u64,
    },
    /// A checkpoint that cannot be used; the one before it is.
    Damaged {
        /// Which one, and why.
        reason: String,
    },
    /// A part of the search failed. It is replaced, and the search goes on from its last snapshot,
    /// or it ends.
    Failed {
        /// `trainer`, `evaluator 1`, `controller`, `checkpoint`.
        part: String,
        /// What it said.
        reason: String,
        /// Failures since the search came further than before, this one included.
        failures: u32,
    },
}

impl Event {
    /// Whether this happened *to* the search, such as a pause or a failure, as against what it did.
    /// Two runs of equal settings have the same events but for incidents. A run's folder has
    /// incidents in `incidents.jsonl`, all others in `events.jsonl`.
    pub fn is_incident(&self) -> bool {
        matches!(
            self,
            Self::Paused
                | Self::Resumed { .. }
                | Self::Stopped { .. }
                | Self::Saved { .. }
                | Self::Damaged { .. }
                | Self::Failed { .. }
        )
    }
}

/// What can look wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WarningKind {
    /// Nearly all ops are parameter-free.
    ParameterFree,
    /// Nearly all skips are on, or nearly none.
    Skips,
    /// The policy's entropy was gone early.
    Entropy,
    /// Rewards within a group are all the same.
    Rewards,
    /// The policy is no better than chance.
    Chance,
}

/// Why a genome is scored on the whole validation part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EvaluationRole {
    /// It may become the result.
    Candidate,
    /// A fresh sample of the policy, for the gain report.
    Policy,
    /// A sample of the space's prior, for the gain report.
    Prior,
}
