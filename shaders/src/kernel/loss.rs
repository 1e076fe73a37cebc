//! The classifier's loss.

use super::{Buffer, Kernel, Lowered, fold, read, write};
use crate::catalogue::Rows;

const fn kernel(entry: &'static str, buffers: &'static [Buffer]) -> Kernel {
    let source = include_str!("../../wgsl/loss.wgsl");
    Kernel {
        module: "loss",
        source,
        entry,
        buffers,
        step: false,
        lanes: None,
        own: false,
    }
}

static CROSS_ENTROPY: Kernel = kernel(
    "cross_entropy",
    &[read(2, "x"), read(3, "labels"), write(4, "loss")],
);
static CROSS_ENTROPY_GRAD: Kernel = kernel(
    "cross_entropy_grad",
    &[read(2, "x"), read(3, "labels"), write(5, "dx")],
);
static ACCURACY: Kernel = kernel(
    "accuracy",
    &[read(2, "x"), read(3, "labels"), write(6, "right")],
);

fn rowwise(kernel: &'static Kernel, rows: Rows, smoothing: f32, of: u32) -> Lowered {
    Lowered::one(
        kernel,
        vec![rows.rows, rows.channels, smoothing.to_bits(), of],
        fold(rows.rows as usize),
    )
}

pub(super) fn cross_entropy(rows: Rows, smoothing: f32) -> Lowered {
    rowwise(&CROSS_ENTROPY, rows, smoothing, rows.rows)
}

pub(super) fn cross_entropy_grad(rows: Rows, smoothing: f32, of: u32) -> Lowered {
    rowwise(&CROSS_ENTROPY_GRAD, rows, smoothing, of)
}

pub(super) fn accuracy(rows: Rows) -> Lowered {
    rowwise(&ACCURACY, rows, 0.0, rows.rows)
}
