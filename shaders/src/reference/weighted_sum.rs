//! Sums whose weights are data.

use super::Value;
use crate::catalogue::WeightedSum;

/// y = Σ wᵢ·xᵢ, with the weights of each slice, after the earlier sum.
pub(super) fn sum(sum: &WeightedSum, reads: &[&[f64]]) -> Value {
    let (w, reads) = (reads[0], &reads[1..]);
    let mut y = Value::sums(sum.elements(), reads.len());
    let earlier = usize::from(sum.continues);
    for (q, x) in reads.iter().enumerate() {
        for (i, x) in x.iter().enumerate() {
            let weight = match q.checked_sub(earlier) {
                None => 1.0,
                Some(q) => weight(sum, w, i, q),
            };
            y.add(i, weight * x);
        }
    }
    y
}

/// The weight of input `q` for element `i`.
fn weight(sum: &WeightedSum, w: &[f64], i: usize, q: usize) -> f64 {
    w[i / sum.len as usize * sum.inputs as usize + q]
}

/// ∂x of input `q`.
pub(super) fn grad_input(sum: &WeightedSum, q: usize, w: &[f64], dy: &[f64]) -> Value {
    let mut dx = Value::sums(dy.len(), 1);
    for (i, dy) in dy.iter().enumerate() {
        dx.add(i, weight(sum, w, i, q) * dy);
    }
    dx
}

/// ∂w: the product of every input with dy, in every slice.
pub(super) fn grad_weights(sum: &WeightedSum, dy: &[f64], x: &[&[f64]]) -> Value {
    let mut dw = Value::sums(sum.len_w(), sum.len as usize);
    for (q, x) in x.iter().enumerate() {
        for (i, (x, dy)) in x.iter().zip(dy).enumerate() {
            dw.add(i / sum.len as usize * sum.inputs as usize + q, x * dy);
        }
    }
    dw
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mixture of an edge of DARTS: softmax of (0.2, −0.1, 0.4) over three inputs.
    #[test]
    fn an_edge_of_darts() {
        let edge = WeightedSum {
            rows: 1,
            len: 2,
            inputs: 3,
            continues: false,
        };
        let p = [0.337_584_538, 0.250_088_777, 0.412_326_686];
        let (a, b, c, dy) = ([1.0, 0.0], [0.0, 2.0], [-1.0, 1.0], [0.5, -0.25]);
        let near = |got: &[f64], wanted: &[f64]| {
            got.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 2e-9) && got.len() == wanted.len()
        };
        let y = sum(&edge, &[&p, &a, &b, &c]).value;
        assert!(near(&y, &[-0.074_742_148, 0.912_504_239]), "{y:?}");
        let g = grad_weights(&edge, &dy, &[&a, &b, &c]).value;
        assert!(near(&g, &[0.5, -0.5, -0.75]), "{g:?}");
        let dx = grad_input(&edge, 2, &p, &dy).value;
        assert!(near(&dx, &[p[2] / 2.0, -p[2] / 4.0]), "{dx:?}");
    }

    #[test]
    fn slices_have_weights_of_their_own() {
        let two = WeightedSum {
            rows: 2,
            len: 1,
            inputs: 2,
            continues: true,
        };
        let w = [1.0, 2.0, 3.0, 4.0];
        let y = sum(&two, &[&w, &[100.0, 200.0], &[1.0, 1.0], &[10.0, 10.0]]);
        assert_eq!(y.value, [121.0, 243.0]);
        let g = grad_weights(&two, &[1.0, -1.0], &[&[5.0, 6.0], &[7.0, 8.0]]);
        assert_eq!(g.value, [5.0, 7.0, -6.0, -8.0]);
    }
}
