//! Updates of the shared weights.

use super::Value;
use crate::catalogue::{BLOCK, NORM_CHUNK, Step, Update};

/// Whether the bit of the block that contains `element` is set.
fn bit(words: &[f64], element: usize) -> bool {
    let block = element / BLOCK;
    words[block / 32] as u32 >> (block % 32) & 1 == 1
}

/// Sums of squares of the touched blocks.
pub(super) fn norm_partials(g: &[f64], touched: &[f64]) -> Value {
    let mut sum = Value::sums(g.len().div_ceil(NORM_CHUNK), NORM_CHUNK);
    for (i, g) in g.iter().enumerate().filter(|(i, _)| bit(touched, *i)) {
        sum.add(i / NORM_CHUNK, g * g);
    }
    sum
}

/// The norm, and the factor that limits it to `limit`.
pub(super) fn clip_factor(limit: f64, partials: &[f64]) -> Value {
    let norm = partials.iter().sum::<f64>().sqrt();
    let factor = match norm {
        n if !n.is_finite() => 0.0,
        n if n > limit => limit / n,
        _ => 1.0,
    };
    Value {
        value: vec![norm, factor],
        magnitude: vec![norm, factor],
        terms: partials.len(),
    }
}

/// The sum of the gradients of several passes.
pub(super) fn accumulate(first: bool, g: &[f64], shares: &[f64], sum: &[f64]) -> Value {
    let mut total = Value::sums(0, 2);
    for (i, (g, sum)) in g.iter().zip(sum).enumerate() {
        let before = if first { 0.0 } else { *sum };
        let share = shares[i / BLOCK];
        let own = if share == 0.0 { 0.0 } else { share * g };
        total.push(before + own, before.abs() + own.abs());
    }
    total
}

/// The gradient of element `i` with its magnitude, if the element changes.
fn gradient(u: &Update, reads: &[&[f64]], w: &[f64], i: usize) -> Option<(f64, f64)> {
    let (g, touched, decayed, factor) = (reads[0], reads[1], reads[2], reads[3][1]);
    // A factor of zero also suppresses NaNs.
    let own = if bit(touched, i) && factor != 0.0 {
        factor * g[i]
    } else {
        0.0
    };
    let l2 = if bit(decayed, i) {
        f64::from(u.l2) * w[i]
    } else {
        0.0
    };
    (bit(touched, i) || u.everywhere).then_some((own + l2, own.abs() + l2.abs()))
}

/// One step of SGD with momentum: w and v.
pub(super) fn sgd(
    u: &Update,
    momentum: f64,
    nesterov: bool,
    step: &Step,
    reads: &[&[f64]],
    updated: &[&[f64]],
) -> Vec<Value> {
    let (rate, mut w, mut v) = (f64::from(step.rate), Value::sums(0, 4), Value::sums(0, 3));
    for (i, (old_w, old_v)) in updated[0].iter().zip(updated[1]).enumerate() {
        let Some((g, size)) = gradient(u, reads, updated[0], i) else {
            w.push(*old_w, 0.0);
            v.push(*old_v, 0.0);
            continue;
        };
        let (new_v, size_v) = (momentum * old_v + g, (momentum * old_v).abs() + size);
        let (move_by, size_move) = if nesterov {
            (g + momentum * new_v, size + momentum * size_v)
        } else {
            (new_v, size_v)
        };
        w.push(old_w - rate * move_by, old_w.abs() + rate * size_move);
        v.push(new_v, size_v);
    }
    vec![w, v]
}

/// One step of Adam: w, m and v.
pub(super) fn adam(
    u: &Update,
    [beta1, beta2, eps]: [f64; 3],
    step: &Step,
    reads: &[&[f64]],
    updated: &[&[f64]],
) -> Vec<Value> {
    let correct = |beta: f64| 1.0 - beta.powf(f64::from(step.update));
    let rate = f64::from(step.rate);
    let (mut w, mut m, mut v) = (Value::sums(0, 4), Value::sums(0, 3), Value::sums(0, 3));
    for (i, old_w) in updated[0].iter().enumerate() {
        let (old_m, old_v) = (updated[1][i], updated[2][i]);
        let Some((g, size)) = gradient(u, reads, updated[0], i) else {
            w.push(*old_w, 0.0);
            m.push(old_m, 0.0);
            v.push(old_v, 0.0);
            continue;
        };
        let new_m = beta1 * old_m + (1.0 - beta1) * g;
        let size_m = beta1 * old_m.abs() + (1.0 - beta1) * size;
        let new_v = beta2 * old_v + (1.0 - beta2) * g * g;
        let size_v = beta2 * old_v + (1.0 - beta2) * size * size;
        let root = (new_v / correct(beta2)).sqrt() + eps;
        // Where the terms of the gradient cancel, the remaining second moment is uncertain, and so
        // is the quotient.
        let doubt = if new_v > 0.0 { size_v / new_v } else { 1.0 };
        let size_move = rate * size_m / correct(beta1) / root * doubt;
        w.push(
            old_w - rate * new_m / correct(beta1) / root,
            old_w.abs() + size_move,
        );
        m.push(new_m, size_m);
        v.push(new_v, size_v);
    }
    vec![w, m, v]
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Update = Update {
        len: 1,
        l2: 0.0,
        everywhere: false,
    };
    const ON: &[f64] = &[1.0];
    const OFF: &[f64] = &[0.0];

    fn near(got: f64, wanted: f64) {
        assert!((got - wanted).abs() < 1e-9, "{got} {wanted}");
    }

    #[test]
    fn two_steps_of_sgd_by_hand() {
        let step = Step {
            rate: 0.1,
            number: 1,
            update: 1,
            seed: 0,
            drop_path: 0.0,
        };
        let update = Update { l2: 0.5, ..ONE };
        let read: [&[f64]; 4] = [&[4.0], ON, ON, &[8.0, 0.5]];
        // g = 0.5·4 + 0.5·2 = 3, v = 3, w = 2 − 0.1·(3 + 0.5·3).
        let state = sgd(&update, 0.5, true, &step, &read, &[&[2.0], &[0.0]]);
        near(state[0].value[0], 2.0 - f64::from(0.1_f32) * 4.5);
        near(state[1].value[0], 3.0);
        // Classical momentum moves by v alone: g = 2 + 0.5·1 = 2.5, v = 0.5·3 + 2.5 = 4.
        let state = sgd(&update, 0.5, false, &step, &read, &[&[1.0], &[3.0]]);
        near(state[0].value[0], 1.0 - f64::from(0.1_f32) * 4.0);
        near(state[1].value[0], 4.0);
    }

    #[test]
    fn three_steps_of_adam_by_hand() {
        // With a constant gradient, both corrected moments are exact: each step is rate·g/(|g| +
        // eps).
        let read: [&[f64]; 4] = [&[-3.0], ON, OFF, &[3.0, 1.0]];
        let (mut w, mut m, mut v) = (vec![1.0], vec![0.0], vec![0.0]);
        for number in 1..=3 {
            let step = Step {
                rate: 0.25,
                number,
                update: number,
                seed: 0,
                drop_path: 0.0,
            };
            let state = adam(&ONE, [0.9, 0.999, 1.0], &step, &read, &[&w, &m, &v]);
            [w, m, v] = [0, 1, 2].map(|i: usize| state[i].value.clone());
            near(w[0], 1.0 + f64::from(number) * 0.25 * 3.0 / 4.0);
        }
        near(m[0], -3.0 * (1.0 - 0.9_f64.powi(3)));
        near(v[0], 9.0 * (1.0 - 0.999_f64.powi(3)));
    }

    #[test]
    fn what_is_not_touched_stays_or_drifts() {
        let step = Step {
            rate: 1.0,
            number: 1,
            update: 1,
            seed: 0,
            drop_path: 0.0,
        };
        let read: [&[f64]; 4] = [&[f64::NAN], OFF, ON, &[1.0, 1.0]];
        let still = sgd(
            &Update { l2: 1.0, ..ONE },
            0.5,
            false,
            &step,
            &read,
            &[&[2.0], &[4.0]],
        );
        assert_eq!((still[0].value[0], still[1].value[0]), (2.0, 4.0));
        let drifting = Update {
            l2: 1.0,
            everywhere: true,
            ..ONE
        };
        let moved = sgd(&drifting, 0.5, false, &step, &read, &[&[2.0], &[4.0]]);
        assert_eq!((moved[0].value[0], moved[1].value[0]), (-2.0, 4.0));
    }

    #[test]
    fn passes_accumulate_by_their_shares() {
        let g: Vec<f64> = (0..130).map(f64::from).collect();
        let shares = [0.5, 0.0, 2.0];
        let first = accumulate(true, &g, &shares, &[f64::NAN; 130]).value;
        assert_eq!([first[63], first[64], first[129]], [31.5, 0.0, 258.0]);
        let second = accumulate(false, &[f64::NAN; 130], &[0.0; 3], &first).value;
        assert_eq!(second, first);
        let third = accumulate(false, &g, &shares, &first).value;
        assert_eq!([third[63], third[64], third[129]], [63.0, 0.0, 516.0]);
    }

    #[test]
    fn clipping() {
        assert_eq!(clip_factor(2.5, &[9.0, 16.0]).value, [5.0, 0.5]);
        assert_eq!(clip_factor(2.5, &[0.0]).value, [0.0, 1.0]);
        assert_eq!(clip_factor(2.5, &[f64::INFINITY]).value[1], 0.0);
        assert_eq!(clip_factor(2.5, &[f64::NAN]).value[1], 0.0);
        let g: Vec<f64> = vec![2.0; 5000];
        let touched = [3.0, 0.0, 1.0];
        assert_eq!(norm_partials(&g, &touched).value, [4.0 * 128.0, 4.0 * 64.0]);
    }
}
