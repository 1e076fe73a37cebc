//! The mean score of the steps of a pass.

use serde::{Deserialize, Serialize};
use supernet_strategy::Score;

/// Sums over the finished steps of a pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct PassMean {
    #[serde(alias = "accuracy")]
    reward: f64,
    loss: f64,
    /// Absent in older checkpoints of a retraining.
    #[serde(default)]
    pub(crate) steps: u32,
}

impl PassMean {
    pub(crate) fn add(&mut self, score: Score) {
        self.reward += f64::from(score.reward);
        self.loss += f64::from(score.loss);
        self.steps += 1;
    }

    /// Returns the means over the pass and resets the sums.
    pub(crate) fn take(&mut self) -> Score {
        let Self {
            reward,
            loss,
            steps,
        } = std::mem::take(self);
        let steps = f64::from(steps.max(1));
        Score {
            reward: (reward / steps) as f32,
            loss: (loss / steps) as f32,
        }
    }
}
