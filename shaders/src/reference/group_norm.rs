//! Normalisation of each sample by itself.

use super::Value;
use crate::catalogue::GroupNorm;

/// The elements of a group of channels of one sample.
fn elements(n: &GroupNorm, set: usize) -> impl Iterator<Item = usize> + Clone + use<> {
    let (groups, width, positions) = (n.groups as usize, n.width as usize, n.positions as usize);
    let (sample, group) = (set / groups, set % groups);
    (0..positions * width)
        .map(move |i| ((sample * positions + i / width) * groups + group) * width + i % width)
}

/// (x − mean)/√(variance + eps), and 1/√(variance + eps).
pub(super) fn group_norm(n: &GroupNorm, eps: f64, x: &[f64]) -> Vec<Value> {
    let count = f64::from(n.positions * n.width);
    let mut y = Value::sums(n.len(), count as usize + 1);
    let mut factors = Value::sums(0, count as usize);
    for set in 0..n.sets() {
        let of = elements(n, set);
        let mean = of.clone().map(|i| x[i]).sum::<f64>() / count;
        let size = of.clone().map(|i| x[i].abs()).sum::<f64>() / count;
        let variance = of.clone().map(|i| (x[i] - mean).powi(2)).sum::<f64>() / count;
        // The deviations do not cancel: a kernel that sums them gets every digit right, whatever
        // the mean.
        let rstd = 1.0 / (variance + eps).sqrt();
        factors.push(rstd, rstd);
        for i in of {
            y.value[i] = (x[i] - mean) * rstd;
            y.magnitude[i] = (x[i].abs() + size) * rstd;
        }
    }
    vec![y, factors]
}

/// ∂x = rstd·(∂y − mean(∂y) − y·mean(∂y·y)).
pub(super) fn grad(n: &GroupNorm, [y, rstd, dy]: [&[f64]; 3]) -> Value {
    let count = f64::from(n.positions * n.width);
    let mut dx = Value::sums(n.len(), count as usize + 2);
    for (set, rstd) in rstd.iter().enumerate().take(n.sets()) {
        let of = elements(n, set);
        let mean = |term: &dyn Fn(usize) -> f64| of.clone().map(term).sum::<f64>() / count;
        let (plain, along) = (mean(&|i| dy[i]), mean(&|i| dy[i] * y[i]));
        let sizes = (mean(&|i| dy[i].abs()), mean(&|i| (dy[i] * y[i]).abs()));
        for i in of.clone() {
            dx.value[i] = rstd * (dy[i] - plain - y[i] * along);
            dx.magnitude[i] = rstd.abs() * (dy[i].abs() + sizes.0 + y[i].abs() * sizes.1);
        }
    }
    dx
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_groups_by_hand() {
        let norm = GroupNorm {
            batch: 1,
            positions: 2,
            groups: 2,
            width: 1,
        };
        let found = group_norm(&norm, 0.0, &[1.0, 10.0, 3.0, 14.0]);
        assert_eq!(found[0].value, [-1.0, -1.0, 1.0, 1.0]);
        assert_eq!(found[1].value, [1.0, 0.5]);
    }
}
