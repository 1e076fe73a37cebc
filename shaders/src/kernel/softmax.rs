//! Softmax over the last axis.

use super::{Buffer, Kernel, Lowered, fold, read, write};
use crate::catalogue::Rows;

const fn kernel(entry: &'static str, buffers: &'static [Buffer]) -> Kernel {
    let source = include_str!("../../wgsl/softmax.wgsl");
    Kernel {
        module: "softmax",
        source,
        entry,
        buffers,
        step: false,
        lanes: None,
        own: false,
    }
}

static SOFTMAX: Kernel = kernel("softmax", &[read(2, "x"), write(3, "y")]);
static SOFTMAX_GRAD: Kernel = kernel(
    "softmax_grad",
    &[read(4, "y_in"), read(5, "dy"), write(6, "dx")],
);

/// One workgroup per row.
fn rowwise(kernel: &'static Kernel, rows: Rows) -> Lowered {
    let sizes = vec![rows.rows, rows.channels];
    Lowered::one(kernel, sizes, fold(rows.rows as usize))
}

pub(super) fn softmax(rows: Rows) -> Lowered {
    rowwise(&SOFTMAX, rows)
}

pub(super) fn grad(rows: Rows) -> Lowered {
    rowwise(&SOFTMAX_GRAD, rows)
}
