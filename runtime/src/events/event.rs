//! The events of a search: terminals, logs and reports are built from nothing else.

use serde::{Deserialize, Serialize};
use supernet_strategy::{Genome, Score, StrategyStats};

use crate::config::StrategyName;
use crate::results::{
    Candidate, Comparison, InterimComparison, Ledger, Metric, OpShares, PolicyGain,
    PredictorComparison, ShortTraining, Side, TrainedNetwork,
};

/// An event with its time. Two runs with equal settings differ only in `at`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
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
    #[non_exhaustive]
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
        /// The meaning of the rewards; none in logs of the previous version.
        #[serde(default)]
        metric: Option<Metric>,
    },
    /// The size of the search.
    #[non_exhaustive]
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
    #[non_exhaustive]
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
    #[non_exhaustive]
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
    #[non_exhaustive]
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
    #[non_exhaustive]
    InterimComparison {
        /// The update whose rollouts are the policy's samples.
        update: u64,
        /// The comparison.
        #[serde(flatten)]
        comparison: InterimComparison,
    },
    /// The strategy's behaviour looks wrong. Each kind of warning is emitted once.
    #[non_exhaustive]
    Warning {
        /// The kind of warning.
        kind: WarningKind,
        /// The numbers, and a remedy.
        sentence: String,
    },
    /// A candidate is skipped: it has no score, or a training step on it would corrupt the shared
    /// weights.
    #[non_exhaustive]
    SetAside {
        /// The genome.
        genome: Genome,
        /// The reason.
        reason: String,
    },
    /// A genome was scored on the whole validation split, after the last epoch.
    #[serde(alias = "judged")]
    #[non_exhaustive]
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
    #[non_exhaustive]
    Derived {
        /// Version of the shared weights that they were scored with.
        version: u64,
        /// At most ten candidates.
        top: Vec<Candidate>,
    },
    /// What the search computed.
    #[non_exhaustive]
    Ledger {
        /// Multiply-adds by purpose.
        #[serde(flatten)]
        ledger: Ledger,
        /// The same in a sentence.
        summary: String,
    },
    /// The policy compared with random samples.
    #[serde(alias = "gain")]
    #[non_exhaustive]
    PolicyGain {
        /// The comparison.
        #[serde(flatten)]
        gain: PolicyGain,
        /// The summary of the comparison.
        summary: String,
    },
    /// The best candidate was scored on the test split, with the shared weights: this is not its
    /// accuracy after training alone.
    #[non_exhaustive]
    Tested {
        /// The score.
        #[serde(flatten)]
        score: Score,
    },
    /// Selection starts: candidates are trained alone for a few epochs, and the best of them are
    /// chosen by successive halving.
    #[non_exhaustive]
    SelectionStarted {
        /// Architectures to choose from: those with a score in the final evaluation, or, without
        /// shared weights, random ones.
        candidates: u32,
        /// Networks of the first rung.
        networks: u32,
        /// Passes over the training split per network of the first rung. Each rung has half the
        /// networks of the one before, and twice the passes.
        epochs: u32,
        /// Number of rungs.
        rungs: u32,
        /// Maximum number of trainings over all rungs.
        trainings: u32,
        /// Their passes together.
        total_epochs: u32,
        /// Steps per pass.
        steps: u32,
        /// The budget, in multiply-accumulates: one for each in a forward pass of a sample, three in
        /// a training pass. 0 in logs of the previous version.
        #[serde(default)]
        budget: f64,
        /// The meaning of the rewards.
        metric: Metric,
    },
    /// A network was trained alone, and scored on the validation split.
    #[non_exhaustive]
    TrainedAlone {
        /// Index of the training, from 0 over all rungs.
        network: u32,
        /// The training.
        #[serde(flatten)]
        trained: ShortTraining,
    },
    /// The first rung of selection is trained: predictors of its losses are compared.
    #[non_exhaustive]
    Calibrated {
        /// The comparison.
        #[serde(flatten)]
        comparison: PredictorComparison,
    },
    /// Selection has ended.
    #[non_exhaustive]
    Selected {
        /// The architectures to retrain, best first; none if every training diverged.
        top: Vec<ShortTraining>,
    },
    /// Retraining starts: the best architecture is trained from scratch, next to random
    /// architectures.
    #[non_exhaustive]
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
        /// Random architectures of nearly the same size.
        #[serde(default)]
        same_size: u32,
        /// Trainings of the largest architecture of the space.
        #[serde(default)]
        largest: u32,
        /// Other architectures that selection left to the end.
        #[serde(default)]
        runners_up: u32,
        /// Trainings that the settings ask for but `retrain.budget` does not cover.
        left_out: u32,
        /// The metric by which networks are compared; none in logs of the previous version.
        #[serde(default)]
        metric: Option<Metric>,
    },
    /// A network in retraining has finished a pass.
    #[non_exhaustive]
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
    #[non_exhaustive]
    Retrained {
        /// Index of the network, from 0.
        network: u32,
        /// The trained network.
        #[serde(flatten)]
        trained: TrainedNetwork,
    },
    /// All networks have been trained.
    #[non_exhaustive]
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
    #[non_exhaustive]
    Resumed {
        /// Training steps that were done before.
        steps: u64,
    },
    /// The search ends on request.
    #[non_exhaustive]
    Stopped {
        /// Training steps that were done.
        steps: u64,
    },
    /// A checkpoint was written: the search can be resumed from here.
    #[non_exhaustive]
    Saved {
        /// Training steps at that moment.
        steps: u64,
    },
    /// A checkpoint is damaged; the previous one is used.
    #[non_exhaustive]
    Damaged {
        /// The checkpoint, and the reason.
        reason: String,
    },
    /// A worker failed. It is replaced, and the search continues from its last snapshot, or the
    /// search ends.
    #[non_exhaustive]
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
    /// The answer has next to no op with weights.
    Collapse,
    /// The search ended before its schedule did, by the method's own criterion.
    EndedEarly,
    /// Candidates are not trained alone, since there are too few or the budget is too small.
    NoSelection,
    /// The duration that was asked for is too short for a search that means anything.
    TooShort,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_previous_version_are_read() {
        let lines = r#"
            {"at":0.1,"event":"started","space":"enas-macro","data":"digits","strategy":"enas","device":"cpu","seed":3,"decisions":21,"size":"9","parameters":72496,"train":1078,"validation":359,"test":360}
            {"at":0.1,"event":"planned","minutes":null,"epochs":8,"warm_up":2,"steps":16,"updates":2,"rollouts":20,"judged":500,"batches":6,"memory":7324416}
            {"at":0.1,"event":"step","epoch":3,"step":55,"accuracy":0.5,"loss":1.5}
            {"at":0.1,"event":"epoch","epoch":0,"warm_up":true,"rate":0.05,"accuracy":0.25,"loss":2.5}
            {"at":0.1,"event":"update","update":12,"version":128,"best":0.9,"reward":0.8,"baseline":0.7,"entropy":0.0,"skip_penalty":0.0,"gradient_norm":0.0,"skips_on":0.61}
            {"at":0.1,"event":"glimpse","update":12,"samples":20,"policy":0.875,"random":0.375,"difference":0.5,"standard_error":0.125}
            {"at":0.1,"event":"judged","role":"prior","version":320,"genome":[5,1],"accuracy":0.5,"loss":1.25}
            {"at":0.1,"event":"derived","version":96,"top":[{"genome":[0,0],"score":{"accuracy":0.5,"loss":1.5},"parameters":11968,"macs":403168}]}
            {"at":0.1,"event":"gain","strategy":"enas","samples":200,"distinct":75,"policy":0.9,"random":0.5,"difference":0.4,"standard_error":0.015,"best":0.9,"behind":200,"summary":"better"}
            {"at":0.1,"event":"tested","accuracy":0.75,"loss":0.5}
            {"at":0.1,"event":"retrain_started","epochs":30,"steps":22,"samples":1437,"seeds":1,"random":1,"left_out":8}
            {"at":0.1,"event":"retrain_epoch","network":0,"side":"found","seed":5,"epoch":7,"rate":0.5,"accuracy":1.0,"loss":0.5}
            {"at":0.1,"event":"retrained","network":0,"side":"found","genome":[0,4],"seed":5,"parameters":18656,"macs":348576,"train":{"accuracy":1.0,"loss":0.5},"test":{"accuracy":0.75,"loss":0.25}}
            {"at":0.1,"event":"retrain_compared","found":{"count":1,"mean":0.75,"standard_error":null},"random":{"count":1,"mean":0.5,"standard_error":null},"difference":0.25,"standard_error":null,"diverged":0,"summary":"better"}
            {"at":0.1,"event":"warning","kind":"skips","sentence":"all are on"}
        "#;
        let read: Vec<Event> = lines
            .trim()
            .lines()
            .map(|line| match serde_json::from_str::<Record>(line.trim()) {
                Ok(record) => record.event,
                Err(error) => panic!("{line}: {error}"),
            })
            .collect();
        let Event::Planned { evaluated, .. } = &read[1] else {
            panic!("{:?}", read[1])
        };
        assert_eq!(*evaluated, 500);
        let Event::Evaluated { score, .. } = &read[6] else {
            panic!("{:?}", read[6])
        };
        assert_eq!((score.reward, score.loss), (0.5, 1.25));
        let Event::Retrained { trained, .. } = &read[12] else {
            panic!("{:?}", read[12])
        };
        assert_eq!(trained.test.map(|score| score.reward), Some(0.75));
    }
}
