//! Dense convolutions.

use super::Value;
use super::window::positions;
use crate::catalogue::Conv2d;

/// Every product of a dense convolution: (element of y, of x, of W).
fn products(c: &Conv2d) -> impl Iterator<Item = (usize, usize, usize)> {
    let (inputs, outputs) = (c.inputs as usize, c.outputs as usize);
    positions(&c.window).flat_map(move |(output, tap, input)| {
        (0..inputs).flat_map(move |i| {
            (0..outputs).map(move |o| {
                (
                    output * outputs + o,
                    input * inputs + i,
                    (tap * inputs + i) * outputs + o,
                )
            })
        })
    })
}

/// y = x ⋆ W.
pub(super) fn conv2d(c: &Conv2d, x: &[f64], w: &[f64]) -> Value {
    let mut sum = Value::sums(c.len_y(), c.window.taps() * c.inputs as usize);
    products(c).for_each(|(at_y, at_x, at_w)| sum.add(at_y, x[at_x] * w[at_w]));
    sum
}

/// ∂x.
pub(super) fn grad_input(c: &Conv2d, dy: &[f64], w: &[f64]) -> Value {
    let mut sum = Value::sums(c.len_x(), c.window.taps() * c.outputs as usize);
    products(c).for_each(|(at_y, at_x, at_w)| sum.add(at_x, dy[at_y] * w[at_w]));
    sum
}

/// ∂W.
pub(super) fn grad_weight(c: &Conv2d, x: &[f64], dy: &[f64]) -> Value {
    let mut sum = Value::sums(c.len_w(), c.window.pixels_out());
    products(c).for_each(|(at_y, at_x, at_w)| sum.add(at_w, dy[at_y] * x[at_x]));
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Window;

    const THREE: Window = Window {
        batch: 1,
        input: [3, 3],
        output: [3, 3],
        kernel: [3, 3],
        stride: 1,
        dilation: 1,
        top: 1,
        left: 1,
    };

    #[test]
    fn padding_is_zero() {
        let c = Conv2d {
            window: THREE,
            inputs: 1,
            outputs: 1,
        };
        let x: Vec<f64> = (1..=9).map(f64::from).collect();
        assert_eq!(
            conv2d(&c, &x, &[1.0; 9]).value,
            [12.0, 21.0, 16.0, 27.0, 45.0, 33.0, 24.0, 39.0, 28.0]
        );
        // It is a correlation: tap (0, 1) reads the row above.
        let above = [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        assert_eq!(
            conv2d(&c, &x, &above).value,
            [0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
        );
        assert_eq!(
            grad_weight(&c, &x, &[1.0; 9]).value,
            [12.0, 21.0, 16.0, 27.0, 45.0, 33.0, 24.0, 39.0, 28.0]
        );
        assert_eq!(
            grad_input(&c, &x, &above).value,
            [4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 0.0, 0.0, 0.0]
        );
    }

    #[test]
    fn channels_stand_last() {
        let window = Window {
            input: [1, 2],
            output: [1, 2],
            kernel: [1, 1],
            top: 0,
            left: 0,
            ..THREE
        };
        let c = Conv2d {
            window,
            inputs: 2,
            outputs: 3,
        };
        let y = conv2d(
            &c,
            &[1.0, 2.0, 3.0, 4.0],
            &[1.0, 10.0, 100.0, 2.0, 20.0, 200.0],
        );
        assert_eq!(y.value, [5.0, 50.0, 500.0, 11.0, 110.0, 1100.0]);
        assert_eq!((y.magnitude[5], y.terms), (1100.0, 2));
    }

    #[test]
    fn negative_padding_takes_the_odd_pixels() {
        // The second half of a factorised reduction: zeros if an odd size has no further pixel.
        let window = Window {
            input: [5, 4],
            output: [3, 2],
            kernel: [1, 1],
            stride: 2,
            top: -1,
            left: -1,
            ..THREE
        };
        let c = Conv2d {
            window,
            inputs: 1,
            outputs: 1,
        };
        let x: Vec<f64> = (0..20).map(f64::from).collect();
        assert_eq!(
            conv2d(&c, &x, &[1.0]).value,
            [5.0, 7.0, 13.0, 15.0, 0.0, 0.0]
        );
        let dx = grad_input(&c, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[1.0]).value;
        let nonzero: Vec<_> = dx
            .iter()
            .enumerate()
            .filter(|(_, v)| **v != 0.0)
            .map(|(i, v)| (i, *v))
            .collect();
        assert_eq!(nonzero, [(5, 1.0), (7, 2.0), (13, 3.0), (15, 4.0)]);
    }
}
