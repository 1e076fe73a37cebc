//! The weight gradient of a depthwise convolution.

use super::row_tiles::{TOTAL, Tiles};
use super::window::{fours, geometry, steps};
use super::{Buffer, BufferRef, Dispatch, Kernel, Lowered, fold, read, write};
use crate::catalogue::PerChannel;

const fn kernel(entry: &'static str, buffers: &'static [Buffer]) -> Kernel {
    let source = include_str!("../../wgsl/depthwise_weight.wgsl");
    Kernel {
        module: "depthwise_weight",
        source,
        entry,
        buffers,
        step: false,
        lanes: None,
        own: false,
    }
}

static GRAD_WEIGHT: Kernel = kernel(
    "depthwise_grad_weight",
    &[read(2, "x"), read(3, "dy"), write(4, "dw")],
);
static TOTALS: Kernel = kernel(
    "depthwise_grad_weight_total",
    &[read(5, "partials"), write(4, "dw")],
);

/// The neighbouring taps of a workgroup.
const TAPS: u32 = 5;

pub(super) fn grad_weight(c: &PerChannel) -> Lowered {
    let ([height, width], [kernel_height, kernel_width]) = (c.window.output, c.window.kernel);
    let [tap_step, apart] = steps(c);
    let row = fours(width, apart);
    let all = c.window.batch * height * row;
    let tiles = Tiles::of(all, c.channels);
    let rows = kernel_height * kernel_width.div_ceil(TAPS);
    let [chunk, chunks] = tiles.chunks(all);
    let mut sizes = geometry(c);
    sizes.extend([
        tap_step,
        apart,
        row,
        all,
        chunk,
        chunks,
        tiles.width,
        tiles.lanes,
        tiles.tiles,
    ]);
    sizes.extend([
        tiles.lanes / (height * row),
        tiles.lanes / row % height,
        tiles.lanes % row,
    ]);
    let groups = fold((tiles.tiles * rows * chunks) as usize);
    if chunks == 1 {
        return Lowered::one(&GRAD_WEIGHT, sizes, groups);
    }
    let partials = BufferRef::Scratch(0);
    let dispatches = vec![
        Dispatch::new(
            &GRAD_WEIGHT,
            vec![BufferRef::Operand(0), BufferRef::Operand(1), partials],
            groups,
        ),
        Dispatch::new(
            &TOTALS,
            vec![partials, BufferRef::Operand(2)],
            fold(c.len_w().div_ceil(TOTAL as usize)),
        ),
    ];
    Lowered {
        sizes,
        scratch: vec![chunks as usize * c.len_w()],
        dispatches,
    }
}
