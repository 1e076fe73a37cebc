//! Sums whose weights are data.

use super::elementwise::{each, result_first};
use super::{Buffer, BufferRef, Dispatch, Kernel, Lowered, fold, read, write};
use crate::catalogue::{MOST_WEIGHTED, WeightedSum};

/// Elements of a partial sum of a weight's gradient: one workgroup computes it.
const PART: u32 = 4096;
/// Weights whose gradients one workgroup adds up.
const TOTALS: usize = 64;

const fn kernel(entry: &'static str, buffers: &'static [Buffer]) -> Kernel {
    let source = include_str!("../../wgsl/weighted_sum.wgsl");
    Kernel {
        module: "weighted_sum",
        source,
        entry,
        buffers,
        step: false,
        lanes: None,
        own: false,
    }
}

/// One kernel per number of inputs, from one on.
static SUMS: [Kernel; MOST_WEIGHTED] = [
    sum_of("weighted_sum1", 1),
    sum_of("weighted_sum2", 2),
    sum_of("weighted_sum3", 3),
    sum_of("weighted_sum4", 4),
    sum_of("weighted_sum5", 5),
    sum_of("weighted_sum6", 6),
];

const fn sum_of(entry: &'static str, inputs: usize) -> Kernel {
    const BUFFERS: &[Buffer] = &[
        write(2, "y"),
        read(3, "w"),
        read(5, "x0"),
        read(6, "x1"),
        read(7, "x2"),
        read(8, "x3"),
        read(9, "x4"),
        read(10, "x5"),
    ];
    kernel(entry, BUFFERS.split_at(2 + inputs).0)
}

/// The same with an earlier sum.
static CONTINUED: [Kernel; MOST_WEIGHTED - 1] = [
    continued_of("continued_sum1", 1),
    continued_of("continued_sum2", 2),
    continued_of("continued_sum3", 3),
    continued_of("continued_sum4", 4),
    continued_of("continued_sum5", 5),
];

const fn continued_of(entry: &'static str, inputs: usize) -> Kernel {
    const BUFFERS: &[Buffer] = &[
        write(2, "y"),
        read(3, "w"),
        read(4, "sum"),
        read(5, "x0"),
        read(6, "x1"),
        read(7, "x2"),
        read(8, "x3"),
        read(9, "x4"),
    ];
    kernel(entry, BUFFERS.split_at(3 + inputs).0)
}

static GRAD_INPUT: Kernel = kernel(
    "weighted_sum_grad_input",
    &[read(3, "w"), read(11, "dy"), write(12, "dx")],
);
static PARTIALS: Kernel = kernel(
    "weighted_sum_grad_partials",
    &[read(11, "dy"), read(13, "x"), write(14, "partials")],
);
static GRAD_WEIGHTS: Kernel = kernel(
    "weighted_sum_grad_weights",
    &[read(15, "partials_in"), write(16, "dw")],
);

fn sizes(sum: WeightedSum, input: u32) -> Vec<u32> {
    let parts = sum.len.div_ceil(PART);
    vec![sum.rows * sum.len, sum.len, sum.inputs, input, parts]
}

pub(super) fn sum(sum: WeightedSum) -> Lowered {
    let kernels: &[Kernel] = if sum.continues { &CONTINUED } else { &SUMS };
    let kernel = &kernels[sum.inputs as usize - 1];
    result_first(each(kernel, sum.elements(), sizes(sum, 0)))
}

pub(super) fn grad_input(sum: WeightedSum, input: u32) -> Lowered {
    each(&GRAD_INPUT, sum.elements(), sizes(sum, input))
}

/// The partial sums of each input, then their totals.
pub(super) fn grad_weights(sum: WeightedSum) -> Lowered {
    let parts = sum.rows as usize * sum.len.div_ceil(PART) as usize;
    let partials = BufferRef::Scratch(0);
    let mut dispatches: Vec<Dispatch> = (0..sum.inputs)
        .map(|input| {
            let x = BufferRef::Operand(1 + input as usize);
            let places = vec![BufferRef::Operand(0), x, partials];
            let mut dispatch = Dispatch::new(&PARTIALS, places, fold(parts));
            dispatch.overrides = vec![("INPUT", input.into())];
            dispatch
        })
        .collect();
    let dw = BufferRef::Operand(1 + sum.inputs as usize);
    dispatches.push(Dispatch::new(
        &GRAD_WEIGHTS,
        vec![partials, dw],
        fold(sum.len_w().div_ceil(TOTALS)),
    ));
    Lowered {
        sizes: sizes(sum, 0),
        scratch: vec![parts * sum.inputs as usize],
        dispatches,
    }
}
