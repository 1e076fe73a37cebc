//! The ReLU.

use super::chunks::{self, CHUNK, part};
use super::vectorised::vectorised;

vectorised! {
    fn relu_chunk<'a>(x: &'a [f32], y: &'a mut [f32]) {
        y.iter_mut().zip(x).for_each(|(y, x)| *y = if *x <= 0.0 { 0.0 } else { *x });
    }
}

vectorised! {
    fn relu_grad_chunk<'a>(y: &'a [f32], dy: &'a [f32], dx: &'a mut [f32]) {
        dx.iter_mut().zip(y.iter().zip(dy)).for_each(|(dx, (y, dy))| *dx = if *y > 0.0 { *dy } else { 0.0 });
    }
}

/// y = max(x, 0).
pub(super) fn relu(x: &[f32], y: &mut [f32]) {
    let work = y.len();
    chunks::for_each(y, CHUNK, work, |i, y| relu_chunk(part(x, i, CHUNK), y));
}

/// ∂x = ∂y where y > 0.
pub(super) fn relu_grad(y: &[f32], dy: &[f32], dx: &mut [f32]) {
    let work = dx.len();
    chunks::for_each(dx, CHUNK, work, |i, dx| relu_grad_chunk(part(y, i, CHUNK), part(dy, i, CHUNK), dx));
}
