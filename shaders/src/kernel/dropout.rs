//! Dropout, of elements and of paths.

use super::elementwise::each;
use super::{Buffer, Kernel, Lowered, fold, read, write};

/// Numbers of a sample that a workgroup of `drop_path` takes: each invocation draws its sample's bits for so many at once.
const STRETCH: usize = 1024;

const fn kernel(entry: &'static str) -> Kernel {
    const BUFFERS: &[Buffer] = &[read(2, "x"), write(3, "y")];
    let source = include_str!("../../wgsl/dropout.wgsl");
    Kernel { module: "dropout", source, entry, buffers: BUFFERS, step: true, lanes: None, own: false }
}

static DROPOUT: Kernel = kernel("dropout");
static DROP_PATH: Kernel = kernel("drop_path");

pub(super) fn dropout(len: u32, rate: f32, stream: u32) -> Lowered {
    // What a kept element's 24 bits reach at least; scaling by a power of two is exact.
    let threshold = (rate * 16_777_216.0).ceil() as u32;
    let scale = (1.0 / (1.0 - f64::from(rate))) as f32;
    each(&DROPOUT, len.div_ceil(4) as usize, vec![len, threshold, stream, scale.to_bits()])
}

pub(super) fn drop_path(samples: u32, len: u32, depth: f32, stream: u32) -> Lowered {
    let stretches = (len as usize).div_ceil(STRETCH);
    let sizes = vec![len, 0, stream, 0, samples, depth.to_bits(), stretches as u32];
    Lowered::one(&DROP_PATH, sizes, fold(samples as usize * stretches))
}
