//! Normalisation of each sample by itself: group norm, layer norm, instance norm.

use super::chunks::{self, CHUNK, part};
use super::sums::sum_of;
use super::vectorised::vectorised;
use crate::catalogue::GroupNorm;

/// The places of a group's elements in a sample: one run of `width` per position.
#[derive(Clone, Copy)]
struct Runs {
    positions: usize,
    channels: usize,
    width: usize,
}

impl Runs {
    fn of(n: &GroupNorm) -> Self {
        Self {
            positions: n.positions as usize,
            channels: n.channels(),
            width: n.width as usize,
        }
    }

    #[inline(always)]
    fn each(self, group: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
        (0..self.positions).map(move |position| {
            let start = position * self.channels + group * self.width;
            start..start + self.width
        })
    }

    /// The mean of a function of elements of several slices.
    #[inline(always)]
    fn mean<const N: usize>(
        self,
        group: usize,
        reads: [&[f32]; N],
        term: impl Fn([f32; N]) -> f32 + Copy,
    ) -> f32 {
        let runs = self.each(group);
        let sum: f32 = runs
            .map(|run| sum_of(reads.map(|x| &x[run.clone()]), term))
            .sum();
        sum / (self.positions * self.width) as f32
    }
}

vectorised! {
    fn normalise<'a>(runs: Runs, eps: f32, x: &'a [f32], y: &'a mut [f32], rstd: &'a mut [f32]) {
        for (group, rstd) in rstd.iter_mut().enumerate() {
            // Differences from an element of the group: with a mean far from zero, too few digits
            // would remain for the deviations.
            let origin = x[group * runs.width];
            let mean = origin + runs.mean(group, [x], |[x]| x - origin);
            let variance = runs.mean(group, [x], |[x]| (x - mean) * (x - mean));
            let factor = 1.0 / (variance + eps).sqrt();
            for run in runs.each(group) {
                let pairs = y[run.clone()].iter_mut().zip(&x[run]);
                pairs.for_each(|(y, x)| *y = (x - mean) * factor);
            }
            *rstd = factor;
        }
    }
}

vectorised! {
    fn back<'a>(runs: Runs, reads: [&'a [f32]; 2], rstd: &'a [f32], dx: &'a mut [f32]) {
        let [y, dy] = reads;
        for (group, rstd) in rstd.iter().enumerate() {
            let plain = runs.mean(group, [dy], |[dy]| dy);
            let along = runs.mean(group, [y, dy], |[y, dy]| y * dy);
            for run in runs.each(group) {
                let reads = y[run.clone()].iter().zip(&dy[run.clone()]);
                for (dx, (y, dy)) in dx[run].iter_mut().zip(reads) {
                    *dx = rstd * (dy - plain - y * along);
                }
            }
        }
    }
}

/// Samples per chunk.
fn samples_of(n: &GroupNorm) -> usize {
    (CHUNK / 4).div_ceil(n.sample().max(1))
}

/// y = (x − mean)/√(variance + eps), and 1/√(variance + eps).
pub(super) fn group_norm(n: &GroupNorm, eps: f32, x: &[f32], y: &mut [f32], rstd: &mut [f32]) {
    let (runs, sample, groups) = (Runs::of(n), n.sample(), n.groups as usize);
    let (samples, work) = (samples_of(n), 3 * y.len());
    let (of_y, of_rstd) = (samples * sample, samples * groups);
    chunks::for_each_beside(y, of_y, rstd, of_rstd, work, |i, y, rstd| {
        let x = part(x, i, of_y);
        let parts = x.chunks_exact(sample).zip(y.chunks_exact_mut(sample));
        for ((x, y), rstd) in parts.zip(rstd.chunks_exact_mut(groups)) {
            normalise(runs, eps, x, y, rstd);
        }
    });
}

/// ∂x, from the result, 1/√(variance + eps) and ∂y.
pub(super) fn grad(n: &GroupNorm, [y, rstd, dy]: [&[f32]; 3], dx: &mut [f32]) {
    let (runs, sample, groups) = (Runs::of(n), n.sample(), n.groups as usize);
    let (samples, work) = (samples_of(n), 3 * dx.len());
    chunks::for_each(dx, samples * sample, work, |i, dx| {
        for (j, dx) in dx.chunks_exact_mut(sample).enumerate() {
            let own = i * samples + j;
            let reads = [y, dy].map(|x| part(x, own, sample));
            back(runs, reads, part(rstd, own, groups), dx);
        }
    });
}
