//! Convolutions of each channel with a separate kernel.

use super::Value;
use super::window::positions;
use crate::catalogue::PerChannel;

/// Every product: (element of y, of x, of W).
fn products(c: &PerChannel) -> impl Iterator<Item = (usize, usize, usize)> {
    let channels = c.channels as usize;
    positions(&c.window).flat_map(move |(output, tap, input)| {
        (0..channels).map(move |ch| {
            (
                output * channels + ch,
                input * channels + ch,
                tap * channels + ch,
            )
        })
    })
}

/// y = x ⋆ W, channel by channel.
pub(super) fn depthwise(c: &PerChannel, x: &[f64], w: &[f64]) -> Value {
    let mut sum = Value::sums(c.len_y(), c.window.taps());
    products(c).for_each(|(at_y, at_x, at_w)| sum.add(at_y, x[at_x] * w[at_w]));
    sum
}

/// ∂x.
pub(super) fn grad_input(c: &PerChannel, dy: &[f64], w: &[f64]) -> Value {
    let mut sum = Value::sums(c.len_x(), c.window.taps());
    products(c).for_each(|(at_y, at_x, at_w)| sum.add(at_x, dy[at_y] * w[at_w]));
    sum
}

/// ∂W.
pub(super) fn grad_weight(c: &PerChannel, x: &[f64], dy: &[f64]) -> Value {
    let mut sum = Value::sums(c.len_w(), c.window.pixels_out());
    products(c).for_each(|(at_y, at_x, at_w)| sum.add(at_w, dy[at_y] * x[at_x]));
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Window;

    #[test]
    fn channels_do_not_mix() {
        let window = Window {
            batch: 1,
            input: [1, 3],
            output: [1, 3],
            kernel: [1, 3],
            stride: 1,
            dilation: 1,
            top: 0,
            left: 1,
        };
        let c = PerChannel {
            window,
            channels: 2,
        };
        let x = [1.0, 10.0, 2.0, 20.0, 3.0, 30.0];
        // Channel 0 reads its left neighbour, channel 1 its right one.
        let w = [1.0, 0.0, 0.0, 0.0, 0.0, 1.0];
        assert_eq!(
            depthwise(&c, &x, &w).value,
            [0.0, 20.0, 1.0, 30.0, 2.0, 0.0]
        );
        assert_eq!(
            grad_input(&c, &x, &w).value,
            [2.0, 0.0, 3.0, 10.0, 0.0, 20.0]
        );
        assert_eq!(
            grad_weight(&c, &x, &[1.0; 6]).value,
            [3.0, 30.0, 6.0, 60.0, 5.0, 50.0]
        );
    }
}
