//! Normalisation of each sample by itself.

use super::{Buffer, Kernel, Lowered, fold, read, write};
use crate::catalogue::GroupNorm;

const fn kernel(entry: &'static str, buffers: &'static [Buffer]) -> Kernel {
    let source = include_str!("../../wgsl/group_norm.wgsl");
    Kernel {
        module: "group_norm",
        source,
        entry,
        buffers,
        step: false,
        lanes: None,
        own: false,
    }
}

static GROUP_NORM: Kernel = kernel(
    "group_norm",
    &[read(2, "x"), write(3, "y"), write(4, "rstd")],
);
static GROUP_NORM_GRAD: Kernel = kernel(
    "group_norm_grad",
    &[
        read(5, "y_in"),
        read(6, "rstd_in"),
        read(7, "dy"),
        write(8, "dx"),
    ],
);

/// One workgroup per group of every sample.
fn groups(kernel: &'static Kernel, n: GroupNorm, eps: f32) -> Lowered {
    let sizes = vec![n.batch, n.positions, n.groups, n.width, eps.to_bits()];
    Lowered::one(kernel, sizes, fold(n.sets()))
}

pub(super) fn group_norm(n: GroupNorm, eps: f32) -> Lowered {
    groups(&GROUP_NORM, n, eps)
}

pub(super) fn grad(n: GroupNorm) -> Lowered {
    groups(&GROUP_NORM_GRAD, n, 0.0)
}
