//! Batch normalisation.

use super::Value;
use crate::catalogue::{BatchNorm, Rows};

/// Mean and 1/√(variance + eps).
pub(super) fn stats(rows: &Rows, eps: f64, x: &[f64]) -> Value {
    let (count, channels) = (rows.rows as usize, rows.channels as usize);
    let mut mean = Value::sums(channels, count);
    x.iter()
        .enumerate()
        .for_each(|(i, x)| mean.add(i % channels, x / count as f64));
    let mut variance = vec![0.0; channels];
    x.iter()
        .enumerate()
        .for_each(|(i, x)| variance[i % channels] += (x - mean.value[i % channels]).powi(2));
    for variance in variance {
        // The deviations do not cancel: a kernel that sums them gets every digit right, whatever
        // the mean.
        let rstd = 1.0 / (variance / count as f64 + eps).sqrt();
        mean.push(rstd, rstd);
    }
    mean
}

/// The operands that the three calls share, by name.
struct Operands<'a> {
    channels: usize,
    stats: &'a [f64],
    gamma: Option<&'a [f64]>,
}

impl Operands<'_> {
    /// x̂ of element `i`.
    fn normalised(&self, x: &[f64], i: usize) -> f64 {
        let channel = i % self.channels;
        (x[i] - self.stats[channel]) * self.stats[self.channels + channel]
    }

    fn gamma(&self, i: usize) -> f64 {
        self.gamma.map_or(1.0, |gamma| gamma[i % self.channels])
    }
}

/// y = γ·x̂ + β, then the ReLU.
pub(super) fn apply(b: &BatchNorm, reads: &[&[f64]]) -> Value {
    let (x, gamma, beta) = (
        reads[0],
        b.affine.then(|| reads[2]),
        b.affine.then(|| reads[3]),
    );
    let operands = Operands {
        channels: b.rows.channels as usize,
        stats: reads[1],
        gamma,
    };
    let mut sum = Value::sums(x.len(), 2);
    for i in 0..x.len() {
        sum.add(i, operands.gamma(i) * operands.normalised(x, i));
        sum.add(i, beta.map_or(0.0, |beta| beta[i % operands.channels]));
        if b.relu {
            sum.value[i] = sum.value[i].max(0.0);
        }
    }
    sum
}

/// ∂y of element `i`, zero where the ReLU was off.
fn masked(dy: &[f64], y: Option<&[f64]>, i: usize) -> f64 {
    if y.is_none_or(|y| y[i] > 0.0) {
        dy[i]
    } else {
        0.0
    }
}

/// ∂γ and ∂β.
pub(super) fn grad_sums(b: &BatchNorm, reads: &[&[f64]]) -> Vec<Value> {
    let (x, dy, y) = (reads[0], reads[1], b.relu.then(|| reads[3]));
    let operands = Operands {
        channels: b.rows.channels as usize,
        stats: reads[2],
        gamma: None,
    };
    let channels = operands.channels;
    let mut dgamma = Value::sums(channels, b.rows.rows as usize);
    let mut dbeta = dgamma.clone();
    for i in 0..x.len() {
        dgamma.add(i % channels, masked(dy, y, i) * operands.normalised(x, i));
        dbeta.add(i % channels, masked(dy, y, i));
    }
    vec![dgamma, dbeta]
}

/// ∂x.
pub(super) fn grad_input(b: &BatchNorm, reads: &[&[f64]]) -> Value {
    let (x, dy, dgamma, dbeta) = (reads[0], reads[1], reads[3], reads[4]);
    let gamma = b.affine.then(|| reads[5]);
    let y = b.relu.then(|| reads[5 + usize::from(b.affine)]);
    let operands = Operands {
        channels: b.rows.channels as usize,
        stats: reads[2],
        gamma,
    };
    let (channels, rows) = (operands.channels, f64::from(b.rows.rows));
    let mut sum = Value::sums(x.len(), 3);
    for i in 0..x.len() {
        let factor = operands.gamma(i) * operands.stats[channels + i % channels];
        sum.add(i, factor * masked(dy, y, i));
        sum.add(i, -factor * dbeta[i % channels] / rows);
        sum.add(
            i,
            -factor * operands.normalised(x, i) * dgamma[i % channels] / rows,
        );
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOUR: Rows = Rows {
        rows: 4,
        channels: 1,
    };

    #[test]
    fn variance_is_biased() {
        let stats = stats(&FOUR, 0.75, &[1001.0, 1002.0, 1003.0, 1004.0]).value;
        assert_eq!(stats, [1002.5, 1.0 / 2.0_f64.sqrt()]);
    }

    #[test]
    fn gradients_by_hand() {
        let b = BatchNorm {
            rows: FOUR,
            relu: true,
            affine: true,
        };
        let (x, stats): ([f64; 4], [f64; 2]) = ([0.0, 2.0, 4.0, 6.0], [3.0, 0.5]);
        let y = apply(&b, &[&x, &stats, &[2.0], &[1.0]]);
        assert_eq!(y.value, [0.0, 0.0, 2.0, 4.0]);
        let dy = [1.0, 1.0, 1.0, 3.0];
        let sums = grad_sums(&b, &[&x, &dy, &stats, &y.value]);
        assert_eq!((sums[0].value[0], sums[1].value[0]), (0.5 + 4.5, 4.0));
        let dx = grad_input(&b, &[&x, &dy, &stats, &[5.0], &[4.0], &[2.0], &y.value]).value;
        // γ·rstd = 1; ∂y − 1 − x̂·5/4.
        assert_eq!(
            dx,
            [
                -1.0 + 1.875,
                -1.0 + 0.625,
                1.0 - 1.0 - 0.625,
                3.0 - 1.0 - 1.875
            ]
        );
    }
}
