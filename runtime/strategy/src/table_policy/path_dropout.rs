//! Path dropout: how a supernet learns to do without any of its branches.

use serde::{Deserialize, Serialize};
use supernet_plugin::{Path, Pick};
use supernet_shaders::random::Random;

use super::LinearSchedule;

/// Branches that are dropped at random while everything trains at once (Bender et al. 2018, §3.2).
///
/// An input of a node with k incoming branches is dropped with the probability r^(1/k), so that all
/// k are with the probability r. The remaining inputs keep the weight 1: nothing is renormalised.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PathDropout {
    /// r by step: 0 at first, then linear to the end.
    pub rate: LinearSchedule,
    /// The number of slices of a batch, each with branches of its own ("ghost batches").
    pub rows: u32,
}

impl PathDropout {
    /// The rate rises from 0 to `rate` over `steps`.
    pub fn rising(rate: f64, steps: u32, rows: u32) -> Self {
        Self {
            rate: LinearSchedule::new(0.0, rate, steps),
            rows,
        }
    }

    /// The probability with which each of `incoming` branches is dropped, for the rate r.
    pub fn each(rate: f64, incoming: u32) -> f64 {
        rate.powf(1.0 / f64::from(incoming.max(1)))
    }

    /// The path of a step, for decisions with these numbers of choices: all run, with the weights 0
    /// and 1. `nodes` lists `Choose` nodes with their numbers of inputs, each of which drops inputs
    /// of its own; all other nodes of a decision drop the same.
    pub fn draw(
        &self,
        choices: &[u32],
        nodes: &[(u32, u32)],
        step: u32,
        random: &mut Random,
    ) -> Path {
        let (rate, rows) = (self.rate.at(step), self.rows.max(1));
        let mut pick = |count: u32| {
            let dropped = Self::each(rate, count);
            let mut weight = || f32::from(u8::from(f64::from(random.unit()) >= dropped));
            Pick::Mix {
                choices: (0..count).collect(),
                weights: (0..rows * count).map(|_| weight()).collect(),
                rows,
                gradient: false,
            }
        };
        Path {
            picks: choices.iter().map(|count| pick(*count)).collect(),
            at: nodes
                .iter()
                .map(|(node, count)| (*node, pick(*count)))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_numbers::near;
    use super::*;
    use supernet_shaders::random::RngStream;

    #[test]
    fn all_branches_are_dropped_at_the_rate() {
        let each = [2, 4, 1].map(|incoming| PathDropout::each(0.1, incoming));
        assert!((each[0] - 0.316_228).abs() < 1e-6 && (each[1] - 0.562_341).abs() < 1e-6);
        near(&each[2..], &[0.1]);
        let dropout = PathDropout::rising(0.1, 100, 10_000);
        let mut random = Random::new(2, RngStream::Test(0));
        for (step, wanted) in [(0, 0.0), (50, 0.05), (100, 0.1), (500, 0.1)] {
            let path = dropout.draw(&[2, 4], &[(7, 2)], step, &mut random);
            assert_eq!(path.at[0].0, 7);
            let all = path.picks.iter().chain([&path.at[0].1]);
            for (pick, count) in all.zip([2, 4, 2]) {
                let Pick::Mix { weights, rows, .. } = pick else {
                    panic!("{pick:?}");
                };
                assert_eq!((*rows, weights.len()), (10_000, 10_000 * count));
                let none = |row: &&[f32]| row.iter().all(|weight| *weight == 0.0);
                let share = weights.chunks(count).filter(none).count() as f64 / 10_000.0;
                assert!((share - wanted).abs() < 0.01, "{share} at step {step}");
            }
        }
    }
}
