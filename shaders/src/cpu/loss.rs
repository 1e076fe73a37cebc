//! The classifier's loss, its gradient, its accuracy, and means.

use super::chunks::{self, part};
use crate::catalogue::Rows;

/// Rows per chunk.
const ROWS: usize = 64;

/// Index and value of the largest logit, the first on a tie.
fn largest(x: &[f32]) -> (usize, f32) {
    x.iter().enumerate().fold(
        (0, x[0]),
        |best, (i, x)| if *x > best.1 { (i, *x) } else { best },
    )
}

fn label(labels: &[f32], row: usize) -> usize {
    labels[row].to_bits() as usize
}

/// The cross-entropy of softmax(x) with the smoothed labels, per row.
pub(super) fn cross_entropy(
    rows: &Rows,
    smoothing: f32,
    x: &[f32],
    labels: &[f32],
    loss: &mut [f32],
) {
    let classes = rows.channels as usize;
    let others = smoothing / classes as f32;
    chunks::for_each(loss, ROWS, 8 * rows.len(), |i, loss| {
        for (j, loss) in loss.iter_mut().enumerate() {
            let row = i * ROWS + j;
            let x = part(x, row, classes);
            let (_, top) = largest(x);
            // −Σ t·log p with Σ t = 1 and log p = x − top − log Σ exp(x − top).
            let sum: f32 = x.iter().map(|x| (x - top).exp()).sum();
            let all: f32 = if smoothing > 0.0 {
                x.iter().map(|x| others * (x - top)).sum()
            } else {
                0.0
            };
            *loss = sum.ln() - (1.0 - smoothing) * (x[label(labels, row)] - top) - all;
        }
    });
}

/// ∂x of the sum of [`cross_entropy`] over the rows, divided by `of`.
pub(super) fn cross_entropy_grad(
    rows: &Rows,
    smoothing: f32,
    of: u32,
    x: &[f32],
    labels: &[f32],
    dx: &mut [f32],
) {
    let classes = rows.channels as usize;
    let (others, share) = (smoothing / classes as f32, 1.0 / of as f32);
    chunks::for_each(dx, ROWS * classes, 8 * rows.len(), |i, dx| {
        for (j, dx) in dx.chunks_exact_mut(classes).enumerate() {
            let row = i * ROWS + j;
            let x = part(x, row, classes);
            let (_, top) = largest(x);
            dx.iter_mut()
                .zip(x)
                .for_each(|(dx, x)| *dx = (x - top).exp());
            let sum: f32 = dx.iter().sum();
            dx.iter_mut()
                .for_each(|dx| *dx = (*dx / sum - others) * share);
            dx[label(labels, row)] -= (1.0 - smoothing) * share;
        }
    });
}

/// 1 if the largest logit is that of the label, else 0.
pub(super) fn accuracy(rows: &Rows, x: &[f32], labels: &[f32], right: &mut [f32]) {
    let classes = rows.channels as usize;
    chunks::for_each(right, ROWS, rows.len(), |i, right| {
        for (j, right) in right.iter_mut().enumerate() {
            let row = i * ROWS + j;
            let (found, _) = largest(part(x, row, classes));
            *right = f32::from(u8::from(found == label(labels, row)));
        }
    });
}
