//! Sums over contiguous elements that vectorise.

/// Partial sums: enough for two vectors of eight.
const LANES: usize = 16;

/// Σ term(x), over elements of several slices of one length. The partial sums are added in order,
/// so that the result does not depend on the instruction set.
#[inline(always)]
pub(super) fn sum_of<const N: usize>(reads: [&[f32]; N], term: impl Fn([f32; N]) -> f32) -> f32 {
    let len = reads[0].len();
    let reads = reads.map(|x| &x[..len]);
    let whole = len / LANES * LANES;
    let mut lanes = [0.0; LANES];
    for at in (0..whole).step_by(LANES) {
        let tiles = reads.map(|x| &x[at..at + LANES]);
        for (i, lane) in lanes.iter_mut().enumerate() {
            *lane += term(tiles.map(|x| x[i]));
        }
    }
    let mut sum = lanes.iter().sum::<f32>();
    for i in whole..len {
        sum += term(reads.map(|x| x[i]));
    }
    sum
}
