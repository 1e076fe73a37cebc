//! The norm of the gradients, and the factor that limits it.

use super::{Buffer, Kernel, Lowered, fold, read, write};
use crate::catalogue::NORM_CHUNK;

const fn kernel(entry: &'static str, buffers: &'static [Buffer]) -> Kernel {
    let source = include_str!("../../wgsl/norm.wgsl");
    Kernel {
        module: "norm",
        source,
        entry,
        buffers,
        step: false,
        lanes: None,
        own: false,
    }
}

static PARTIALS: Kernel = kernel(
    "norm_partials",
    &[read(2, "g"), read(3, "touched"), write(4, "partials")],
);
static FACTOR: Kernel = kernel("clip_factor", &[read(5, "partials_in"), write(6, "clip")]);

pub(super) fn partials(len: u32) -> Lowered {
    Lowered::one(
        &PARTIALS,
        vec![len, 0],
        fold((len as usize).div_ceil(NORM_CHUNK)),
    )
}

pub(super) fn clip_factor(partials: u32, limit: f32) -> Lowered {
    Lowered::one(&FACTOR, vec![partials, limit.to_bits()], [1, 1, 1])
}
