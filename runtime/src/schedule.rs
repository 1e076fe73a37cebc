//! The learning rate of the shared weights over a search.

use std::f64::consts::PI;

/// Cosine annealing with warm restarts (Loshchilov and Hutter 2017; ENAS §3.2), fitted to the search: every period is
/// twice the one before it, and the last one ends with the last epoch, when the weights are at rest.
///
/// The published lengths come out of it: 150 epochs are periods of 10, 20, 40 and 80.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cosine {
    highest: f64,
    lowest: f64,
    first: f64,
    periods: u32,
}

/// The first period is not shorter than this many epochs, as published.
const SHORTEST: f64 = 10.0;

impl Cosine {
    /// From `highest` to `lowest` in every period, over `epochs` epochs.
    pub(crate) fn fitted(highest: f32, lowest: f32, epochs: u32) -> Self {
        let epochs = f64::from(epochs.max(1));
        let periods = ((epochs / SHORTEST + 1.0).log2() + 1e-9).floor().max(1.0);
        Self {
            highest: f64::from(highest),
            lowest: f64::from(lowest),
            first: epochs / (periods.exp2() - 1.0),
            periods: periods as u32,
        }
    }

    /// The rate throughout epoch `epoch`, counted from 0.
    pub(crate) fn rate(&self, epoch: u32) -> f32 {
        let (mut since, mut period) = (f64::from(epoch), self.first);
        for _ in 1..self.periods {
            if since < period {
                break;
            }
            since -= period;
            period *= 2.0;
        }
        let swing = 1.0 + (PI * (since / period).min(1.0)).cos();
        (self.lowest + 0.5 * (self.highest - self.lowest) * swing) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_lengths_restart_where_published() {
        for (epochs, restarts) in
            [(150, vec![10, 30, 70]), (310, vec![10, 30, 70, 150]), (630, vec![10, 30, 70, 150, 310])]
        {
            let cosine = Cosine::fitted(0.05, 0.0005, epochs);
            let found: Vec<u32> = (1..epochs).filter(|e| cosine.rate(*e) > cosine.rate(e - 1)).collect();
            assert_eq!(found, restarts);
        }
        let cosine = Cosine::fitted(0.05, 0.0005, 150);
        assert!((cosine.rate(0) - 0.05).abs() < 1e-7);
        assert!((cosine.rate(5) - (0.0005 + 0.5 * 0.0495)).abs() < 1e-7);
    }

    #[test]
    fn any_length_starts_high_and_ends_low() {
        for epochs in 1..200 {
            let cosine = Cosine::fitted(0.1, 0.001, epochs);
            assert!((cosine.rate(0) - 0.1).abs() < 1e-6);
            assert!(epochs < 10 || cosine.rate(epochs - 1) < 0.01, "{epochs}: {}", cosine.rate(epochs - 1));
        }
    }
}
