//! Factorised reductions: two convolutions with concatenated outputs, as explained in
//! `wgsl/factorized_reduction.wgsl`.

use super::row_tiles::TOTAL;
use super::{Buffer, BufferRef, Constant, Dispatch, Kernel, Lowered, fold, read, write};
use crate::catalogue::{Conv2d, FactorizedReduction};

const fn kernel(entry: &'static str, buffers: &'static [Buffer]) -> Kernel {
    let source = concat!(
        include_str!("../../wgsl/factorized_reduction.wgsl"),
        include_str!("../../wgsl/factorized_reduction_backward.wgsl")
    );
    Kernel {
        module: "factorized_reduction",
        source,
        entry,
        buffers,
        step: false,
        lanes: None,
        own: false,
    }
}

static REDUCTION: Kernel = kernel(
    "reduction",
    &[read(2, "x"), read(4, "wa"), read(5, "wb"), write(6, "y")],
);
static GRAD_INPUT: Kernel = kernel(
    "reduction_grad_input",
    &[read(3, "dy"), read(4, "wa"), read(5, "wb"), write(7, "dx")],
);
static GRAD_WEIGHT: Kernel = kernel(
    "reduction_grad_weight",
    &[
        read(2, "x"),
        read(3, "dy"),
        write(8, "dwa"),
        write(9, "dwb"),
    ],
);
static PARTIALS: Kernel = kernel(
    "reduction_grad_weight_partials",
    &[read(2, "x"), read(3, "dy"), write(10, "partials")],
);
static TOTALS: Kernel = kernel(
    "reduction_grad_weight_total",
    &[read(11, "partials_in"), write(8, "dwa"), write(9, "dwb")],
);

/// Rows of a tile whose rows are pixels, in units of four.
const ROW_QUADS: u32 = 16;
/// The most columns of such a tile, which then has 256 invocations.
const COLUMNS: u32 = 64;
/// The most vec4s of both tiles; the rest of the 16 KiB is needed for positions and lanes.
const PIXEL_VECTORS: u32 = 980;
const WEIGHT_VECTORS: u32 = 736;
/// The most rows and columns of a tile whose rows are inputs.
const WEIGHT_TILE: [u32; 2] = [48, 40];
/// The least pixels that are worth a chunk; and the number of workgroups beyond which more chunks
/// are useless.
const CHUNK: usize = 64;
const GROUPS: usize = 256;

/// A tile in workgroup memory: the overrides of the module.
#[derive(Clone, Copy, Debug)]
struct Tile {
    row_quads: u32,
    column_quads: u32,
    slab: u32,
    lanes: u32,
}

/// The size in units of four of the parts, if `len` is divided into the fewest and most equal parts
/// of at most `most`.
fn quads(len: u32, most: u32) -> u32 {
    len.div_ceil(len.div_ceil(most)).div_ceil(4)
}

impl Tile {
    /// A tile whose rows are pixels, with sums over `depth` channels.
    fn pixels(columns: u32, depth: u32) -> Self {
        let column_quads = quads(columns, COLUMNS);
        let most = PIXEL_VECTORS / (ROW_QUADS + 1 + column_quads);
        Self {
            row_quads: ROW_QUADS,
            column_quads,
            slab: depth.div_ceil(depth.div_ceil(most)),
            lanes: 1,
        }
    }

    /// A tile whose rows are inputs, with sums over pixels.
    fn weights(c: &Conv2d) -> Self {
        let [row_quads, column_quads] = [
            quads(c.inputs, WEIGHT_TILE[0]),
            quads(c.outputs, WEIGHT_TILE[1]),
        ];
        let slab = if 64 * (row_quads + 1 + column_quads) <= WEIGHT_VECTORS {
            64
        } else {
            32
        };
        // A power of two, so that every lane gets the same number of slices.
        let lanes = 1 << (256 / (row_quads * column_quads)).ilog2().min(4);
        Self {
            row_quads,
            column_quads,
            slab,
            lanes,
        }
    }

    fn overrides(&self) -> Vec<(&'static str, Constant)> {
        vec![
            ("ROW_QUADS", self.row_quads.into()),
            ("COLUMN_QUADS", self.column_quads.into()),
            ("SLAB", self.slab.into()),
            ("LANES", self.lanes.into()),
        ]
    }

    /// The number of tiles of a matrix.
    fn tiles(&self, rows: usize, columns: u32) -> usize {
        rows.div_ceil(4 * self.row_quads as usize)
            * columns.div_ceil(4 * self.column_quads) as usize
    }
}

/// Height and width in cells.
fn cells(c: &Conv2d) -> [u32; 2] {
    c.window.input.map(|len| len.div_ceil(c.window.stride))
}

fn all_cells(c: &Conv2d) -> usize {
    c.window.batch as usize * cells(c).map(|len| len as usize).iter().product::<usize>()
}

/// The module's `Sizes`.
fn sizes(r: &FactorizedReduction, chunk: usize) -> Vec<u32> {
    let mut sizes = vec![];
    for Conv2d { window: w, .. } in r.halves() {
        let stride = w.stride as i32;
        let before = [w.top, w.left];
        let phase = before.map(|before| (-before).rem_euclid(stride));
        sizes.extend(phase.map(|at| at as u32));
        sizes.extend([0, 1].map(|axis| ((phase[axis] + before[axis]) / stride) as u32));
    }
    let (c, w) = (&r.first, &r.first.window);
    sizes.extend(w.input.into_iter().chain(w.output).chain(cells(c)));
    sizes.extend([
        w.pixels_out() as u32,
        all_cells(c) as u32,
        w.stride,
        c.inputs,
        c.outputs,
        chunk as u32,
    ]);
    sizes
}

/// A single dispatch on the operands of the call, with the overrides of `tile`.
fn one(kernel: &'static Kernel, tile: &Tile, sizes: Vec<u32>, groups: usize) -> Lowered {
    let mut lowered = Lowered::one(kernel, sizes, fold(groups));
    lowered.dispatches[0].overrides = tile.overrides();
    lowered
}

pub(super) fn reduction(r: &FactorizedReduction) -> Lowered {
    let c = &r.first;
    let tile = Tile::pixels(c.outputs, c.inputs);
    one(
        &REDUCTION,
        &tile,
        sizes(r, 0),
        2 * tile.tiles(c.window.pixels_out(), c.outputs),
    )
}

pub(super) fn grad_input(r: &FactorizedReduction) -> Lowered {
    let c = &r.first;
    let tile = Tile::pixels(c.inputs, c.outputs);
    let phases = c.window.stride as usize * c.window.stride as usize;
    one(
        &GRAD_INPUT,
        &tile,
        sizes(r, 0),
        phases * tile.tiles(all_cells(c), c.inputs),
    )
}

pub(super) fn grad_weight(r: &FactorizedReduction) -> Lowered {
    let c = &r.first;
    let tile = Tile::weights(c);
    let pixels = c.window.pixels_out();
    // For both halves.
    let tiles = 2 * tile.tiles(c.inputs as usize, c.outputs);
    let chunks = (GROUPS / tiles).clamp(1, (pixels / CHUNK).max(1));
    let chunk = pixels.div_ceil(chunks).next_multiple_of(tile.slab as usize);
    let chunks = pixels.div_ceil(chunk);
    let sizes = sizes(r, chunk);
    if chunks == 1 {
        return one(&GRAD_WEIGHT, &tile, sizes, tiles);
    }
    let [partials, x, dy] = [
        BufferRef::Scratch(0),
        BufferRef::Operand(0),
        BufferRef::Operand(1),
    ];
    let len = 2 * c.len_w();
    let mut sums = Dispatch::new(&PARTIALS, vec![x, dy, partials], fold(tiles * chunks));
    sums.overrides = tile.overrides();
    let places = vec![partials, BufferRef::Operand(2), BufferRef::Operand(3)];
    let totals = Dispatch::new(&TOTALS, places, fold(len.div_ceil(TOTAL as usize)));
    Lowered {
        sizes,
        scratch: vec![chunks * len],
        dispatches: vec![sums, totals],
    }
}
