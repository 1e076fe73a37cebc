//! The ReLU.

use super::Value;

/// y = max(x, 0).
pub(super) fn relu(x: &[f64]) -> Value {
    Value::exact(x.iter().map(|x| x.max(0.0)).collect())
}

/// ∂x = ∂y where y > 0.
pub(super) fn relu_grad(y: &[f64], dy: &[f64]) -> Value {
    Value::exact(y.iter().zip(dy).map(|(y, dy)| if *y > 0.0 { *dy } else { 0.0 }).collect())
}
