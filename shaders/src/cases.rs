//! Calls with operands, for comparing a device with the reference.
//!
//! The shapes are those that kernels tend to get wrong: odd sizes, one image, one channel, windows
//! at and beyond the edges, more than one tile in every direction, means far from zero, equal
//! maxima.

mod layers;
mod list;

pub use list::cases;

use crate::catalogue::{Access, Call, Element, Role, Step};
use crate::random::{Random, RngStream};
use crate::reference;

/// A call with the seed of its operands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Case {
    /// The call.
    pub call: Call,
    /// The values that change from step to step.
    pub step: Step,
    /// The distribution of its data.
    pub spread: Spread,
    /// The seed of its data.
    pub seed: u64,
}

/// A distribution of data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// Standard normal.
    Normal,
    /// Mean 1000, deviation 1, which exposes numerically unstable variances.
    Far,
    /// Small whole numbers, many of them equal.
    Coarse,
}

/// The operands of a call in the order of its roles.
#[derive(Clone, Debug, PartialEq)]
pub struct Operands {
    /// The operands that are only read.
    pub reads: Vec<Vec<f32>>,
    /// The initial contents of the operands that are written or updated.
    pub writes: Vec<Vec<f32>>,
}

impl Case {
    /// Random operands that are valid for the call: labels are classes, statistics belong to the
    /// data.
    pub fn operands(&self) -> Operands {
        let mut random = Random::new(self.seed, RngStream::Test(0));
        let mut operands = Operands {
            reads: vec![],
            writes: vec![],
        };
        for role in self.call.roles() {
            let mut operand = self.operand(&role, &mut random);
            if role.name == "stats" && role.access == Access::Read {
                operand = self.stats(&operands.reads[0]);
            }
            let list = if role.access == Access::Read {
                &mut operands.reads
            } else {
                &mut operands.writes
            };
            list.push(operand);
        }
        operands
    }

    /// The results of the reference for these operands.
    pub fn wanted(&self, operands: &Operands) -> Vec<reference::Value> {
        let roles = self.call.roles();
        let (read, written): (Vec<_>, Vec<_>) =
            roles.iter().partition(|role| role.access == Access::Read);
        let numbers = |roles: Vec<&Role>, operands: &[Vec<f32>]| -> Vec<Vec<f64>> {
            roles
                .iter()
                .zip(operands)
                .map(|(role, x)| reference::numbers(role.element, x))
                .collect()
        };
        let (reads, updated) = (
            numbers(read, &operands.reads),
            numbers(written, &operands.writes),
        );
        let reads: Vec<&[f64]> = reads.iter().map(|x| &x[..]).collect();
        let updated: Vec<&[f64]> = updated.iter().map(|x| &x[..]).collect();
        reference::run(&self.call, &self.step, &reads, &updated)
    }

    fn operand(&self, role: &Role, random: &mut Random) -> Vec<f32> {
        let bound = match (role.name, self.call) {
            (
                "labels",
                Call::CrossEntropy { rows, .. }
                | Call::CrossEntropyGrad { rows, .. }
                | Call::Accuracy(rows),
            ) => rows.channels,
            ("tokens", Call::Embedding(e) | Call::EmbeddingGrad(e)) => e.words,
            // A small vocabulary, so that each word occurs often.
            ("tokens", _) => 50,
            ("tap", Call::MaxPoolGrad(c)) => c.window.taps() as u32,
            _ => u32::MAX,
        };
        let data = role.name.starts_with('x');
        let mut draw = || match (role.element, role.name, self.spread) {
            (Element::U32, ..) => f32::from_bits(random.below(bound)),
            (_, "clip", _) => 0.1 + 0.9 * random.unit(),
            (_, "partials", _) => random.unit(),
            (_, "shares", _) => random.below(3) as f32 / 2.0,
            (_, "v", _) if matches!(self.call, Call::Adam { .. }) => random.unit(),
            // The result of a ReLU, unless the function is another one.
            (_, "y", _)
                if role.access == Access::Read
                    && !matches!(self.call, Call::ActivationGrad { .. }) =>
            {
                random.normal().max(0.0)
            }
            (_, _, Spread::Far) if data => 1000.0 + random.normal(),
            (_, _, Spread::Coarse) => random.below(4) as f32 - 2.0,
            _ => random.normal(),
        };
        (0..role.len).map(|_| draw()).collect()
    }

    /// The statistics of `x`, as an earlier kernel would have computed them.
    fn stats(&self, x: &[f32]) -> Vec<f32> {
        let (Call::BatchNorm(b) | Call::BatchNormGradSums(b) | Call::BatchNormGradInput(b)) =
            self.call
        else {
            return vec![];
        };
        let call = Call::BatchNormStats {
            rows: b.rows,
            eps: 1e-5,
        };
        let x = reference::numbers(Element::F32, x);
        reference::run(&call, &self.step, &[&x], &[])[0]
            .value
            .iter()
            .map(|v| *v as f32)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::cpu;

    #[test]
    fn every_kind_of_call_has_a_case() {
        let kinds = Call::kinds();
        assert!(kinds.len() > 50, "{kinds:?}");
        let seen: BTreeSet<&str> = cases().iter().map(|case| case.call.kind()).collect();
        // No case is a space's own op.
        let missing: Vec<_> = kinds
            .iter()
            .filter(|kind| **kind != "Custom" && !seen.contains(*kind))
            .collect();
        assert!(missing.is_empty(), "no case in `cases` for {missing:?}");
    }

    #[test]
    fn no_call_needs_more_buffers_than_any_gpu_binds() {
        assert!(cases().iter().all(|case| case.call.roles().len() <= 8));
        assert!(cases().iter().any(|case| case.call.roles().len() == 8));
    }

    fn run(case: &Case, operands: &Operands, workspace: &mut cpu::Workspace) -> Vec<Vec<f32>> {
        let mut writes = operands.writes.clone();
        let reads: Vec<&[f32]> = operands.reads.iter().map(|x| &x[..]).collect();
        let mut slices: Vec<&mut [f32]> = writes.iter_mut().map(|y| &mut y[..]).collect();
        cpu::run(&case.call, &case.step, workspace, &reads, &mut slices);
        writes
    }

    #[test]
    fn cpu_kernels_agree_with_references_on_any_number_of_threads() {
        let pool = |threads| {
            rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap()
        };
        let mut pools =
            [1, 2, 7].map(|threads| (threads, pool(threads), cpu::Workspace::default()));
        let mut misses = vec![];
        for case in cases() {
            let operands = case.operands();
            let runs = pools
                .each_mut()
                .map(|(_, pool, workspace)| pool.install(|| run(&case, &operands, workspace)));
            let bits = |run: &[Vec<f32>]| -> Vec<u32> {
                run.iter().flatten().map(|x| x.to_bits()).collect()
            };
            for ((threads, ..), run) in pools.iter().zip(&runs) {
                if bits(run) != bits(&runs[0]) {
                    misses.push(format!("{case:?}: other bits on {threads} threads"));
                }
            }
            let roles = case.call.roles();
            let written = roles.iter().filter(|role| role.access != Access::Read);
            for ((role, wanted), got) in written.zip(case.wanted(&operands)).zip(&runs[0]) {
                let got: Vec<f32> = reference::numbers(role.element, got)
                    .iter()
                    .map(|x| *x as f32)
                    .collect();
                if let Err(miss) = wanted.accepts(&got) {
                    misses.push(format!("{case:?}: {}: {miss}", role.name));
                }
            }
        }
        assert!(
            misses.is_empty(),
            "{} misses\n{}",
            misses.len(),
            misses[..misses.len().min(20)].join("\n")
        );
    }
}
