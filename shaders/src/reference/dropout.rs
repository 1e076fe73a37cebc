//! Dropout.

use super::Value;
use crate::catalogue::Step;
use crate::random::{philox, unit};

/// y = x/keep where kept, else 0.
pub(super) fn dropout(rate: f32, stream: u32, step: &Step, x: &[f64]) -> Value {
    let mut sum = Value::sums(x.len(), 1);
    for (i, x) in x.iter().enumerate() {
        let key = [step.seed as u32, (step.seed >> 32) as u32];
        let bits = philox(key, [(i / 4) as u32, stream, step.number, 0])[i % 4];
        if unit(bits) >= rate {
            sum.add(i, x / (1.0 - f64::from(rate)));
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_expectation_and_changes_with_the_step() {
        let step = Step { rate: 0.0, number: 3, seed: 5 };
        let y = dropout(0.25, 1, &step, &vec![1.0; 40_000]).value;
        assert!((y.iter().sum::<f64>() / 40_000.0 - 1.0).abs() < 0.02);
        assert_ne!(y, dropout(0.25, 1, &Step { number: 4, ..step }, &vec![1.0; 40_000]).value);
        assert_ne!(y, dropout(0.25, 2, &step, &vec![1.0; 40_000]).value);
    }
}
