//! Calls with operands, for holding a device against the reference.
//!
//! The shapes are those that kernels get wrong: odd sizes, one image, one channel, windows at and beyond the edges, more
//! than a tile of everything, means far from zero, equal maxima.

use crate::catalogue::{
    Access, BatchNorm, Call, Conv2d, Element, Embedding, Function, Highway, Linear, MOST_INPUTS, PerChannel, Reduction,
    Role, Rows, Step, Update, Window,
};
use crate::random::Random;
use crate::reference;

/// One call with the seed of its operands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Case {
    /// The call.
    pub call: Call,
    /// What changes from step to step.
    pub step: Step,
    /// How its data are distributed.
    pub spread: Spread,
    /// Fixes its data.
    pub seed: u64,
}

/// A distribution of data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// Standard normal.
    Normal,
    /// Mean 1000, deviation 1: what a careless variance loses.
    Far,
    /// Small whole numbers: many are equal.
    Coarse,
}

/// A call's operands in the order of its roles.
#[derive(Clone, Debug, PartialEq)]
pub struct Operands {
    /// What is only read.
    pub reads: Vec<Vec<f32>>,
    /// What is written or updated, as it was before.
    pub writes: Vec<Vec<f32>>,
}

impl Case {
    /// Random operands that make sense for the call: labels are classes, statistics belong to the data.
    pub fn operands(&self) -> Operands {
        let mut random = Random::new(self.seed, 0);
        let mut operands = Operands { reads: vec![], writes: vec![] };
        for role in self.call.roles() {
            let mut operand = self.operand(&role, &mut random);
            if role.name == "stats" && role.access == Access::Read {
                operand = self.stats(&operands.reads[0]);
            }
            let list = if role.access == Access::Read { &mut operands.reads } else { &mut operands.writes };
            list.push(operand);
        }
        operands
    }

    /// What the reference makes of the operands.
    pub fn wanted(&self, operands: &Operands) -> Vec<reference::Value> {
        let roles = self.call.roles();
        let (read, written): (Vec<_>, Vec<_>) = roles.iter().partition(|role| role.access == Access::Read);
        let numbers = |roles: Vec<&Role>, operands: &[Vec<f32>]| -> Vec<Vec<f64>> {
            roles.iter().zip(operands).map(|(role, x)| reference::numbers(role.element, x)).collect()
        };
        let (reads, updated) = (numbers(read, &operands.reads), numbers(written, &operands.writes));
        let reads: Vec<&[f64]> = reads.iter().map(|x| &x[..]).collect();
        let updated: Vec<&[f64]> = updated.iter().map(|x| &x[..]).collect();
        reference::run(&self.call, &self.step, &reads, &updated)
    }

    fn operand(&self, role: &Role, random: &mut Random) -> Vec<f32> {
        let bound = match (role.name, self.call) {
            (
                "labels",
                Call::CrossEntropy { rows, .. } | Call::CrossEntropyGrad { rows, .. } | Call::Accuracy(rows),
            ) => rows.channels,
            ("tokens", Call::Embedding(e) | Call::EmbeddingGrad(e)) => e.words,
            // Few words, so that each occurs often.
            ("tokens", _) => 50,
            ("tap", Call::MaxPoolGrad(c)) => c.window.taps() as u32,
            _ => u32::MAX,
        };
        let data = role.name.starts_with('x');
        let mut draw = || match (role.element, role.name, self.spread) {
            (Element::U32, ..) => f32::from_bits(random.below(bound)),
            (_, "clip", _) => 0.1 + 0.9 * random.unit(),
            (_, "partials", _) => random.unit(),
            (_, "v", _) if matches!(self.call, Call::Adam { .. }) => random.unit(),
            (_, "y", _) if role.access == Access::Read => random.normal().max(0.0),
            (_, _, Spread::Far) if data => 1000.0 + random.normal(),
            (_, _, Spread::Coarse) => random.below(4) as f32 - 2.0,
            _ => random.normal(),
        };
        (0..role.len).map(|_| draw()).collect()
    }

    /// The statistics of `x`, as a kernel before this one would have left them.
    fn stats(&self, x: &[f32]) -> Vec<f32> {
        let (Call::BatchNorm(b) | Call::BatchNormGradSums(b) | Call::BatchNormGradInput(b)) = self.call else {
            return vec![];
        };
        let call = Call::BatchNormStats { rows: b.rows, eps: 1e-5 };
        let x = reference::numbers(Element::F32, x);
        reference::run(&call, &self.step, &[&x], &[])[0].value.iter().map(|v| *v as f32).collect()
    }
}

/// The whole list: every kind of call is in it, most in several shapes.
pub fn cases() -> Vec<Case> {
    let mut calls = vec![];
    windowed(&mut calls);
    reductions(&mut calls);
    matrices(&mut calls);
    elementwise(&mut calls);
    recurrent(&mut calls);
    losses(&mut calls);
    updates(&mut calls);
    let seed = |i: usize| 0x0123_4567_89ab_cdef ^ i as u64;
    let step = |i: usize| Step { rate: 0.05, number: 1 + i as u32 % 5, seed: seed(i), drop_path: 0.4 };
    let case = |(i, (call, spread)): (usize, (Call, Spread))| Case { call, step: step(i), spread, seed: i as u64 };
    calls.into_iter().enumerate().map(case).collect()
}

type Calls = Vec<(Call, Spread)>;

const fn window(batch: u32, input: [u32; 2], kernel: [u32; 2], stride: u32, dilation: u32, pads: [i32; 4]) -> Window {
    const fn output(input: u32, kernel: u32, stride: u32, dilation: u32, before: i32, after: i32) -> u32 {
        let reach = ((kernel - 1) * dilation + 1) as i32;
        ((input as i32 + before + after - reach) / stride as i32 + 1) as u32
    }
    let [top, left, bottom, right] = pads;
    let height = output(input[0], kernel[0], stride, dilation, top, bottom);
    let width = output(input[1], kernel[1], stride, dilation, left, right);
    Window { batch, input, output: [height, width], kernel, stride, dilation, top, left }
}

/// Windows that between them meet every kind of edge. The last ones exceed a tile of anything.
const WINDOWS: [Window; 18] = [
    window(2, [7, 5], [1, 1], 1, 1, [0, 0, 0, 0]),
    window(3, [8, 8], [3, 3], 1, 1, [1, 1, 1, 1]),
    window(1, [7, 9], [5, 5], 1, 1, [2, 2, 2, 2]),
    // The kernel is larger than the image.
    window(2, [1, 1], [3, 3], 1, 1, [1, 1, 1, 1]),
    window(1, [2, 3], [5, 5], 1, 1, [2, 2, 2, 2]),
    // Both halves of a factorised reduction, on even and odd sizes.
    window(3, [7, 7], [1, 1], 2, 1, [0, 0, 0, 0]),
    window(3, [7, 7], [1, 1], 2, 1, [-1, -1, 1, 1]),
    window(2, [8, 6], [1, 1], 2, 1, [-1, -1, 1, 1]),
    // Stride 2 with all padding after the image, as TensorFlow has it, and with padding around.
    window(2, [8, 6], [3, 3], 2, 1, [0, 0, 1, 1]),
    window(2, [9, 7], [3, 3], 2, 1, [1, 1, 1, 1]),
    window(2, [8, 8], [2, 2], 2, 1, [0, 0, 0, 0]),
    window(2, [9, 8], [3, 3], 1, 2, [2, 2, 2, 2]),
    window(2, [11, 10], [5, 3], 2, 2, [4, 2, 4, 2]),
    window(1, [10, 11], [3, 3], 3, 1, [1, 0, 0, 2]),
    // Cropped; windows that lie wholly outside.
    window(2, [9, 8], [3, 3], 1, 1, [-1, -2, -1, 0]),
    window(1, [5, 4], [3, 3], 1, 1, [3, 4, 3, 3]),
    window(33, [8, 8], [3, 3], 1, 1, [1, 1, 1, 1]),
    window(3, [33, 31], [5, 5], 1, 1, [2, 2, 2, 2]),
];

/// (inputs, outputs) that leave tails of every kind behind tiles of 4, 8 and 16, and some that leave none.
const CHANNELS: [(u32, u32); 10] =
    [(1, 1), (3, 16), (16, 10), (5, 7), (36, 18), (17, 36), (8, 41), (4, 12), (36, 20), (16, 48)];

fn windowed(calls: &mut Calls) {
    for (i, window) in WINDOWS.into_iter().enumerate() {
        // Three of the channel counts for each window, so that most pairs of troubles meet.
        for (inputs, outputs) in (0..3).map(|j| CHANNELS[(i * 3 + j) % CHANNELS.len()]) {
            let c = Conv2d { window, inputs, outputs };
            let p = PerChannel { window, channels: inputs };
            calls.extend([
                (Call::Conv2d(c), Spread::Normal),
                (Call::Conv2dGradInput(c), Spread::Normal),
                (Call::Conv2dGradWeight(c), Spread::Normal),
                (Call::Depthwise(p), Spread::Normal),
                (Call::DepthwiseGradInput(p), Spread::Normal),
                (Call::DepthwiseGradWeight(p), Spread::Normal),
                (Call::AveragePool(p), Spread::Far),
                (Call::AveragePoolGrad(p), Spread::Normal),
                (Call::MaxPool(p), Spread::Normal),
                (Call::MaxPool(p), Spread::Coarse),
                (Call::MaxPoolGrad(p), Spread::Normal),
            ]);
        }
    }
}

/// Halves of factorised reductions on even and odd sizes, images of one pixel included; other strides, shifts and counts
/// of channels; halves that lie outside.
fn reductions(calls: &mut Calls) {
    let images = [(2, [8, 6]), (3, [7, 7]), (1, [1, 1]), (1, [2, 3]), (33, [8, 8]), (2, [32, 33])];
    let usual = images.into_iter().enumerate().flat_map(|(i, (batch, input))| {
        let halves = [[0, 0, 0, 0], [-1, -1, 1, 1]].map(|pads| window(batch, input, [1, 1], 2, 1, pads));
        (0..3).map(move |j| (halves, CHANNELS[(i * 3 + j) % CHANNELS.len()]))
    });
    let odd = |input, output, stride, first: [i32; 2], second: [i32; 2]| {
        let kernel = [1, 1];
        [first, second].map(|[top, left]| Window { batch: 2, input, output, kernel, stride, dilation: 1, top, left })
    };
    let unusual = [
        (odd([10, 13], [5, 6], 3, [1, 0], [-2, 4]), (5, 7)),
        (odd([7, 6], [2, 2], 2, [0, 0], [0, -1]), (70, 130)),
        (odd([9, 8], [3, 2], 2, [-3, -20], [-12, -4]), (7, 3)),
    ];
    for (halves, (inputs, outputs)) in usual.chain(unusual) {
        let [first, second] = halves.map(|window| Conv2d { window, inputs, outputs });
        calls.extend(Reduction::of(first, second).into_iter().flat_map(|r| {
            let calls = [Call::Reduction(r), Call::ReductionGradInput(r), Call::ReductionGradWeight(r)];
            calls.map(|call| (call, Spread::Normal))
        }));
    }
}

fn matrices(calls: &mut Calls) {
    for (rows, inputs, outputs) in [(1, 1, 1), (3, 5, 7), (64, 36, 10), (130, 17, 33), (7, 600, 24), (513, 64, 129)] {
        for transposed in [false, true] {
            let l = Linear { rows, inputs, outputs, transposed };
            let calls_of = [Call::Linear(l), Call::LinearGradInput(l), Call::LinearGradWeight(l)];
            calls.extend(calls_of.map(|call| (call, Spread::Normal)));
        }
    }
    for (rows, channels) in [(1, 1), (1, 5), (2, 3), (67, 16), (1000, 1), (4097, 36), (129, 130)] {
        let rows = Rows { rows, channels };
        for spread in [Spread::Normal, Spread::Far] {
            calls.extend([(Call::Bias(rows), spread), (Call::BiasGrad(rows), spread)]);
            calls.push((Call::BatchNormStats { rows, eps: 1e-5 }, spread));
            for (relu, affine) in [(false, false), (false, true), (true, false), (true, true)] {
                let b = BatchNorm { rows, relu, affine };
                let calls_of = [Call::BatchNorm(b), Call::BatchNormGradSums(b), Call::BatchNormGradInput(b)];
                calls.extend(calls_of.map(|call| (call, spread)));
            }
        }
    }
}

fn elementwise(calls: &mut Calls) {
    for len in [1, 3, 64, 1029, 70_001] {
        calls.extend([
            (Call::Relu { len }, Spread::Coarse),
            (Call::ReluGrad { len }, Spread::Normal),
            (Call::Fill { len, value: -0.375 }, Spread::Normal),
            (Call::Dropout { len, rate: 0.1, stream: len, first: 0, period: len }, Spread::Normal),
            (Call::Dropout { len, rate: 0.0, stream: 0, first: 0, period: len }, Spread::Normal),
            (Call::Dropout { len, rate: 0.4, stream: 7, first: 0, period: 4 * len.div_ceil(10) }, Spread::Normal),
            (Call::Dropout { len, rate: 0.4, stream: 7, first: 128, period: 1028 }, Spread::Normal),
        ]);
        for inputs in 1..=MOST_INPUTS as u32 {
            calls.push((Call::Sum { len, inputs, scale: if inputs == 2 { 1.0 } else { 0.3 } }, Spread::Normal));
        }
    }
    for (samples, len, depth) in [(1, 1, 1.0), (3, 5, 0.25), (70, 1029, 0.5), (9, 1024, 1.0), (200, 64, 0.125)] {
        calls.push((Call::DropPath { samples, len, depth, stream: len }, Spread::Normal));
    }
    for (rows, widths) in [
        (1, [1, 0, 0, 0, 0, 0, 0]),
        (5, [3, 1, 0, 0, 0, 0, 0]),
        (9, [3, 1, 4, 0, 0, 0, 0]),
        (70, [4, 4, 4, 4, 0, 0, 0]),
        (33, [20, 20, 20, 20, 20, 0, 0]),
        (12, [1, 8, 2, 16, 3, 5, 0]),
        (700, [18, 18, 0, 0, 0, 0, 0]),
        (33, [1, 2, 3, 4, 5, 6, 7]),
    ] {
        calls.push((Call::Concat { rows, widths }, Spread::Normal));
    }
    for (rows, channels, start, len) in [(1, 1, 0, 1), (5, 4, 1, 3), (700, 36, 18, 18), (33, 100, 7, 1)] {
        calls.push((Call::Slice { rows: Rows { rows, channels }, start, len }, Spread::Normal));
    }
    for (batch, positions, channels) in [(1, 1, 1), (3, 49, 5), (64, 64, 36), (2, 1024, 16)] {
        calls.push((Call::GlobalAveragePool { batch, positions, channels }, Spread::Far));
        calls.push((Call::GlobalAveragePoolGrad { batch, positions, channels }, Spread::Normal));
    }
}

/// What the recurrent cell is made of: odd widths, one row, more rows than words and the other way round, values that
/// saturate every function.
fn recurrent(calls: &mut Calls) {
    let functions = [Function::Identity, Function::Relu, Function::Tanh, Function::Sigmoid];
    for spread in [Spread::Normal, Spread::Coarse, Spread::Far] {
        for len in [1, 67, 5000] {
            calls.extend(functions.map(|function| (Call::Activation { function, len }, spread)));
            calls.extend(functions.map(|function| (Call::ActivationGrad { function, len }, Spread::Normal)));
            calls.extend([(Call::Lerp { len }, spread), (Call::LerpGrad { len }, spread)]);
        }
        for (rows, width) in [(1, 1), (3, 8), (64, 200), (130, 33)] {
            for function in functions {
                let h = Highway { rows, width, function };
                calls.extend([(Call::Highway(h), spread), (Call::HighwayGrad(h), spread)]);
            }
        }
    }
    for (rows, words, width) in [(1, 1, 1), (5, 65, 8), (300, 7, 33), (700, 1000, 40), (128, 3, 200)] {
        let e = Embedding { rows, words, width };
        calls.extend([(Call::Embedding(e), Spread::Normal), (Call::EmbeddingGrad(e), Spread::Normal)]);
        let rows = Rows { rows, channels: width };
        for rate in [0.0, 0.4] {
            calls.push((Call::WordDropout { rows, rate, stream: 9 }, Spread::Normal));
        }
    }
}

fn losses(calls: &mut Calls) {
    for (rows, channels) in [(1, 1), (1, 2), (64, 10), (130, 1000), (9, 37)] {
        let rows = Rows { rows, channels };
        for spread in [Spread::Normal, Spread::Far, Spread::Coarse] {
            calls.push((Call::Accuracy(rows), spread));
            for smoothing in [0.0, 0.1] {
                calls.push((Call::CrossEntropy { rows, smoothing }, spread));
                calls.push((Call::CrossEntropyGrad { rows, smoothing, of: rows.rows }, spread));
                calls.push((Call::CrossEntropyGrad { rows, smoothing, of: 3 * rows.rows + 1 }, spread));
            }
        }
    }
}

fn updates(calls: &mut Calls) {
    for len in [1, 64, 100, 4096, 50_000] {
        calls.push((Call::NormPartials { len }, Spread::Normal));
        calls.push((Call::ClipFactor { partials: len, limit: 0.25 }, Spread::Normal));
        calls.push((Call::ClipFactor { partials: len, limit: 1e6 }, Spread::Normal));
        for (l2, everywhere) in [(0.0, false), (1e-2, false), (1e-2, true)] {
            let update = Update { len, l2, everywhere };
            for nesterov in [false, true] {
                calls.push((Call::Sgd { update, momentum: 0.9, nesterov }, Spread::Normal));
            }
            calls.push((Call::Adam { update, beta1: 0.9, beta2: 0.999, eps: 1e-3 }, Spread::Normal));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu;

    /// One number for each kind of call. A kind that is missing here does not compile; one that no case has fails.
    fn kind(call: &Call) -> usize {
        match call {
            Call::Conv2d(_) => 0,
            Call::Conv2dGradInput(_) => 1,
            Call::Conv2dGradWeight(_) => 2,
            Call::Depthwise(_) => 3,
            Call::DepthwiseGradInput(_) => 4,
            Call::DepthwiseGradWeight(_) => 5,
            Call::Linear(_) => 6,
            Call::LinearGradInput(_) => 7,
            Call::LinearGradWeight(_) => 8,
            Call::Bias(_) => 9,
            Call::BiasGrad(_) => 10,
            Call::BatchNormStats { .. } => 11,
            Call::BatchNorm(_) => 12,
            Call::BatchNormGradSums(_) => 13,
            Call::BatchNormGradInput(_) => 14,
            Call::Relu { .. } => 15,
            Call::ReluGrad { .. } => 16,
            Call::AveragePool(_) => 17,
            Call::AveragePoolGrad(_) => 18,
            Call::MaxPool(_) => 19,
            Call::MaxPoolGrad(_) => 20,
            Call::Sum { .. } => 21,
            Call::Concat { .. } => 22,
            Call::Slice { .. } => 23,
            Call::Fill { .. } => 24,
            Call::GlobalAveragePool { .. } => 25,
            Call::GlobalAveragePoolGrad { .. } => 26,
            Call::Dropout { .. } => 27,
            Call::CrossEntropy { .. } => 28,
            Call::CrossEntropyGrad { .. } => 29,
            Call::Accuracy(_) => 30,
            Call::NormPartials { .. } => 31,
            Call::ClipFactor { .. } => 32,
            Call::Sgd { .. } => 33,
            Call::Adam { .. } => 34,
            Call::Reduction(_) => 35,
            Call::ReductionGradInput(_) => 36,
            Call::ReductionGradWeight(_) => 37,
            Call::Activation { .. } => 38,
            Call::ActivationGrad { .. } => 39,
            Call::Lerp { .. } => 40,
            Call::LerpGrad { .. } => 41,
            Call::Highway(_) => 42,
            Call::HighwayGrad(_) => 43,
            Call::Embedding(_) => 44,
            Call::EmbeddingGrad(_) => 45,
            Call::WordDropout { .. } => 46,
            Call::DropPath { .. } => 47,
            Call::Custom(_) => unreachable!("no case is a space's own op"),
        }
    }

    const KINDS: usize = 48;

    #[test]
    fn every_kind_of_call_has_a_case() {
        let mut seen = [false; KINDS];
        cases().iter().for_each(|case| seen[kind(&case.call)] = true);
        assert!(seen.iter().all(|seen| *seen), "{seen:?}");
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
    fn twins_agree_with_references_on_any_number_of_threads() {
        let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut pools = [1, 2, 7].map(|threads| (threads, pool(threads), cpu::Workspace::default()));
        let mut misses = vec![];
        for case in cases() {
            let operands = case.operands();
            let runs = pools.each_mut().map(|(_, pool, workspace)| pool.install(|| run(&case, &operands, workspace)));
            let bits = |run: &[Vec<f32>]| -> Vec<u32> { run.iter().flatten().map(|x| x.to_bits()).collect() };
            for ((threads, ..), run) in pools.iter().zip(&runs) {
                if bits(run) != bits(&runs[0]) {
                    misses.push(format!("{case:?}: other bits on {threads} threads"));
                }
            }
            let roles = case.call.roles();
            let written = roles.iter().filter(|role| role.access != Access::Read);
            for ((role, wanted), got) in written.zip(case.wanted(&operands)).zip(&runs[0]) {
                let got: Vec<f32> = reference::numbers(role.element, got).iter().map(|x| *x as f32).collect();
                if let Err(miss) = wanted.accepts(&got) {
                    misses.push(format!("{case:?}: {}: {miss}", role.name));
                }
            }
        }
        assert!(misses.is_empty(), "{} misses\n{}", misses.len(), misses[..misses.len().min(20)].join("\n"));
    }
}
