//! The references' gradients against central differences of the references themselves.

use super::run;
use crate::catalogue::{
    BatchNorm, Call, Conv2d, Embedding, FactorizedReduction, Function, Highway, Linear, PerChannel,
    Rows, Step, Window,
};
use crate::random::{Random, RngStream};

const STEP: Step = Step {
    rate: 0.0,
    number: 1,
    seed: 9,
    drop_path: 0.8,
};

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

fn random(seed: u64, len: usize) -> Vec<f64> {
    let mut random = Random::new(seed, RngStream::Test(1));
    (0..len).map(|_| f64::from(random.normal())).collect()
}

/// What a call writes first.
fn first(call: Call, reads: &[&[f64]]) -> Vec<f64> {
    run(&call, &STEP, reads, &[]).swap_remove(0).value
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Compares every element of `gradient` with the central difference of `f`, a function of `x`.
fn check(what: &str, x: &[f64], gradient: &[f64], f: impl Fn(&[f64]) -> f64) {
    assert_eq!(x.len(), gradient.len(), "{what}");
    let mut moved = x.to_vec();
    for i in 0..x.len() {
        let mut at = |shift: f64| {
            moved[i] = x[i] + shift;
            let value = f(&moved);
            moved[i] = x[i];
            value
        };
        let difference = (at(1e-5) - at(-1e-5)) / 2e-5;
        let error = (difference - gradient[i]).abs();
        assert!(
            error < 1e-6 * (1.0 + difference.abs()),
            "{what}: element {i}: {} but {difference}",
            gradient[i]
        );
    }
}

/// A product of x and W: its gradients in both.
fn check_product(what: &str, forward: Call, grad_input: Call, grad_weight: Call) {
    let len: Vec<usize> = forward.roles().iter().map(|role| role.len).collect();
    let (x, w, dy) = (random(1, len[0]), random(2, len[1]), random(3, len[2]));
    check(what, &x, &first(grad_input, &[&dy, &w]), |x| {
        dot(&dy, &first(forward, &[x, &w]))
    });
    check(what, &w, &first(grad_weight, &[&x, &dy]), |w| {
        dot(&dy, &first(forward, &[&x, w]))
    });
}

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
fn linear() {
    for transposed in [false, true] {
        let l = Linear {
            rows: 3,
            inputs: 4,
            outputs: 2,
            transposed,
        };
        check_product(
            "linear",
            Call::Linear(l),
            Call::LinearGradInput(l),
            Call::LinearGradWeight(l),
        );
    }
    let rows = Rows {
        rows: 3,
        channels: 2,
    };
    let (x, b, dy) = (random(1, 6), random(2, 2), random(3, 6));
    check("bias", &b, &first(Call::BiasGrad(rows), &[&dy]), |b| {
        dot(&dy, &first(Call::Bias(rows), &[&x, b]))
    });
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

#[test]
fn activations_and_dropout() {
    let (x, dy, len) = (random(8, 40), random(9, 40), 40);
    let y = first(Call::Relu { len }, &[&x]);
    let dx = first(Call::ReluGrad { len }, &[&y, &dy]);
    check("relu", &x, &dx, |x| {
        dot(&dy, &first(Call::Relu { len }, &[x]))
    });
    let dropout = Call::Dropout {
        len,
        rate: 0.4,
        stream: 3,
        first: 8,
        period: 12,
    };
    check("dropout", &x, &first(dropout, &[&dy]), |x| {
        dot(&dy, &first(dropout, &[x]))
    });
    let drop_path = Call::DropPath {
        samples: 8,
        len: 5,
        depth: 0.5,
        stream: 3,
    };
    check("drop_path", &x, &first(drop_path, &[&dy]), |x| {
        dot(&dy, &first(drop_path, &[x]))
    });
}

#[test]
fn batch_norm_through_its_statistics() {
    let rows = Rows {
        rows: 7,
        channels: 3,
    };
    let (x, dy) = (random(10, 21), random(11, 21));
    let (gamma, beta) = (random(12, 3), random(13, 3));
    for (relu, affine) in [(false, false), (false, true), (true, false), (true, true)] {
        let b = BatchNorm { rows, relu, affine };
        let stats = |x: &[f64]| first(Call::BatchNormStats { rows, eps: 1e-3 }, &[x]);
        let forward = |x: &[f64], gamma: &[f64], beta: &[f64]| {
            let mut reads = vec![x];
            let stats = stats(x);
            reads.push(&stats);
            reads.extend(if affine { vec![gamma, beta] } else { vec![] });
            first(Call::BatchNorm(b), &reads)
        };
        let (y, statistics) = (forward(&x, &gamma, &beta), stats(&x));
        let mut reads: Vec<&[f64]> = vec![&x, &dy, &statistics];
        reads.extend(relu.then_some(&y[..]));
        let sums = run(&Call::BatchNormGradSums(b), &STEP, &reads, &[]);
        let mut reads: Vec<&[f64]> = vec![&x, &dy, &statistics, &sums[0].value, &sums[1].value];
        reads.extend(affine.then_some(&gamma[..]));
        reads.extend(relu.then_some(&y[..]));
        let dx = first(Call::BatchNormGradInput(b), &reads);
        let what = format!("batch norm, relu {relu}, affine {affine}");
        check(&what, &x, &dx, |x| dot(&dy, &forward(x, &gamma, &beta)));
        if affine {
            check(&what, &gamma, &sums[0].value, |gamma| {
                dot(&dy, &forward(&x, gamma, &beta))
            });
            check(&what, &beta, &sums[1].value, |beta| {
                dot(&dy, &forward(&x, &gamma, beta))
            });
        }
    }
}

#[test]
fn cross_entropy() {
    let rows = Rows {
        rows: 4,
        channels: 5,
    };
    let (x, labels) = (random(14, 20), [0.0, 3.0, 4.0, 3.0]);
    for smoothing in [0.0, 0.2] {
        let dx = first(
            Call::CrossEntropyGrad {
                rows,
                smoothing,
                of: 4,
            },
            &[&x, &labels],
        );
        check("cross-entropy", &x, &dx, |x| {
            let losses = first(Call::CrossEntropy { rows, smoothing }, &[x, &labels]);
            losses.iter().sum::<f64>() / 4.0
        });
    }
}

#[test]
fn the_recurrent_cell() {
    let (rows, width, len) = (3, 4, 12);
    let (x, dy) = (random(15, 12), random(16, 12));
    for function in [
        Function::Identity,
        Function::Relu,
        Function::Tanh,
        Function::Sigmoid,
    ] {
        let forward = Call::Activation { function, len };
        let y = first(forward, &[&x]);
        let dx = first(Call::ActivationGrad { function, len }, &[&y, &dy]);
        check("activation", &x, &dx, |x| dot(&dy, &first(forward, &[x])));
        let (h, both) = (
            Highway {
                rows,
                width,
                function,
            },
            random(17, 24),
        );
        let y = |both: &[f64], x: &[f64]| dot(&dy, &first(Call::Highway(h), &[both, x]));
        let gradients = run(&Call::HighwayGrad(h), &STEP, &[&both, &x, &dy], &[]);
        check("highway, both", &both, &gradients[0].value, |both| {
            y(both, &x)
        });
        check("highway, h", &x, &gradients[1].value, |x| y(&both, x));
    }
    let [a, b, g] = [18, 19, 20].map(|seed| random(seed, 12));
    let y = |a: &[f64], b: &[f64], g: &[f64]| dot(&dy, &first(Call::Lerp { len }, &[a, b, g]));
    let gradients = run(&Call::LerpGrad { len }, &STEP, &[&a, &b, &g, &dy], &[]);
    check("lerp, a", &a, &gradients[0].value, |a| y(a, &b, &g));
    check("lerp, b", &b, &gradients[1].value, |b| y(&a, b, &g));
    check("lerp, g", &g, &gradients[2].value, |g| y(&a, &b, g));
}

#[test]
fn embeddings_and_dropped_words() {
    let (e, tokens) = (
        Embedding {
            rows: 4,
            words: 5,
            width: 3,
        },
        [2.0, 0.0, 2.0, 4.0],
    );
    let (w, dy) = (random(21, 15), random(22, 12));
    let dw = first(Call::EmbeddingGrad(e), &[&tokens, &dy]);
    check("embedding", &w, &dw, |w| {
        dot(&dy, &first(Call::Embedding(e), &[&tokens, w]))
    });
    let call = Call::WordDropout {
        rows: Rows {
            rows: 4,
            channels: 3,
        },
        rate: 0.4,
        stream: 3,
    };
    let x = random(23, 12);
    check("words", &x, &first(call, &[&dy, &tokens]), |x| {
        dot(&dy, &first(call, &[x, &tokens]))
    });
}
