//! The gradients of the references, compared with central differences of the references.

mod layers;
mod sequence;
mod windows;

use super::run;
use crate::cases::cases;
use crate::catalogue::{BatchNorm, Call, CallPhase, Linear, Rows, Step, WeightedSum};
use crate::random::{Random, RngStream};

const STEP: Step = Step {
    rate: 0.0,
    number: 1,
    update: 1,
    seed: 9,
    drop_path: 0.8,
};

fn random(seed: u64, len: usize) -> Vec<f64> {
    let mut random = Random::new(seed, RngStream::Test(1));
    (0..len).map(|_| f64::from(random.normal())).collect()
}

/// The first operand that a call writes.
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

/// A product of x and W: its gradients with respect to both.
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
fn weighted_sums() {
    for continues in [false, true] {
        let sum = WeightedSum {
            rows: 2,
            len: 3,
            inputs: 2,
            continues,
        };
        let (w, dy) = (random(1, sum.len_w()), random(2, 6));
        let [a, b, earlier] = [3, 4, 5].map(|seed| random(seed, 6));
        let y = |w: &[f64], a: &[f64], b: &[f64]| {
            let mut reads = vec![w, a, b];
            if continues {
                reads.insert(1, &earlier);
            }
            dot(&dy, &first(Call::WeightedSum(sum), &reads))
        };
        let dx = [0, 1].map(|input| first(Call::WeightedSumGradInput { sum, input }, &[&w, &dy]));
        check("weighted sum, first", &a, &dx[0], |a| y(&w, a, &b));
        check("weighted sum, second", &b, &dx[1], |b| y(&w, &a, b));
        if !continues {
            let dw = first(Call::WeightedSumGradWeights(sum), &[&dy, &a, &b]);
            check("weighted sum, weights", &w, &dw, |w| y(w, &a, &b));
        }
    }
}

#[test]
fn every_gradient_is_held_against_differences() {
    let tests = [
        include_str!("gradients.rs"),
        include_str!("gradients/layers.rs"),
        include_str!("gradients/sequence.rs"),
        include_str!("gradients/windows.rs"),
    ]
    .concat();
    let backward = |call: &Call| call.phase() == CallPhase::Backward;
    let all = cases();
    let missing: std::collections::BTreeSet<_> = all
        .iter()
        .filter(|case| backward(&case.call))
        .map(|case| case.call.kind())
        .filter(|kind| {
            !["(", " "]
                .iter()
                .any(|end| tests.contains(&format!("Call::{kind}{end}")))
        })
        .collect();
    assert!(missing.is_empty(), "no finite differences for {missing:?}");
}
