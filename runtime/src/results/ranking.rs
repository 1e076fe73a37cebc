//! How well scores rank networks: statistics of two numbers per network, the *score* that ranks it
//! and its *truth*, such as the test accuracy after training alone. Larger is better in both; a
//! loss is negated first.
//!
//! Rank correlations are Kendall's (1938), in the form τ-b that allows for ties (Kendall 1945).
//! Most of a rank correlation is often nothing but size: large networks are better and score
//! better. [`tau_within_strata`] and [`partial_tau`] tell what a score knows beyond a third
//! variable.
//!
//! Every function takes one number per network in slices of equal length, which must not contain
//! NaN; of longer slices the rest is ignored. A statistic that is not defined, such as a
//! correlation with a constant, is `None`.

mod bootstrap;
mod pairs;
mod top;

pub use bootstrap::Bootstrap;
use pairs::Pairs;
pub use top::{best_rank_at, percentile, precision_at, regret_at, tau_of_top};

/// Kendall's τ-b of two variables, in \[−1, 1\]: the concordant minus the discordant pairs, divided
/// by the geometric mean of the pairs that are not tied in the one and in the other. Takes O(n log
/// n) (Knight 1966).
pub fn tau(score: &[f64], truth: &[f64]) -> Option<f64> {
    Pairs::of(score, truth).tau()
}

/// The same after the truth has been rounded to multiples of `step`, so that differences within the
/// noise of training do not count (Yu et al. 2020, "Evaluating the Search Phase of Neural
/// Architecture Search"). In the literature `step` is 0.1 percentage points.
pub fn sparse_tau(score: &[f64], truth: &[f64], step: f64) -> Option<f64> {
    tau(score, &rounded(truth, step))
}

/// Each value as the number of `step`s in it, rounded to the nearest whole number; one in the middle
/// goes to the even neighbour.
pub fn rounded(values: &[f64], step: f64) -> Vec<f64> {
    // Times 10 rather than over 0.1, whose quotients are not those that the decimals suggest.
    let per = step.recip();
    values
        .iter()
        .map(|value| (value * per).round_ties_even())
        .collect()
}

/// τ-b over the pairs of networks whose `third` variable is equal: what the score knows beyond it.
pub fn tau_within_strata(score: &[f64], truth: &[f64], third: &[f64]) -> Option<f64> {
    let count = score.len().min(truth.len()).min(third.len());
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|a, b| third[*a].total_cmp(&third[*b]));
    let mut sum = Pairs::default();
    for stratum in order.chunk_by(|a, b| third[*a] == third[*b]) {
        let of = |values: &[f64]| -> Vec<f64> { stratum.iter().map(|i| values[*i]).collect() };
        sum.add(Pairs::of(&of(score), &of(truth)));
    }
    sum.tau()
}

/// Kendall's partial τ of two variables given a third (Kendall 1942): what is left of their
/// correlation when that of each with the third is taken out. A constant third variable takes out
/// nothing.
pub fn partial_tau(score: &[f64], truth: &[f64], third: &[f64]) -> Option<f64> {
    let all = tau(score, truth)?;
    let (Some(a), Some(b)) = (tau(score, third), tau(truth, third)) else {
        return Some(all);
    };
    let left = (1.0 - a * a) * (1.0 - b * b);
    (left > 1e-12).then(|| (all - a * b) / left.sqrt())
}

/// The rank of each value from 0 for the smallest; equal values share the mean of their ranks.
pub fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let (mut ranks, mut before) = (vec![0.0; values.len()], 0);
    for tied in order.chunk_by(|a, b| values[*a] == values[*b]) {
        for i in tied {
            ranks[*i] = before as f64 + (tied.len() - 1) as f64 / 2.0;
        }
        before += tied.len();
    }
    ranks
}

#[cfg(test)]
mod tests;
