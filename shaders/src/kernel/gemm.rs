//! Dense convolutions and linear layers: each is a product of two matrices, as `wgsl/gemm.wgsl`
//! explains.

use super::{Buffer, BufferRef, Constant, Dispatch, Kernel, Lowered, Traits, fold, read, write};
use crate::catalogue::{Conv2d, Linear, Window};

const fn tiles(entry: &'static str, buffers: &'static [Buffer]) -> Kernel {
    let source = include_str!("../../wgsl/gemm.wgsl");
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
    let source = include_str!("../../wgsl/gemm_subgroup8.wgsl");
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

/// Lanes of the subgroups that `gemm_subgroup8` is written for.
const LANES: u32 = 8;
/// Rows and most columns of a tile in workgroup memory.
const TILE: usize = 64;
/// Invocations of a workgroup that adds partial sums.
const TOTAL_GROUP: usize = 64;

/// c = a·b: the module's `Sizes`, but for the chunk.
#[derive(Clone, Copy, Debug)]
struct Product {
    rows: usize,
    columns: usize,
    depth: usize,
    /// Whether rows are taps and the depth is pixels.
    weights: bool,
    /// Height and width of the pixels.
    grid: [u32; 2],
    /// Height and width of the images in a.
    image: [u32; 2],
    /// Where the first tap of the first pixel lies.
    origin: [i32; 2],
    /// Of a.
    channels: u32,
    /// Width of the window.
    window: u32,
    stride: u32,
    dilation: i32,
    apart: u32,
    /// Whether the channels of b are neighbours in memory, and not its columns.
    transposed: bool,
    /// The operands that are a and b; c is the last.
    operands: [usize; 2],
}

/// A kernel for a product, with the rows and columns that a workgroup computes.
struct Variant {
    kernel: &'static Kernel,
    overrides: Vec<(&'static str, Constant)>,
    rows: usize,
    columns: usize,
}

impl Product {
    /// y from x and W.
    fn forward(c: Conv2d) -> Self {
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

    /// ∂x from ∂y and W: pixel x meets tap k of pixel (x + top − k·dilation) / stride of ∂y, if
    /// that is a whole number.
    fn grad_input(c: Conv2d) -> Self {
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
    fn grad_weight(c: Conv2d) -> Self {
        let product = Self::forward(c);
        Self {
            rows: product.depth,
            depth: product.rows,
            weights: true,
            ..product
        }
    }

    /// Parts of the depth that are summed by themselves: it follows from the shape alone, so that
    /// every device adds in the same order. Weights are few and pixels many, so that without it few
    /// workgroups would have all the work.
    fn chunk(&self) -> usize {
        if !self.weights {
            return self.depth.max(1);
        }
        let tiles = self.rows.div_ceil(TILE) * self.columns.div_ceil(TILE);
        let chunks = (256 / tiles).clamp(1, self.depth.div_ceil(256).max(1));
        self.depth.div_ceil(chunks).next_multiple_of(16)
    }

    fn sizes(&self, chunk: usize) -> Vec<u32> {
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

    /// Which kernel: on subgroups of 8 lanes, which programs on the processor have, products from
    /// registers are several times as fast as from workgroup memory, and loads of vectors faster
    /// than those of numbers. All others have fast workgroup memory.
    fn variant(&self, traits: Traits) -> Variant {
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

    fn lower(&self, traits: Traits) -> Lowered {
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

pub(super) fn conv2d(c: Conv2d, traits: Traits) -> Lowered {
    Product::forward(c).lower(traits)
}

pub(super) fn conv2d_grad_input(c: Conv2d, traits: Traits) -> Lowered {
    Product::grad_input(c).lower(traits)
}

pub(super) fn conv2d_grad_weight(c: Conv2d, traits: Traits) -> Lowered {
    Product::grad_weight(c).lower(traits)
}

/// A convolution with a window of one pixel.
fn pointwise(rows: u32, inputs: u32, outputs: u32) -> Conv2d {
    let line = [1, rows];
    let window = Window {
        batch: 1,
        input: line,
        output: line,
        kernel: [1, 1],
        stride: 1,
        dilation: 1,
        top: 0,
        left: 0,
    };
    Conv2d {
        window,
        inputs,
        outputs,
    }
}

pub(super) fn linear(l: Linear, traits: Traits) -> Lowered {
    if l.transposed {
        return Product::grad_input(pointwise(l.rows, l.outputs, l.inputs)).lower(traits);
    }
    Product::forward(pointwise(l.rows, l.inputs, l.outputs)).lower(traits)
}

pub(super) fn linear_grad_input(l: Linear, traits: Traits) -> Lowered {
    if l.transposed {
        return Product::forward(pointwise(l.rows, l.outputs, l.inputs)).lower(traits);
    }
    Product::grad_input(pointwise(l.rows, l.inputs, l.outputs)).lower(traits)
}

pub(super) fn linear_grad_weight(l: Linear, traits: Traits) -> Lowered {
    if l.transposed {
        let product = Product::grad_weight(pointwise(l.rows, l.outputs, l.inputs));
        return Product {
            operands: [1, 0],
            ..product
        }
        .lower(traits);
    }
    Product::grad_weight(pointwise(l.rows, l.inputs, l.outputs)).lower(traits)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGE: Conv2d = Conv2d {
        window: Window {
            batch: 64,
            input: [32, 32],
            output: [32, 32],
            kernel: [3, 3],
            stride: 1,
            dilation: 1,
            top: 1,
            left: 1,
        },
        inputs: 36,
        outputs: 36,
    };

    #[test]
    fn sums_are_split_the_same_way_on_every_gpu() {
        let [tiles, lanes] =
            [None, Some(LANES)].map(|lanes| conv2d_grad_weight(LARGE, Traits { lanes }));
        assert_eq!(
            (&tiles.sizes, &tiles.scratch),
            (&lanes.sizes, &lanes.scratch)
        );
        assert_eq!(tiles.dispatches.len(), 2);
        let small = Conv2d {
            window: Window {
                batch: 1,
                input: [8, 8],
                output: [8, 8],
                ..LARGE.window
            },
            ..LARGE
        };
        let lowered = conv2d_grad_weight(small, Traits::default());
        assert_eq!((lowered.dispatches.len(), lowered.scratch.len()), (1, 0));
    }

    #[test]
    fn every_tile_has_a_workgroup() {
        let images = LARGE.window.batch * 1100;
        let c = Conv2d {
            window: Window {
                batch: images,
                ..LARGE.window
            },
            ..LARGE
        };
        for (lanes, tiles) in [(None, images * 16), (Some(LANES), images * 64 * 3)] {
            let lowered = conv2d(c, Traits { lanes });
            let [x, y, z] = lowered.dispatches[0].groups;
            assert!(
                x <= 65_535 && y <= 65_535 && x * y >= tiles && z == 1,
                "{x} {y} {z}"
            );
        }
    }

    #[test]
    fn tiles_waste_few_columns() {
        let columns = |outputs, lanes| {
            let product = Product::forward(Conv2d { outputs, ..LARGE });
            product.variant(Traits { lanes }).columns
        };
        assert_eq!(
            [10, 16, 20, 36, 64, 96, 130].map(|n| columns(n, None)),
            [16, 16, 32, 48, 64, 48, 48]
        );
        assert_eq!(
            [10, 16, 20, 36, 64, 96, 130].map(|n| columns(n, Some(LANES))),
            [12, 16, 12, 12, 16, 16, 12]
        );
    }

    #[test]
    fn a_transposed_layer_is_the_gradient_of_the_other() {
        let l = Linear {
            rows: 7,
            inputs: 600,
            outputs: 24,
            transposed: true,
        };
        let back = Linear {
            inputs: l.outputs,
            outputs: l.inputs,
            transposed: false,
            ..l
        };
        let traits = Traits::default();
        assert_eq!(
            linear(l, traits).sizes,
            linear_grad_input(back, traits).sizes
        );
        assert_eq!(
            linear_grad_input(l, traits).sizes,
            linear(back, traits).sizes
        );
        let gradient = linear_grad_weight(l, traits);
        assert_eq!(gradient.sizes, linear_grad_weight(back, traits).sizes);
        assert_eq!(
            gradient.dispatches[0].places[..2],
            [BufferRef::Operand(1), BufferRef::Operand(0)]
        );
    }
}
