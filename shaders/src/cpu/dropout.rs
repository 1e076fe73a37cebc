//! Dropout, by a generator that gives every element, or every sample, its own bits.

use super::chunks::{self, CHUNK, part};
use super::vectorised::vectorised;
use crate::catalogue::Step;
use crate::random::{philox, unit};

/// Blocks of the generator that are computed side by side.
const LANES: usize = 16;

vectorised! {
    /// A chunk of elements from block `first` of the generator on.
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

/// y = x/keep where kept, else 0.
pub(super) fn dropout(rate: f32, stream: u32, step: &Step, x: &[f32], y: &mut [f32]) {
    let key = [step.seed as u32, (step.seed >> 32) as u32];
    let work = y.len() * 8;
    chunks::for_each(y, CHUNK / 4, work, |i, y| {
        let first = (i * (CHUNK / 4) / 4) as u32;
        dropout_chunk(rate, key, stream, step.number, first, part(x, i, CHUNK / 4), y);
    });
}

/// y = x/keep for the samples that are kept, else 0; a sample has `len` numbers.
pub(super) fn drop_path(len: usize, depth: f32, stream: u32, step: &Step, x: &[f32], y: &mut [f32]) {
    let (rate, key) = (depth * step.drop_path, [step.seed as u32, (step.seed >> 32) as u32]);
    let (scale, work) = (1.0 / (1.0 - rate), 2 * y.len());
    chunks::for_each(y, len, work, |sample, y| {
        let bits = philox(key, [(sample / 4) as u32, stream, step.number, 0])[sample % 4];
        if unit(bits) >= rate {
            y.iter_mut().zip(part(x, sample, len)).for_each(|(y, x)| *y = x * scale);
        } else {
            y.fill(0.0);
        }
    });
}
