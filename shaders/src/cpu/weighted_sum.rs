//! Sums whose weights are data.

use super::chunks::{self, CHUNK};
use super::vectorised::vectorised;
use super::workspace::Workspace;
use crate::catalogue::{MOST_WEIGHTED, WeightedSum};

/// Elements to which all inputs are added while they are in the L1 cache.
const BLOCK: usize = 1024;
/// Elements of a partial sum of a weight's gradient.
const PART: usize = 4096;

vectorised! {
    /// y += w·x, or y = w·x if it is the first term.
    fn add<'a>(first: bool, w: f32, x: &'a [f32], y: &'a mut [f32]) {
        if first {
            y.iter_mut().zip(x).for_each(|(y, x)| *y = w * x);
        } else {
            y.iter_mut().zip(x).for_each(|(y, x)| *y += w * x);
        }
    }
}

vectorised! {
    fn product<'a>(x: &'a [f32], dy: &'a [f32], lanes: &'a mut [f32; 16]) {
        let (x, more_x) = x.as_chunks::<16>();
        let (dy, more_dy) = dy.as_chunks::<16>();
        for (x, dy) in x.iter().zip(dy) {
            lanes.iter_mut().zip(x.iter().zip(dy)).for_each(|(sum, (x, dy))| *sum += x * dy);
        }
        lanes.iter_mut().zip(more_x.iter().zip(more_dy)).for_each(|(sum, (x, dy))| *sum += x * dy);
    }
}

/// Calls `f` for the pieces of a chunk of `len` elements from element `begin` on that lie in one
/// slice and one block: with the slice, the position in the chunk, and the number of elements.
fn pieces(sum: &WeightedSum, begin: usize, len: usize, mut f: impl FnMut(usize, usize, usize)) {
    let row = sum.len as usize;
    let mut at = 0;
    while at < len {
        let left = row - (begin + at) % row;
        let some = left.min(BLOCK).min(len - at);
        f((begin + at) / row, at, some);
        at += some;
    }
}

/// y = Σ wᵢ·xᵢ, after the earlier sum.
pub(super) fn sum(sum: &WeightedSum, reads: &[&[f32]], y: &mut [f32]) {
    let (w, reads) = (reads[0], &reads[1..]);
    let earlier = usize::from(sum.continues);
    let work = y.len() * reads.len();
    chunks::for_each(y, CHUNK, work, |i, y| {
        pieces(sum, i * CHUNK, y.len(), |row, at, len| {
            let y = &mut y[at..at + len];
            let from = i * CHUNK + at;
            for (q, x) in reads.iter().enumerate() {
                let x = &x[from..from + len];
                match q.checked_sub(earlier) {
                    None => y.copy_from_slice(x),
                    Some(input) => add(q == 0, w[row * sum.inputs as usize + input], x, y),
                }
            }
        });
    });
}

/// ∂x of an input.
pub(super) fn grad_input(sum: &WeightedSum, input: usize, w: &[f32], dy: &[f32], dx: &mut [f32]) {
    let work = dx.len();
    chunks::for_each(dx, CHUNK, work, |i, dx| {
        pieces(sum, i * CHUNK, dx.len(), |row, at, len| {
            let from = i * CHUNK + at;
            let weight = w[row * sum.inputs as usize + input];
            add(true, weight, &dy[from..from + len], &mut dx[at..at + len]);
        });
    });
}

/// ∂w: partial sums over equal parts of every slice, added in order.
pub(super) fn grad_weights(
    sum: &WeightedSum,
    workspace: &mut Workspace,
    dy: &[f32],
    x: &[&[f32]],
    dw: &mut [f32],
) {
    let (row, inputs) = (sum.len as usize, sum.inputs as usize);
    let parts = row.div_ceil(PART);
    let partials = workspace
        .partials
        .floats(sum.rows as usize * parts * inputs);
    chunks::for_each(partials, inputs, dy.len() * inputs, |i, partials| {
        let begin = i / parts * row + i % parts * PART;
        let end = (begin + PART).min((i / parts + 1) * row);
        let mut lanes = [[0.0; 16]; MOST_WEIGHTED];
        for block in (begin..end).step_by(BLOCK) {
            let block = block..end.min(block + BLOCK);
            for (x, lanes) in x.iter().zip(&mut lanes) {
                product(&x[block.clone()], &dy[block.clone()], lanes);
            }
        }
        for (partial, lanes) in partials.iter_mut().zip(&lanes) {
            *partial = lanes.iter().sum();
        }
    });
    for (i, dw) in dw.iter_mut().enumerate() {
        let (slice, input) = (i / inputs, i % inputs);
        let own = partials[slice * parts * inputs..].iter().skip(input);
        let total: f64 = own.step_by(inputs).take(parts).map(|x| f64::from(*x)).sum();
        *dw = total as f32;
    }
}
