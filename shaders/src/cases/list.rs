//! The calls and shapes of the test cases.

use super::{Case, Spread};
use crate::catalogue::{
    BatchNorm, Call, Conv2d, Embedding, FactorizedReduction, Function, Highway, Linear,
    MOST_INPUTS, MOST_WEIGHTED, PerChannel, Rows, Step, Update, WeightedSum, Window,
};

/// All cases: every kind of call occurs, most in several shapes.
pub fn cases() -> Vec<Case> {
    let mut calls = vec![];
    windowed(&mut calls);
    reductions(&mut calls);
    matrices(&mut calls);
    elementwise(&mut calls);
    weighted(&mut calls);
    recurrent(&mut calls);
    super::layers::layers(&mut calls);
    losses(&mut calls);
    updates(&mut calls);
    let seed = |i: usize| 0x0123_4567_89ab_cdef ^ i as u64;
    let step = |i: usize| Step {
        rate: 0.05,
        number: 1 + i as u32 % 5,
        update: 1 + i as u32 % 5,
        seed: seed(i),
        drop_path: 0.4,
    };
    let case = |(i, (call, spread)): (usize, (Call, Spread))| Case {
        call,
        step: step(i),
        spread,
        seed: i as u64,
    };
    calls.into_iter().enumerate().map(case).collect()
}

pub(super) type Calls = Vec<(Call, Spread)>;

const fn window(
    batch: u32,
    input: [u32; 2],
    kernel: [u32; 2],
    stride: u32,
    dilation: u32,
    pads: [i32; 4],
) -> Window {
    const fn output(
        input: u32,
        kernel: u32,
        stride: u32,
        dilation: u32,
        before: i32,
        after: i32,
    ) -> u32 {
        let reach = ((kernel - 1) * dilation + 1) as i32;
        ((input as i32 + before + after - reach) / stride as i32 + 1) as u32
    }
    let [top, left, bottom, right] = pads;
    let height = output(input[0], kernel[0], stride, dilation, top, bottom);
    let width = output(input[1], kernel[1], stride, dilation, left, right);
    Window {
        batch,
        input,
        output: [height, width],
        kernel,
        stride,
        dilation,
        top,
        left,
    }
}

/// Windows that together cover every kind of edge. The last ones exceed a tile of every kernel.
const WINDOWS: [Window; 18] = [
    window(2, [7, 5], [1, 1], 1, 1, [0, 0, 0, 0]),
    window(3, [8, 8], [3, 3], 1, 1, [1, 1, 1, 1]),
    window(1, [7, 9], [5, 5], 1, 1, [2, 2, 2, 2]),
    // The kernel is larger than the image.
    window(2, [1, 1], [3, 3], 1, 1, [1, 1, 1, 1]),
    window(1, [2, 3], [5, 5], 1, 1, [2, 2, 2, 2]),
    // Both halves of a factorised reduction, for even and odd sizes.
    window(3, [7, 7], [1, 1], 2, 1, [0, 0, 0, 0]),
    window(3, [7, 7], [1, 1], 2, 1, [-1, -1, 1, 1]),
    window(2, [8, 6], [1, 1], 2, 1, [-1, -1, 1, 1]),
    // Stride 2 with all padding after the image, as in TensorFlow, and with padding on all sides.
    window(2, [8, 6], [3, 3], 2, 1, [0, 0, 1, 1]),
    window(2, [9, 7], [3, 3], 2, 1, [1, 1, 1, 1]),
    window(2, [8, 8], [2, 2], 2, 1, [0, 0, 0, 0]),
    window(2, [9, 8], [3, 3], 1, 2, [2, 2, 2, 2]),
    window(2, [11, 10], [5, 3], 2, 2, [4, 2, 4, 2]),
    window(1, [10, 11], [3, 3], 3, 1, [1, 0, 0, 2]),
    // Cropping, and windows that lie completely outside.
    window(2, [9, 8], [3, 3], 1, 1, [-1, -2, -1, 0]),
    window(1, [5, 4], [3, 3], 1, 1, [3, 4, 3, 3]),
    window(33, [8, 8], [3, 3], 1, 1, [1, 1, 1, 1]),
    window(3, [33, 31], [5, 5], 1, 1, [2, 2, 2, 2]),
];

/// (inputs, outputs) that leave remainders of every kind after tiles of 4, 8 and 16, and some that
/// leave none.
const CHANNELS: [(u32, u32); 10] = [
    (1, 1),
    (3, 16),
    (16, 10),
    (5, 7),
    (36, 18),
    (17, 36),
    (8, 41),
    (4, 12),
    (36, 20),
    (16, 48),
];

fn windowed(calls: &mut Calls) {
    for (i, window) in WINDOWS.into_iter().enumerate() {
        // Three of the channel counts for each window, so that most combinations of edge cases
        // occur.
        for (inputs, outputs) in (0..3).map(|j| CHANNELS[(i * 3 + j) % CHANNELS.len()]) {
            let c = Conv2d {
                window,
                inputs,
                outputs,
            };
            let p = PerChannel {
                window,
                channels: inputs,
            };
            calls.extend([
                (Call::Conv2d(c), Spread::Normal),
                (Call::Conv2dGradInput(c), Spread::Normal),
                (Call::Conv2dGradWeight(c), Spread::Normal),
                (Call::Depthwise(p), Spread::Normal),
                (Call::DepthwiseGradInput(p), Spread::Normal),
                (Call::DepthwiseGradWeight(p), Spread::Normal),
                (Call::AveragePool(p), Spread::Far),
                (Call::AveragePoolGrad(p), Spread::Normal),
                (Call::MaxPool(p), Spread::Normal),
                (Call::MaxPool(p), Spread::Coarse),
                (Call::MaxPoolGrad(p), Spread::Normal),
            ]);
        }
    }
}

/// Halves of factorised reductions for even and odd sizes, including images of one pixel; other
/// strides, shifts and numbers of channels; halves that lie outside.
fn reductions(calls: &mut Calls) {
    let images = [
        (2, [8, 6]),
        (3, [7, 7]),
        (1, [1, 1]),
        (1, [2, 3]),
        (33, [8, 8]),
        (2, [32, 33]),
    ];
    let usual = images
        .into_iter()
        .enumerate()
        .flat_map(|(i, (batch, input))| {
            let halves =
                [[0, 0, 0, 0], [-1, -1, 1, 1]].map(|pads| window(batch, input, [1, 1], 2, 1, pads));
            (0..3).map(move |j| (halves, CHANNELS[(i * 3 + j) % CHANNELS.len()]))
        });
    let odd = |input, output, stride, first: [i32; 2], second: [i32; 2]| {
        let kernel = [1, 1];
        [first, second].map(|[top, left]| Window {
            batch: 2,
            input,
            output,
            kernel,
            stride,
            dilation: 1,
            top,
            left,
        })
    };
    let unusual = [
        (odd([10, 13], [5, 6], 3, [1, 0], [-2, 4]), (5, 7)),
        (odd([7, 6], [2, 2], 2, [0, 0], [0, -1]), (70, 130)),
        (odd([9, 8], [3, 2], 2, [-3, -20], [-12, -4]), (7, 3)),
    ];
    for (halves, (inputs, outputs)) in usual.chain(unusual) {
        let [first, second] = halves.map(|window| Conv2d {
            window,
            inputs,
            outputs,
        });
        calls.extend(
            FactorizedReduction::of(first, second)
                .into_iter()
                .flat_map(|r| {
                    let calls = [
                        Call::FactorizedReduction(r),
                        Call::FactorizedReductionGradInput(r),
                        Call::FactorizedReductionGradWeight(r),
                    ];
                    calls.map(|call| (call, Spread::Normal))
                }),
        );
    }
}

fn matrices(calls: &mut Calls) {
    for (rows, inputs, outputs) in [
        (1, 1, 1),
        (3, 5, 7),
        (64, 36, 10),
        (130, 17, 33),
        (7, 600, 24),
        (513, 64, 129),
    ] {
        for transposed in [false, true] {
            let l = Linear {
                rows,
                inputs,
                outputs,
                transposed,
            };
            let calls_of = [
                Call::Linear(l),
                Call::LinearGradInput(l),
                Call::LinearGradWeight(l),
            ];
            calls.extend(calls_of.map(|call| (call, Spread::Normal)));
        }
    }
    for (rows, channels) in [
        (1, 1),
        (1, 5),
        (2, 3),
        (67, 16),
        (1000, 1),
        (4097, 36),
        (129, 130),
    ] {
        let rows = Rows { rows, channels };
        for spread in [Spread::Normal, Spread::Far] {
            calls.extend([(Call::Bias(rows), spread), (Call::BiasGrad(rows), spread)]);
            calls.push((Call::BatchNormStats { rows, eps: 1e-5 }, spread));
            for (relu, affine) in [(false, false), (false, true), (true, false), (true, true)] {
                let b = BatchNorm { rows, relu, affine };
                let calls_of = [
                    Call::BatchNorm(b),
                    Call::BatchNormGradSums(b),
                    Call::BatchNormGradInput(b),
                ];
                calls.extend(calls_of.map(|call| (call, spread)));
            }
        }
    }
}

fn elementwise(calls: &mut Calls) {
    for len in [1, 3, 64, 1029, 70_001] {
        calls.extend([
            (Call::Relu { len }, Spread::Coarse),
            (Call::ReluGrad { len }, Spread::Normal),
            (Call::Fill { len, value: -0.375 }, Spread::Normal),
            (
                Call::Dropout {
                    len,
                    rate: 0.1,
                    stream: len,
                    first: 0,
                    period: len,
                },
                Spread::Normal,
            ),
            (
                Call::Dropout {
                    len,
                    rate: 0.0,
                    stream: 0,
                    first: 0,
                    period: len,
                },
                Spread::Normal,
            ),
            (
                Call::Dropout {
                    len,
                    rate: 0.4,
                    stream: 7,
                    first: 0,
                    period: 4 * len.div_ceil(10),
                },
                Spread::Normal,
            ),
            (
                Call::Dropout {
                    len,
                    rate: 0.4,
                    stream: 7,
                    first: 128,
                    period: 1028,
                },
                Spread::Normal,
            ),
        ]);
        for inputs in 1..=MOST_INPUTS as u32 {
            calls.push((
                Call::Sum {
                    len,
                    inputs,
                    scale: if inputs == 2 { 1.0 } else { 0.3 },
                },
                Spread::Normal,
            ));
        }
    }
    for (samples, len, depth) in [
        (1, 1, 1.0),
        (3, 5, 0.25),
        (70, 1029, 0.5),
        (9, 1024, 1.0),
        (200, 64, 0.125),
    ] {
        calls.push((
            Call::DropPath {
                samples,
                len,
                depth,
                stream: len,
            },
            Spread::Normal,
        ));
    }
    for (rows, widths) in [
        (1, [1, 0, 0, 0, 0, 0, 0]),
        (5, [3, 1, 0, 0, 0, 0, 0]),
        (9, [3, 1, 4, 0, 0, 0, 0]),
        (70, [4, 4, 4, 4, 0, 0, 0]),
        (33, [20, 20, 20, 20, 20, 0, 0]),
        (12, [1, 8, 2, 16, 3, 5, 0]),
        (700, [18, 18, 0, 0, 0, 0, 0]),
        (33, [1, 2, 3, 4, 5, 6, 7]),
    ] {
        calls.push((Call::Concat { rows, widths }, Spread::Normal));
    }
    for (rows, channels, start, len) in [
        (1, 1, 0, 1),
        (5, 4, 1, 3),
        (700, 36, 18, 18),
        (33, 100, 7, 1),
    ] {
        calls.push((
            Call::Slice {
                rows: Rows { rows, channels },
                start,
                len,
            },
            Spread::Normal,
        ));
    }
    for (batch, positions, channels) in [(1, 1, 1), (3, 49, 5), (64, 64, 36), (2, 1024, 16)] {
        calls.push((
            Call::GlobalAveragePool {
                batch,
                positions,
                channels,
            },
            Spread::Far,
        ));
        calls.push((
            Call::GlobalAveragePoolGrad {
                batch,
                positions,
                channels,
            },
            Spread::Normal,
        ));
    }
}

/// Sums with weights: one slice and several, ends of slices inside the chunks of every kernel, as
/// many inputs as fit.
fn weighted(calls: &mut Calls) {
    for (rows, len) in [(1, 1), (3, 5), (1, 1029), (4, 64), (5, 70_001), (40, 1030)] {
        for (inputs, continues) in (1..=MOST_WEIGHTED as u32)
            .map(|inputs| (inputs, false))
            .chain((1..MOST_WEIGHTED as u32).map(|inputs| (inputs, true)))
        {
            let sum = WeightedSum {
                rows,
                len,
                inputs,
                continues,
            };
            calls.push((Call::WeightedSum(sum), Spread::Normal));
            let input = (rows + inputs) % inputs;
            calls.push((Call::WeightedSumGradInput { sum, input }, Spread::Normal));
            if !continues {
                calls.push((Call::WeightedSumGradWeights(sum), Spread::Normal));
                calls.push((Call::WeightedSumGradWeights(sum), Spread::Far));
            }
        }
    }
}

/// Activations, and the calls of the recurrent cell: odd widths, one row, more rows than words and vice versa,
/// values that saturate every function.
fn recurrent(calls: &mut Calls) {
    let functions = Function::ALL;
    for spread in [Spread::Normal, Spread::Coarse, Spread::Far] {
        for len in [1, 67, 5000] {
            calls.extend(functions.map(|function| (Call::Activation { function, len }, spread)));
            calls
                .extend(functions.map(|function| (Call::ActivationGrad { function, len }, spread)));
            calls.extend([
                (Call::Lerp { len }, spread),
                (Call::LerpGrad { len }, spread),
            ]);
        }
        for (rows, width) in [(1, 1), (3, 8), (64, 200), (130, 33)] {
            for function in functions {
                let h = Highway {
                    rows,
                    width,
                    function,
                };
                calls.extend([(Call::Highway(h), spread), (Call::HighwayGrad(h), spread)]);
            }
        }
    }
    for (rows, words, width) in [
        (1, 1, 1),
        (5, 65, 8),
        (300, 7, 33),
        (700, 1000, 40),
        (128, 3, 200),
    ] {
        let e = Embedding { rows, words, width };
        calls.extend([
            (Call::Embedding(e), Spread::Normal),
            (Call::EmbeddingGrad(e), Spread::Normal),
        ]);
        let rows = Rows {
            rows,
            channels: width,
        };
        for rate in [0.0, 0.4] {
            calls.push((
                Call::WordDropout {
                    rows,
                    rate,
                    stream: 9,
                },
                Spread::Normal,
            ));
        }
    }
}

fn losses(calls: &mut Calls) {
    for (rows, channels) in [(1, 1), (1, 2), (64, 10), (130, 1000), (9, 37)] {
        let rows = Rows { rows, channels };
        for spread in [Spread::Normal, Spread::Far, Spread::Coarse] {
            calls.push((Call::Accuracy(rows), spread));
            for smoothing in [0.0, 0.1] {
                calls.push((Call::CrossEntropy { rows, smoothing }, spread));
                calls.push((
                    Call::CrossEntropyGrad {
                        rows,
                        smoothing,
                        of: rows.rows,
                    },
                    spread,
                ));
                calls.push((
                    Call::CrossEntropyGrad {
                        rows,
                        smoothing,
                        of: 3 * rows.rows + 1,
                    },
                    spread,
                ));
            }
        }
    }
}

fn updates(calls: &mut Calls) {
    for len in [1, 64, 100, 4096, 50_000] {
        calls.push((Call::NormPartials { len }, Spread::Normal));
        calls.push((
            Call::ClipFactor {
                partials: len,
                limit: 0.25,
            },
            Spread::Normal,
        ));
        calls.push((
            Call::ClipFactor {
                partials: len,
                limit: 1e6,
            },
            Spread::Normal,
        ));
        for first in [true, false] {
            calls.push((Call::Accumulate { len, first }, Spread::Normal));
        }
        for (l2, everywhere) in [(0.0, false), (1e-2, false), (1e-2, true)] {
            let update = Update {
                len,
                l2,
                everywhere,
            };
            for nesterov in [false, true] {
                calls.push((
                    Call::Sgd {
                        update,
                        momentum: 0.9,
                        nesterov,
                    },
                    Spread::Normal,
                ));
            }
            calls.push((
                Call::Adam {
                    update,
                    beta1: 0.9,
                    beta2: 0.999,
                    eps: 1e-3,
                },
                Spread::Normal,
            ));
        }
    }
}
