//! Losses that include the expected latency (Cai et al. 2019, §3.3, and the released code).

use serde::{Deserialize, Serialize};

/// How a loss and an expected latency make one objective.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LatencyLoss {
    /// α·loss·(ln E/ln reference)^β.
    MultiplyLog {
        /// The latency for which the factor is α, above 1 in its unit.
        reference: f64,
        /// α.
        alpha: f64,
        /// β.
        beta: f64,
    },
    /// loss + λ·(E − reference)/reference.
    AddLinear {
        /// The latency that costs nothing.
        reference: f64,
        /// λ.
        weight: f64,
    },
}

impl LatencyLoss {
    /// The objective for a loss and an expected latency E.
    pub fn value(&self, loss: f64, latency: f64) -> f64 {
        match *self {
            Self::MultiplyLog {
                reference,
                alpha,
                beta,
            } => alpha * loss * (latency.ln() / reference.ln()).powf(beta),
            Self::AddLinear { reference, weight } => {
                loss + weight * (latency - reference) / reference
            }
        }
    }

    /// Its derivatives by the loss and by the latency.
    pub fn derivatives(&self, loss: f64, latency: f64) -> [f64; 2] {
        match *self {
            Self::MultiplyLog { beta, .. } => {
                let value = self.value(loss, latency);
                [
                    self.value(1.0, latency),
                    value * beta / (latency * latency.ln()),
                ]
            }
            Self::AddLinear { reference, weight } => [1.0, weight / reference],
        }
    }

    /// The reward of REINFORCE under a target: accuracy·(target/latency)^exponent (Tan et al.
    /// 2019); the exponent is 0.1 in ProxylessNAS.
    pub fn reward(accuracy: f64, latency: f64, target: f64, exponent: f64) -> f64 {
        accuracy * (target / latency).powf(exponent)
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_numbers::near;
    use super::*;

    #[test]
    fn published_settings() {
        let multiply = LatencyLoss::MultiplyLog {
            reference: 80.0,
            alpha: 0.2,
            beta: 0.3,
        };
        near(&[multiply.value(1.2, 100.0)], &[0.243_602_894]);
        let [of_loss, of_latency] = multiply.derivatives(1.2, 100.0);
        assert!((of_latency - 1.586_93e-4).abs() < 1e-9);
        near(&[of_loss * 1.2], &[0.243_602_894]);
        let add = LatencyLoss::AddLinear {
            reference: 80.0,
            weight: 0.1,
        };
        near(&[add.value(1.2, 100.0)], &[1.225]);
        near(&add.derivatives(1.2, 100.0), &[1.0, 0.1 / 80.0]);
        near(
            &[LatencyLoss::reward(0.7, 100.0, 80.0, 0.1)],
            &[0.684_552_938],
        );
    }
}
