//! Dense convolutions and linear layers: each is a product of two matrices, as explained in
//! `wgsl/gemm.wgsl`.

mod product;

use self::product::Product;
use super::{Lowered, Traits};
use crate::catalogue::{Conv2d, Linear, Window};

pub(super) fn conv2d(c: Conv2d, traits: Traits) -> Lowered {
    Product::forward(c).lower(traits)
}

pub(super) fn conv2d_grad_input(c: Conv2d, traits: Traits) -> Lowered {
    Product::grad_input(c).lower(traits)
}

pub(super) fn conv2d_grad_weight(c: Conv2d, traits: Traits) -> Lowered {
    Product::grad_weight(c).lower(traits)
}

/// A convolution with a 1x1 window.
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
    use super::product::{LANES, Product};
    use super::*;
    use crate::kernel::BufferRef;

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
