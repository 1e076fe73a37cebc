//! The classifier's loss, its gradient, its accuracy, and means.

use super::Value;
use crate::catalogue::Rows;

/// The logits of one row relative to the largest, their probabilities and smoothed targets.
struct Row {
    below: Vec<f64>,
    log_sum: f64,
    probabilities: Vec<f64>,
    targets: Vec<f64>,
}

fn rows<'a>(
    rows: &Rows,
    smoothing: f64,
    x: &'a [f64],
    labels: &'a [f64],
) -> impl Iterator<Item = Row> + use<'a> {
    let classes = rows.channels as usize;
    x.chunks(classes).zip(labels).map(move |(x, label)| {
        let top = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let below: Vec<f64> = x.iter().map(|x| x - top).collect();
        let sum: f64 = below.iter().map(|x| x.exp()).sum();
        let target = |class| {
            smoothing / classes as f64
                + if class as f64 == *label {
                    1.0 - smoothing
                } else {
                    0.0
                }
        };
        Row {
            log_sum: sum.ln(),
            probabilities: below.iter().map(|x| x.exp() / sum).collect(),
            targets: (0..classes).map(target).collect(),
            below,
        }
    })
}

impl Row {
    /// How much larger the error of the exponentials is than one rounding: exp turns an absolute
    /// error into a relative one.
    fn spread(&self) -> f64 {
        1.0 + self
            .below
            .iter()
            .zip(&self.probabilities)
            .map(|(x, p)| x.abs() * p)
            .sum::<f64>()
    }
}

/// −Σ t·log softmax(x).
pub(super) fn cross_entropy(shape: &Rows, smoothing: f64, x: &[f64], labels: &[f64]) -> Value {
    let mut loss = Value::sums(0, shape.channels as usize);
    for row in rows(shape, smoothing, x, labels) {
        let aimed = || row.below.iter().zip(&row.targets).map(|(x, t)| x * t);
        let value = row.log_sum - aimed().sum::<f64>();
        loss.push(
            value,
            row.log_sum + row.spread() + aimed().map(f64::abs).sum::<f64>(),
        );
    }
    loss
}

/// (softmax(x) − t)/count.
pub(super) fn cross_entropy_grad(
    shape: &Rows,
    smoothing: f64,
    count: f64,
    x: &[f64],
    labels: &[f64],
) -> Value {
    let mut dx = Value::sums(0, shape.channels as usize);
    for row in rows(shape, smoothing, x, labels) {
        let spread = row.spread();
        for ((below, p), t) in row.below.iter().zip(&row.probabilities).zip(&row.targets) {
            dx.push((p - t) / count, (p * (spread + below.abs()) + t) / count);
        }
    }
    dx
}

/// 1 if the first of the largest logits is that of the label.
pub(super) fn accuracy(rows: &Rows, x: &[f64], labels: &[f64]) -> Value {
    let right = x
        .chunks(rows.channels as usize)
        .zip(labels)
        .map(|(x, label)| {
            let top = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let found = x.iter().position(|x| *x == top);
            if found == Some(*label as usize) {
                1.0
            } else {
                0.0
            }
        });
    Value::exact(right.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: Rows = Rows {
        rows: 2,
        channels: 2,
    };

    #[test]
    fn losses_by_hand() {
        let x = [1000.0, 1000.0, 0.0, 3.0_f64.ln()];
        let near = |got: &[f64], wanted: &[f64]| {
            assert!(
                got.iter().zip(wanted).all(|(g, w)| (g - w).abs() < 1e-12),
                "{got:?} {wanted:?}"
            );
        };
        near(
            &cross_entropy(&TWO, 0.0, &x, &[0.0, 1.0]).value,
            &[2.0_f64.ln(), (4.0_f64 / 3.0).ln()],
        );
        let smoothed = 0.95 * (4.0_f64 / 3.0).ln() + 0.05 * 4.0_f64.ln();
        near(
            &cross_entropy(&TWO, 0.1, &x, &[0.0, 1.0]).value,
            &[2.0_f64.ln(), smoothed],
        );
        near(
            &cross_entropy_grad(&TWO, 0.0, 2.0, &x, &[0.0, 1.0]).value,
            &[-0.25, 0.25, 0.125, -0.125],
        );
    }

    #[test]
    fn the_first_of_equal_logits_counts() {
        let x = [2.0, 2.0, 1.0, 5.0];
        assert_eq!(accuracy(&TWO, &x, &[0.0, 1.0]).value, [1.0, 1.0]);
        assert_eq!(accuracy(&TWO, &x, &[1.0, 0.0]).value, [0.0, 0.0]);
    }
}
