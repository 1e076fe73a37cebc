//! Linear interpolation, and the highway connection.

use super::Value;
use super::activation::{apply, size, slope_at, slope_size};
use crate::catalogue::{Function, Highway};

/// y = a + g·(b − a).
pub(super) fn lerp(reads: &[&[f64]]) -> Value {
    let mut y = Value::sums(0, 3);
    for ((a, b), g) in reads[0].iter().zip(reads[1]).zip(reads[2]) {
        y.push(a + g * (b - a), a.abs() + g.abs() * (a.abs() + b.abs()));
    }
    y
}

/// ∂a, ∂b and ∂g.
pub(super) fn lerp_grad(reads: &[&[f64]]) -> Vec<Value> {
    let mut gradients = vec![Value::sums(0, 2); 3];
    for (i, dy) in reads[3].iter().enumerate() {
        let [a, b, g] = [0, 1, 2].map(|read| reads[read][i]);
        gradients[0].push(dy * (1.0 - g), dy.abs() * (1.0 + g.abs()));
        gradients[1].push(dy * g, (dy * g).abs());
        gradients[2].push(dy * (b - a), dy.abs() * (a.abs() + b.abs()));
    }
    gradients
}

/// Calls `f` for every element of h with the index of the gate, the index of the candidate, u, v
/// and h.
fn each(of: &Highway, both: &[f64], h: &[f64], mut f: impl FnMut(usize, usize, f64, f64, f64)) {
    let width = of.width as usize;
    for (i, h) in h.iter().enumerate() {
        let gate = i / width * 2 * width + i % width;
        f(gate, gate + width, both[gate], both[gate + width], *h);
    }
}

/// y = h + σ(u)·(f(v) − h).
pub(super) fn highway(of: &Highway, both: &[f64], h: &[f64]) -> Value {
    let mut y = Value::sums(0, 4);
    each(of, both, h, |_, _, u, v, h| {
        let (gate, f) = (apply(Function::Sigmoid, u), apply(of.function, v));
        let of_gate = gate + size(Function::Sigmoid, u);
        let of_f = f.abs() + size(of.function, v) + h.abs();
        y.push(h + gate * (f - h), h.abs() + of_gate * of_f);
    });
    y
}

/// ∂both and ∂h.
pub(super) fn highway_grad(of: &Highway, reads: &[&[f64]]) -> Vec<Value> {
    let (mut dboth, mut dh) = (Value::sums(reads[0].len(), 4), Value::sums(0, 2));
    let mut dy = reads[2].iter();
    each(of, reads[0], reads[1], |at_gate, at_candidate, u, v, h| {
        let dy = dy.next().copied().unwrap_or(0.0);
        let (gate, f) = (apply(Function::Sigmoid, u), apply(of.function, v));
        let of_gate = gate + size(Function::Sigmoid, u);
        let of_f = f.abs() + size(of.function, v) + h.abs();
        dboth.value[at_gate] = dy * (f - h) * gate * (1.0 - gate);
        dboth.magnitude[at_gate] = dy.abs() * of_f * 2.0 * of_gate;
        dboth.value[at_candidate] = dy * gate * slope_at(of.function, v);
        dboth.magnitude[at_candidate] = dy.abs() * of_gate * slope_size(of.function, v);
        dh.push(dy * (1.0 - gate), dy.abs() * (1.0 + of_gate));
    });
    vec![dboth, dh]
}
