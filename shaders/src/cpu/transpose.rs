//! The exchange of two axes.

use super::chunks::{self, CHUNK};
use crate::catalogue::Transpose;

/// y = x with rows and columns exchanged.
pub(super) fn transpose(t: &Transpose, x: &[f32], y: &mut [f32]) {
    let [rows, columns, width] = [t.rows, t.columns, t.width].map(|n| n as usize);
    // The columns of x are the rows of y.
    let column = rows * width;
    let most = CHUNK.div_ceil(column.max(1));
    let work = 2 * y.len();
    chunks::for_each(y, most * column, work, |i, y| {
        for (j, y) in y.chunks_exact_mut(column).enumerate() {
            let number = i * most + j;
            let start = (number / columns * rows * columns + number % columns) * width;
            for (row, y) in y.chunks_exact_mut(width).enumerate() {
                let from = start + row * columns * width;
                y.copy_from_slice(&x[from..from + width]);
            }
        }
    });
}
