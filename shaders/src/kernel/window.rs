//! Windows over each channel separately: depthwise convolutions and pools.

use super::elementwise::each;
use super::{Buffer, Kernel, Lowered, read, write};
use crate::catalogue::PerChannel;

const fn kernel(entry: &'static str, buffers: &'static [Buffer]) -> Kernel {
    let source = include_str!("../../wgsl/window.wgsl");
    Kernel {
        module: "window",
        source,
        entry,
        buffers,
        step: false,
        lanes: None,
        own: false,
    }
}

static DEPTHWISE: Kernel = kernel("depthwise", &[read(2, "x"), read(3, "w"), write(4, "y")]);
static DEPTHWISE_GRAD_INPUT: Kernel = kernel(
    "depthwise_grad_input",
    &[read(5, "dy"), read(3, "w"), write(6, "dx")],
);
static AVERAGE_POOL: Kernel = kernel("average_pool", &[read(2, "x"), write(4, "y")]);
static AVERAGE_POOL_GRAD: Kernel = kernel("average_pool_grad", &[read(5, "dy"), write(6, "dx")]);
static MAX_POOL: Kernel = kernel("max_pool", &[read(2, "x"), write(4, "y"), write(7, "tap")]);
static MAX_POOL_GRAD: Kernel = kernel(
    "max_pool_grad",
    &[read(5, "dy"), read(8, "tap_in"), write(6, "dx")],
);

/// The geometry, with which the sizes of all window modules begin.
pub(super) fn geometry(c: &PerChannel) -> Vec<u32> {
    let w = &c.window;
    let pairs = [w.input, w.output, w.kernel, [w.top as u32, w.left as u32]];
    pairs
        .into_iter()
        .flatten()
        .chain([c.channels, w.stride, w.dilation])
        .collect()
}

fn divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { divisor(b, a % b) }
}

/// Elements of the result that one invocation computes.
const FOUR: u32 = 4;

/// Stride and dilation divided by their greatest common divisor.
pub(super) fn steps(c: &PerChannel) -> [u32; 2] {
    let common = divisor(c.window.stride, c.window.dilation);
    [c.window.stride / common, c.window.dilation / common]
}

/// The number of groups of four in a row.
pub(super) fn fours(width: u32, apart: u32) -> u32 {
    width.div_ceil(FOUR * apart) * apart
}

/// A kernel whose result has this height and width, with the elements of an invocation `apart`
/// times `output_step` columns apart.
fn windows(
    kernel: &'static Kernel,
    c: &PerChannel,
    [height, width]: [u32; 2],
    apart: u32,
) -> Lowered {
    let [tap_step, output_step] = steps(c);
    let apart = apart * output_step;
    let fours = fours(width, apart);
    let len = c.window.batch * height * fours * c.channels;
    let mut sizes = geometry(c);
    sizes.extend([tap_step, output_step, apart, fours, len]);
    each(kernel, len as usize, sizes)
}

fn to_output(kernel: &'static Kernel, c: &PerChannel) -> Lowered {
    windows(kernel, c, c.window.output, 1)
}

fn to_input(kernel: &'static Kernel, c: &PerChannel) -> Lowered {
    windows(kernel, c, c.window.input, c.window.stride)
}

pub(super) fn depthwise(c: &PerChannel) -> Lowered {
    to_output(&DEPTHWISE, c)
}

pub(super) fn depthwise_grad_input(c: &PerChannel) -> Lowered {
    to_input(&DEPTHWISE_GRAD_INPUT, c)
}

pub(super) fn average_pool(c: &PerChannel) -> Lowered {
    to_output(&AVERAGE_POOL, c)
}

pub(super) fn average_pool_grad(c: &PerChannel) -> Lowered {
    to_input(&AVERAGE_POOL_GRAD, c)
}

pub(super) fn max_pool(c: &PerChannel) -> Lowered {
    to_output(&MAX_POOL, c)
}

pub(super) fn max_pool_grad(c: &PerChannel) -> Lowered {
    to_input(&MAX_POOL_GRAD, c)
}
