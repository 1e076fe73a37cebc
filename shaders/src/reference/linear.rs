//! Products of dense matrices, and the bias.

use super::Value;
use crate::catalogue::{Linear, Rows};

/// Every product: (element of y, of x, of W).
fn products(l: &Linear) -> impl Iterator<Item = (usize, usize, usize)> {
    let (inputs, outputs, transposed) = (l.inputs as usize, l.outputs as usize, l.transposed);
    (0..l.rows as usize).flat_map(move |row| {
        (0..inputs).flat_map(move |i| {
            (0..outputs).map(move |o| {
                let weight = if transposed {
                    o * inputs + i
                } else {
                    i * outputs + o
                };
                (row * outputs + o, row * inputs + i, weight)
            })
        })
    })
}

/// y = x·W.
pub(super) fn linear(l: &Linear, x: &[f64], w: &[f64]) -> Value {
    let mut sum = Value::sums(l.len_y(), l.inputs as usize);
    products(l).for_each(|(at_y, at_x, at_w)| sum.add(at_y, x[at_x] * w[at_w]));
    sum
}

/// ∂x.
pub(super) fn grad_input(l: &Linear, dy: &[f64], w: &[f64]) -> Value {
    let mut sum = Value::sums(l.len_x(), l.outputs as usize);
    products(l).for_each(|(at_y, at_x, at_w)| sum.add(at_x, dy[at_y] * w[at_w]));
    sum
}

/// ∂W.
pub(super) fn grad_weight(l: &Linear, x: &[f64], dy: &[f64]) -> Value {
    let mut sum = Value::sums(l.len_w(), l.rows as usize);
    products(l).for_each(|(at_y, at_x, at_w)| sum.add(at_w, dy[at_y] * x[at_x]));
    sum
}

/// y = x + b.
pub(super) fn bias(rows: &Rows, x: &[f64], b: &[f64]) -> Value {
    let mut sum = Value::sums(rows.len(), 2);
    for (i, x) in x.iter().enumerate() {
        sum.add(i, *x);
        sum.add(i, b[i % rows.channels as usize]);
    }
    sum
}

/// ∂b.
pub(super) fn bias_grad(rows: &Rows, dy: &[f64]) -> Value {
    let mut sum = Value::sums(rows.channels as usize, rows.rows as usize);
    dy.iter()
        .enumerate()
        .for_each(|(i, dy)| sum.add(i % rows.channels as usize, *dy));
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_layouts_of_the_weights() {
        let l = Linear {
            rows: 1,
            inputs: 2,
            outputs: 3,
            transposed: false,
        };
        assert_eq!(
            linear(&l, &[1.0, 2.0], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).value,
            [9.0, 12.0, 15.0]
        );
        let l = Linear {
            transposed: true,
            ..l
        };
        assert_eq!(
            linear(&l, &[1.0, 2.0], &[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]).value,
            [9.0, 12.0, 15.0]
        );
        assert_eq!(
            grad_weight(&l, &[1.0, 2.0], &[1.0, 10.0, 100.0]).value,
            [1.0, 2.0, 10.0, 20.0, 100.0, 200.0]
        );
    }
}
