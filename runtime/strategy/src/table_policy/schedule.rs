//! What changes from step to step.

use serde::{Deserialize, Serialize};

/// A number that moves linearly from one value to another, then stays.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LinearSchedule {
    /// The value at 0.
    pub from: f64,
    /// The value from `over` on.
    pub to: f64,
    /// The number of steps or epochs in which it gets there.
    pub over: u32,
}

impl LinearSchedule {
    /// The temperature of SNAS by epoch: from 1 to 0.03 in 150 epochs, as in the released code.
    pub const SNAS: Self = Self {
        from: 1.0,
        to: 0.03,
        over: 150,
    };

    /// The temperature of GDAS by epoch: from 10 in the first of `epochs` to 0.1 in the last.
    pub fn gdas(epochs: u32) -> Self {
        Self::new(10.0, 0.1, epochs.saturating_sub(1))
    }

    /// From one value to another in so many steps or epochs.
    pub fn new(from: f64, to: f64, over: u32) -> Self {
        Self { from, to, over }
    }

    /// The value at `at`, a number of steps or epochs.
    pub fn at(&self, at: u32) -> f64 {
        if at >= self.over {
            return self.to;
        }
        self.from + (self.to - self.from) * f64::from(at) / f64::from(self.over)
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_numbers::near;
    use super::*;

    #[test]
    fn published_temperatures() {
        let snas = LinearSchedule::SNAS;
        near(
            &[snas.at(0), snas.at(75), snas.at(150)],
            &[1.0, 0.515, 0.03],
        );
        let gdas = LinearSchedule::gdas(250);
        near(
            &[gdas.at(0), gdas.at(249), gdas.at(1000)],
            &[10.0, 0.1, 0.1],
        );
        assert!((gdas.at(125) - 5.0301).abs() < 1e-4);
        near(&[LinearSchedule::gdas(1).at(0)], &[0.1]);
    }
}
