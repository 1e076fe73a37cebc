//! One invocation per element of the result.

use super::{Buffer, Kernel, Lowered, fold, read, write};
use crate::catalogue::MOST_INPUTS;

/// Invocations of a workgroup.
pub(super) const GROUP: usize = 64;

const fn kernel(entry: &'static str, buffers: &'static [Buffer]) -> Kernel {
    let source = include_str!("../../wgsl/elementwise.wgsl");
    Kernel {
        module: "elementwise",
        source,
        entry,
        buffers,
        step: false,
        lanes: None,
        own: false,
    }
}

static RELU: Kernel = kernel("relu", &[read(2, "x"), write(3, "y")]);
static RELU_GRAD: Kernel = kernel(
    "relu_grad",
    &[read(4, "y_in"), read(5, "dy"), write(6, "dx")],
);
static FILL: Kernel = kernel("fill", &[write(3, "y")]);
/// One kernel per number of inputs, from one on.
static SUMS: [Kernel; MOST_INPUTS] = [
    sum_of("sum1", 1),
    sum_of("sum2", 2),
    sum_of("sum3", 3),
    sum_of("sum4", 4),
    sum_of("sum5", 5),
    sum_of("sum6", 6),
    sum_of("sum7", 7),
];

const fn sum_of(entry: &'static str, inputs: usize) -> Kernel {
    const BUFFERS: &[Buffer] = &[
        write(3, "y"),
        read(7, "x0"),
        read(8, "x1"),
        read(9, "x2"),
        read(10, "x3"),
        read(11, "x4"),
        read(12, "x5"),
        read(13, "x6"),
    ];
    kernel(entry, BUFFERS.split_at(1 + inputs).0)
}

/// One dispatch of a kernel over `len` invocations.
pub(super) fn each(kernel: &'static Kernel, len: usize, sizes: Vec<u32>) -> Lowered {
    Lowered::one(kernel, sizes, fold(len.div_ceil(GROUP)))
}

pub(super) fn relu(len: u32) -> Lowered {
    each(&RELU, len as usize, vec![len, 0])
}

pub(super) fn relu_grad(len: u32) -> Lowered {
    each(&RELU_GRAD, len as usize, vec![len, 0])
}

pub(super) fn fill(len: u32, value: f32) -> Lowered {
    each(&FILL, len as usize, vec![len, value.to_bits()])
}

pub(super) fn sum(len: u32, inputs: u32, scale: f32) -> Lowered {
    result_first(each(
        &SUMS[inputs as usize - 1],
        len as usize,
        vec![len, scale.to_bits()],
    ))
}

/// Binds the last operand to the first buffer of the kernel, and the others to the following ones.
pub(super) fn result_first(mut lowered: Lowered) -> Lowered {
    lowered
        .dispatches
        .iter_mut()
        .for_each(|dispatch| dispatch.places.rotate_right(1));
    lowered
}
