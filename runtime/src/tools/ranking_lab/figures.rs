//! The figures of a ranking, each a mean over seeds with a bootstrap error.

use serde::Serialize;

use super::RankedNetwork;
use crate::results::Mean;
use crate::results::ranking::{self, Bootstrap};

/// Draws for a standard error.
const RESAMPLES: u32 = 200;
/// The share of the networks that are the top, and the fewest of which τ says something.
const TOP: f64 = 0.1;
const FEWEST_TOP: f64 = 5.0;

/// How well scores rank the networks of a laboratory. Every figure is the mean over seeds of what
/// [`ranking`] computes; its standard error is over networks and seeds together. None where it is
/// not defined.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RankingFigures {
    /// Kendall's τ-b.
    pub tau: Option<Mean>,
    /// τ-b after the truth has been rounded.
    pub sparse_tau: Option<Mean>,
    /// τ-b over pairs of one stratum of size.
    pub tau_at_equal_size: Option<Mean>,
    /// Partial τ given the number of parameters.
    pub partial_tau: Option<Mean>,
    /// τ-b among the tenth with the best truth, if these are at least five.
    pub tau_of_top: Option<Mean>,
    /// P@k.
    pub precision: Option<Mean>,
    /// N@k.
    pub best_rank: Option<Mean>,
    /// Regret at k, in the units of the truth.
    pub regret: Option<Mean>,
}

/// What the figures of all rankings of a laboratory are based on, besides the scores.
pub(super) struct Basis {
    pub(super) truth: Vec<f64>,
    pub(super) size: Vec<f64>,
    strata: Vec<f64>,
    /// Whether the strata are of networks with equal parameters; otherwise they are tenths.
    pub(super) equal: bool,
    pub(super) k: usize,
    pub(super) step: f64,
    bootstrap: Bootstrap,
}

/// Some of the networks, one number for each of them in every list.
struct Drawn<'a> {
    basis: &'a Basis,
    score: Vec<f64>,
    truth: Vec<f64>,
    size: Vec<f64>,
    strata: Vec<f64>,
}

type Statistic = fn(&Drawn<'_>) -> Option<f64>;

impl Basis {
    pub(super) fn new(networks: &[RankedNetwork], truth: Vec<f64>, step: f64, seed: u64) -> Self {
        let size: Vec<f64> = networks
            .iter()
            .map(|network| network.parameters as f64)
            .collect();
        let mut sizes: Vec<u64> = networks.iter().map(|network| network.parameters).collect();
        sizes.sort_unstable();
        sizes.dedup();
        // With fewer networks than this of each size, next to no pairs would be left.
        let equal = 5 * sizes.len() <= networks.len();
        let tenths = || {
            let ranks = ranking::ranks(&size).into_iter();
            ranks
                .map(|rank| (10.0 * rank / size.len() as f64).floor())
                .collect()
        };
        let strata = if equal { size.clone() } else { tenths() };
        Self {
            strata,
            equal,
            k: (networks.len() / 20).max(1),
            truth,
            size,
            step,
            bootstrap: Bootstrap {
                resamples: RESAMPLES,
                seed,
            },
        }
    }

    /// The figures of scores, one list for each seed.
    pub(super) fn figures(&self, scores: &[Vec<f64>]) -> RankingFigures {
        self.figures_against(scores, &|_| &self.truth)
    }

    /// The same where each seed has a truth of its own.
    pub(super) fn figures_against<'a>(
        &'a self,
        scores: &[Vec<f64>],
        truth: &dyn Fn(usize) -> &'a [f64],
    ) -> RankingFigures {
        let mean = |statistic| self.mean(scores, truth, statistic);
        RankingFigures {
            tau: mean(|d| ranking::tau(&d.score, &d.truth)),
            sparse_tau: mean(|d| ranking::sparse_tau(&d.score, &d.truth, d.basis.step)),
            tau_at_equal_size: mean(|d| ranking::tau_within_strata(&d.score, &d.truth, &d.strata)),
            partial_tau: mean(|d| ranking::partial_tau(&d.score, &d.truth, &d.size)),
            tau_of_top: mean(|d| {
                let enough = TOP * d.truth.len() as f64 >= FEWEST_TOP;
                ranking::tau_of_top(&d.score, &d.truth, TOP).filter(|_| enough)
            }),
            precision: mean(|d| ranking::precision_at(&d.score, &d.truth, d.basis.k)),
            best_rank: mean(|d| ranking::best_rank_at(&d.score, &d.truth, d.basis.k)),
            regret: mean(|d| ranking::regret_at(&d.score, &d.truth, d.basis.k)),
        }
    }

    /// How much larger τ is by the scores than by the number of parameters, on the same draws of
    /// networks.
    pub(super) fn over_size(&self, scores: &[Vec<f64>]) -> Option<Mean> {
        self.mean(scores, &|_| &self.truth, |d| {
            Some(ranking::tau(&d.score, &d.truth)? - ranking::tau(&d.size, &d.truth)?)
        })
    }

    fn mean<'a>(
        &'a self,
        scores: &[Vec<f64>],
        truth: &dyn Fn(usize) -> &'a [f64],
        statistic: Statistic,
    ) -> Option<Mean> {
        let of = |networks: &[usize], seed: usize| {
            let pick =
                |values: &[f64]| -> Vec<f64> { networks.iter().map(|i| values[*i]).collect() };
            statistic(&Drawn {
                basis: self,
                score: pick(&scores[seed]),
                truth: pick(truth(seed)),
                size: pick(&self.size),
                strata: pick(&self.strata),
            })
        };
        let all: Vec<usize> = (0..self.truth.len()).collect();
        let values: Vec<f64> = (0..scores.len())
            .filter_map(|seed| of(&all, seed))
            .collect();
        let Mean { count, mean, .. } = Mean::of(&values);
        let standard_error = self
            .bootstrap
            .over_networks_and_seeds(all.len(), scores.len(), of);
        (count > 0).then_some(Mean {
            count,
            mean,
            standard_error,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(sizes: impl IntoIterator<Item = u64>) -> Vec<RankedNetwork> {
        let network = |parameters| RankedNetwork {
            genome: vec![parameters as u32],
            parameters,
            macs: 0,
            weighted_ops: 0,
        };
        sizes.into_iter().map(network).collect()
    }

    #[test]
    fn size_knows_nothing_beyond_itself() {
        let networks = networks((0..40).map(|i| i / 10));
        let truth: Vec<f64> = (0..40).map(|i| f64::from(i * 7 % 40)).collect();
        let basis = Basis::new(&networks, truth.clone(), 1.0, 0);
        assert!(basis.equal && basis.k == 2);
        let size = basis.figures(std::slice::from_ref(&basis.size));
        assert_eq!((size.tau_at_equal_size, size.partial_tau), (None, None));
        let difference = basis.over_size(std::slice::from_ref(&basis.size)).unwrap();
        assert_eq!(
            (difference.mean, difference.standard_error),
            (0.0, Some(0.0))
        );
        let perfect = basis.figures(&[truth.clone(), truth]);
        for figure in [perfect.tau, perfect.tau_at_equal_size, perfect.precision] {
            let figure = figure.unwrap();
            assert_eq!((figure.count, figure.mean), (2, 1.0));
        }
        assert_eq!(perfect.regret.unwrap().mean, 0.0);
        // A tenth of 40 is too few.
        assert_eq!(perfect.tau_of_top, None);
    }

    #[test]
    fn sizes_that_all_differ_are_put_into_tenths() {
        let basis = Basis::new(&networks(0..40), vec![0.0; 40], 1.0, 0);
        assert!(!basis.equal);
        assert_eq!(basis.strata[..5], [0.0, 0.0, 0.0, 0.0, 1.0]);
        assert_eq!(basis.strata[39], 9.0);
        // A constant truth is ranked by nothing.
        assert_eq!(basis.figures(std::slice::from_ref(&basis.size)).tau, None);
    }
}
