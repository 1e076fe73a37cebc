//! Activations.

use super::chunks::{self, CHUNK, part};
use super::exponential::{exp, sigmoid, tanh};
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

/// Calls an always-inlined function with an activation known at compile time, so that its loop
/// vectorises.
macro_rules! known {
    ($call:ident, $function:expr, $($arg:expr),*) => {
        match $function {
            Function::Identity => $call(Function::Identity, $($arg),*),
            Function::Relu => $call(Function::Relu, $($arg),*),
            Function::Tanh => $call(Function::Tanh, $($arg),*),
            Function::Sigmoid => $call(Function::Sigmoid, $($arg),*),
            Function::Relu6 => $call(Function::Relu6, $($arg),*),
            Function::LeakyRelu => $call(Function::LeakyRelu, $($arg),*),
            Function::Elu => $call(Function::Elu, $($arg),*),
            Function::HardSigmoid => $call(Function::HardSigmoid, $($arg),*),
            Function::HardSwish => $call(Function::HardSwish, $($arg),*),
            Function::Swish => $call(Function::Swish, $($arg),*),
            Function::Gelu => $call(Function::Gelu, $($arg),*),
        }
    };
}
pub(super) use known;

/// √(8/π)·(x + 0.044715·x³): GELU is x·σ of it. Beyond ±10, σ is 0 or 1 in an f32.
#[inline(always)]
fn gelu_gate(x: f32) -> f32 {
    let c = x.clamp(-10.0, 10.0);
    1.595_769_2 * (c + 0.044_715 * c * c * c)
}

/// The slope of x·σ(t) where t has the slope `rate`. Both σ(t) and 1 − σ(t) come from e^−|t|, so
/// that neither is a difference of almost equal numbers.
#[inline(always)]
fn gated_slope(x: f32, t: f32, rate: f32) -> f32 {
    let e = exp(-t.abs());
    let r = 1.0 / (1.0 + e);
    let up = if t < 0.0 { e * r } else { r };
    up + x * rate * (e * r * r)
}

/// f(x). The function is constant within a loop, so the compiler can hoist the match out of it.
#[inline(always)]
pub(super) fn apply(function: Function, x: f32) -> f32 {
    match function {
        Function::Identity => x,
        Function::Relu => x.max(0.0),
        Function::Tanh => tanh(x),
        Function::Sigmoid => sigmoid(x),
        Function::Relu6 => x.clamp(0.0, 6.0),
        Function::LeakyRelu => {
            if x > 0.0 {
                x
            } else {
                0.01 * x
            }
        }
        Function::Elu => {
            if x > 0.0 {
                x
            } else {
                exp(x) - 1.0
            }
        }
        Function::HardSigmoid => (x + 3.0).clamp(0.0, 6.0) / 6.0,
        Function::HardSwish => x * (x + 3.0).clamp(0.0, 6.0) / 6.0,
        Function::Swish => x * sigmoid(x),
        Function::Gelu => x * sigmoid(gelu_gate(x)),
    }
}

/// f′ at the point where f has the value `p`, or at `p` itself: see
/// [`Function::slope_from_result`].
#[inline(always)]
pub(super) fn slope(function: Function, p: f32) -> f32 {
    match function {
        Function::Identity => 1.0,
        Function::Relu => f32::from(u8::from(p > 0.0)),
        Function::Tanh => 1.0 - p * p,
        Function::Sigmoid => p * (1.0 - p),
        Function::Relu6 => f32::from(u8::from(p > 0.0 && p < 6.0)),
        Function::LeakyRelu => {
            if p > 0.0 {
                1.0
            } else {
                0.01
            }
        }
        Function::Elu => {
            if p > 0.0 {
                1.0
            } else {
                p + 1.0
            }
        }
        Function::HardSigmoid => {
            if p.abs() < 3.0 {
                1.0 / 6.0
            } else {
                0.0
            }
        }
        Function::HardSwish => {
            let outside = f32::from(u8::from(p > 0.0));
            if p.abs() < 3.0 {
                p / 3.0 + 0.5
            } else {
                outside
            }
        }
        Function::Swish => {
            let c = p.clamp(-80.0, 80.0);
            gated_slope(c, c, 1.0)
        }
        Function::Gelu => {
            let c = p.clamp(-10.0, 10.0);
            gated_slope(c, gelu_gate(c), 1.595_769_2 * (1.0 + 0.134_145 * c * c))
        }
    }
}

#[inline(always)]
fn apply_all(function: Function, x: &[f32], y: &mut [f32]) {
    y.iter_mut()
        .zip(x)
        .for_each(|(y, x)| *y = apply(function, *x));
}

#[inline(always)]
fn slope_all(function: Function, points: &[f32], dy: &[f32], dx: &mut [f32]) {
    dx.iter_mut()
        .zip(points.iter().zip(dy))
        .for_each(|(dx, (p, dy))| *dx = dy * slope(function, *p));
}

vectorised! { widest
    fn activation_chunk<'a>(function: Function, x: &'a [f32], y: &'a mut [f32]) {
        known!(apply_all, function, x, y);
    }
}

vectorised! {
    fn activation_grad_chunk<'a>(function: Function, points: &'a [f32], dy: &'a [f32], dx: &'a mut [f32]) {
        known!(slope_all, function, points, dy, dx);
    }
}

/// y = f(x).
pub(super) fn activation(function: Function, x: &[f32], y: &mut [f32]) {
    let work = 8 * y.len();
    chunks::for_each(y, CHUNK / 4, work, |i, y| {
        activation_chunk(function, part(x, i, CHUNK / 4), y)
    });
}

/// ∂x = ∂y·f′, from y or from x.
pub(super) fn activation_grad(function: Function, points: &[f32], dy: &[f32], dx: &mut [f32]) {
    let work = dx.len();
    chunks::for_each(dx, CHUNK, work, |i, dx| {
        activation_grad_chunk(function, part(points, i, CHUNK), part(dy, i, CHUNK), dx);
    });
}
