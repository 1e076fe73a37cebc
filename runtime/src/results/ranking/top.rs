//! Statistics of the best networks: those that a search is for.
//!
//! Ties at an edge, such as between the k-th and the next score, count as if they were broken at
//! random: the expected value is returned.

use super::tau;

/// τ-b among the networks whose truth is in the top `share` of all, such as 0.1: at least the
/// quantile 1 − `share`, which is interpolated linearly.
pub fn tau_of_top(score: &[f64], truth: &[f64], share: f64) -> Option<f64> {
    let (score, truth) = equally_long(score, truth);
    let mut sorted = truth.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (1.0 - share).clamp(0.0, 1.0) * sorted.len().checked_sub(1)? as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    // Between equal neighbours there is nothing to interpolate, and nothing to round either.
    let edge = if below == above {
        below
    } else {
        below + (above - below) * at.fract()
    };
    let (score, truth): (Vec<f64>, Vec<f64>) = score
        .iter()
        .zip(truth)
        .filter(|(_, truth)| **truth >= edge)
        .unzip();
    tau(&score, &truth)
}

/// P@k, in \[0, 1\]: the share of the k best by score that are among the k best by truth. None if k
/// is 0 or there are not as many networks.
pub fn precision_at(score: &[f64], truth: &[f64], k: usize) -> Option<f64> {
    let (score, truth) = equally_long(score, truth);
    let (chosen, best) = (Top::of(score, k)?, Top::of(truth, k)?);
    let both = score
        .iter()
        .zip(truth)
        .map(|(score, truth)| chosen.share(*score) * best.share(*truth));
    Some(both.sum::<f64>() / k as f64)
}

/// N@k: the best rank by truth among the k best by score; 1 is the best of all, and networks of
/// equal truth share a rank. None if k is 0 or there are not as many networks.
pub fn best_rank_at(score: &[f64], truth: &[f64], k: usize) -> Option<f64> {
    let (score, truth) = equally_long(score, truth);
    let mut sorted = truth.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let rank = |truth: &f64| -1.0 - sorted.partition_point(|other| other > truth) as f64;
    let negated: Vec<f64> = truth.iter().map(rank).collect();
    Some(-expected_best(score, &negated, k)?)
}

/// The regret of choosing the k best by score: the best truth of all minus the best truth among
/// them, in the units of the truth. None if k is 0 or there are not as many networks.
pub fn regret_at(score: &[f64], truth: &[f64], k: usize) -> Option<f64> {
    let (score, truth) = equally_long(score, truth);
    let best = truth.iter().copied().reduce(f64::max)?;
    Some(best - expected_best(score, truth, k)?)
}

/// The percentile of the truth of an answer among those of all networks, in \[0, 100\]: 100 is
/// better than all, 0 is worse than all, and equal ones count half. None without networks.
pub fn percentile(answer: f64, truth: &[f64]) -> Option<f64> {
    let worse = truth.iter().filter(|other| **other < answer).count() as f64;
    let equal = truth.iter().filter(|other| **other == answer).count() as f64;
    (!truth.is_empty()).then(|| 100.0 * (worse + equal / 2.0) / truth.len() as f64)
}

fn equally_long<'a>(a: &'a [f64], b: &'a [f64]) -> (&'a [f64], &'a [f64]) {
    let count = a.len().min(b.len());
    (&a[..count], &b[..count])
}

/// The k largest of some values.
struct Top {
    /// The k-th largest value.
    edge: f64,
    /// How many of the values that equal it are among the k largest, and how many there are.
    taken: usize,
    tied: usize,
}

impl Top {
    fn of(values: &[f64], k: usize) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(|a, b| b.total_cmp(a));
        let edge = *sorted.get(k.checked_sub(1)?)?;
        let above = values.iter().filter(|value| **value > edge).count();
        let tied = values.iter().filter(|value| **value == edge).count();
        Some(Self {
            edge,
            taken: k - above,
            tied,
        })
    }

    /// The probability that a value is among the k largest.
    fn share(&self, value: f64) -> f64 {
        if value == self.edge {
            self.taken as f64 / self.tied as f64
        } else {
            f64::from(u8::from(value > self.edge))
        }
    }
}

/// The expected maximum of `values` over the k best by score.
fn expected_best(score: &[f64], values: &[f64], k: usize) -> Option<f64> {
    let top = Top::of(score, k)?;
    let having = |wanted: fn(f64, f64) -> bool| {
        let pairs = score.iter().zip(values);
        pairs.filter_map(move |(score, value)| wanted(*score, top.edge).then_some(*value))
    };
    let certain = having(|score, edge| score > edge).reduce(f64::max);
    let mut tied: Vec<f64> = having(|score, edge| score == edge).collect();
    tied.sort_by(|a, b| b.total_cmp(a));
    let (mut expected, mut none_yet, mut left) = (0.0, 1.0, top.tied);
    for value in tied {
        // The probability that this one is drawn, given that no better one was.
        let drawn = (top.taken as f64 / left as f64).min(1.0);
        expected += none_yet * drawn * certain.map_or(value, |certain| value.max(certain));
        none_yet *= 1.0 - drawn;
        left -= 1;
    }
    Some(expected)
}
