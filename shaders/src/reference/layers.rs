//! Factors per channel, softmax, transposition, products of two values, resizing.

use super::Value;
use crate::catalogue::{MatMul, Resize, Rows, Scale, Tap, Transpose, Transposed};

/// The element of s for element `i` of x.
fn factor(s: &Scale, i: usize) -> usize {
    let channels = s.channels as usize;
    i / (s.positions as usize * channels) * channels + i % channels
}

/// y = x·s.
pub(super) fn scale(s: &Scale, x: &[f64], factors: &[f64]) -> Value {
    let mut y = Value::sums(x.len(), 1);
    for (i, x) in x.iter().enumerate() {
        y.add(i, x * factors[factor(s, i)]);
    }
    y
}

/// ∂s.
pub(super) fn scale_grad(s: &Scale, x: &[f64], dy: &[f64]) -> Value {
    let mut ds = Value::sums(s.len_s(), s.positions as usize);
    for (i, (x, dy)) in x.iter().zip(dy).enumerate() {
        ds.add(factor(s, i), x * dy);
    }
    ds
}

/// y = softmax(x) of every row.
pub(super) fn softmax(rows: &Rows, x: &[f64]) -> Value {
    let mut y = Value::sums(0, rows.channels as usize);
    for x in x.chunks(rows.channels as usize) {
        let top = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = x.iter().map(|x| (x - top).exp()).sum();
        let shares = || x.iter().map(|x| ((x - top).exp() / sum, (x - top).abs()));
        // An exponential turns an absolute error into a relative one: those of all the others are
        // in the sum.
        let spread = 1.0 + shares().map(|(p, below)| p * below).sum::<f64>();
        shares().for_each(|(p, below)| y.push(p, p * (spread + below)));
    }
    y
}

/// ∂x = y·(∂y − Σ y·∂y).
pub(super) fn softmax_grad(rows: &Rows, y: &[f64], dy: &[f64]) -> Value {
    let channels = rows.channels as usize;
    let mut dx = Value::sums(0, channels + 1);
    for (y, dy) in y.chunks(channels).zip(dy.chunks(channels)) {
        let terms = || y.iter().zip(dy).map(|(y, dy)| y * dy);
        let (dot, size) = (terms().sum::<f64>(), terms().map(f64::abs).sum::<f64>());
        for (y, dy) in y.iter().zip(dy) {
            dx.push(y * (dy - dot), y.abs() * (dy.abs() + size));
        }
    }
    dx
}

/// y = x with two axes exchanged.
pub(super) fn transpose(t: &Transpose, x: &[f64]) -> Value {
    let [rows, columns, width] = [t.rows, t.columns, t.width].map(|n| n as usize);
    let at = |i: usize| {
        let (entry, inside) = (i / width, i % width);
        let (row, column) = (entry % rows, entry / rows % columns);
        let matrix = entry / rows / columns;
        ((matrix * rows + row) * columns + column) * width + inside
    };
    Value::exact((0..x.len()).map(|i| x[at(i)]).collect())
}

/// y = a·b.
pub(super) fn mat_mul(m: &MatMul, a: &[f64], b: &[f64]) -> Value {
    let [rows, inner, columns] = [m.rows, m.inner, m.columns].map(|n| n as usize);
    let mut y = Value::sums(m.len_y(), inner);
    for element in 0..m.len_y() {
        let (row, column) = (element / columns % rows, element % columns);
        let product = element / columns / rows;
        for k in 0..inner {
            let of_a = match m.transposed {
                Transposed::Left => (product * inner + k) * rows + row,
                _ => (product * rows + row) * inner + k,
            };
            let of_b = match m.transposed {
                Transposed::Right => (product * columns + column) * inner + k,
                _ => (product * inner + k) * columns + column,
            };
            y.add(element, a[of_a] * b[of_b]);
        }
    }
    y
}

/// Calls `f` with every element of y, an element of x that it reads, and its weight.
fn taps(c: &Resize, mut f: impl FnMut(usize, usize, f64)) {
    let [height, width] = c.input.map(|n| n as usize);
    let channels = c.channels as usize;
    let both = |tap: &Tap| {
        let [low, high] = tap.weights();
        [(tap.low as usize, low), (tap.high as usize, high)]
    };
    let mut element = 0;
    for image in 0..c.batch as usize {
        for oy in 0..c.output[0] {
            for ox in 0..c.output[1] {
                for (iy, wy) in both(&c.tap(0, oy)) {
                    for (ix, wx) in both(&c.tap(1, ox)) {
                        let pixel = (image * height + iy) * width + ix;
                        (0..channels)
                            .for_each(|ch| f(element + ch, pixel * channels + ch, wy * wx));
                    }
                }
                element += channels;
            }
        }
    }
}

/// y = x in another size.
pub(super) fn resize(c: &Resize, x: &[f64]) -> Value {
    let mut y = Value::sums(c.len_y(), 4);
    taps(c, |to, from, weight| y.add(to, weight * x[from]));
    y
}

/// ∂x of [`resize`].
pub(super) fn resize_grad(c: &Resize, dy: &[f64]) -> Value {
    let ratio = |axis: usize| c.output[axis].div_ceil(c.input[axis]) as usize + 2;
    let mut dx = Value::sums(c.len_x(), 4 * ratio(0) * ratio(1));
    taps(c, |from, to, weight| dx.add(to, weight * dy[from]));
    dx
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twice_the_size_by_hand() {
        let twice = Resize {
            batch: 1,
            input: [1, 2],
            output: [1, 4],
            channels: 1,
        };
        assert_eq!(resize(&twice, &[0.0, 4.0]).value, [0.0, 1.0, 3.0, 4.0]);
    }

    #[test]
    fn products_by_hand() {
        let product = |transposed| {
            let m = MatMul {
                batch: 1,
                rows: 2,
                inner: 2,
                columns: 2,
                transposed,
            };
            mat_mul(&m, &[1.0, 2.0, 3.0, 4.0], &[5.0, 6.0, 7.0, 8.0]).value
        };
        assert_eq!(product(Transposed::Neither), [19.0, 22.0, 43.0, 50.0]);
        assert_eq!(product(Transposed::Left), [26.0, 30.0, 38.0, 44.0]);
        assert_eq!(product(Transposed::Right), [17.0, 23.0, 39.0, 53.0]);
    }
}
