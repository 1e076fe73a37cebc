//! The result of comparing predictors, in words.

use super::predict::shared_weights_help;
use crate::results::{Predictor, PredictorComparison};

/// What the shared weights are worth, and what chooses the other networks.
pub(crate) fn verdict(comparison: &PredictorComparison) -> String {
    let networks = comparison.networks;
    let agreement = |predictor| comparison.of(predictor).map(|score| score.agreement);
    let beyond = comparison
        .beyond_size
        .map_or_else(String::new, |beyond| format!(" ({beyond} at equal size)"));
    let shared = match agreement(Predictor::SharedLoss) {
        Some(shared) => format!(
            "the loss with shared weights ranks {networks} networks that were trained alone with τ = {shared}{beyond}"
        ),
        None => format!(
            "the loss with shared weights does not rank the {networks} networks that were trained alone"
        ),
    };
    let size = agreement(Predictor::Parameters).map_or_else(String::new, |size| {
        format!(", and their number of parameters with τ = {size}")
    });
    let helps = if shared_weights_help(comparison) {
        ""
    } else {
        "; within the errors, the shared weights add nothing to size"
    };
    let others = match comparison.chosen.zip(comparison.chosen.and_then(agreement)) {
        Some((Predictor::SharedLoss, _)) => {
            "the shared loss chooses further networks, as nothing else does better".to_owned()
        }
        Some((Predictor::Parameters, _)) => "the larger ones are tried further".to_owned(),
        Some((predictor, agreement)) => {
            format!("further networks are chosen by {predictor}, with τ = {agreement}")
        }
        None => {
            "no predictor agrees with the trainings, and no further network is chosen".to_owned()
        }
    };
    format!("{shared}{size}{helps}; {others}")
}

/// What size is worth, where no weights are shared.
pub(crate) fn of_size(comparison: &PredictorComparison) -> String {
    let networks = comparison.networks;
    match comparison.of(Predictor::Parameters) {
        Some(size) => format!(
            "no weights are shared; the number of parameters ranks {networks} networks that were trained alone with τ = {}",
            size.agreement
        ),
        None => format!(
            "no weights are shared; the number of parameters does not rank the {networks} networks that were trained alone"
        ),
    }
}
