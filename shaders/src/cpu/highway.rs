//! Linear interpolation, and the highway connection.

use super::activation::{apply, known, slope};
use super::chunks::{self, CHUNK, part};
use super::exponential::sigmoid;
use super::vectorised::vectorised;
use crate::catalogue::{Function, Highway};

vectorised! {
    fn lerp_chunk<'a>(a: &'a [f32], b: &'a [f32], g: &'a [f32], y: &'a mut [f32]) {
        y.iter_mut().zip(a.iter().zip(b).zip(g)).for_each(|(y, ((a, b), g))| *y = a + g * (b - a));
    }
}

/// y = a + g·(b − a).
pub(super) fn lerp(reads: &[&[f32]], y: &mut [f32]) {
    let work = 3 * y.len();
    let of = |read: usize, i| part(reads[read], i, CHUNK);
    chunks::for_each(y, CHUNK, work, |i, y| {
        lerp_chunk(of(0, i), of(1, i), of(2, i), y)
    });
}

vectorised! {
    fn lerp_grad_chunk<'a>(reads: [&'a [f32]; 4], da: &'a mut [f32], db: &'a mut [f32], dg: &'a mut [f32]) {
        let [a, b, g, dy] = reads;
        let outs = da.iter_mut().zip(db).zip(dg);
        for (((da, db), dg), (((a, b), g), dy)) in outs.zip(a.iter().zip(b).zip(g).zip(dy)) {
            *da = dy * (1.0 - g);
            *db = dy * g;
            *dg = dy * (b - a);
        }
    }
}

/// ∂a, ∂b and ∂g.
pub(super) fn lerp_grad(reads: &[&[f32]], writes: [&mut [f32]; 3]) {
    let work = 4 * reads[0].len();
    chunks::for_each_triple(writes, CHUNK, work, |i, [da, db, dg]| {
        lerp_grad_chunk(
            [0, 1, 2, 3].map(|read| part(reads[read], i, CHUNK)),
            da,
            db,
            dg,
        );
    });
}

#[inline(always)]
fn forward(function: Function, width: usize, both: &[f32], h: &[f32], y: &mut [f32]) {
    for ((y, h), both) in y
        .chunks_exact_mut(width)
        .zip(h.chunks_exact(width))
        .zip(both.chunks_exact(2 * width))
    {
        let (gates, candidates) = both.split_at(width);
        for ((y, h), (u, v)) in y.iter_mut().zip(h).zip(gates.iter().zip(candidates)) {
            *y = h + sigmoid(*u) * (apply(function, *v) - h);
        }
    }
}

#[inline(always)]
fn backward(
    function: Function,
    width: usize,
    [both, h, dy]: [&[f32]; 3],
    dboth: &mut [f32],
    dh: &mut [f32],
) {
    let rows = both
        .chunks_exact(2 * width)
        .zip(h.chunks_exact(width))
        .zip(dy.chunks_exact(width));
    for (((both, h), dy), (dboth, dh)) in rows.zip(
        dboth
            .chunks_exact_mut(2 * width)
            .zip(dh.chunks_exact_mut(width)),
    ) {
        let (gates, candidates) = both.split_at(width);
        let (du, dv) = dboth.split_at_mut(width);
        let reads = [gates, candidates, h, dy];
        for at in (0..width).step_by(TILE) {
            let own = at..width.min(at + TILE);
            let [u, v, h, dy] = reads.map(|x| tile(&x[own.clone()]));
            let mut tiles = [[0.0; TILE]; 3];
            for i in 0..TILE {
                let (gate, f) = (sigmoid(u[i]), apply(function, v[i]));
                tiles[0][i] = dy[i] * (f - h[i]) * (gate * (1.0 - gate));
                let point = if function.slope_from_result() {
                    f
                } else {
                    v[i]
                };
                tiles[1][i] = dy[i] * gate * slope(function, point);
                tiles[2][i] = dy[i] * (1.0 - gate);
            }
            for (to, tile) in [&mut *du, &mut *dv, &mut *dh].into_iter().zip(&tiles) {
                let to = &mut to[own.clone()];
                to.copy_from_slice(&tile[..to.len()]);
            }
        }
    }
}

/// Elements of a row that are computed together. All are read before any is written, so that the
/// compiler need not check that the seven slices do not overlap, and vectorises.
const TILE: usize = 16;

/// At most [`TILE`] elements, followed by zeros.
#[inline(always)]
fn tile(x: &[f32]) -> [f32; TILE] {
    x.first_chunk().copied().unwrap_or_else(|| {
        let mut tile = [0.0; TILE];
        tile[..x.len()].copy_from_slice(x);
        tile
    })
}

vectorised! { widest
    fn forward_rows<'a>(function: Function, width: usize, both: &'a [f32], h: &'a [f32], y: &'a mut [f32]) {
        known!(forward, function, width, both, h, y);
    }
}

vectorised! { widest
    fn backward_rows<'a>(
        function: Function, width: usize, reads: [&'a [f32]; 3], dboth: &'a mut [f32], dh: &'a mut [f32],
    ) {
        known!(backward, function, width, reads, dboth, dh);
    }
}

/// Rows per chunk.
fn rows_of(width: usize) -> usize {
    (CHUNK / 8).div_ceil(width.max(1))
}

/// y = h + σ(u)·(f(v) − h).
pub(super) fn highway(of: &Highway, both: &[f32], h: &[f32], y: &mut [f32]) {
    let (width, work) = (of.width as usize, 16 * y.len());
    let chunk = rows_of(width) * width;
    chunks::for_each(y, chunk, work, |i, y| {
        forward_rows(
            of.function,
            width,
            part(both, i, 2 * chunk),
            part(h, i, chunk),
            y,
        );
    });
}

/// ∂both and ∂h.
pub(super) fn highway_grad(of: &Highway, reads: &[&[f32]], dboth: &mut [f32], dh: &mut [f32]) {
    let (width, work) = (of.width as usize, 16 * dh.len());
    let rows = rows_of(width);
    let [both, h, dy] = [reads[0], reads[1], reads[2]];
    chunks::for_each_beside(
        dboth,
        2 * rows * width,
        dh,
        rows * width,
        work,
        |i, dboth, dh| {
            let reads = [
                part(both, i, 2 * rows * width),
                part(h, i, rows * width),
                part(dy, i, rows * width),
            ];
            backward_rows(of.function, width, reads, dboth, dh);
        },
    );
}
