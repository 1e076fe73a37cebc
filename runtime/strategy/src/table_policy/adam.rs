//! Adam on logits.

use serde::{Deserialize, Serialize};

use super::LogitTable;

/// The settings of Adam on logits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LogitAdamSettings {
    /// The learning rate.
    pub rate: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// Weight decay, added to the gradient.
    pub weight_decay: f64,
    /// The maximum norm of the gradient, without weight decay.
    pub clip: Option<f64>,
}

impl LogitAdamSettings {
    /// DARTS (Liu et al. 2019, §A.1.1), and GDAS and SNAS in their released code.
    pub const DARTS: Self = Self {
        rate: 3e-4,
        beta1: 0.5,
        beta2: 0.999,
        epsilon: 1e-8,
        weight_decay: 1e-3,
        clip: None,
    };
    /// ProxylessNAS (Cai et al. 2019) in its released code: without a first moment, so that a logit
    /// without a gradient stays.
    pub const PROXYLESS: Self = Self {
        rate: 1e-3,
        beta1: 0.0,
        weight_decay: 0.0,
        ..Self::DARTS
    };

    /// The same with a maximum norm: 10 in SNAS.
    #[must_use]
    pub fn with_clip(self, norm: f64) -> Self {
        let clip = Some(norm);
        Self { clip, ..self }
    }

    /// The same with another learning rate.
    #[must_use]
    pub fn with_rate(self, rate: f64) -> Self {
        Self { rate, ..self }
    }
}

/// Adam (Kingma and Ba 2015, algorithm 1) with coupled weight decay, on a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogitAdam {
    settings: LogitAdamSettings,
    updates: u32,
    /// Both moments of every logit.
    moments: Vec<Vec<[f64; 2]>>,
}

impl LogitAdam {
    /// Before the first update of `table`.
    pub fn new(table: &LogitTable, settings: LogitAdamSettings) -> Self {
        let zeros = |logits: &Vec<f64>| vec![[0.0; 2]; logits.len()];
        Self {
            settings,
            updates: 0,
            moments: table.logits().iter().map(zeros).collect(),
        }
    }

    /// Moves the logits against the gradient, which has their shape.
    pub fn descend(&mut self, table: &mut LogitTable, gradient: &[Vec<f64>]) {
        let LogitAdamSettings {
            rate,
            beta1,
            beta2,
            epsilon,
            weight_decay,
            clip,
        } = self.settings;
        let norm = gradient.iter().flatten().map(|g| g * g).sum::<f64>().sqrt();
        let scale = match clip {
            Some(limit) if norm > limit => limit / norm,
            _ => 1.0,
        };
        self.updates = self.updates.saturating_add(1);
        let correction = |beta: f64| 1.0 - beta.powi(self.updates.min(i32::MAX as u32) as i32);
        let decisions = table.logits_mut().iter_mut().zip(gradient);
        for ((logits, gradient), moments) in decisions.zip(&mut self.moments) {
            let own = logits.iter_mut().zip(gradient).zip(moments);
            for ((logit, gradient), [mean, square]) in own {
                let gradient = scale * gradient + weight_decay * *logit;
                *mean = beta1 * *mean + (1.0 - beta1) * gradient;
                *square = beta2 * *square + (1.0 - beta2) * gradient * gradient;
                let root = (*square / correction(beta2)).sqrt() + epsilon;
                *logit -= rate * (*mean / correction(beta1)) / root;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_numbers::near;
    use super::*;

    #[test]
    fn two_steps_by_hand() {
        let mut table = LogitTable::uniform(&[2]);
        table.logits_mut()[0][1] = 1.0;
        let settings = LogitAdamSettings {
            weight_decay: 0.5,
            epsilon: 0.0,
            ..LogitAdamSettings::DARTS.with_rate(0.1)
        };
        let mut adam = LogitAdam::new(&table, settings);
        adam.descend(&mut table, &[vec![2.0, -1.0]]);
        // The first step is the rate in the direction of the gradient, here 2 and −1 + 0.5.
        near(&table.logits()[0], &[-0.1, 1.1]);
        adam.descend(&mut table, &[vec![2.0, -1.0]]);
        let step = |first: f64, second: f64| {
            let mean = (0.25 * first + 0.5 * second) / 0.75;
            let square = (0.999 * 0.001 * first * first + 0.001 * second * second)
                / (1.0 - 0.999_f64.powi(2));
            0.1 * mean / square.sqrt()
        };
        near(
            &table.logits()[0],
            &[-0.1 - step(2.0, 1.95), 1.1 - step(-0.5, -0.45)],
        );
    }

    #[test]
    fn without_a_first_moment_a_logit_without_gradient_stays() {
        let mut table = LogitTable::uniform(&[3]);
        let mut adam = LogitAdam::new(&table, LogitAdamSettings::PROXYLESS);
        adam.descend(&mut table, &[vec![1.0, -1.0, 0.0]]);
        let moved = table.logits()[0].clone();
        adam.descend(&mut table, &[vec![0.0, 0.0, 1.0]]);
        assert_eq!(table.logits()[0][..2], moved[..2]);
        assert!(table.logits()[0][2] < 0.0);
        let mut table = LogitTable::uniform(&[3]);
        let mut adam = LogitAdam::new(&table, LogitAdamSettings::DARTS);
        adam.descend(&mut table, &[vec![1.0, -1.0, 0.0]]);
        let moved = table.logits()[0].clone();
        adam.descend(&mut table, &[vec![0.0; 3]]);
        assert_ne!(table.logits()[0][..2], moved[..2]);
    }

    #[test]
    fn a_saved_state_continues_as_if_nothing_had_happened() {
        let settings = LogitAdamSettings::DARTS.with_clip(10.0);
        let mut table = LogitTable::uniform(&[2, 3]);
        let mut adam = LogitAdam::new(&table, settings);
        let gradient = [vec![0.3, -20.0], vec![1.0, 0.0, 5.0]];
        adam.descend(&mut table, &gradient);
        let json = serde_json::to_string(&(&table, &adam)).unwrap();
        let (mut other, mut again): (LogitTable, LogitAdam) = serde_json::from_str(&json).unwrap();
        for (table, adam) in [(&mut table, &mut adam), (&mut other, &mut again)] {
            adam.descend(table, &gradient);
        }
        assert_eq!((table, adam), (other, again));
    }
}
