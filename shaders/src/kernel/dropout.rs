//! Dropout.

use super::elementwise::each;
use super::{Kernel, Lowered, read, write};

static DROPOUT: Kernel = Kernel {
    module: "dropout",
    source: include_str!("../../wgsl/dropout.wgsl"),
    entry: "dropout",
    buffers: &[read(2, "x"), write(3, "y")],
    step: true,
    lanes: None,
    own: false,
};

pub(super) fn dropout(len: u32, rate: f32, stream: u32) -> Lowered {
    // What a kept element's 24 bits reach at least; scaling by a power of two is exact.
    let threshold = (rate * 16_777_216.0).ceil() as u32;
    let scale = (1.0 / (1.0 - f64::from(rate))) as f32;
    each(&DROPOUT, len.div_ceil(4) as usize, vec![len, threshold, stream, scale.to_bits()])
}
