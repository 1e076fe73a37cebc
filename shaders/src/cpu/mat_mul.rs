//! Products of two values, matrix by matrix.

use super::chunks;
use super::sums::sum_of;
use super::vectorised::vectorised;
use crate::catalogue::{MatMul, Transposed};

/// Multiply-adds per chunk, about.
const SHARE: usize = 1 << 16;

vectorised! {
    /// y = Σ aₖ·bₖ over the rows of b. The numbers aₖ are `step` apart.
    fn sum_rows<'a>(a: &'a [f32], step: usize, b: &'a [f32], y: &'a mut [f32]) {
        y.fill(0.0);
        for (a, b) in a.iter().step_by(step).zip(b.chunks_exact(y.len())) {
            y.iter_mut().zip(b).for_each(|(y, b)| *y += a * b);
        }
    }
}

vectorised! {
    /// y = ⟨a, bⱼ⟩ for every row of b.
    fn dot_rows<'a>(a: &'a [f32], b: &'a [f32], y: &'a mut [f32]) {
        for (y, b) in y.iter_mut().zip(b.chunks_exact(a.len())) {
            *y = sum_of([a, b], |[a, b]| a * b);
        }
    }
}

/// y = a·b.
pub(super) fn product(m: &MatMul, a: &[f32], b: &[f32], y: &mut [f32]) {
    let [rows, inner, columns] = [m.rows, m.inner, m.columns].map(|n| n as usize);
    let most = SHARE.div_ceil((inner * columns).max(1));
    let work = y.len() * inner / 4;
    chunks::for_each(y, most * columns, work, |i, y| {
        for (j, y) in y.chunks_exact_mut(columns).enumerate() {
            let (matrix, row) = ((i * most + j) / rows, (i * most + j) % rows);
            let a = &a[matrix * rows * inner..(matrix + 1) * rows * inner];
            let b = &b[matrix * inner * columns..(matrix + 1) * inner * columns];
            match m.transposed {
                Transposed::Neither => sum_rows(&a[row * inner..(row + 1) * inner], 1, b, y),
                Transposed::Left => sum_rows(&a[row..], rows, b, y),
                Transposed::Right => dot_rows(&a[row * inner..(row + 1) * inner], b, y),
            }
        }
    });
}
