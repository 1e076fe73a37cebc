//! Sums of the gradients of several passes.

use super::elementwise::each;
use super::{Kernel, Lowered, read, write};

static ACCUMULATE: Kernel = Kernel {
    module: "accumulate",
    source: include_str!("../../wgsl/accumulate.wgsl"),
    entry: "accumulate",
    buffers: &[read(2, "g"), read(3, "shares"), write(4, "sum")],
    step: false,
    lanes: None,
    own: false,
};

pub(super) fn accumulate(len: u32, first: bool) -> Lowered {
    each(&ACCUMULATE, len as usize, vec![len, first.into()])
}
