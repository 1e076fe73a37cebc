//! Pooling over windows and over whole images.

use super::Value;
use super::window::{inside, outputs, positions};
use crate::catalogue::PerChannel;

/// The number of taps of each output pixel that lie inside.
fn counts(c: &PerChannel) -> Vec<f64> {
    outputs(&c.window)
        .map(|(_, _, oy, ox)| inside(&c.window, oy, ox).count() as f64)
        .collect()
}

/// The mean over the positions of the window inside the image; zero if there are none.
pub(super) fn average(c: &PerChannel, x: &[f64]) -> Value {
    let (counts, channels) = (counts(c), c.channels as usize);
    let mut sum = Value::sums(c.len_y(), c.window.taps());
    for (output, _, input) in positions(&c.window) {
        (0..channels).for_each(|ch| {
            sum.add(
                output * channels + ch,
                x[input * channels + ch] / counts[output],
            )
        });
    }
    sum
}

/// ∂x of [`average`].
pub(super) fn average_grad(c: &PerChannel, dy: &[f64]) -> Value {
    let (counts, channels) = (counts(c), c.channels as usize);
    let mut sum = Value::sums(c.len_x(), c.window.taps());
    for (output, _, input) in positions(&c.window) {
        (0..channels).for_each(|ch| {
            sum.add(
                input * channels + ch,
                dy[output * channels + ch] / counts[output],
            )
        });
    }
    sum
}

/// The maximum over the positions of the window inside the image and the first tap that holds it;
/// zeros if there are none.
pub(super) fn max(c: &PerChannel, x: &[f64]) -> Vec<Value> {
    let channels = c.channels as usize;
    let mut best: Vec<Option<(f64, usize)>> = vec![None; c.len_y()];
    for (output, tap, input) in positions(&c.window) {
        for ch in 0..channels {
            let (x, best) = (x[input * channels + ch], &mut best[output * channels + ch]);
            if best.is_none_or(|(most, _)| x > most) {
                *best = Some((x, tap));
            }
        }
    }
    let best = || best.iter().map(|best| best.unwrap_or((0.0, 0)));
    vec![
        Value::exact(best().map(|(x, _)| x).collect()),
        Value::exact(best().map(|(_, tap)| tap as f64).collect()),
    ]
}

/// ∂x of [`max`].
pub(super) fn max_grad(c: &PerChannel, dy: &[f64], tap: &[f64]) -> Value {
    let channels = c.channels as usize;
    let mut sum = Value::sums(c.len_x(), c.window.taps());
    for (output, own, input) in positions(&c.window) {
        for ch in 0..channels {
            if tap[output * channels + ch] == own as f64 {
                sum.add(input * channels + ch, dy[output * channels + ch]);
            }
        }
    }
    sum
}

/// The mean over all positions of an image.
pub(super) fn global_average(positions: usize, channels: usize, x: &[f64]) -> Value {
    let mut sum = Value::sums(x.len() / positions, positions);
    for (i, x) in x.iter().enumerate() {
        sum.add(
            i / (positions * channels) * channels + i % channels,
            x / positions as f64,
        );
    }
    sum
}

/// ∂x of [`global_average`].
pub(super) fn global_average_grad(positions: usize, channels: usize, dy: &[f64]) -> Value {
    let mut sum = Value::sums(dy.len() * positions, 1);
    for i in 0..sum.value.len() {
        sum.add(
            i,
            dy[i / (positions * channels) * channels + i % channels] / positions as f64,
        );
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Window;

    const THREE: PerChannel = PerChannel {
        window: Window {
            batch: 1,
            input: [3, 3],
            output: [3, 3],
            kernel: [3, 3],
            stride: 1,
            dilation: 1,
            top: 1,
            left: 1,
        },
        channels: 1,
    };

    #[test]
    fn average_divides_by_the_positions_inside() {
        let x: Vec<f64> = (1..=9).map(f64::from).collect();
        let y = average(&THREE, &x).value;
        let by_hand = [3.0, 3.5, 4.0, 4.5, 5.0, 5.5, 6.0, 6.5, 7.0];
        assert!(
            y.iter()
                .zip(by_hand)
                .all(|(y, by_hand)| (y - by_hand).abs() < 1e-12),
            "{y:?}"
        );
        // The corner contributes a quarter of its own mean, a sixth of two others, and a ninth of
        // the middle one.
        let dx = average_grad(&THREE, &[1.0; 9]).value;
        assert!((dx[0] - (1.0 / 4.0 + 2.0 / 6.0 + 1.0 / 9.0)).abs() < 1e-12);
    }

    #[test]
    fn the_first_of_equal_maxima_gets_the_gradient() {
        let x = [-1.0, -1.0, -5.0, -1.0, -1.0, -5.0, -5.0, -5.0, -5.0];
        let [y, tap] = &max(&THREE, &x)[..] else {
            panic!("two results")
        };
        // Padding never wins, whatever value represents it.
        assert_eq!(y.value, [-1.0; 9]);
        assert_eq!(tap.value, [4.0, 3.0, 3.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
        let dx = max_grad(&THREE, &[1.0; 9], &tap.value).value;
        assert_eq!(dx, [4.0, 2.0, 0.0, 2.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    }
}
