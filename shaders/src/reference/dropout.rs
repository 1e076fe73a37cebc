//! Dropout, of elements and of paths.

use super::Value;
use crate::catalogue::{Rows, Step};
use crate::random::{philox, unit};

fn kept(rate: f32, counter: [u32; 4], lane: usize, step: &Step) -> bool {
    unit(philox([step.seed as u32, (step.seed >> 32) as u32], counter)[lane]) >= rate
}

/// y = x/keep where kept, else 0.
pub(super) fn dropout(
    rate: f32,
    stream: u32,
    [first, period]: [u32; 2],
    step: &Step,
    x: &[f64],
) -> Value {
    let mut sum = Value::sums(x.len(), 1);
    for (i, x) in x.iter().enumerate() {
        let number = (first as usize + i) % period as usize;
        if kept(
            rate,
            [(number / 4) as u32, stream, step.number, 0],
            number % 4,
            step,
        ) {
            sum.add(i, x / (1.0 - f64::from(rate)));
        }
    }
    sum
}

/// y = x/keep in the rows whose token is kept, else 0.
pub(super) fn word_dropout(
    rows: &Rows,
    rate: f32,
    stream: u32,
    step: &Step,
    x: &[f64],
    tokens: &[f64],
) -> Value {
    let mut sum = Value::sums(x.len(), 1);
    for (i, x) in x.iter().enumerate() {
        let token = tokens[i / rows.channels as usize] as u32;
        if kept(rate, [token, stream, step.number, 1], 0, step) {
            sum.add(i, x / (1.0 - f64::from(rate)));
        }
    }
    sum
}

/// y = x/keep for the samples that are kept, else 0.
pub(super) fn drop_path(len: usize, depth: f32, stream: u32, step: &Step, x: &[f64]) -> Value {
    let mut sum = Value::sums(x.len(), 1);
    // The threshold is an f32, as on every device: which samples are kept must not depend on
    // rounding.
    let rate = depth * step.drop_path;
    for (i, x) in x.iter().enumerate() {
        let (sample, key) = (i / len, [step.seed as u32, (step.seed >> 32) as u32]);
        let bits = philox(key, [(sample / 4) as u32, stream, step.number, 0])[sample % 4];
        if unit(bits) >= rate {
            sum.add(i, x / (1.0 - f64::from(rate)));
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: [u32; 2] = [0, 40_000];

    #[test]
    fn a_path_is_dropped_for_whole_samples_by_its_depth_and_the_step() {
        let step = Step {
            rate: 0.0,
            number: 3,
            update: 3,
            seed: 5,
            drop_path: 0.5,
        };
        let (x, len) = (vec![1.0; 30_000], 3);
        let y = drop_path(len, 0.5, 1, &step, &x).value;
        let kept: Vec<bool> = y.chunks(len).map(|sample| sample[0] != 0.0).collect();
        assert!(
            y.chunks(len)
                .all(|sample| sample.iter().all(|y| *y == sample[0]))
        );
        assert!(y.iter().all(|y| *y == 0.0 || (y - 4.0 / 3.0).abs() < 1e-12));
        let share = kept.iter().filter(|kept| **kept).count() as f64 / kept.len() as f64;
        assert!((share - 0.75).abs() < 0.02, "{share}");
        for other in [
            Step { number: 4, ..step },
            Step { seed: 6, ..step },
            Step {
                drop_path: 0.4,
                ..step
            },
        ] {
            assert_ne!(y, drop_path(len, 0.5, 1, &other, &x).value);
        }
        assert_ne!(y, drop_path(len, 0.5, 2, &step, &x).value);
        assert_eq!(
            x,
            drop_path(
                len,
                0.5,
                1,
                &Step {
                    drop_path: 0.0,
                    ..step
                },
                &x
            )
            .value
        );
    }

    #[test]
    fn keeps_the_expectation_and_changes_with_the_step() {
        let step = Step {
            rate: 0.0,
            number: 3,
            update: 3,
            seed: 5,
            drop_path: 0.0,
        };
        let y = dropout(0.25, 1, WHOLE, &step, &vec![1.0; 40_000]).value;
        assert!((y.iter().sum::<f64>() / 40_000.0 - 1.0).abs() < 0.02);
        assert_ne!(
            y,
            dropout(
                0.25,
                1,
                WHOLE,
                &Step { number: 4, ..step },
                &vec![1.0; 40_000]
            )
            .value
        );
        assert_ne!(y, dropout(0.25, 2, WHOLE, &step, &vec![1.0; 40_000]).value);
    }

    #[test]
    fn steps_of_a_sequence_share_a_mask_and_words_fall_everywhere() {
        let step = Step {
            rate: 0.0,
            number: 3,
            update: 3,
            seed: 5,
            drop_path: 0.0,
        };
        let y = dropout(0.5, 1, [0, 64], &step, &[1.0; 256]).value;
        assert!(y.chunks(64).all(|part| part == &y[..64]) && y[..64].contains(&0.0));
        assert_eq!(
            dropout(0.5, 1, [128, 192], &step, &[1.0; 64]).value,
            dropout(0.5, 1, [0, 192], &step, &[1.0; 192]).value[128..]
        );
        let tokens: Vec<f64> = (0..40).map(|i| f64::from(i % 10)).collect();
        let y = word_dropout(
            &Rows {
                rows: 40,
                channels: 2,
            },
            0.5,
            1,
            &step,
            &[1.0; 80],
            &tokens,
        )
        .value;
        assert!(y.chunks(20).all(|part| part == &y[..20]) && y.contains(&0.0) && y.contains(&2.0));
    }
}
