//! What predicts the loss of a network that is trained alone: predictors compared on the
//! calibration set, and applied to all candidates.

use super::words;
use crate::results::ranking::{Bootstrap, partial_tau, ranks, tau};
use crate::results::ridge::Ridge;
use crate::results::{Candidate, Predictor, PredictorComparison, PredictorScore, RankAgreement};

/// Draws of the bootstrap.
const RESAMPLES: u32 = 400;
/// The penalty of the regression. Each group of features has a variance of about 1 per sample, so
/// that n samples shrink a coefficient by n/(n + 1).
const PENALTY: f64 = 1.0;

/// The predictors, as functions of the candidates' features.
pub(crate) struct Predictors {
    /// Whether shared weights scored the candidates.
    scored: bool,
    shared_loss: Vec<f64>,
    /// Its ranks among all candidates, standardised: a few very high losses do not matter.
    shared_rank: Vec<f64>,
    parameters: Vec<f64>,
    macs: Vec<f64>,
    /// Features of the regression without the shared loss: one-hot decisions, and size.
    decisions: Vec<Vec<f64>>,
}

impl Predictors {
    /// The features of all candidates, whose genomes have the canonical forms `canonical`.
    pub(crate) fn new(candidates: &[Candidate], canonical: &[Vec<u32>]) -> Self {
        let of = |number: fn(&Candidate) -> f64| candidates.iter().map(number).collect::<Vec<_>>();
        let log = |count: u64| (count.max(1) as f64).ln();
        let parameters = of(|candidate| candidate.parameters as f64);
        let sizes: Vec<f64> = candidates
            .iter()
            .map(|candidate| log(candidate.parameters))
            .collect();
        let decisions = one_hot(canonical)
            .into_iter()
            .zip(standardised(&sizes))
            .map(|(mut features, size)| {
                features.push(size);
                features
            });
        let shared_loss = of(|candidate| candidate.score.loss.into());
        Self {
            scored: candidates.iter().any(|of| of.shared().is_some()),
            shared_rank: standardised(&ranks(&shared_loss)),
            shared_loss,
            macs: of(|candidate| candidate.macs as f64),
            decisions: decisions.collect(),
            parameters,
        }
    }

    /// Compares the predictors on networks with their validation losses after training alone.
    pub(crate) fn compare(&self, trained: &[(usize, f64)], seed: u64) -> PredictorComparison {
        let losses: Vec<f64> = trained.iter().map(|(_, loss)| *loss).collect();
        let bootstrap = Bootstrap {
            resamples: RESAMPLES,
            seed,
        };
        let agreement = |statistic: &dyn Fn(&[usize]) -> Option<f64>| {
            let all: Vec<usize> = (0..trained.len()).collect();
            Some(RankAgreement {
                tau: statistic(&all)?,
                standard_error: bootstrap.over_networks(trained.len(), statistic)?,
            })
        };
        let chosen = |values: &[f64], indices: &[usize]| -> Vec<f64> {
            indices.iter().map(|index| values[*index]).collect()
        };
        let mut predictors = Vec::new();
        for predictor in [
            Predictor::SharedLoss,
            Predictor::Parameters,
            Predictor::Macs,
            Predictor::Regression,
            Predictor::RegressionWithoutSharedLoss,
        ] {
            if !self.scored && uses_shared_weights(predictor) {
                continue;
            }
            let predicted = self.left_out(predictor, trained);
            let agreement = agreement(&|of| tau(&chosen(&predicted, of), &chosen(&losses, of)));
            predictors.extend(agreement.map(|agreement| PredictorScore {
                predictor,
                agreement,
            }));
        }
        let shared = self.left_out(Predictor::SharedLoss, trained);
        let size = self.left_out(Predictor::Parameters, trained);
        let beyond_size = agreement(&|of| {
            partial_tau(
                &chosen(&shared, of),
                &chosen(&losses, of),
                &chosen(&size, of),
            )
        });
        let mut comparison = PredictorComparison {
            networks: trained.len() as u32,
            predictors,
            beyond_size,
            chosen: None,
            verdict: String::new(),
        };
        if self.scored {
            comparison.chosen = best(&comparison);
            comparison.verdict = words::verdict(&comparison);
        } else {
            // All candidates are trained, so that none is left to be chosen.
            comparison.beyond_size = None;
            comparison.verdict = words::of_size(&comparison);
        }
        comparison
    }

    /// The predictions for all candidates; lower is better.
    pub(crate) fn predict(&self, predictor: Predictor, trained: &[(usize, f64)]) -> Vec<f64> {
        match self.single(predictor) {
            Some(values) => values,
            None => {
                let model = self.fit(predictor, trained);
                let all = 0..self.decisions.len();
                all.map(|index| model.predict(&self.features(predictor, index)))
                    .collect()
            }
        }
    }

    /// The predictions for the trained networks, none of which knows the loss of its own network.
    fn left_out(&self, predictor: Predictor, trained: &[(usize, f64)]) -> Vec<f64> {
        match self.single(predictor) {
            Some(values) => trained.iter().map(|(index, _)| values[*index]).collect(),
            None => self.fit(predictor, trained).leave_one_out().to_vec(),
        }
    }

    /// The values of a predictor that needs no fit.
    fn single(&self, predictor: Predictor) -> Option<Vec<f64>> {
        let larger_is_better = |sizes: &[f64]| sizes.iter().map(|size| -size).collect();
        match predictor {
            Predictor::SharedLoss => Some(self.shared_loss.clone()),
            Predictor::Parameters => Some(larger_is_better(&self.parameters)),
            Predictor::Macs => Some(larger_is_better(&self.macs)),
            Predictor::Regression | Predictor::RegressionWithoutSharedLoss => None,
        }
    }

    /// A regression of the rank of the loss.
    fn fit(&self, predictor: Predictor, trained: &[(usize, f64)]) -> Ridge {
        let losses: Vec<f64> = trained.iter().map(|(_, loss)| *loss).collect();
        let features: Vec<Vec<f64>> = trained
            .iter()
            .map(|(index, _)| self.features(predictor, *index))
            .collect();
        Ridge::fit(&features, &standardised(&ranks(&losses)), PENALTY)
    }

    fn features(&self, predictor: Predictor, index: usize) -> Vec<f64> {
        let mut features = self.decisions[index].clone();
        if predictor == Predictor::Regression {
            features.push(self.shared_rank[index]);
        }
        features
    }
}

/// Whether the shared weights tell more than size does, beyond the errors.
pub(crate) fn shared_weights_help(comparison: &PredictorComparison) -> bool {
    let alone = comparison
        .of(Predictor::SharedLoss)
        .map(|score| score.agreement);
    [alone, comparison.beyond_size]
        .into_iter()
        .flatten()
        .any(|agreement| agreement.is_positive())
}

fn uses_shared_weights(predictor: Predictor) -> bool {
    matches!(predictor, Predictor::SharedLoss | Predictor::Regression)
}

/// The predictor with the highest agreement, which must be positive; among equals, one that needs
/// no fit. Where the shared weights do not help, one without them.
fn best(comparison: &PredictorComparison) -> Option<Predictor> {
    let help = shared_weights_help(comparison);
    let mut best: Option<PredictorScore> = None;
    for score in &comparison.predictors {
        let least = best.map_or(0.0, |best| best.agreement.tau);
        if (help || !uses_shared_weights(score.predictor)) && score.agreement.tau > least {
            best = Some(*score);
        }
    }
    best.map(|best| best.predictor)
}

/// Values with mean 0 and variance 1; equal values become 0.
fn standardised(values: &[f64]) -> Vec<f64> {
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
    let scale = if variance > 0.0 {
        variance.sqrt().recip()
    } else {
        0.0
    };
    values.iter().map(|x| (x - mean) * scale).collect()
}

/// One-hot features of the decisions that differ between the genomes, scaled such that all of them
/// together weigh as much as one number of variance 1.
fn one_hot(genomes: &[Vec<u32>]) -> Vec<Vec<f64>> {
    let decisions = genomes.first().map_or(0, Vec::len);
    let mut columns = Vec::new();
    let mut differing = 0.0_f64;
    for decision in 0..decisions {
        let mut choices: Vec<u32> = genomes.iter().map(|genome| genome[decision]).collect();
        choices.sort_unstable();
        choices.dedup();
        if choices.len() > 1 {
            differing += 1.0;
            columns.extend(choices.into_iter().map(|choice| (decision, choice)));
        }
    }
    let one = differing.max(1.0).sqrt().recip();
    let row = |genome: &Vec<u32>| {
        let feature = |(decision, choice): &(usize, u32)| match genome[*decision] == *choice {
            true => one,
            false => 0.0,
        };
        columns.iter().map(feature).collect()
    };
    genomes.iter().map(row).collect()
}
