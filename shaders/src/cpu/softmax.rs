//! Softmax over the last axis.

use super::chunks::{self, CHUNK, part};
use super::loss;
use super::sums::sum_of;
use super::vectorised::vectorised;
use crate::catalogue::Rows;

/// Rows per chunk.
fn rows_of(channels: usize) -> usize {
    (CHUNK / 4).div_ceil(channels.max(1))
}

/// y = softmax(x), row by row.
pub(super) fn softmax(rows: &Rows, x: &[f32], y: &mut [f32]) {
    let channels = rows.channels as usize;
    let chunk = rows_of(channels) * channels;
    chunks::for_each(y, chunk, 8 * rows.len(), |i, y| {
        let x = part(x, i, chunk);
        for (x, y) in x.chunks_exact(channels).zip(y.chunks_exact_mut(channels)) {
            loss::softmax(x, y);
        }
    });
}

vectorised! {
    fn back<'a>(y: &'a [f32], dy: &'a [f32], dx: &'a mut [f32]) {
        let dot = sum_of([y, dy], |[y, dy]| y * dy);
        dx.iter_mut().zip(y.iter().zip(dy)).for_each(|(dx, (y, dy))| *dx = y * (dy - dot));
    }
}

/// ∂x = y·(∂y − Σ y·∂y).
pub(super) fn grad(rows: &Rows, y: &[f32], dy: &[f32], dx: &mut [f32]) {
    let channels = rows.channels as usize;
    let chunk = rows_of(channels) * channels;
    chunks::for_each(dx, chunk, 2 * rows.len(), |i, dx| {
        let [y, dy] = [y, dy].map(|x| part(x, i, chunk));
        let reads = y.chunks_exact(channels).zip(dy.chunks_exact(channels));
        for ((y, dy), dx) in reads.zip(dx.chunks_exact_mut(channels)) {
            back(y, dy, dx);
        }
    });
}
