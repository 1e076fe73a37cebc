//! The inputs of the published vectors.

/// The logits of an edge.
pub(super) const ALPHA: [f64; 3] = [0.2, -0.1, 0.4];
/// What its ops give.
pub(super) const INPUTS: [[f64; 2]; 3] = [[1.0, 0.0], [0.0, 2.0], [-1.0, 1.0]];
/// The gradient of the edge.
pub(super) const DY: [f64; 2] = [0.5, -0.25];
/// The products of both: the gradient of the weights.
pub(super) const G: [f64; 3] = [0.5, -0.5, -0.75];
/// Gumbel noise of 0.3, 0.7 and 0.5.
pub(super) const NOISE: [f64; 3] = [-0.185_626_759, 1.030_930_433, 0.366_512_921];

/// Compares with numbers that are given to nine digits.
#[track_caller]
pub(super) fn near(got: &[f64], wanted: &[f64]) {
    let close = |(a, b): (&f64, &f64)| (a - b).abs() < 3e-9;
    assert!(
        got.len() == wanted.len() && got.iter().zip(wanted).all(close),
        "{got:?} for {wanted:?}"
    );
}
