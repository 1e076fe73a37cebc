//! Dropout, by a generator that gives every element its own bits.

use super::chunks::{self, CHUNK, part};
use crate::catalogue::Step;
use crate::random::{philox, unit};

/// y = x/keep where kept, else 0.
pub(super) fn dropout(rate: f32, stream: u32, step: &Step, x: &[f32], y: &mut [f32]) {
    let key = [step.seed as u32, (step.seed >> 32) as u32];
    let scale = 1.0 / (1.0 - rate);
    let work = y.len() * 8;
    chunks::for_each(y, CHUNK, work, |i, y| {
        let x = part(x, i, CHUNK);
        for (j, (y, x)) in y.chunks_mut(4).zip(x.chunks(4)).enumerate() {
            let bits = philox(key, [(i * CHUNK / 4 + j) as u32, stream, step.number, 0]);
            for ((y, x), bits) in y.iter_mut().zip(x).zip(bits) {
                *y = if unit(bits) >= rate { x * scale } else { 0.0 };
            }
        }
    });
}
