//! Factorised reductions: two convolutions with concatenated outputs.

use super::{Value, conv2d};
use crate::catalogue::FactorizedReduction;

/// The channels of one half, row by row.
fn half(c: &FactorizedReduction, dy: &[f64], which: usize) -> Vec<f64> {
    let outputs = c.first.outputs as usize;
    dy.chunks(2 * outputs)
        .flat_map(|row| row[which * outputs..][..outputs].iter().copied())
        .collect()
}

/// y = \[x ⋆ Wa, x ⋆ Wb\].
pub(super) fn reduction(c: &FactorizedReduction, x: &[f64], w: [&[f64]; 2]) -> Value {
    let [a, b] = [0, 1].map(|which| conv2d::conv2d(&c.halves()[which], x, w[which]));
    let outputs = c.first.outputs as usize;
    let beside = |a: &[f64], b: &[f64]| -> Vec<f64> {
        a.chunks(outputs)
            .zip(b.chunks(outputs))
            .flat_map(|(a, b)| a.iter().chain(b).copied())
            .collect()
    };
    Value {
        value: beside(&a.value, &b.value),
        magnitude: beside(&a.magnitude, &b.magnitude),
        terms: a.terms,
    }
}

/// ∂x.
pub(super) fn grad_input(c: &FactorizedReduction, dy: &[f64], w: [&[f64]; 2]) -> Value {
    let [mut a, b] =
        [0, 1].map(|which| conv2d::grad_input(&c.halves()[which], &half(c, dy, which), w[which]));
    a.value.iter_mut().zip(b.value).for_each(|(a, b)| *a += b);
    a.magnitude
        .iter_mut()
        .zip(b.magnitude)
        .for_each(|(a, b)| *a += b);
    a
}

/// ∂Wa and ∂Wb.
pub(super) fn grad_weight(c: &FactorizedReduction, x: &[f64], dy: &[f64]) -> Vec<Value> {
    c.halves()
        .iter()
        .enumerate()
        .map(|(which, conv)| conv2d::grad_weight(conv, x, &half(c, dy, which)))
        .collect()
}
