//! The progress of a search, derived from its events: the one reducer that front ends build on.

use std::fmt;
use std::time::Duration;

use super::event::{EvaluationRole, Event, Record};
use crate::results::{InterimComparison, Metric};

/// Cost of a training step, in forward passes: one forward, and two backward, through inputs and
/// through weights. All cost estimates use this constant.
pub const TRAINING_PASSES: f64 = 3.0;

/// The phase of a search or a training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// The shared weights are trained on samples of the prior.
    WarmUp {
        /// Number of the pass, from 1.
        epoch: u32,
        /// Total passes of the search.
        epochs: u32,
    },
    /// The shared weights are trained, and the strategy learns.
    Search {
        /// Number of the pass, from 1.
        epoch: u32,
        /// Total passes of the search.
        epochs: u32,
    },
    /// Candidates are scored on the whole validation split.
    Derivation,
    /// The policy is compared with random samples.
    Comparison,
    /// Candidates are trained alone for a few epochs, to choose among them.
    Selection {
        /// Number of the training, from 1.
        training: u32,
        /// Planned number of trainings.
        trainings: u32,
    },
    /// Networks are trained from scratch.
    Retraining {
        /// Number of the network, from 1.
        network: u32,
        /// Total number of networks.
        networks: u32,
        /// Number of the pass, from 1.
        epoch: u32,
        /// Total passes per network.
        epochs: u32,
    },
    /// The state is being saved, because a pause or a stop was requested.
    Saving,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WarmUp { epoch, epochs } => write!(f, "warm-up {epoch}/{epochs}"),
            Self::Search { epoch, epochs } => write!(f, "search {epoch}/{epochs}"),
            Self::Derivation => f.write_str("derive"),
            Self::Comparison => f.write_str("gain report"),
            Self::Selection {
                training,
                trainings,
            } => write!(f, "select {training}/{trainings}"),
            Self::Retraining {
                network,
                networks,
                epoch,
                epochs,
            } => write!(f, "retrain {network}/{networks}, epoch {epoch}/{epochs}"),
            Self::Saving => f.write_str("saving"),
        }
    }
}

/// Numbers of the strategy's last update.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct LastUpdate {
    /// Mean reward of its rollouts.
    pub reward: f32,
    /// The baseline that the reward is compared with.
    pub baseline: f32,
    /// Entropy of the policy in nats.
    pub entropy: f32,
}

/// The progress of a search. It must observe the events of a run in order, from the beginning.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    cost: SearchCost,
    /// Work done, in forward passes of one minibatch.
    done: f64,
    /// Time of the last event, in seconds since the start of the search.
    at: f64,
    phase: Option<Phase>,
    metric: Metric,
    loss: Option<f32>,
    update: Option<LastUpdate>,
    best: f32,
    comparison: Option<InterimComparison>,
}

/// Costs of the search, in forward passes of one minibatch.
#[derive(Clone, Copy, Debug, Default)]
struct SearchCost {
    total: f64,
    /// Cost of scoring one genome on the whole validation split.
    evaluation: f64,
    epochs: u32,
    rollouts: u32,
    /// Planned trainings of a selection.
    trainings: u32,
    /// Cost of one pass in a selection.
    selection_pass: f64,
    /// Cost of all its trainings that are not finished.
    selection_left: f64,
    networks: u32,
    retrain_epochs: u32,
    /// Cost of one retraining pass.
    retrain_pass: f64,
}

impl Progress {
    /// The state before any event.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the meaning of the rewards, which logs of the previous version do not contain. The
    /// default is [`Metric::Accuracy`].
    pub fn set_metric(&mut self, metric: Metric) {
        self.metric = metric;
    }

    /// Updates the progress with an event.
    pub fn observe(&mut self, record: &Record) {
        self.at = record.at;
        match &record.event {
            Event::Started { metric, .. } => self.metric = metric.unwrap_or(self.metric),
            Event::Planned {
                epochs,
                warm_up,
                steps,
                updates,
                rollouts,
                evaluated,
                batches,
                ..
            } => {
                let trained = f64::from(*epochs) * f64::from(*steps) * TRAINING_PASSES;
                let scored =
                    f64::from(epochs - warm_up) * f64::from(*updates) * f64::from(*rollouts);
                let evaluation = f64::from(*batches);
                self.cost = SearchCost {
                    total: trained + scored + f64::from(*evaluated) * evaluation,
                    evaluation,
                    epochs: *epochs,
                    rollouts: *rollouts,
                    ..SearchCost::default()
                };
            }
            Event::Step { score, epoch, .. } => {
                self.done += TRAINING_PASSES;
                self.loss = Some(score.loss);
                let (epoch, epochs) = (epoch + 1, self.cost.epochs);
                self.phase = Some(match self.update {
                    Some(_) => Phase::Search { epoch, epochs },
                    None => Phase::WarmUp { epoch, epochs },
                });
            }
            Event::SetAside { .. } => self.done += TRAINING_PASSES,
            Event::Update { stats, best, .. } => {
                self.done += f64::from(self.cost.rollouts);
                self.update = Some(LastUpdate {
                    reward: stats.reward,
                    baseline: stats.baseline,
                    entropy: stats.entropy,
                });
                self.best = self.best.max(*best);
            }
            Event::InterimComparison { comparison, .. } => self.comparison = Some(*comparison),
            Event::Evaluated { role, .. } => {
                self.done += self.cost.evaluation;
                self.phase = Some(match role {
                    EvaluationRole::Candidate => Phase::Derivation,
                    _ => Phase::Comparison,
                });
            }
            Event::SelectionStarted {
                trainings,
                total_epochs,
                steps,
                ..
            } => {
                let pass = f64::from(*steps) * TRAINING_PASSES;
                let all =
                    f64::from(*total_epochs) * pass + f64::from(*trainings) * self.cost.evaluation;
                self.cost.total += all;
                self.cost.trainings = *trainings;
                self.cost.selection_pass = pass;
                self.cost.selection_left = all;
                self.update = None;
                self.phase = Some(Phase::Selection {
                    training: 1,
                    trainings: *trainings,
                });
            }
            Event::TrainedAlone { network, trained } => {
                let cost =
                    f64::from(trained.epochs) * self.cost.selection_pass + self.cost.evaluation;
                self.done += cost;
                self.cost.selection_left -= cost;
                self.loss = trained.alone.map(|score| score.loss);
                let trainings = self.cost.trainings;
                self.phase = Some(Phase::Selection {
                    training: (network + 2).min(trainings),
                    trainings,
                });
            }
            // Fewer networks may have been trained than were planned.
            Event::Selected { .. } => self.done += self.cost.selection_left.max(0.0),
            Event::RetrainStarted {
                epochs,
                steps,
                seeds,
                random,
                same_size,
                largest,
                runners_up,
                metric,
                ..
            } => {
                let pass = f64::from(*steps) * TRAINING_PASSES;
                let networks = seeds + random + same_size + largest + runners_up;
                self.metric = metric.unwrap_or(self.metric);
                self.cost.total += f64::from(networks) * f64::from(*epochs) * pass;
                self.cost.networks = networks;
                self.cost.retrain_epochs = *epochs;
                self.cost.retrain_pass = pass;
                self.update = None;
            }
            Event::RetrainEpoch {
                network,
                epoch,
                score,
                ..
            } => {
                self.done += self.cost.retrain_pass;
                self.loss = Some(score.loss);
                self.phase = Some(Phase::Retraining {
                    network: network + 1,
                    networks: self.cost.networks,
                    epoch: epoch + 1,
                    epochs: self.cost.retrain_epochs,
                });
            }
            Event::Paused | Event::Stopped { .. } => self.phase = Some(Phase::Saving),
            _ => {}
        }
    }

    /// The fraction of the work that is done, from 0 to 1; it includes retraining once its size is
    /// known.
    pub fn fraction(&self) -> f64 {
        (self.done / self.cost.total.max(1.0)).min(1.0)
    }

    /// Estimated time left, assuming the current speed; none while too little is done to estimate
    /// it.
    pub fn time_left(&self) -> Option<Duration> {
        let fraction = self.fraction();
        (fraction > 0.01).then(|| Duration::from_secs_f64(self.at * (1.0 - fraction) / fraction))
    }

    /// The current phase, once something was done.
    pub fn phase(&self) -> Option<Phase> {
        self.phase
    }

    /// The meaning of the rewards.
    pub fn metric(&self) -> Metric {
        self.metric
    }

    /// The loss of the last training step, or of the last pass in retraining.
    pub fn loss(&self) -> Option<f32> {
        self.loss
    }

    /// The last update of the strategy, while it learns.
    pub fn update(&self) -> Option<LastUpdate> {
        self.update
    }

    /// The best reward so far.
    pub fn best(&self) -> f32 {
        self.best
    }

    /// The last interim comparison with random samples.
    pub fn comparison(&self) -> Option<InterimComparison> {
        self.comparison
    }
}
