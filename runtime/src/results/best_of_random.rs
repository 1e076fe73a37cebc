//! What the cost of a search buys without it: the best of so many random networks.

use serde::{Deserialize, Serialize};

use super::metric::Metric;

/// The best of the random networks that could have been trained alone at the cost of the search.
///
/// Spent in this way, the cost buys networks among which the validation split chooses. On average
/// that choice is no better than one by the test split, so the expected best test value is an upper
/// bound: a result above it is better than this opponent. If fewer random networks were trained, the
/// best of these says little, since more networks would have a better best.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BestOfRandom {
    /// Number of random networks that cost as much as the search, each trained for
    /// `retrain.epochs` epochs on the training split, and scored on the validation split.
    pub affordable: u32,
    /// Number of random networks that were trained and tested.
    pub trained: u32,
    /// The expected best test value of `affordable` random networks, or of `trained` if these are
    /// fewer; none if there is none of either.
    pub best: Option<f64>,
}

impl BestOfRandom {
    /// The best of `affordable` networks, estimated from the test values of random ones.
    pub(super) fn new(affordable: u32, tested: &[f64], metric: Metric) -> Self {
        let trained = tested.len() as u32;
        Self {
            affordable,
            trained,
            best: expected_best(tested, affordable.min(trained), metric),
        }
    }

    /// The opponent in words, beside the mean of the architecture that was found.
    pub(super) fn summary(&self, found: f64, metric: Metric) -> String {
        let Self {
            affordable,
            trained,
            ..
        } = *self;
        let networks = match affordable {
            0 => return "the search cost less than one random network trained alone".to_owned(),
            1 => "one random network".to_owned(),
            count => format!("{count} random networks"),
        };
        let cost = format!("the search cost as much as {networks} trained alone");
        let Some(best) = self.best else {
            return format!("{cost}, and none was trained to compare with");
        };
        let (value, difference) = match metric {
            Metric::Accuracy => (
                format!("{:.2} %", 100.0 * best),
                format!("{:+.2} points", 100.0 * (found - best)),
            ),
            Metric::Perplexity { .. } => (format!("{best:.2}"), format!("{:+.2}", found - best)),
        };
        let by = "chosen by the test split, which favours it";
        if affordable <= trained {
            return format!(
                "{cost}, of which the best, {by}, is expected at {value} ({difference} for the result)"
            );
        }
        let of = match trained {
            1 => "the only one that was trained".to_owned(),
            count => format!("the best of the {count} that were trained, {by},"),
        };
        format!(
            "{cost}: {of} has {value} ({difference} for the result), and more have a better best, which \
             `retrain.random` = {affordable} would tell"
        )
    }
}

/// The mean of the best value over all subsets of `count` values.
fn expected_best(values: &[f64], count: u32, metric: Metric) -> Option<f64> {
    let (all, count) = (values.len(), count as usize);
    if count == 0 {
        return None;
    }
    let mut best_first = values.to_vec();
    best_first.sort_by(|a, b| metric.gain(*b).total_cmp(&metric.gain(*a)));
    // The share of the subsets in which a value is the best, from the best value on.
    let mut share = count as f64 / all as f64;
    let mut mean = 0.0;
    for (behind, value) in (0..all).rev().zip(best_first) {
        mean += share * value;
        share *= (behind as f64 - (count - 1) as f64) / behind.max(1) as f64;
    }
    Some(mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERPLEXITY: Metric = Metric::Perplexity {
        reward: 80.0,
        by_character: false,
    };

    #[test]
    fn the_expected_best_is_the_mean_over_all_subsets() {
        let values = [0.3, 0.9, 0.5, 0.6, 0.2];
        for count in 1..=5_u32 {
            let subsets = (0..1_u32 << 5).filter(|subset| subset.count_ones() == count);
            let bests: Vec<f64> = subsets
                .map(|subset| {
                    let chosen = (0..5).filter(|i| subset >> i & 1 == 1).map(|i| values[i]);
                    chosen.fold(0.0, f64::max)
                })
                .collect();
            let expected = bests.iter().sum::<f64>() / bests.len() as f64;
            let best = expected_best(&values, count, Metric::Accuracy).unwrap();
            assert!(
                (best - expected).abs() < 1e-12,
                "{count}: {best} {expected}"
            );
        }
        // Lower perplexities are better.
        assert_eq!(expected_best(&values, 5, PERPLEXITY), Some(0.2));
        assert!((expected_best(&values, 1, PERPLEXITY).unwrap() - 0.5).abs() < 1e-12);
        assert_eq!(expected_best(&values, 0, Metric::Accuracy), None);
        assert_eq!(expected_best(&[], 0, Metric::Accuracy), None);
    }

    #[test]
    fn words_say_which_best_is_known() {
        let said = |affordable, tested: &[f64], metric| {
            BestOfRandom::new(affordable, tested, metric).summary(0.9, metric)
        };
        assert_eq!(
            said(2, &[0.7, 0.8, 0.9], Metric::Accuracy),
            "the search cost as much as 2 random networks trained alone, of which the best, chosen by the test split, which \
             favours it, is expected at 86.67 % (+3.33 points for the result)"
        );
        assert_eq!(
            said(12, &[0.7, 0.8], Metric::Accuracy),
            "the search cost as much as 12 random networks trained alone: the best of the 2 that were trained, chosen by the \
             test split, which favours it, has 80.00 % (+10.00 points for the result), and more have a better best, which \
             `retrain.random` = 12 would tell"
        );
        assert_eq!(
            said(5, &[], Metric::Accuracy),
            "the search cost as much as 5 random networks trained alone, and none was trained to compare with"
        );
        assert_eq!(
            said(0, &[0.5], Metric::Accuracy),
            "the search cost less than one random network trained alone"
        );
        assert!(
            said(4, &[1.5], PERPLEXITY).contains("the only one that was trained has 1.50 (-0.60"),
        );
    }
}
