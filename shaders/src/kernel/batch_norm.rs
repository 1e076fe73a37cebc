//! Batch normalisation.

use super::row_tiles::{TOTAL, Tiles};
use super::{Buffer, BufferRef, Dispatch, Kernel, Lowered, fold, read, write};
use crate::catalogue::{BatchNorm, Rows};

const fn kernel(entry: &'static str, buffers: &'static [Buffer]) -> Kernel {
    let source = concat!(
        include_str!("../../wgsl/batch_norm.wgsl"),
        include_str!("../../wgsl/batch_norm_backward.wgsl")
    );
    Kernel {
        module: "batch_norm",
        source,
        entry,
        buffers,
        step: false,
        lanes: None,
        own: false,
    }
}

const X: Buffer = read(2, "x");
const STATS: Buffer = write(3, "stats");
const STATS_IN: Buffer = read(4, "stats_in");
const GAMMA: Buffer = read(5, "gamma");
const BETA: Buffer = read(6, "beta");
const Y: Buffer = write(7, "y");
const Y_IN: Buffer = read(8, "y_in");
const DY: Buffer = read(9, "dy");
const DGAMMA: Buffer = write(10, "dgamma");
const DBETA: Buffer = write(11, "dbeta");
const DGAMMA_IN: Buffer = read(12, "dgamma_in");
const DBETA_IN: Buffer = read(13, "dbeta_in");
const DX: Buffer = write(14, "dx");
const PARTIALS: Buffer = write(15, "partials");
const PARTIALS_IN: Buffer = read(16, "partials_in");

static STATISTICS: Kernel = kernel("batch_norm_stats", &[X, STATS]);
static STATISTICS_PARTIALS: Kernel = kernel("batch_norm_stats_partials", &[X, PARTIALS]);
static STATISTICS_TOTAL: Kernel = kernel("batch_norm_stats_total", &[X, PARTIALS_IN, STATS]);

static PLAIN: Kernel = kernel("batch_norm", &[X, STATS_IN, Y]);
static AFFINE: Kernel = kernel("batch_norm_affine", &[X, STATS_IN, GAMMA, BETA, Y]);

static GRAD_SUMS: Kernel = kernel("batch_norm_grad_sums", &[X, DY, STATS_IN, DGAMMA, DBETA]);
static GRAD_SUMS_RELU: Kernel = kernel(
    "batch_norm_grad_sums_relu",
    &[X, DY, STATS_IN, Y_IN, DGAMMA, DBETA],
);
static GRAD_SUMS_PARTIALS: Kernel = kernel(
    "batch_norm_grad_sums_partials",
    &[X, DY, STATS_IN, PARTIALS],
);
static GRAD_SUMS_RELU_PARTIALS: Kernel = kernel(
    "batch_norm_grad_sums_relu_partials",
    &[X, DY, STATS_IN, Y_IN, PARTIALS],
);
static GRAD_SUMS_TOTAL: Kernel =
    kernel("batch_norm_grad_sums_total", &[PARTIALS_IN, DGAMMA, DBETA]);

static GRAD_INPUT: Kernel = kernel(
    "batch_norm_grad_input",
    &[X, DY, STATS_IN, DGAMMA_IN, DBETA_IN, DX],
);
static GRAD_INPUT_RELU: Kernel = kernel(
    "batch_norm_grad_input_relu",
    &[X, DY, STATS_IN, DGAMMA_IN, DBETA_IN, Y_IN, DX],
);
static GRAD_INPUT_AFFINE: Kernel = kernel(
    "batch_norm_grad_input_affine",
    &[X, DY, STATS_IN, DGAMMA_IN, DBETA_IN, GAMMA, DX],
);
static GRAD_INPUT_AFFINE_RELU: Kernel = kernel(
    "batch_norm_grad_input_affine_relu",
    &[X, DY, STATS_IN, DGAMMA_IN, DBETA_IN, GAMMA, Y_IN, DX],
);

fn sizes(rows: Rows, tiles: Tiles, [chunk, chunks]: [u32; 2], eps: f32, relu: bool) -> Vec<u32> {
    let shape = [
        rows.rows,
        rows.channels,
        tiles.width,
        tiles.lanes,
        tiles.tiles,
        chunk,
        chunks,
    ];
    shape
        .into_iter()
        .chain([eps.to_bits(), relu.into()])
        .collect()
}

/// The second of two dispatches, which combines the results of the chunks.
fn total(kernel: &'static Kernel, rows: Rows, places: Vec<BufferRef>) -> Dispatch {
    Dispatch::new(kernel, places, fold(rows.channels.div_ceil(TOTAL) as usize))
}

pub(super) fn stats(rows: Rows, eps: f32) -> Lowered {
    let (tiles, chunks) = Tiles::summing(rows.rows, rows.channels);
    let (sizes, grid) = (sizes(rows, tiles, chunks, eps, false), tiles.grid(chunks));
    if chunks[1] == 1 {
        return Lowered::one(&STATISTICS, sizes, grid);
    }
    let partials = Dispatch::new(
        &STATISTICS_PARTIALS,
        vec![BufferRef::Operand(0), BufferRef::Scratch(0)],
        grid,
    );
    let places = vec![
        BufferRef::Operand(0),
        BufferRef::Scratch(0),
        BufferRef::Operand(1),
    ];
    let scratch = vec![(2 * chunks[1] * rows.channels) as usize];
    Lowered {
        sizes,
        scratch,
        dispatches: vec![partials, total(&STATISTICS_TOTAL, rows, places)],
    }
}

pub(super) fn apply(b: BatchNorm) -> Lowered {
    let tiles = Tiles::of(b.rows.rows, b.rows.channels);
    let chunks = tiles.blocks(b.rows.rows);
    let sizes = sizes(b.rows, tiles, chunks, 0.0, b.relu);
    Lowered::one(
        if b.affine { &AFFINE } else { &PLAIN },
        sizes,
        tiles.grid(chunks),
    )
}

pub(super) fn grad_sums(b: BatchNorm) -> Lowered {
    let (tiles, chunks) = Tiles::summing(b.rows.rows, b.rows.channels);
    let (sizes, grid) = (
        sizes(b.rows, tiles, chunks, 0.0, b.relu),
        tiles.grid(chunks),
    );
    let [at_once, in_chunks] = if b.relu {
        [&GRAD_SUMS_RELU, &GRAD_SUMS_RELU_PARTIALS]
    } else {
        [&GRAD_SUMS, &GRAD_SUMS_PARTIALS]
    };
    if chunks[1] == 1 {
        return Lowered::one(at_once, sizes, grid);
    }
    let reads = in_chunks.buffers.len() - 1;
    let places = (0..reads)
        .map(BufferRef::Operand)
        .chain([BufferRef::Scratch(0)])
        .collect();
    let scratch = vec![(2 * chunks[1] * b.rows.channels) as usize];
    let totals = vec![
        BufferRef::Scratch(0),
        BufferRef::Operand(reads),
        BufferRef::Operand(reads + 1),
    ];
    let dispatches = vec![
        Dispatch::new(in_chunks, places, grid),
        total(&GRAD_SUMS_TOTAL, b.rows, totals),
    ];
    Lowered {
        sizes,
        scratch,
        dispatches,
    }
}

pub(super) fn grad_input(b: BatchNorm) -> Lowered {
    let tiles = Tiles::of(b.rows.rows, b.rows.channels);
    let chunks = tiles.blocks(b.rows.rows);
    let kernel = match (b.affine, b.relu) {
        (false, false) => &GRAD_INPUT,
        (false, true) => &GRAD_INPUT_RELU,
        (true, false) => &GRAD_INPUT_AFFINE,
        (true, true) => &GRAD_INPUT_AFFINE_RELU,
    };
    Lowered::one(
        kernel,
        sizes(b.rows, tiles, chunks, 0.0, b.relu),
        tiles.grid(chunks),
    )
}
