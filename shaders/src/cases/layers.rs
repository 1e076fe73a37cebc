//! The cases of layers over whole axes.

use super::Spread;
use super::list::Calls;
use crate::catalogue::{Call, GroupNorm, MatMul, Resize, Rows, Scale, Transpose, Transposed};

pub(super) fn layers(calls: &mut Calls) {
    norms(calls);
    scales(calls);
    softmaxes(calls);
    transposes(calls);
    products(calls);
    resizes(calls);
}

/// One element, layer norm of narrow and wide rows, groups of one and of several channels, more
/// groups than positions.
fn norms(calls: &mut Calls) {
    for [batch, positions, groups, width] in [
        [1, 1, 1, 1],
        [3, 1, 1, 5],
        [129, 1, 1, 64],
        [7, 1, 1, 1000],
        [2, 49, 3, 1],
        [3, 64, 4, 8],
        [5, 9, 8, 3],
        [2, 1089, 1, 33],
    ] {
        let norm = GroupNorm {
            batch,
            positions,
            groups,
            width,
        };
        for spread in [Spread::Normal, Spread::Far, Spread::Coarse] {
            calls.push((Call::GroupNorm { norm, eps: 1e-5 }, spread));
        }
        calls.push((Call::GroupNormGrad(norm), Spread::Normal));
    }
}

/// A gate per sample, a parameter of all samples, a product of two values.
fn scales(calls: &mut Calls) {
    for [batch, positions, channels] in [
        [1, 1, 1],
        [3, 49, 5],
        [64, 64, 36],
        [2, 1025, 16],
        [1, 4097, 36],
        [1, 3, 300],
        [1, 1, 70_001],
        [9, 1, 130],
    ] {
        let scale = Scale {
            batch,
            positions,
            channels,
        };
        for spread in [Spread::Normal, Spread::Far] {
            calls.extend([
                (Call::Scale(scale), spread),
                (Call::ScaleGrad(scale), spread),
            ]);
        }
    }
}

fn softmaxes(calls: &mut Calls) {
    for (rows, channels) in [(1, 1), (1, 2), (64, 10), (130, 1000), (9, 37), (700, 49)] {
        let rows = Rows { rows, channels };
        for spread in [Spread::Normal, Spread::Far, Spread::Coarse] {
            calls.push((Call::Softmax(rows), spread));
        }
        calls.push((Call::SoftmaxGrad(rows), Spread::Normal));
    }
}

fn transposes(calls: &mut Calls) {
    for [batch, rows, columns, width] in [
        [1, 1, 1, 1],
        [1, 5, 3, 1],
        [3, 49, 36, 1],
        [2, 4, 64, 9],
        [64, 16, 65, 1],
        [5, 1, 7, 2],
        [1, 300, 200, 3],
    ] {
        let transpose = Transpose {
            batch,
            rows,
            columns,
            width,
        };
        calls.push((Call::Transpose(transpose), Spread::Normal));
    }
}

/// Sizes below, at and beyond the tiles of a kernel; many small products and one larger one.
fn products(calls: &mut Calls) {
    for [batch, rows, inner, columns] in [
        [1, 1, 1, 1],
        [3, 5, 7, 2],
        [64, 16, 16, 16],
        [6, 49, 9, 49],
        [2, 33, 130, 17],
        [1, 200, 64, 150],
        [40, 1, 20, 3],
    ] {
        for transposed in [Transposed::Neither, Transposed::Left, Transposed::Right] {
            let product = MatMul {
                batch,
                rows,
                inner,
                columns,
                transposed,
            };
            calls.push((Call::MatMul(product), Spread::Normal));
        }
    }
}

/// Larger, smaller and equal sizes, from and to a single pixel.
fn resizes(calls: &mut Calls) {
    for (batch, input, output, channels) in [
        (1, [1, 1], [1, 1], 1),
        (2, [1, 1], [5, 3], 3),
        (2, [7, 5], [1, 1], 3),
        (3, [4, 4], [8, 8], 16),
        (2, [8, 6], [4, 3], 5),
        (1, [7, 9], [16, 5], 2),
        (2, [5, 5], [5, 5], 4),
        (1, [3, 40], [33, 7], 1),
    ] {
        let resize = Resize {
            batch,
            input,
            output,
            channels,
        };
        calls.extend([
            (Call::Resize(resize), Spread::Far),
            (Call::Resize(resize), Spread::Normal),
            (Call::ResizeGrad(resize), Spread::Normal),
        ]);
    }
}
