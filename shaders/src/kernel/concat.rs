//! Concatenation of channels.

use super::elementwise::{each, result_first};
use super::{Buffer, Kernel, Lowered, read, write};
use crate::catalogue::{MOST_INPUTS, Rows};

const fn kernel(entry: &'static str, buffers: &'static [Buffer]) -> Kernel {
    let source = include_str!("../../wgsl/concat.wgsl");
    Kernel {
        module: "concat",
        source,
        entry,
        buffers,
        step: false,
        lanes: None,
        own: false,
    }
}

/// One kernel per number of inputs, from one on.
static CONCATS: [Kernel; MOST_INPUTS] = [
    concat_of("concat1", 1),
    concat_of("concat2", 2),
    concat_of("concat3", 3),
    concat_of("concat4", 4),
    concat_of("concat5", 5),
    concat_of("concat6", 6),
    concat_of("concat7", 7),
];

const fn concat_of(entry: &'static str, inputs: usize) -> Kernel {
    const BUFFERS: &[Buffer] = &[
        write(3, "y"),
        read(4, "x0"),
        read(5, "x1"),
        read(6, "x2"),
        read(7, "x3"),
        read(8, "x4"),
        read(9, "x5"),
        read(10, "x6"),
    ];
    kernel(entry, BUFFERS.split_at(1 + inputs).0)
}

static SLICE: Kernel = kernel("slice", &[read(2, "x"), write(3, "y")]);

pub(super) fn concat(rows: u32, widths: [u32; MOST_INPUTS]) -> Lowered {
    let used: Vec<u32> = widths.into_iter().filter(|width| *width > 0).collect();
    let channels: u32 = used.iter().sum();
    let end = |i: usize| used.iter().take(i + 1).sum::<u32>();
    let mut sizes = vec![rows * channels, channels, 0, 0];
    sizes.extend((0..MOST_INPUTS - 1).map(end));
    result_first(each(
        &CONCATS[used.len() - 1],
        (rows * channels) as usize,
        sizes,
    ))
}

pub(super) fn slice(rows: Rows, start: u32, len: u32) -> Lowered {
    let mut sizes = vec![rows.rows * len, len, rows.channels, start];
    sizes.extend([0; MOST_INPUTS - 1]);
    each(&SLICE, rows.rows as usize * len as usize, sizes)
}
