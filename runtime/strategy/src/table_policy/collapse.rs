//! When to stop a search whose validation loss becomes sharp (Zela et al. 2020, §4.3).

use serde::{Deserialize, Serialize};

/// Watches the largest eigenvalue of the Hessian of the validation loss with respect to the logits:
/// when its mean over some measurements has grown by more than a limit, the search has begun to
/// prefer ops without weights, and an earlier state is the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CollapseMonitor {
    measured: Vec<f64>,
}

/// A reason to stop.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CollapseStop {
    /// The epoch whose logits are the answer.
    pub answer: u32,
    /// By how much the mean eigenvalue has grown.
    pub ratio: f64,
}

/// Epochs from one measurement to the next.
const EVERY: u32 = 2;
/// Measurements in a mean.
const MEAN: usize = 5;
/// Measurements from the mean that is compared to the present one.
const BACK: usize = 4;
/// The largest growth.
const LIMIT: f64 = 1.3;
/// Epochs before the earlier mean whose logits are the answer, and the earliest answer.
const BEFORE: u32 = 8;
const EARLIEST: u32 = 10;

impl Default for CollapseMonitor {
    fn default() -> Self {
        Self::new()
    }
}

impl CollapseMonitor {
    /// Nothing measured yet.
    pub fn new() -> Self {
        let measured = Vec::new();
        Self { measured }
    }

    /// Whether an eigenvalue is to be measured after this epoch, counted from 0.
    pub fn is_due(&self, epoch: u32) -> bool {
        epoch.is_multiple_of(EVERY)
    }

    /// Records the eigenvalue of the next epoch that is due.
    pub fn measure(&mut self, eigenvalue: f64) -> Option<CollapseStop> {
        self.measured.push(eigenvalue);
        let now = self.measured.len();
        let before = now.checked_sub(BACK)?;
        let mean = |end: usize| {
            let window = &self.measured[end.checked_sub(MEAN)?..end];
            Some(window.iter().sum::<f64>() / MEAN as f64)
        };
        let ratio = mean(now)? / mean(before)?;
        let epoch = EVERY * (now as u32 - 1);
        let answer = epoch.checked_sub(BACK as u32 + BEFORE)?;
        (ratio > LIMIT && answer >= EARLIEST).then_some(CollapseStop { answer, ratio })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_growing_eigenvalue_stops_the_search() {
        let mut monitor = CollapseMonitor::new();
        let mut stopped = None;
        for epoch in (0..50).filter(|epoch| CollapseMonitor::new().is_due(*epoch)) {
            let grown = 0.03 * f64::from(epoch.max(24) - 24) / 2.0;
            if let Some(stop) = monitor.measure(0.2 + grown) {
                stopped = stopped.or(Some((epoch, stop)));
            }
        }
        let (epoch, stop) = stopped.unwrap();
        assert_eq!((epoch, stop.answer), (34, 22));
        assert!((stop.ratio - 1.407_77).abs() < 1e-5);
    }

    #[test]
    fn an_early_or_a_flat_one_does_not() {
        let mut monitor = CollapseMonitor::new();
        let early = (0..11).filter_map(|i| monitor.measure(f64::from(1 << i)));
        assert_eq!(early.count(), 0);
        let mut monitor = CollapseMonitor::new();
        assert!((0..100).all(|_| monitor.measure(0.2).is_none()));
    }
}
