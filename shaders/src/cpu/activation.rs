//! Activations.

use super::chunks::{self, CHUNK, part};
use super::exponential::{sigmoid, tanh};
use super::vectorised::vectorised;
use crate::catalogue::Function;

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
    chunks::for_each(dx, CHUNK, work, |i, dx| {
        relu_grad_chunk(part(y, i, CHUNK), part(dy, i, CHUNK), dx)
    });
}

/// f(x). The function is constant within a loop, so the compiler can hoist the match out of it.
#[inline(always)]
pub(super) fn apply(function: Function, x: f32) -> f32 {
    match function {
        Function::Identity => x,
        Function::Relu => x.max(0.0),
        Function::Tanh => tanh(x),
        Function::Sigmoid => sigmoid(x),
    }
}

/// f′ at the point where f has the value `y`.
#[inline(always)]
pub(super) fn slope(function: Function, y: f32) -> f32 {
    match function {
        Function::Identity => 1.0,
        Function::Relu => f32::from(u8::from(y > 0.0)),
        Function::Tanh => 1.0 - y * y,
        Function::Sigmoid => y * (1.0 - y),
    }
}

vectorised! { widest
    fn activation_chunk<'a>(function: Function, x: &'a [f32], y: &'a mut [f32]) {
        let pairs = y.iter_mut().zip(x);
        match function {
            Function::Identity => pairs.for_each(|(y, x)| *y = *x),
            Function::Relu => pairs.for_each(|(y, x)| *y = x.max(0.0)),
            Function::Tanh => pairs.for_each(|(y, x)| *y = tanh(*x)),
            Function::Sigmoid => pairs.for_each(|(y, x)| *y = sigmoid(*x)),
        }
    }
}

vectorised! {
    fn activation_grad_chunk<'a>(function: Function, y: &'a [f32], dy: &'a [f32], dx: &'a mut [f32]) {
        dx.iter_mut().zip(y.iter().zip(dy)).for_each(|(dx, (y, dy))| *dx = dy * slope(function, *y));
    }
}

/// y = f(x).
pub(super) fn activation(function: Function, x: &[f32], y: &mut [f32]) {
    let work = 8 * y.len();
    chunks::for_each(y, CHUNK / 4, work, |i, y| {
        activation_chunk(function, part(x, i, CHUNK / 4), y)
    });
}

/// ∂x = ∂y·f′, from y.
pub(super) fn activation_grad(function: Function, y: &[f32], dy: &[f32], dx: &mut [f32]) {
    let work = dx.len();
    chunks::for_each(dx, CHUNK, work, |i, dx| {
        activation_grad_chunk(function, part(y, i, CHUNK), part(dy, i, CHUNK), dx);
    });
}
