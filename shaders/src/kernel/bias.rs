//! The bias of a layer.

use super::row_tiles::{TOTAL, Tiles};
use super::{Buffer, BufferRef, Dispatch, Kernel, Lowered, fold, read, write};
use crate::catalogue::Rows;

const fn kernel(entry: &'static str, buffers: &'static [Buffer]) -> Kernel {
    let source = include_str!("../../wgsl/bias.wgsl");
    Kernel {
        module: "bias",
        source,
        entry,
        buffers,
        step: false,
        lanes: None,
        own: false,
    }
}

static BIAS: Kernel = kernel("bias", &[read(2, "x"), read(3, "b"), write(4, "y")]);
static BIAS_GRAD: Kernel = kernel("bias_grad", &[read(5, "dy"), write(6, "db")]);
static TOTALS: Kernel = kernel("bias_grad_total", &[read(7, "partials"), write(6, "db")]);

fn sizes(rows: Rows, tiles: Tiles, [chunk, chunks]: [u32; 2]) -> Vec<u32> {
    vec![
        rows.rows,
        rows.channels,
        tiles.width,
        tiles.lanes,
        tiles.tiles,
        chunk,
        chunks,
    ]
}

pub(super) fn bias(rows: Rows) -> Lowered {
    let tiles = Tiles::of(rows.rows, rows.channels);
    let chunks = tiles.blocks(rows.rows);
    Lowered::one(&BIAS, sizes(rows, tiles, chunks), tiles.grid(chunks))
}

pub(super) fn bias_grad(rows: Rows) -> Lowered {
    let (tiles, chunks) = Tiles::summing(rows.rows, rows.channels);
    let sizes = sizes(rows, tiles, chunks);
    if chunks[1] == 1 {
        return Lowered::one(&BIAS_GRAD, sizes, tiles.grid(chunks));
    }
    let partials = BufferRef::Scratch(0);
    let dispatches = vec![
        Dispatch::new(
            &BIAS_GRAD,
            vec![BufferRef::Operand(0), partials],
            tiles.grid(chunks),
        ),
        Dispatch::new(
            &TOTALS,
            vec![partials, BufferRef::Operand(1)],
            fold(rows.channels.div_ceil(TOTAL) as usize),
        ),
    ];
    Lowered {
        sizes,
        scratch: vec![(chunks[1] * rows.channels) as usize],
        dispatches,
    }
}
