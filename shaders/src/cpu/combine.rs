//! Sums, concatenations, slices, constants.

use super::chunks::{self, CHUNK, part};
use super::vectorised::vectorised;
use crate::catalogue::Rows;

/// Elements to which all inputs of a sum are added while they are in the L1 cache.
const BLOCK: usize = 1024;

vectorised! {
    fn sum_block<'a>(reads: &'a [&'a [f32]], begin: usize, scale: f32, y: &'a mut [f32]) {
        let end = begin + y.len();
        match reads {
            [a] => y.iter_mut().zip(&a[begin..end]).for_each(|(y, a)| *y = scale * a),
            [a, b, rest @ ..] => {
                let pairs = a[begin..end].iter().zip(&b[begin..end]);
                y.iter_mut().zip(pairs).for_each(|(y, (a, b))| *y = a + b);
                for x in rest {
                    y.iter_mut().zip(&x[begin..end]).for_each(|(y, x)| *y += x);
                }
                if scale != 1.0 {
                    y.iter_mut().for_each(|y| *y *= scale);
                }
            }
            [] => {}
        }
    }
}

/// y = scale·Σ xᵢ.
pub(super) fn sum(reads: &[&[f32]], scale: f32, y: &mut [f32]) {
    let work = y.len() * reads.len();
    chunks::for_each(y, CHUNK, work, |i, y| {
        for (j, y) in y.chunks_mut(BLOCK).enumerate() {
            sum_block(reads, i * CHUNK + j * BLOCK, scale, y);
        }
    });
}

/// Rows per chunk if rows have `width` elements.
fn rows_of(width: usize) -> usize {
    CHUNK.div_ceil(width.max(1))
}

/// y = the inputs concatenated on the channel axis.
pub(super) fn concat(reads: &[&[f32]], widths: &[u32], y: &mut [f32]) {
    let widths = || widths.iter().map(|w| *w as usize).filter(|w| *w > 0);
    let width: usize = widths().sum();
    let (rows, work) = (rows_of(width), y.len());
    chunks::for_each(y, rows * width, work, |i, y| {
        let mut start = 0;
        for (x, own) in reads.iter().zip(widths()) {
            let x = part(x, i, rows * own);
            for (y, x) in y.chunks_exact_mut(width).zip(x.chunks_exact(own)) {
                y[start..start + own].copy_from_slice(x);
            }
            start += own;
        }
    });
}

/// y = channels start..start+len of x.
pub(super) fn slice(matrix: &Rows, start: usize, len: usize, x: &[f32], y: &mut [f32]) {
    let width = matrix.channels as usize;
    let (rows, work) = (rows_of(len), y.len());
    chunks::for_each(y, rows * len, work, |i, y| {
        let x = part(x, i, rows * width);
        for (y, x) in y.chunks_exact_mut(len.max(1)).zip(x.chunks_exact(width)) {
            y.copy_from_slice(&x[start..start + len]);
        }
    });
}

/// Sets every element to `value`.
pub(super) fn fill(value: f32, y: &mut [f32]) {
    let work = y.len();
    chunks::for_each(y, CHUNK, work, |_, y| y.fill(value));
}
