//! Dropout, with a counter-based generator that determines the bits of every element or sample.

use super::chunks::{self, CHUNK, part};
use super::vectorised::vectorised;
use crate::catalogue::{Rows, Step};
use crate::random::{philox, unit};

/// Blocks of the generator that are computed together.
const LANES: usize = 16;

vectorised! { widest
    /// A chunk of elements, from block `first` of the generator on.
    fn dropout_chunk<'a>(rate: f32, key: [u32; 2], stream: u32, number: u32, first: u32, x: &'a [f32], y: &'a mut [f32]) {
        let scale = 1.0 / (1.0 - rate);
        let mut block = first;
        for (y, x) in y.chunks_mut(4 * LANES).zip(x.chunks(4 * LANES)) {
            let mut bits = [[0; 4]; LANES];
            for (lane, bits) in bits.iter_mut().enumerate() {
                *bits = philox(key, [block.wrapping_add(lane as u32), stream, number, 0]);
            }
            for ((y, x), bits) in y.iter_mut().zip(x).zip(bits.as_flattened()) {
                *y = if unit(*bits) >= rate { x * scale } else { 0.0 };
            }
            block = block.wrapping_add(LANES as u32);
        }
    }
}

/// y = x/keep where kept, else 0. Elements are numbered from `first`, and numbers repeat after
/// `period`.
pub(super) fn dropout(
    rate: f32,
    stream: u32,
    [first, period]: [u32; 2],
    step: &Step,
    x: &[f32],
    y: &mut [f32],
) {
    let key = key(step);
    let work = y.len() * 8;
    chunks::for_each(y, CHUNK / 4, work, |i, y| {
        let x = part(x, i, CHUNK / 4);
        let mut at = 0;
        while at < y.len() {
            // Up to the point where the numbers repeat.
            let number = (first as usize + i * (CHUNK / 4) + at) % period as usize;
            let end = y.len().min(at + period as usize - number);
            dropout_chunk(
                rate,
                key,
                stream,
                step.number,
                (number / 4) as u32,
                &x[at..end],
                &mut y[at..end],
            );
            at = end;
        }
    });
}

fn key(step: &Step) -> [u32; 2] {
    [step.seed as u32, (step.seed >> 32) as u32]
}

/// y = x/keep in the rows whose token is kept, else 0.
pub(super) fn word_dropout(
    rows: &Rows,
    rate: f32,
    stream: u32,
    step: &Step,
    x: &[f32],
    tokens: &[f32],
    y: &mut [f32],
) {
    let (width, scale, key) = (rows.channels as usize, 1.0 / (1.0 - rate), key(step));
    let chunk = CHUNK.div_ceil(width.max(1));
    let work = y.len();
    chunks::for_each(y, chunk * width, work, |i, y| {
        let rows = y
            .chunks_exact_mut(width)
            .zip(part(x, i, chunk * width).chunks_exact(width));
        for ((y, x), token) in rows.zip(part(tokens, i, chunk)) {
            let kept = unit(philox(key, [token.to_bits(), stream, step.number, 1])[0]) >= rate;
            y.iter_mut()
                .zip(x)
                .for_each(|(y, x)| *y = if kept { x * scale } else { 0.0 });
        }
    });
}

/// y = x/keep for the samples that are kept, else 0; a sample has `len` elements.
pub(super) fn drop_path(
    len: usize,
    depth: f32,
    stream: u32,
    step: &Step,
    x: &[f32],
    y: &mut [f32],
) {
    let (rate, key) = (
        depth * step.drop_path,
        [step.seed as u32, (step.seed >> 32) as u32],
    );
    let (scale, work) = (1.0 / (1.0 - rate), 2 * y.len());
    chunks::for_each(y, len, work, |sample, y| {
        let bits = philox(key, [(sample / 4) as u32, stream, step.number, 0])[sample % 4];
        if unit(bits) >= rate {
            y.iter_mut()
                .zip(part(x, sample, len))
                .for_each(|(y, x)| *y = x * scale);
        } else {
            y.fill(0.0);
        }
    });
}
