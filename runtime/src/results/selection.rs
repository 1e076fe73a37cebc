//! The results of selection: short trainings of single networks, and what predicts them.

use std::fmt;

use serde::{Deserialize, Serialize};
use supernet_strategy::{Genome, Score};

use super::Candidate;

/// A network that was trained alone for a few epochs on the training split, and scored on the
/// validation split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ShortTraining {
    /// The rung of successive halving, from 0: each trains half as many networks for twice as many
    /// epochs.
    pub rung: u32,
    /// Passes over the training split.
    pub epochs: u32,
    /// Seeds the initialisation, the minibatches and dropout.
    pub seed: u64,
    /// The genome.
    pub genome: Genome,
    /// Number of parameters.
    pub parameters: u64,
    /// Multiply-accumulates for one sample.
    pub macs: u64,
    /// Its score on the validation split with the shared weights; none if no weights are shared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared: Option<Score>,
    /// Its score on the validation split with the weights of this training; none if the training
    /// diverged.
    pub alone: Option<Score>,
}

impl ShortTraining {
    /// The validation loss, by which trainings of equal length are compared; infinite if the
    /// training diverged.
    pub(crate) fn loss(&self) -> f64 {
        self.alone.map_or(f64::INFINITY, |score| score.loss.into())
    }

    /// Its architecture as a candidate.
    pub(crate) fn candidate(&self) -> Candidate {
        Candidate {
            genome: self.genome.clone(),
            score: self.shared.unwrap_or(Score::WORST),
            parameters: self.parameters,
            macs: self.macs,
        }
    }
}

/// What predicts the validation loss of an architecture that is trained alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Predictor {
    /// The loss with the shared weights.
    SharedLoss,
    /// The number of parameters: the more, the better.
    Parameters,
    /// The multiply-accumulates of a sample: the more, the better.
    Macs,
    /// A ridge regression on the decisions, the number of parameters and the shared loss, fitted to
    /// the networks that were trained alone.
    Regression,
    /// The same regression without the shared loss.
    RegressionWithoutSharedLoss,
}

impl fmt::Display for Predictor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::SharedLoss => "the loss with shared weights",
            Self::Parameters => "the number of parameters",
            Self::Macs => "the multiply-accumulates",
            Self::Regression => "a regression on decisions, size and shared loss",
            Self::RegressionWithoutSharedLoss => "a regression on decisions and size",
        })
    }
}

/// Kendall's τ-b with its standard error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RankAgreement {
    /// 1 if two rankings agree, −1 if one is the reverse of the other, 0 if they are unrelated.
    pub tau: f64,
    /// Its standard error.
    pub standard_error: f64,
}

impl RankAgreement {
    /// Whether it exceeds twice its standard error.
    pub fn is_positive(&self) -> bool {
        self.tau > 2.0 * self.standard_error
    }
}

impl fmt::Display for RankAgreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} ± {:.2}", self.tau, self.standard_error)
    }
}

/// How well a predictor ranks the networks that were trained alone.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PredictorScore {
    /// The predictor.
    pub predictor: Predictor,
    /// Its agreement with the validation loss after training alone. A regression predicts each
    /// network from all others.
    #[serde(flatten)]
    pub agreement: RankAgreement,
}

/// Predictors compared on the same networks, each trained alone: a search measures itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PredictorComparison {
    /// Number of networks.
    pub networks: u32,
    /// The predictors.
    pub predictors: Vec<PredictorScore>,
    /// The partial agreement of the shared loss, with the number of parameters held fixed: what the
    /// shared weights know beyond size (Kendall 1942).
    pub beyond_size: Option<RankAgreement>,
    /// The predictor that chooses which other networks are trained; none if no predictor agrees
    /// with the trainings.
    pub chosen: Option<Predictor>,
    /// The result in words.
    pub verdict: String,
}

impl PredictorComparison {
    /// The score of one of its predictors.
    pub fn of(&self, predictor: Predictor) -> Option<&PredictorScore> {
        let mut scores = self.predictors.iter();
        scores.find(|score| score.predictor == predictor)
    }
}

/// The result of selection: `best/selection.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Selection {
    /// All trainings, in order.
    pub trainings: Vec<ShortTraining>,
    /// The predictors, compared on the first rung.
    pub predictors: Option<PredictorComparison>,
    /// The architectures to retrain, best first: those with the lowest validation loss in the
    /// longest training.
    pub top: Vec<ShortTraining>,
}
