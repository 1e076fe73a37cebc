//! The result of comparing predictors, in words.

use super::predict::shared_weights_help;
use crate::results::{Predictor, PredictorComparison, RankAgreement};

/// What the shared weights are worth, and what chooses the other networks.
pub(crate) fn verdict(comparison: &PredictorComparison) -> String {
    let networks = comparison.networks;
    let agreement = |predictor| comparison.of(predictor).map(|score| score.agreement);
    let shared = match agreement(Predictor::SharedLoss) {
        Some(shared) => format!(
            "the loss with shared weights ranks {networks} networks that were trained alone with τ = {shared}{}",
            beyond(comparison.beyond_size)
        ),
        None => format!(
            "the loss with shared weights ranks none of {networks} networks that were trained alone"
        ),
    };
    let helps = if shared_weights_help(comparison) {
        ""
    } else {
        ", so they add nothing to size beyond its error"
    };
    let others = match comparison.chosen.zip(comparison.chosen.and_then(agreement)) {
        Some((Predictor::SharedLoss, _)) => {
            "it chooses further networks, as no other predictor does better".to_owned()
        }
        Some((predictor, agreement)) => {
            format!("further networks are chosen by {predictor}, with τ = {agreement}")
        }
        None => {
            "no predictor agrees with the trainings, and no further network is chosen".to_owned()
        }
    };
    format!("{shared}{helps}; {others}")
}

fn beyond(size: Option<RankAgreement>) -> String {
    size.map_or_else(String::new, |beyond| {
        format!(", and {beyond} among networks of equal size")
    })
}
