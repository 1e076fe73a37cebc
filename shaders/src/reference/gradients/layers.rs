//! Layers over whole axes.

use super::{STEP, check, dot, first, random};
use crate::catalogue::{Call, GroupNorm, MatMul, Resize, Rows, Scale, Transpose, Transposed};
use crate::reference::run;

#[test]
fn norms_of_samples() {
    for [batch, positions, groups, width] in [[3, 1, 1, 5], [2, 4, 3, 2], [2, 5, 2, 1]] {
        let norm = GroupNorm {
            batch,
            positions,
            groups,
            width,
        };
        let forward = Call::GroupNorm { norm, eps: 1e-3 };
        let (x, dy) = (random(1, norm.len()), random(2, norm.len()));
        let found = run(&forward, &STEP, &[&x], &[]);
        let reads = [&found[0].value[..], &found[1].value, &dy];
        let dx = first(Call::GroupNormGrad(norm), &reads);
        check("group norm", &x, &dx, |x| dot(&dy, &first(forward, &[x])));
    }
}

#[test]
fn factors() {
    for [batch, positions, channels] in [[2, 3, 4], [1, 5, 3], [1, 1, 7]] {
        let s = Scale {
            batch,
            positions,
            channels,
        };
        // ∂x is the same call, with ∂y in the place of x.
        let (x, by, dy) = (random(1, s.len()), random(2, s.len_s()), random(3, s.len()));
        let y = |x: &[f64], by: &[f64]| dot(&dy, &first(Call::Scale(s), &[x, by]));
        let dx = first(Call::Scale(s), &[&dy, &by]);
        check("scale, x", &x, &dx, |x| y(x, &by));
        let ds = first(Call::ScaleGrad(s), &[&x, &dy]);
        check("scale, s", &by, &ds, |by| y(&x, by));
    }
}

#[test]
fn softmax() {
    let rows = Rows {
        rows: 3,
        channels: 4,
    };
    let (x, dy) = (random(1, 12), random(2, 12));
    let y = first(Call::Softmax(rows), &[&x]);
    let dx = first(Call::SoftmaxGrad(rows), &[&y, &dy]);
    check("softmax", &x, &dx, |x| {
        dot(&dy, &first(Call::Softmax(rows), &[x]))
    });
}

#[test]
fn exchanged_axes() {
    let t = Transpose {
        batch: 2,
        rows: 3,
        columns: 4,
        width: 2,
    };
    let (x, dy) = (random(1, t.len()), random(2, t.len()));
    let dx = first(Call::Transpose(t.back()), &[&dy]);
    check("transpose", &x, &dx, |x| {
        dot(&dy, &first(Call::Transpose(t), &[x]))
    });
}

#[test]
fn products_of_two_values() {
    for transposed in [Transposed::Neither, Transposed::Left, Transposed::Right] {
        let m = MatMul {
            batch: 2,
            rows: 3,
            inner: 4,
            columns: 5,
            transposed,
        };
        let (a, b) = (random(1, m.len_a()), random(2, m.len_b()));
        let dy = random(3, m.len_y());
        let y = |a: &[f64], b: &[f64]| dot(&dy, &first(Call::MatMul(m), &[a, b]));
        let ((of_a, left), (of_b, right)) = (m.grad_a(), m.grad_b());
        let factors: [&[f64]; 2] = if left { [&dy, &b] } else { [&b, &dy] };
        let da = first(Call::MatMul(of_a), &factors);
        check("product, a", &a, &da, |a| y(a, &b));
        let factors: [&[f64]; 2] = if right { [&a, &dy] } else { [&dy, &a] };
        let db = first(Call::MatMul(of_b), &factors);
        check("product, b", &b, &db, |b| y(&a, b));
    }
}

#[test]
fn sizes_of_images() {
    for (input, output) in [([3, 4], [6, 5]), ([5, 4], [2, 3])] {
        let r = Resize {
            batch: 2,
            input,
            output,
            channels: 2,
        };
        let (x, dy) = (random(1, r.len_x()), random(2, r.len_y()));
        let dx = first(Call::ResizeGrad(r), &[&dy]);
        check("resize", &x, &dx, |x| {
            dot(&dy, &first(Call::Resize(r), &[x]))
        });
    }
}
