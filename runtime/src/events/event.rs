//! The events of a search: terminals, logs and reports are built from nothing else.

use serde::{Deserialize, Serialize};
use supernet_strategy::{Genome, Score, StrategyStats};

use crate::config::StrategyName;
use crate::results::{
    Candidate, Comparison, InterimComparison, Metric, OpShares, PolicyGain, Side, TrainedNetwork,
};

/// An event with its time. Two runs with equal settings differ only in `at`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Seconds since the start of the search.
    pub at: f64,
    /// The event.
    #[serde(flatten)]
    pub event: Event,
}

/// An event of a search.
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
        /// Number of decisions in the space.
        decisions: u64,
        /// Number of distinct genomes, formatted.
        size: String,
        /// Number of parameters of the whole supergraph.
        parameters: u64,
        /// Samples in the training split.
        train: u64,
        /// Samples in the validation split.
        validation: u64,
        /// Samples in the test split.
        test: u64,
        /// The meaning of the rewards.
        #[serde(default, skip_serializing_if = "Metric::is_accuracy")]
        metric: Metric,
    },
    /// The size of the search.
    Planned {
        /// The requested duration in minutes from which the number of epochs was computed, if any.
        minutes: Option<f64>,
        /// Passes over the training split.
        epochs: u32,
        /// Number of warm-up passes among them.
        warm_up: u32,
        /// Steps per pass.
        steps: u32,
        /// Updates of the strategy after each pass.
        updates: u32,
        /// Genomes that are scored in an update.
        rollouts: u32,
        /// Maximum number of genomes that are scored on the whole validation split after the last
        /// epoch: candidates, and both sides of the comparison with random samples.
        #[serde(alias = "judged")]
        evaluated: u32,
        /// Minibatches of the validation split needed to score one of them.
        batches: u32,
        /// Bytes of device memory: weights with gradients and moments, and the activations of
        /// sampled children. It may grow slightly when a larger child is sampled.
        memory: u64,
    },
    /// One training step.
    Step {
        /// Index of the pass, from 0.
        epoch: u32,
        /// Number of the step, from 1 over the whole search.
        step: u64,
        /// The child's score on the minibatch before the update.
        #[serde(flatten)]
        score: Score,
    },
    /// A pass over the training split has ended.
    Epoch {
        /// Index of the pass, from 0.
        epoch: u32,
        /// Whether the pass was warm-up, which samples from the prior.
        warm_up: bool,
        /// The learning rate.
        rate: f32,
        /// Means over the pass.
        #[serde(flatten)]
        score: Score,
    },
    /// The strategy observed a group of scores.
    Update {
        /// Number of the update, from 1.
        update: u64,
        /// Version of the shared weights that were scored.
        version: u64,
        /// The best reward of the group.
        best: f32,
        /// Statistics of the strategy.
        #[serde(flatten)]
        stats: StrategyStats,
        /// Composition of its rollouts.
        #[serde(flatten)]
        shares: OpShares,
    },
    /// The policy compared with random samples during the search, on the minibatch of an update;
    /// at most ten times in a search. The strategy's behaviour does not depend on it.
    #[serde(alias = "glimpse")]
    InterimComparison {
        /// The update whose rollouts are the policy's samples.
        update: u64,
        /// The comparison.
        #[serde(flatten)]
        comparison: InterimComparison,
    },
    /// The strategy's behaviour looks wrong. Each kind of warning is emitted once.
    Warning {
        /// The kind of warning.
        kind: WarningKind,
        /// The numbers, and a remedy.
        sentence: String,
    },
    /// A candidate is skipped: it has no score, or a training step on it would corrupt the shared
    /// weights.
    SetAside {
        /// The genome.
        genome: Genome,
        /// The reason.
        reason: String,
    },
    /// A genome was scored on the whole validation split, after the last epoch.
    #[serde(alias = "judged")]
    Evaluated {
        /// Why it was scored.
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
        /// Version of the shared weights that they were scored with.
        version: u64,
        /// At most ten candidates.
        top: Vec<Candidate>,
    },
    /// The policy compared with random samples.
    #[serde(alias = "gain")]
    PolicyGain {
        /// The comparison.
        #[serde(flatten)]
        gain: PolicyGain,
        /// The summary of the comparison.
        summary: String,
    },
    /// The best candidate was scored on the test split, with the shared weights: this is not its
    /// accuracy after training alone.
    Tested {
        /// The score.
        #[serde(flatten)]
        score: Score,
    },
    /// Retraining starts: the best architecture is trained from scratch, next to random
    /// architectures.
    RetrainStarted {
        /// Passes per network.
        epochs: u32,
        /// Steps per pass.
        steps: u32,
        /// Samples per pass: the training and validation splits.
        samples: u64,
        /// Trainings of the best architecture.
        seeds: u32,
        /// Random architectures.
        random: u32,
        /// Trainings that the settings ask for but `retrain.budget` does not cover.
        left_out: u32,
        /// The metric by which networks are compared.
        #[serde(default, skip_serializing_if = "Metric::is_accuracy")]
        metric: Metric,
    },
    /// A network in retraining has finished a pass.
    RetrainEpoch {
        /// Index of the network, from 0.
        network: u32,
        /// The origin of its architecture.
        side: Side,
        /// Its seed.
        seed: u64,
        /// Index of the pass, from 0.
        epoch: u32,
        /// The learning rate of the last step.
        rate: f32,
        /// Means over the pass.
        #[serde(flatten)]
        score: Score,
    },
    /// A network was trained from scratch and tested.
    Retrained {
        /// Index of the network, from 0.
        network: u32,
        /// The trained network.
        #[serde(flatten)]
        trained: TrainedNetwork,
    },
    /// All networks have been trained.
    RetrainCompared {
        /// The comparison.
        #[serde(flatten)]
        comparison: Comparison,
        /// The summary of the comparison.
        summary: String,
    },
    /// The search is paused on request. This event and the following ones are incidents: see
    /// [`Event::is_incident`].
    Paused,
    /// The search continues after a pause or from a checkpoint.
    Resumed {
        /// Training steps that were done before.
        steps: u64,
    },
    /// The search ends on request.
    Stopped {
        /// Training steps that were done.
        steps: u64,
    },
    /// A checkpoint was written: the search can be resumed from here.
    Saved {
        /// Training steps at that moment.
        steps: u64,
    },
    /// A checkpoint is damaged; the previous one is used.
    Damaged {
        /// The checkpoint, and the reason.
        reason: String,
    },
    /// A worker failed. It is replaced, and the search continues from its last snapshot, or the
    /// search ends.
    Failed {
        /// `trainer`, `evaluator 1`, `coordinator`, `checkpoint`.
        part: String,
        /// The error message.
        reason: String,
        /// Failures since the search last made progress, including this one.
        failures: u32,
    },
}

impl Event {
    /// Whether this happened *to* the search, such as a pause or a failure, and is not part of its
    /// own work. Two runs with equal settings have the same events except for incidents. A run
    /// folder has incidents in `incidents.jsonl` and all other events in `events.jsonl`.
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

/// The kinds of warnings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WarningKind {
    /// Nearly all ops are parameter-free.
    ParameterFree,
    /// Nearly all skips are on, or nearly all are off.
    Skips,
    /// The policy's entropy vanished early.
    Entropy,
    /// The rewards within a group are all equal.
    Rewards,
    /// The policy is no better than chance.
    Chance,
}

/// Why a genome is scored on the whole validation split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EvaluationRole {
    /// A candidate for the result.
    Candidate,
    /// A fresh sample of the policy, for the gain report.
    Policy,
    /// A sample of the space's prior, for the gain report.
    Prior,
}
