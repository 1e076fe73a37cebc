//! Updates of the shared weights.

use super::{Buffer, Kernel, Lowered, fold, read, write};
use crate::catalogue::{BLOCK, Update};

const fn kernel(entry: &'static str, buffers: &'static [Buffer]) -> Kernel {
    let source = include_str!("../../wgsl/optimizer.wgsl");
    Kernel {
        module: "optimizer",
        source,
        entry,
        buffers,
        step: true,
        lanes: None,
        own: false,
    }
}

const G: Buffer = read(2, "g");
const TOUCHED: Buffer = read(3, "touched");
const DECAYED: Buffer = read(4, "decayed");
const CLIP: Buffer = read(5, "clip");
const W: Buffer = write(6, "w");
const M: Buffer = write(7, "m");
const V: Buffer = write(8, "v");

static SGD: Kernel = kernel("sgd", &[G, TOUCHED, DECAYED, CLIP, W, V]);
static ADAM: Kernel = kernel("adam", &[G, TOUCHED, DECAYED, CLIP, W, M, V]);

/// Blocks per workgroup.
const BLOCKS: usize = 8;

fn blocks(
    kernel: &'static Kernel,
    u: Update,
    [momentum, beta1, beta2, eps]: [f32; 4],
    nesterov: bool,
) -> Lowered {
    let mut sizes = vec![
        u.len,
        u.l2.to_bits(),
        u.everywhere.into(),
        momentum.to_bits(),
        nesterov.into(),
    ];
    sizes.extend([beta1, beta2, eps].map(f32::to_bits));
    Lowered::one(
        kernel,
        sizes,
        fold((u.len as usize).div_ceil(BLOCKS * BLOCK)),
    )
}

pub(super) fn sgd(update: Update, momentum: f32, nesterov: bool) -> Lowered {
    blocks(&SGD, update, [momentum, 0.0, 0.0, 0.0], nesterov)
}

pub(super) fn adam(update: Update, [beta1, beta2, eps]: [f32; 3]) -> Lowered {
    blocks(&ADAM, update, [0.0, beta1, beta2, eps], false)
}
