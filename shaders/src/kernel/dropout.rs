//! Dropout, of elements and of paths.

use super::elementwise::each;
use super::{Buffer, Kernel, Lowered, fold, read, write};
use crate::catalogue::Rows;

/// Elements of a sample per workgroup of `drop_path`: each invocation draws the bits of its sample
/// once for this many.
const RUN: usize = 1024;

const fn kernel(entry: &'static str, buffers: &'static [Buffer]) -> Kernel {
    let source = include_str!("../../wgsl/dropout.wgsl");
    Kernel {
        module: "dropout",
        source,
        entry,
        buffers,
        step: true,
        lanes: None,
        own: false,
    }
}

static DROPOUT: Kernel = kernel("dropout", &[read(2, "x"), write(3, "y")]);
static DROP_PATH: Kernel = kernel("drop_path", &[read(2, "x"), write(3, "y")]);
static WORDS: Kernel = kernel(
    "word_dropout",
    &[read(2, "x"), read(4, "tokens"), write(3, "y")],
);

/// The smallest value of an element's 24 bits for which it is kept, and the bits of the factor that
/// compensates for dropped elements. Scaling by a power of two is exact.
fn shares(rate: f32) -> [u32; 2] {
    let scale = (1.0 / (1.0 - f64::from(rate))) as f32;
    [(rate * 16_777_216.0).ceil() as u32, scale.to_bits()]
}

pub(super) fn dropout(len: u32, rate: f32, stream: u32, [first, period]: [u32; 2]) -> Lowered {
    let [threshold, scale] = shares(rate);
    each(
        &DROPOUT,
        len.div_ceil(4) as usize,
        vec![len, threshold, stream, scale, first, period, 0, 0, 0],
    )
}

pub(super) fn word_dropout(rows: Rows, rate: f32, stream: u32) -> Lowered {
    let [threshold, scale] = shares(rate);
    each(
        &WORDS,
        rows.len(),
        vec![
            rows.len() as u32,
            threshold,
            stream,
            scale,
            0,
            rows.channels,
            0,
            0,
            0,
        ],
    )
}

pub(super) fn drop_path(samples: u32, len: u32, depth: f32, stream: u32) -> Lowered {
    let runs = (len as usize).div_ceil(RUN);
    let sizes = vec![
        len,
        0,
        stream,
        0,
        0,
        0,
        samples,
        depth.to_bits(),
        runs as u32,
    ];
    Lowered::one(&DROP_PATH, sizes, fold(samples as usize * runs))
}
