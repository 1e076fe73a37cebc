//! A product of two matrices as dispatches of the GEMM kernels.

use crate::catalogue::Conv2d;
use crate::kernel::{
    Buffer, BufferRef, Constant, Dispatch, Kernel, Lowered, Traits, fold, read, write,
};

const fn tiles(entry: &'static str, buffers: &'static [Buffer]) -> Kernel {
    let source = include_str!("../../../wgsl/gemm.wgsl");
    Kernel {
        module: "gemm",
        source,
        entry,
        buffers,
        step: false,
        lanes: None,
        own: false,
    }
}

const fn lanes(entry: &'static str, buffers: &'static [Buffer]) -> Kernel {
    let source = concat!(
        include_str!("../../../wgsl/gemm_subgroup8.wgsl"),
        include_str!("../../../wgsl/gemm_subgroup8_taps.wgsl")
    );
    Kernel {
        module: "gemm_subgroup8",
        source,
        entry,
        buffers,
        step: false,
        lanes: Some(LANES),
        own: false,
    }
}

const NARROW: &[Buffer] = &[read(2, "a"), read(3, "b"), write(4, "c")];
const WIDE: &[Buffer] = &[read(5, "a_wide"), read(6, "b_wide"), write(7, "c_wide")];

static PRODUCT: Kernel = tiles("product", NARROW);
static REDUCE_PARTIALS: Kernel = tiles("reduce_partials", &[read(5, "partial"), write(4, "c")]);
static PIXELS: Kernel = lanes("pixels", NARROW);
static PIXELS_WIDE: Kernel = lanes("pixels_wide", WIDE);
static TAPS: Kernel = lanes("taps", NARROW);
static TAPS_WIDE: Kernel = lanes("taps_wide", WIDE);

/// The subgroup size that `gemm_subgroup8` is written for.
pub(super) const LANES: u32 = 8;
/// The rows, and the most columns, of a tile in workgroup memory.
pub(super) const TILE: usize = 64;
/// Invocations of a workgroup that adds partial sums.
pub(super) const TOTAL_GROUP: usize = 64;

/// c = a·b: the fields of the module's `Sizes`, except for the chunk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Product {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) depth: usize,
    /// Whether rows are taps and the depth is pixels.
    pub(super) weights: bool,
    /// Height and width of the grid of pixels.
    pub(super) grid: [u32; 2],
    /// Height and width of the images in a.
    pub(super) image: [u32; 2],
    /// The position of the first tap of the first pixel.
    pub(super) origin: [i32; 2],
    /// Channels of a.
    pub(super) channels: u32,
    /// Width of the window.
    pub(super) window: u32,
    pub(super) stride: u32,
    pub(super) dilation: i32,
    pub(super) apart: u32,
    /// Whether the channels of b, rather than its columns, are contiguous in memory.
    pub(super) transposed: bool,
    /// The operands a and b; c is the last operand.
    pub(super) operands: [usize; 2],
}

/// A kernel for a product, with the numbers of rows and columns per workgroup.
pub(super) struct Variant {
    pub(super) kernel: &'static Kernel,
    pub(super) overrides: Vec<(&'static str, Constant)>,
    pub(super) rows: usize,
    pub(super) columns: usize,
}

impl Product {
    /// y from x and W.
    pub(super) fn forward(c: Conv2d) -> Self {
        let w = c.window;
        Self {
            rows: w.pixels_out(),
            columns: c.outputs as usize,
            depth: w.taps() * c.inputs as usize,
            weights: false,
            grid: w.output,
            image: w.input,
            origin: [-w.top, -w.left],
            channels: c.inputs,
            window: w.kernel[1],
            stride: w.stride,
            dilation: w.dilation as i32,
            apart: 1,
            transposed: false,
            operands: [0, 1],
        }
    }

    /// ∂x from ∂y and W: for pixel x, tap k belongs to pixel (x + top − k·dilation) / stride of ∂y,
    /// if that is a whole number.
    pub(super) fn grad_input(c: Conv2d) -> Self {
        let w = c.window;
        Self {
            rows: w.pixels_in(),
            columns: c.inputs as usize,
            depth: w.taps() * c.outputs as usize,
            grid: w.input,
            image: w.output,
            origin: [w.top, w.left],
            channels: c.outputs,
            stride: 1,
            dilation: -(w.dilation as i32),
            apart: w.stride,
            transposed: true,
            ..Self::forward(c)
        }
    }

    /// ∂W from x and ∂y.
    pub(super) fn grad_weight(c: Conv2d) -> Self {
        let product = Self::forward(c);
        Self {
            rows: product.depth,
            depth: product.rows,
            weights: true,
            ..product
        }
    }

    /// The length of the parts of the depth that are summed separately. It follows from the shape
    /// alone, so that every device adds in the same order. Weights are few and pixels many, so
    /// without such parts a few workgroups would do all the work.
    pub(super) fn chunk(&self) -> usize {
        if !self.weights {
            return self.depth.max(1);
        }
        let tiles = self.rows.div_ceil(TILE) * self.columns.div_ceil(TILE);
        let chunks = (256 / tiles).clamp(1, self.depth.div_ceil(256).max(1));
        self.depth.div_ceil(chunks).next_multiple_of(16)
    }

    pub(super) fn sizes(&self, chunk: usize) -> Vec<u32> {
        let mut sizes = vec![
            self.rows as u32,
            self.columns as u32,
            self.depth as u32,
            chunk as u32,
        ];
        sizes.extend(
            self.grid
                .into_iter()
                .chain(self.image)
                .chain(self.origin.map(|at| at as u32)),
        );
        sizes.extend([
            self.channels,
            self.window,
            self.stride,
            self.dilation as u32,
            self.apart,
        ]);
        let columns = self.columns as u32;
        sizes.push(self.channels * columns);
        sizes.extend(if self.transposed {
            [1, self.channels]
        } else {
            [columns, 1]
        });
        sizes
    }

    /// The kernel for a device. On subgroups of 8 lanes, as CPU implementations of WebGPU have
    /// them, products from registers are several times as fast as from workgroup memory, and vector
    /// loads are faster than scalar loads. All other devices have fast workgroup memory.
    pub(super) fn variant(&self, traits: Traits) -> Variant {
        if traits.lanes != Some(LANES) {
            let columns = self
                .columns
                .div_ceil(self.columns.div_ceil(TILE))
                .next_multiple_of(16);
            let overrides = vec![
                ("WEIGHTS", u32::from(self.weights).into()),
                ("COLUMNS", (columns as u32).into()),
            ];
            return Variant {
                kernel: &PRODUCT,
                overrides,
                rows: TILE,
                columns,
            };
        }
        let columns = if self.columns.next_multiple_of(12) < self.columns.next_multiple_of(16) {
            12
        } else {
            16
        };
        let wide = self.channels.is_multiple_of(4) && self.columns.is_multiple_of(4);
        let (kernel, rows) = match (self.weights, wide) {
            (false, false) => (&PIXELS, 16),
            (false, true) => (&PIXELS_WIDE, 16),
            (true, false) => (&TAPS, 16),
            (true, true) => (&TAPS_WIDE, 32),
        };
        let mut overrides = vec![("COLUMNS", (columns as u32).into())];
        if wide && !self.weights {
            overrides.push(("TRANSPOSED", u32::from(self.transposed).into()));
        }
        Variant {
            kernel,
            overrides,
            rows,
            columns,
        }
    }

    pub(super) fn lower(&self, traits: Traits) -> Lowered {
        let chunk = self.chunk();
        let chunks = self.depth.div_ceil(chunk).max(1);
        let Variant {
            kernel,
            overrides,
            rows,
            columns,
        } = self.variant(traits);
        let mut groups = fold(self.rows.div_ceil(rows) * self.columns.div_ceil(columns));
        groups[2] = chunks as u32;
        let [a, b] = self.operands.map(BufferRef::Operand);
        let c = if chunks > 1 {
            BufferRef::Scratch(0)
        } else {
            BufferRef::Operand(2)
        };
        let mut dispatches = vec![Dispatch {
            kernel,
            overrides,
            places: vec![a, b, c],
            groups,
        }];
        let len = self.rows * self.columns;
        let mut scratch = vec![];
        if chunks > 1 {
            scratch.push(chunks * len);
            let places = vec![BufferRef::Scratch(0), BufferRef::Operand(2)];
            let groups = fold(len.div_ceil(TOTAL_GROUP));
            dispatches.push(Dispatch::new(&REDUCE_PARTIALS, places, groups));
        }
        Lowered {
            sizes: self.sizes(chunk),
            scratch,
            dispatches,
        }
    }
}
