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

/// f(x).
pub(super) fn apply(function: Function, x: f64) -> f64 {
    match function {
        Function::Identity => x,
        Function::Relu => x.max(0.0),
        Function::Tanh => x.tanh(),
        Function::Sigmoid => 1.0 / (1.0 + (-x).exp()),
    }
}

/// f′ at the point where f has the value `y`.
pub(super) fn slope(function: Function, y: f64) -> f64 {
    match function {
        Function::Identity => 1.0,
        Function::Relu => f64::from(u8::from(y > 0.0)),
        Function::Tanh => 1.0 - y * y,
        Function::Sigmoid => y * (1.0 - y),
    }
}

/// The magnitude of the terms of f(x). Tanh consists of exponentials, which are about 1; an
/// exponential turns an absolute error of x into a relative error of its value.
pub(super) fn size(function: Function, x: f64) -> f64 {
    match function {
        Function::Identity | Function::Relu => 0.0,
        Function::Tanh => 1.0,
        Function::Sigmoid => apply(function, x) * (1.0 + x.abs()),
    }
}

/// The magnitude of the terms of f′.
pub(super) fn slope_size(function: Function, x: f64) -> f64 {
    match function {
        Function::Identity | Function::Relu => 1.0,
        Function::Tanh => 3.0,
        Function::Sigmoid => 2.0 * size(function, x),
    }
}

/// y = f(x).
pub(super) fn activation(function: Function, x: &[f64]) -> Value {
    let mut y = Value::sums(0, 1);
    x.iter()
        .for_each(|x| y.push(apply(function, *x), size(function, *x)));
    y
}

/// ∂x = ∂y·f′, from y.
pub(super) fn activation_grad(function: Function, y: &[f64], dy: &[f64]) -> Value {
    let mut dx = Value::sums(0, 2);
    for (y, dy) in y.iter().zip(dy) {
        dx.push(dy * slope(function, *y), dy.abs() * (1.0 + y * y));
    }
    dx
}
