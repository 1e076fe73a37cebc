//! The classifier's loss, its gradient, its accuracy, and means.

use super::chunks::{self, CHUNK, part};
use super::exponential::exp;
use super::vectorised::vectorised;
use crate::catalogue::Rows;

/// Partial results of a row: enough for two of the widest vectors.
const LANES: usize = 32;

/// Rows per chunk.
fn rows_of(classes: usize) -> usize {
    CHUNK.div_ceil(classes.max(1))
}

vectorised! { widest
    fn largest_of<'a>(x: &'a [f32], largest: &'a mut f32) {
        let (tiles, rest) = x.as_chunks::<LANES>();
        let mut lanes = [f32::NEG_INFINITY; LANES];
        let more = |a: f32, b: f32| if b > a { b } else { a };
        for x in tiles {
            lanes.iter_mut().zip(x).for_each(|(top, x)| *top = more(*top, *x));
        }
        *largest = lanes.iter().chain(rest).fold(f32::NEG_INFINITY, |a, b| more(a, *b));
    }
}

vectorised! { widest
    /// Σ exp(x − top).
    fn sum_exponentials<'a>(x: &'a [f32], top: f32, sum: &'a mut f32) {
        let (tiles, rest) = x.as_chunks::<LANES>();
        let mut lanes = [0.0; LANES];
        for x in tiles {
            lanes.iter_mut().zip(x).for_each(|(sum, x)| *sum += exp(x - top));
        }
        *sum = lanes.iter().sum::<f32>() + rest.iter().map(|x| exp(x - top)).sum::<f32>();
    }
}

vectorised! { widest
    /// y = exp(x − top), and its sum.
    fn exponentials<'a>(x: &'a [f32], top: f32, y: &'a mut [f32], sum: &'a mut f32) {
        let (tiles, rest) = x.as_chunks::<LANES>();
        let (tiles_y, rest_y) = y.as_chunks_mut::<LANES>();
        let mut lanes = [0.0; LANES];
        for (x, y) in tiles.iter().zip(tiles_y) {
            for ((sum, x), y) in lanes.iter_mut().zip(x).zip(y) {
                *y = exp(x - top);
                *sum += *y;
            }
        }
        rest_y.iter_mut().zip(rest).for_each(|(y, x)| *y = exp(x - top));
        *sum = lanes.iter().sum::<f32>() + rest_y.iter().sum::<f32>();
    }
}

vectorised! { widest
    fn scale_and_shift<'a>(y: &'a mut [f32], scale: f32, shift: f32) {
        y.iter_mut().for_each(|y| *y = *y * scale - shift);
    }
}

/// The largest logit.
fn largest(x: &[f32]) -> f32 {
    let mut largest = x[0];
    largest_of(x, &mut largest);
    largest
}

/// y = softmax(x) for one row.
pub(super) fn softmax(x: &[f32], y: &mut [f32]) {
    let mut sum = 0.0;
    exponentials(x, largest(x), y, &mut sum);
    scale_and_shift(y, 1.0 / sum, 0.0);
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
    let chunk = rows_of(classes);
    chunks::for_each(loss, chunk, 8 * rows.len(), |i, loss| {
        for (j, loss) in loss.iter_mut().enumerate() {
            let row = i * chunk + j;
            let x = part(x, row, classes);
            let (top, mut sum) = (largest(x), 0.0);
            // −Σ t·log p with Σ t = 1 and log p = x − top − log Σ exp(x − top).
            sum_exponentials(x, top, &mut sum);
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
    let chunk = rows_of(classes);
    chunks::for_each(dx, chunk * classes, 8 * rows.len(), |i, dx| {
        for (j, dx) in dx.chunks_exact_mut(classes).enumerate() {
            let row = i * chunk + j;
            let (x, mut sum) = (part(x, row, classes), 0.0);
            exponentials(x, largest(x), dx, &mut sum);
            scale_and_shift(dx, share / sum, others * share);
            dx[label(labels, row)] -= (1.0 - smoothing) * share;
        }
    });
}

/// 1 if the largest logit is that of the label, else 0.
pub(super) fn accuracy(rows: &Rows, x: &[f32], labels: &[f32], right: &mut [f32]) {
    let classes = rows.channels as usize;
    let chunk = rows_of(classes);
    chunks::for_each(right, chunk, rows.len(), |i, right| {
        for (j, right) in right.iter_mut().enumerate() {
            let row = i * chunk + j;
            let (x, label) = (part(x, row, classes), label(labels, row));
            let top = largest(x);
            // On a tie the first one counts.
            let first = x[label] == top && x[..label].iter().all(|x| *x != top);
            *right = f32::from(u8::from(first));
        }
    });
}
