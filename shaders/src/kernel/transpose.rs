//! The exchange of two axes.

use super::elementwise::each;
use super::{Buffer, Kernel, Lowered, read, write};
use crate::catalogue::Transpose;

const fn kernel(entry: &'static str, buffers: &'static [Buffer]) -> Kernel {
    let source = include_str!("../../wgsl/transpose.wgsl");
    Kernel {
        module: "transpose",
        source,
        entry,
        buffers,
        step: false,
        lanes: None,
        own: false,
    }
}

static TRANSPOSE: Kernel = kernel("transpose", &[read(2, "x"), write(3, "y")]);

pub(super) fn transpose(t: Transpose) -> Lowered {
    let sizes = vec![t.len() as u32, t.rows, t.columns, t.width];
    each(&TRANSPOSE, t.len(), sizes)
}
