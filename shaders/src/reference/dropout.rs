//! Dropout.

use super::Value;
use crate::catalogue::{Rows, Step};
use crate::random::{philox, unit};

fn kept(rate: f32, counter: [u32; 4], lane: usize, step: &Step) -> bool {
    unit(philox([step.seed as u32, (step.seed >> 32) as u32], counter)[lane]) >= rate
}

/// y = x/keep where kept, else 0.
pub(super) fn dropout(rate: f32, stream: u32, [first, period]: [u32; 2], step: &Step, x: &[f64]) -> Value {
    let mut sum = Value::sums(x.len(), 1);
    for (i, x) in x.iter().enumerate() {
        let number = (first as usize + i) % period as usize;
        if kept(rate, [(number / 4) as u32, stream, step.number, 0], number % 4, step) {
            sum.add(i, x / (1.0 - f64::from(rate)));
        }
    }
    sum
}

/// y = x/keep in the rows whose token is kept, else 0.
pub(super) fn word_dropout(rows: &Rows, rate: f32, stream: u32, step: &Step, x: &[f64], tokens: &[f64]) -> Value {
    let mut sum = Value::sums(x.len(), 1);
    for (i, x) in x.iter().enumerate() {
        let token = tokens[i / rows.channels as usize] as u32;
        if kept(rate, [token, stream, step.number, 1], 0, step) {
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
    fn keeps_the_expectation_and_changes_with_the_step() {
        let step = Step { rate: 0.0, number: 3, seed: 5 };
        let y = dropout(0.25, 1, WHOLE, &step, &vec![1.0; 40_000]).value;
        assert!((y.iter().sum::<f64>() / 40_000.0 - 1.0).abs() < 0.02);
        assert_ne!(y, dropout(0.25, 1, WHOLE, &Step { number: 4, ..step }, &vec![1.0; 40_000]).value);
        assert_ne!(y, dropout(0.25, 2, WHOLE, &step, &vec![1.0; 40_000]).value);
    }

    #[test]
    fn steps_of_a_sequence_share_a_mask_and_words_fall_everywhere() {
        let step = Step { rate: 0.0, number: 3, seed: 5 };
        let y = dropout(0.5, 1, [0, 64], &step, &[1.0; 256]).value;
        assert!(y.chunks(64).all(|part| part == &y[..64]) && y[..64].contains(&0.0));
        assert_eq!(
            dropout(0.5, 1, [128, 192], &step, &[1.0; 64]).value,
            dropout(0.5, 1, [0, 192], &step, &[1.0; 192]).value[128..]
        );
        let tokens: Vec<f64> = (0..40).map(|i| f64::from(i % 10)).collect();
        let y = word_dropout(&Rows { rows: 40, channels: 2 }, 0.5, 1, &step, &[1.0; 80], &tokens).value;
        assert!(y.chunks(20).all(|part| part == &y[..20]) && y.contains(&0.0) && y.contains(&2.0));
    }
}
