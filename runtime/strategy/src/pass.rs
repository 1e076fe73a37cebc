//! The parts of a general step: passes of the network, and at most one update of the shared
//! weights.

use serde::{Deserialize, Serialize};
use supernet_plugin::Path;

use crate::Score;

/// One pass of the network in a [`Work::Step`](crate::Work::Step).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Pass {
    /// The branches that run and their weights. Picks that ask for a gradient get one, in
    /// [`PassOutcome::gradient`].
    pub path: Path,
    /// The samples on which it runs.
    pub samples: PassSamples,
    /// The weights that it reads.
    pub weights: PassWeights,
    /// What it computes.
    pub wanted: Wanted,
}

/// The samples of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    clippy::exhaustive_enums,
    reason = "the code that does the work must handle every kind of it"
)]
pub enum PassSamples {
    /// The next minibatch of the training split: the same one, with the same augmentation, for all
    /// passes of a step, and for those of the next steps until one makes an update.
    Training,
    /// The minibatch of the validation split with this index, which counts from 0 over the whole
    /// search.
    Validation(u64),
}

/// The weights that a pass reads.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    clippy::exhaustive_enums,
    reason = "the code that does the work must handle every kind of it"
)]
pub enum PassWeights {
    /// The shared weights w.
    Shared,
    /// Those after a virtual update by the gradient g of an earlier pass: w − ξ·(momentum·b + g +
    /// λ·w), with the learning rate ξ, the momentum and the weight decay of the update rule (Liu et
    /// al. 2019, §2.3). Under Adam there is no momentum.
    Ahead {
        /// The index of the pass.
        of: usize,
    },
    /// The shared weights, moved along the gradient g of an earlier pass: w + by·g/‖g‖.
    Along {
        /// The index of the pass.
        of: usize,
        /// The length of the move.
        by: f64,
    },
}

/// What a pass computes, besides loss and reward. Only an update has dropout, and goes on from the
/// states of the window of text before it; other passes begin with empty ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    clippy::exhaustive_enums,
    reason = "the code that does the work must handle every kind of it"
)]
pub enum Wanted {
    /// Nothing, or the gradient of the path's weights where its picks ask for it.
    Score,
    /// Also the gradient of the weights, for later passes of the step.
    Gradient,
    /// Also the gradient of the weights and one update of the shared weights by it: for the last
    /// pass of a step, on training samples and the shared weights.
    Update,
}

impl Pass {
    /// A pass that measures, on the shared weights.
    pub fn score(path: Path, samples: PassSamples) -> Self {
        Self {
            path,
            samples,
            weights: PassWeights::Shared,
            wanted: Wanted::Score,
        }
    }

    /// A pass that makes an update of the shared weights.
    pub fn update(path: Path) -> Self {
        Self {
            wanted: Wanted::Update,
            ..Self::score(path, PassSamples::Training)
        }
    }

    /// The same pass, which also computes the gradient of the weights.
    #[must_use]
    pub fn with_gradient(self) -> Self {
        Self {
            wanted: Wanted::Gradient,
            ..self
        }
    }

    /// The same pass on other weights.
    #[must_use]
    pub fn at(self, weights: PassWeights) -> Self {
        Self { weights, ..self }
    }
}

/// The result of a [`Work::Step`](crate::Work::Step).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StepOutcome {
    /// One result per pass, in order.
    pub passes: Vec<PassOutcome>,
    /// The learning rate of the shared weights at that moment.
    pub rate: f32,
}

/// The result of a pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PassOutcome {
    /// Loss and reward of the samples.
    pub score: Score,
    /// The derivative of the mean loss by the weights of the path, decision by decision, as in
    /// [`PathGradient::picks`](supernet_plugin::PathGradient::picks); empty where a pick did not
    /// ask for it.
    pub gradient: Vec<Vec<f64>>,
    /// The norm of the gradient of the weights over all of them; 0 if it was not computed.
    pub norm: f64,
}

impl StepOutcome {
    /// The results of the passes, under a learning rate.
    pub fn new(passes: Vec<PassOutcome>, rate: f32) -> Self {
        Self { passes, rate }
    }

    /// Loss and reward of the last pass.
    pub fn last(&self) -> Score {
        self.passes.last().map_or(Score::WORST, |pass| pass.score)
    }

    /// Whether all that was measured is a number. A network without a score counts as the worst one,
    /// which is.
    pub fn is_finite(&self) -> bool {
        self.passes.iter().all(|pass| {
            pass.score.loss.is_finite()
                && pass.score.reward.is_finite()
                && pass.norm.is_finite()
                && pass.gradient.iter().flatten().all(|g| g.is_finite())
        })
    }
}

impl PassOutcome {
    /// The result of a pass without any gradient.
    pub fn new(score: Score) -> Self {
        Self {
            score,
            gradient: Vec::new(),
            norm: 0.0,
        }
    }

    /// The same with the gradient of the path's weights.
    #[must_use]
    pub fn with_path_gradient(self, gradient: Vec<Vec<f64>>) -> Self {
        Self { gradient, ..self }
    }

    /// The same with the norm of the weights' gradient.
    #[must_use]
    pub fn with_norm(self, norm: f64) -> Self {
        Self { norm, ..self }
    }
}
