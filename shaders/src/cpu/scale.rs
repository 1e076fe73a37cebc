//! A factor per channel.

use super::chunks::{self, CHUNK, part};
use super::vectorised::vectorised;
use crate::catalogue::Scale;

vectorised! {
    fn product<'a>(a: &'a [f32], b: &'a [f32], y: &'a mut [f32]) {
        y.iter_mut().zip(a.iter().zip(b)).for_each(|(y, (a, b))| *y = a * b);
    }
}

vectorised! {
    /// y = x·s for rows that share their factors.
    fn scale_rows<'a>(s: &'a [f32], x: &'a [f32], y: &'a mut [f32]) {
        for (y, x) in y.chunks_exact_mut(s.len()).zip(x.chunks_exact(s.len())) {
            y.iter_mut().zip(x.iter().zip(s)).for_each(|(y, (x, s))| *y = x * s);
        }
    }
}

vectorised! {
    fn sum_rows<'a>(x: &'a [f32], dy: &'a [f32], ds: &'a mut [f32]) {
        ds.fill(0.0);
        let width = ds.len();
        for (x, dy) in x.chunks_exact(width).zip(dy.chunks_exact(width)) {
            ds.iter_mut().zip(x.iter().zip(dy)).for_each(|(ds, (x, dy))| *ds += x * dy);
        }
    }
}

/// x·s element by element.
fn multiply(x: &[f32], s: &[f32], y: &mut [f32]) {
    let work = 2 * y.len();
    chunks::for_each(y, CHUNK, work, |i, y| {
        product(part(x, i, CHUNK), part(s, i, CHUNK), y)
    });
}

/// y = x·s.
pub(super) fn scale(of: &Scale, x: &[f32], s: &[f32], y: &mut [f32]) {
    if of.positions == 1 {
        return multiply(x, s, y);
    }
    let (positions, channels) = (of.positions as usize, of.channels as usize);
    let (sample, work) = (positions * channels, y.len());
    let rows = CHUNK.div_ceil(channels.max(1));
    if rows < positions {
        // A chunk is a part of one sample.
        let chunk = rows * channels;
        for (i, y) in y.chunks_exact_mut(sample).enumerate() {
            let (x, s) = (part(x, i, sample), part(s, i, channels));
            chunks::for_each(y, chunk, work, |j, y| scale_rows(s, part(x, j, chunk), y));
        }
        return;
    }
    let samples = rows / positions;
    chunks::for_each(y, samples * sample, work, |i, y| {
        for (j, y) in y.chunks_exact_mut(sample).enumerate() {
            let own = i * samples + j;
            scale_rows(part(s, own, channels), part(x, own, sample), y);
        }
    });
}

/// ∂s: the sum of x·∂y over the positions.
pub(super) fn grad(of: &Scale, x: &[f32], dy: &[f32], ds: &mut [f32]) {
    if of.positions == 1 {
        return multiply(x, dy, ds);
    }
    let (sample, channels) = (
        of.positions as usize * of.channels as usize,
        of.channels as usize,
    );
    chunks::for_each(ds, channels, x.len(), |i, ds| {
        sum_rows(part(x, i, sample), part(dy, i, sample), ds);
    });
}
