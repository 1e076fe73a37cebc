//! Bilinear resizing.

use super::elementwise::each;
use super::{Buffer, Kernel, Lowered, read, write};
use crate::catalogue::Resize;

const fn kernel(entry: &'static str, buffers: &'static [Buffer]) -> Kernel {
    let source = include_str!("../../wgsl/resize.wgsl");
    Kernel {
        module: "resize",
        source,
        entry,
        buffers,
        step: false,
        lanes: None,
        own: false,
    }
}

static RESIZE: Kernel = kernel("resize", &[read(2, "x"), write(3, "y")]);
static RESIZE_GRAD: Kernel = kernel("resize_grad", &[read(4, "dy"), write(5, "dx")]);

fn sizes(r: Resize, len: usize) -> Vec<u32> {
    let ([height, width], [to_height, to_width]) = (r.input, r.output);
    vec![len as u32, height, width, to_height, to_width, r.channels]
}

pub(super) fn resize(r: Resize) -> Lowered {
    each(&RESIZE, r.len_y(), sizes(r, r.len_y()))
}

pub(super) fn grad(r: Resize) -> Lowered {
    each(&RESIZE_GRAD, r.len_x(), sizes(r, r.len_x()))
}
