//! Ops that slide a window over an image.

use super::{STEP, check, check_product, dot, first, random};
use crate::catalogue::{Call, Conv2d, FactorizedReduction, PerChannel, Window};
use crate::reference::run;

const WINDOWS: [Window; 5] = [
    Window {
        batch: 2,
        input: [4, 3],
        output: [4, 3],
        kernel: [3, 3],
        stride: 1,
        dilation: 1,
        top: 1,
        left: 1,
    },
    Window {
        batch: 1,
        input: [5, 6],
        output: [3, 3],
        kernel: [3, 3],
        stride: 2,
        dilation: 1,
        top: 1,
        left: 0,
    },
    Window {
        batch: 1,
        input: [6, 5],
        output: [2, 1],
        kernel: [3, 3],
        stride: 1,
        dilation: 2,
        top: 0,
        left: 0,
    },
    Window {
        batch: 2,
        input: [5, 4],
        output: [3, 2],
        kernel: [1, 1],
        stride: 2,
        dilation: 1,
        top: -1,
        left: -1,
    },
    Window {
        batch: 1,
        input: [3, 3],
        output: [3, 2],
        kernel: [5, 2],
        stride: 1,
        dilation: 1,
        top: 2,
        left: 0,
    },
];

#[test]
fn factorised_reductions() {
    for input in [[4, 6], [5, 3], [1, 1]] {
        let output = input.map(|n: u32| n.div_ceil(2));
        let window = Window {
            batch: 2,
            input,
            output,
            kernel: [1, 1],
            stride: 2,
            dilation: 1,
            top: 0,
            left: 0,
        };
        let first_half = Conv2d {
            window,
            inputs: 3,
            outputs: 2,
        };
        let second = Conv2d {
            window: Window {
                top: -1,
                left: -1,
                ..window
            },
            ..first_half
        };
        let r = FactorizedReduction::of(first_half, second).unwrap();
        let (x, dy) = (random(1, first_half.len_x()), random(2, r.len_y()));
        let [wa, wb] = [3, 4].map(|seed| random(seed, 6));
        let y = |x: &[f64], wa: &[f64], wb: &[f64]| {
            dot(&dy, &first(Call::FactorizedReduction(r), &[x, wa, wb]))
        };
        let dx = first(Call::FactorizedReductionGradInput(r), &[&dy, &wa, &wb]);
        check("reduction, x", &x, &dx, |x| y(x, &wa, &wb));
        let dw = run(
            &Call::FactorizedReductionGradWeight(r),
            &STEP,
            &[&x, &dy],
            &[],
        );
        check("reduction, wa", &wa, &dw[0].value, |wa| y(&x, wa, &wb));
        check("reduction, wb", &wb, &dw[1].value, |wb| y(&x, &wa, wb));
    }
}

#[test]
fn convolutions() {
    for (i, window) in WINDOWS.into_iter().enumerate() {
        let c = Conv2d {
            window,
            inputs: 2,
            outputs: 3,
        };
        check_product(
            &format!("{i}"),
            Call::Conv2d(c),
            Call::Conv2dGradInput(c),
            Call::Conv2dGradWeight(c),
        );
        let c = PerChannel {
            window,
            channels: 2,
        };
        let calls = (
            Call::Depthwise(c),
            Call::DepthwiseGradInput(c),
            Call::DepthwiseGradWeight(c),
        );
        check_product(&format!("depthwise {i}"), calls.0, calls.1, calls.2);
    }
}

#[test]
fn pools() {
    for (i, window) in WINDOWS.into_iter().enumerate() {
        let c = PerChannel {
            window,
            channels: 2,
        };
        let (x, dy) = (random(4, c.len_x()), random(5, c.len_y()));
        let dx = first(Call::AveragePoolGrad(c), &[&dy]);
        check(&format!("average {i}"), &x, &dx, |x| {
            dot(&dy, &first(Call::AveragePool(c), &[x]))
        });
        let tap = run(&Call::MaxPool(c), &STEP, &[&x], &[])
            .swap_remove(1)
            .value;
        let dx = first(Call::MaxPoolGrad(c), &[&dy, &tap]);
        check(&format!("max {i}"), &x, &dx, |x| {
            dot(&dy, &first(Call::MaxPool(c), &[x]))
        });
    }
    let (batch, positions, channels) = (2, 5, 3);
    let (x, dy) = (random(6, 30), random(7, 6));
    let dx = first(
        Call::GlobalAveragePoolGrad {
            batch,
            positions,
            channels,
        },
        &[&dy],
    );
    let forward = Call::GlobalAveragePool {
        batch,
        positions,
        channels,
    };
    check("global average", &x, &dx, |x| {
        dot(&dy, &first(forward, &[x]))
    });
}
