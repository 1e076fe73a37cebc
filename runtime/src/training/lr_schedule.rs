//! The learning rate and the drop-path probability over a search, or over the training of one
//! network.

use std::f64::consts::PI;

/// A learning rate over time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum LrSchedule {
    /// For shared weights: it changes from epoch to epoch.
    Restarts(CosineRestarts),
    /// For one network: it changes from step to step.
    WarmupCosine(WarmupCosine),
}

impl LrSchedule {
    /// The rate of a step in an epoch, both counted from 0.
    pub(crate) fn at(&self, epoch: u32, step: u32) -> f32 {
        match self {
            Self::Restarts(cosine) => cosine.rate(epoch),
            Self::WarmupCosine(once) => once.rate(step),
        }
    }
}

/// A single descent: a linear warm-up (Goyal et al. 2017, §2.2), then half a period of a cosine,
/// without restarts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct WarmupCosine {
    highest: f64,
    lowest: f64,
    warm_up: u32,
    steps: u32,
}

impl WarmupCosine {
    /// A schedule of `steps` steps, of which the first `warm_up` rise to `highest`; the last one is
    /// near `lowest`.
    pub(crate) fn new(highest: f32, lowest: f32, warm_up: u32, steps: u32) -> Self {
        let (highest, lowest) = (f64::from(highest), f64::from(lowest.min(highest)));
        Self {
            highest,
            lowest,
            warm_up: warm_up.min(steps),
            steps,
        }
    }

    /// The rate of a step, counted from 0.
    pub(crate) fn rate(&self, step: u32) -> f32 {
        if step < self.warm_up {
            return (self.highest * f64::from(step + 1) / f64::from(self.warm_up + 1)) as f32;
        }
        let (since, length) = (step - self.warm_up, (self.steps - self.warm_up).max(1));
        let share = (f64::from(since) / f64::from(length)).min(1.0);
        (self.lowest + 0.5 * (self.highest - self.lowest) * (1.0 + (PI * share).cos())) as f32
    }
}

/// A probability that increases linearly with the steps (Zoph et al. 2018, scheduled drop-path).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct LinearRamp {
    /// The value at the last step.
    pub(crate) to: f32,
    /// Number of steps.
    pub(crate) steps: u32,
}

impl LinearRamp {
    /// The value at a step, counted from 0; constant after the last one.
    pub(crate) fn at(&self, step: u32) -> f32 {
        let share = f64::from(step + 1) / f64::from(self.steps.max(1));
        (f64::from(self.to) * share.min(1.0)) as f32
    }
}

/// Cosine annealing with warm restarts (Loshchilov and Hutter 2017; ENAS §3.2), fitted to the
/// search: every period is twice the one before it, and the last one ends with the last epoch, when
/// the learning rate is lowest.
///
/// It reproduces the published lengths: 150 epochs give periods of 10, 20, 40 and 80.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct CosineRestarts {
    highest: f64,
    lowest: f64,
    first: f64,
    periods: u32,
}

/// Minimum length of the first period in epochs, as published.
const SHORTEST: f64 = 10.0;

impl CosineRestarts {
    /// A schedule from `highest` to `lowest` in every period, over `epochs` epochs.
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

    /// The rate during epoch `epoch`, counted from 0.
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
        for (epochs, restarts) in [
            (150, vec![10, 30, 70]),
            (310, vec![10, 30, 70, 150]),
            (630, vec![10, 30, 70, 150, 310]),
        ] {
            let cosine = CosineRestarts::fitted(0.05, 0.0005, epochs);
            let found: Vec<u32> = (1..epochs)
                .filter(|e| cosine.rate(*e) > cosine.rate(e - 1))
                .collect();
            assert_eq!(found, restarts);
        }
        let cosine = CosineRestarts::fitted(0.05, 0.0005, 150);
        assert!((cosine.rate(0) - 0.05).abs() < 1e-7);
        assert!((cosine.rate(5) - (0.0005 + 0.5 * 0.0495)).abs() < 1e-7);
    }

    #[test]
    fn a_single_descent_rises_to_its_peak_and_falls_to_its_end() {
        let once = WarmupCosine::new(0.1, 0.001, 4, 104);
        let rates: Vec<f32> = (0..104).map(|step| once.rate(step)).collect();
        let peak = (0..104)
            .max_by(|a, b| rates[*a].total_cmp(&rates[*b]))
            .unwrap();
        assert_eq!((peak, rates[4]), (4, 0.1));
        assert!((rates[1] - 0.04).abs() < 1e-7 && rates[..5].is_sorted());
        assert!(rates[4..].windows(2).all(|pair| pair[1] < pair[0]));
        // Halfway down after half of the descent.
        assert!((rates[54] - 0.0505).abs() < 1e-6);
        assert!((0.001..0.0012).contains(&rates[103]), "{}", rates[103]);
        // Steps past the end and warm-ups longer than the training stay in range.
        assert_eq!(
            (once.rate(500), WarmupCosine::new(0.1, 0.0, 9, 3).rate(2)),
            (0.001, 0.075)
        );
    }

    #[test]
    fn a_probability_rises_to_its_end_and_stays() {
        let rise = LinearRamp {
            to: 0.4,
            steps: 200,
        };
        assert_eq!(
            [rise.at(0), rise.at(99), rise.at(199), rise.at(500)],
            [0.002, 0.2, 0.4, 0.4]
        );
        assert_eq!(LinearRamp::default().at(7), 0.0);
    }

    #[test]
    fn any_length_starts_high_and_ends_low() {
        for epochs in 1..200 {
            let cosine = CosineRestarts::fitted(0.1, 0.001, epochs);
            assert!((cosine.rate(0) - 0.1).abs() < 1e-6);
            assert!(
                epochs < 10 || cosine.rate(epochs - 1) < 0.01,
                "{epochs}: {}",
                cosine.rate(epochs - 1)
            );
        }
    }
}
