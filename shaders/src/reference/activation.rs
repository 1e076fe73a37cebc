//! Activations.

use super::Value;
use crate::catalogue::Function;

/// y = max(x, 0).
pub(super) fn relu(x: &[f64]) -> Value {
    Value::exact(x.iter().map(|x| x.max(0.0)).collect())
}

/// ∂x = ∂y where y > 0.
pub(super) fn relu_grad(y: &[f64], dy: &[f64]) -> Value {
    Value::exact(
        y.iter()
            .zip(dy)
            .map(|(y, dy)| if *y > 0.0 { *dy } else { 0.0 })
            .collect(),
    )
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// √(8/π)·(x + 0.044715·x³), and its slope.
fn gelu_gate(x: f64) -> [f64; 2] {
    let factor = (8.0 / std::f64::consts::PI).sqrt();
    [
        factor * (x + 0.044715 * x.powi(3)),
        factor * (1.0 + 3.0 * 0.044715 * x * x),
    ]
}

/// The slope of x·σ(t) where t has the slope `rate`.
fn gated_slope(x: f64, t: f64, rate: f64) -> f64 {
    let (up, down) = (sigmoid(t), sigmoid(-t));
    // Where a gate is shut, an infinite slope of t would make it NaN.
    let inner = if up * down > 0.0 { x * rate } else { 0.0 };
    up + inner * up * down
}

/// f(x).
pub(super) fn apply(function: Function, x: f64) -> f64 {
    match function {
        Function::Identity => x,
        Function::Relu => x.max(0.0),
        Function::Tanh => x.tanh(),
        Function::Sigmoid => sigmoid(x),
        Function::Relu6 => x.clamp(0.0, 6.0),
        Function::LeakyRelu => x.max(0.01 * x),
        Function::Elu => x.max(0.0) + x.min(0.0).exp_m1(),
        Function::HardSigmoid => (x + 3.0).clamp(0.0, 6.0) / 6.0,
        Function::HardSwish => x * (x + 3.0).clamp(0.0, 6.0) / 6.0,
        Function::Swish => x * sigmoid(x),
        Function::Gelu => x * sigmoid(gelu_gate(x)[0]),
    }
}

/// f′ at the point where f has the value `p`, or at `p` itself: see
/// [`Function::slope_from_result`].
pub(super) fn slope(function: Function, p: f64) -> f64 {
    let step = |inside: bool| f64::from(u8::from(inside));
    match function {
        Function::Identity => 1.0,
        Function::Relu => step(p > 0.0),
        Function::Tanh => 1.0 - p * p,
        Function::Sigmoid => p * (1.0 - p),
        Function::Relu6 => step(p > 0.0 && p < 6.0),
        Function::LeakyRelu => 0.01 + 0.99 * step(p > 0.0),
        Function::Elu => p.min(0.0) + 1.0,
        Function::HardSigmoid => step(p.abs() < 3.0) / 6.0,
        Function::HardSwish if p.abs() < 3.0 => (2.0 * p + 3.0) / 6.0,
        Function::HardSwish => step(p > 0.0),
        Function::Swish => gated_slope(p, p, 1.0),
        Function::Gelu => {
            let [t, rate] = gelu_gate(p);
            gated_slope(p, t, rate)
        }
    }
}

/// The slope of f at `x`.
pub(super) fn slope_at(function: Function, x: f64) -> f64 {
    slope(
        function,
        match function.slope_from_result() {
            true => apply(function, x),
            false => x,
        },
    )
}

/// The magnitude of the terms of f(x). Tanh consists of exponentials, which are about 1; an
/// exponential turns an absolute error of x into a relative error of its value.
pub(super) fn size(function: Function, x: f64) -> f64 {
    match function {
        Function::Identity | Function::Relu | Function::Relu6 => 0.0,
        Function::LeakyRelu => apply(function, x).abs(),
        Function::Tanh | Function::Elu | Function::HardSigmoid => 1.0,
        Function::Sigmoid => apply(function, x) * (1.0 + x.abs()),
        Function::HardSwish => x.abs(),
        Function::Swish => apply(function, x).abs() * (1.0 + x.abs()),
        Function::Gelu => apply(function, x).abs() * (1.0 + gelu_gate(x)[0].abs()),
    }
}

/// The magnitude of the terms of f′ at `x`.
pub(super) fn slope_size(function: Function, x: f64) -> f64 {
    match function {
        Function::Identity | Function::Relu | Function::Relu6 | Function::LeakyRelu => 1.0,
        Function::Tanh => 3.0,
        Function::Sigmoid => 2.0 * size(function, x),
        Function::Elu => 2.0,
        Function::HardSigmoid => 1.0,
        Function::HardSwish => 1.5,
        Function::Swish => sigmoid(x) * (1.0 + x.abs()).powi(2),
        Function::Gelu => {
            // Beyond ±10 it is 0 or 1.
            let c = x.clamp(-10.0, 10.0);
            let [t, rate] = gelu_gate(c);
            sigmoid(t) * (1.0 + t.abs()) * (1.0 + c.abs() * rate)
        }
    }
}

/// y = f(x).
pub(super) fn activation(function: Function, x: &[f64]) -> Value {
    let mut y = Value::sums(0, 1);
    x.iter()
        .for_each(|x| y.push(apply(function, *x), size(function, *x)));
    y
}

/// ∂x = ∂y·f′, from y or from x.
pub(super) fn activation_grad(function: Function, points: &[f64], dy: &[f64]) -> Value {
    let mut dx = Value::sums(0, 2);
    for (p, dy) in points.iter().zip(dy) {
        let size = match function.slope_from_result() {
            true => 1.0 + p * p,
            false => slope_size(function, *p),
        };
        dx.push(dy * slope(function, *p), dy.abs() * size);
    }
    dx
}
