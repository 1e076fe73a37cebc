//! The time of every call at the shapes of the ENAS spaces, on all threads and on one.
//!
//! Prints microseconds and the resulting rate of arithmetic or memory traffic: the median on all
//! threads, and the minimum on one, which is the least disturbed by other load. An argument selects
//! the calls whose names or shapes contain it.

#![expect(clippy::print_stdout, reason = "a benchmark prints its results")]

use std::time::Instant;

use supernet_shaders::cases::{Case, Spread};
use supernet_shaders::catalogue::{
    BatchNorm, Call, Conv2d, Embedding, Function, Highway, Linear, PerChannel, Rows, Step, Update,
    Window,
};
use supernet_shaders::cpu::{self, Workspace};

/// All calls of a macro child at one size.
fn calls(hw: u32, channels: u32) -> Vec<(&'static str, Call)> {
    let batch = 64;
    let same = |k: u32| {
        let pad = (k / 2) as i32;
        let (input, output, kernel) = ([hw, hw], [hw, hw], [k, k]);
        Window {
            batch,
            input,
            output,
            kernel,
            stride: 1,
            dilation: 1,
            top: pad,
            left: pad,
        }
    };
    let conv = |k| Conv2d {
        window: same(k),
        inputs: channels,
        outputs: channels,
    };
    let half = Window {
        output: [hw / 2, hw / 2],
        stride: 2,
        top: -1,
        left: -1,
        ..same(1)
    };
    let factorised = Conv2d {
        window: half,
        inputs: channels,
        outputs: channels / 2,
    };
    let stem = Conv2d {
        inputs: 3,
        ..conv(3)
    };
    let per = |k| PerChannel {
        window: same(k),
        channels,
    };
    let rows = Rows {
        rows: batch * hw * hw,
        channels,
    };
    let len = rows.len() as u32;
    let norm = BatchNorm {
        rows,
        relu: true,
        affine: true,
    };
    vec![
        ("1x1", Call::Conv2d(conv(1))),
        ("1x1", Call::Conv2dGradInput(conv(1))),
        ("1x1", Call::Conv2dGradWeight(conv(1))),
        ("3x3", Call::Conv2d(conv(3))),
        ("3x3", Call::Conv2dGradInput(conv(3))),
        ("3x3", Call::Conv2dGradWeight(conv(3))),
        ("5x5", Call::Conv2d(conv(5))),
        ("5x5", Call::Conv2dGradInput(conv(5))),
        ("5x5", Call::Conv2dGradWeight(conv(5))),
        ("stem", Call::Conv2d(stem)),
        ("stem", Call::Conv2dGradWeight(stem)),
        ("1x1/2", Call::Conv2d(factorised)),
        ("1x1/2", Call::Conv2dGradInput(factorised)),
        ("1x1/2", Call::Conv2dGradWeight(factorised)),
        ("3x3", Call::Depthwise(per(3))),
        ("3x3", Call::DepthwiseGradInput(per(3))),
        ("3x3", Call::DepthwiseGradWeight(per(3))),
        ("5x5", Call::Depthwise(per(5))),
        ("5x5", Call::DepthwiseGradInput(per(5))),
        ("5x5", Call::DepthwiseGradWeight(per(5))),
        ("", Call::BatchNormStats { rows, eps: 1e-5 }),
        ("relu", Call::BatchNorm(norm)),
        ("relu", Call::BatchNormGradSums(norm)),
        ("relu", Call::BatchNormGradInput(norm)),
        ("", Call::Relu { len }),
        ("", Call::ReluGrad { len }),
        ("3x3", Call::AveragePool(per(3))),
        ("3x3", Call::AveragePoolGrad(per(3))),
        ("3x3", Call::MaxPool(per(3))),
        ("3x3", Call::MaxPoolGrad(per(3))),
        (
            "of 2",
            Call::Sum {
                len,
                inputs: 2,
                scale: 1.0,
            },
        ),
        (
            "of 5",
            Call::Sum {
                len,
                inputs: 5,
                scale: 1.0,
            },
        ),
        (
            "",
            Call::GlobalAveragePool {
                batch,
                positions: hw * hw,
                channels,
            },
        ),
        (
            "",
            Call::GlobalAveragePoolGrad {
                batch,
                positions: hw * hw,
                channels,
            },
        ),
    ]
}

/// Calls whose size does not depend on the image.
fn others() -> Vec<(&'static str, Call)> {
    let linear = |rows, inputs, outputs, transposed| Linear {
        rows,
        inputs,
        outputs,
        transposed,
    };
    let tied = linear(2240, 200, 10_000, true);
    // A piece of the head, a node of the cell in one step of a window, and in all of them.
    let head = linear(384, 200, 10_000, true);
    let node = linear(64, 200, 400, false);
    let over_time = linear(2240, 200, 400, false);
    let gates = linear(64, 400, 400, false);
    let words = Rows {
        rows: 384,
        channels: 10_000,
    };
    let embedding = Embedding {
        rows: 2240,
        words: 10_000,
        width: 200,
    };
    let highway = Highway {
        rows: 64,
        width: 200,
        function: Function::Tanh,
    };
    let classes = Rows {
        rows: 64,
        channels: 10,
    };
    let update = Update {
        len: 700_000,
        l2: 1e-4,
        everywhere: true,
    };
    vec![
        ("64x400x400", Call::Linear(gates)),
        ("64x400x400", Call::LinearGradInput(gates)),
        ("64x400x400", Call::LinearGradWeight(gates)),
        ("tied", Call::Linear(tied)),
        ("tied", Call::LinearGradInput(tied)),
        ("tied", Call::LinearGradWeight(tied)),
        ("head", Call::Linear(head)),
        ("head", Call::LinearGradInput(head)),
        ("head", Call::LinearGradWeight(head)),
        ("node", Call::Linear(node)),
        ("node", Call::LinearGradInput(node)),
        ("node", Call::LinearGradWeight(node)),
        ("over time", Call::LinearGradWeight(over_time)),
        ("node", Call::Highway(highway)),
        ("node", Call::HighwayGrad(highway)),
        ("words", Call::Embedding(embedding)),
        ("words", Call::EmbeddingGrad(embedding)),
        (
            "words",
            Call::CrossEntropy {
                rows: words,
                smoothing: 0.0,
            },
        ),
        (
            "words",
            Call::CrossEntropyGrad {
                rows: words,
                smoothing: 0.0,
                of: words.rows,
            },
        ),
        ("words", Call::Accuracy(words)),
        (
            "",
            Call::Dropout {
                len: 448_000,
                rate: 0.1,
                stream: 0,
                first: 0,
                period: 448_000,
            },
        ),
        (
            "",
            Call::CrossEntropy {
                rows: classes,
                smoothing: 0.0,
            },
        ),
        (
            "",
            Call::CrossEntropyGrad {
                rows: classes,
                smoothing: 0.0,
                of: classes.rows,
            },
        ),
        ("700k", Call::NormPartials { len: 700_000 }),
        (
            "700k",
            Call::Sgd {
                update,
                momentum: 0.9,
                nesterov: true,
            },
        ),
        (
            "700k",
            Call::Adam {
                update,
                beta1: 0.9,
                beta2: 0.999,
                eps: 1e-8,
            },
        ),
    ]
}

/// The floating-point operations of the calls that are compute-bound.
fn flops(call: &Call) -> Option<f64> {
    let dense = |c: &Conv2d| c.len_y() * c.window.taps() * c.inputs as usize;
    let depthwise = |c: &PerChannel| c.len_y() * c.window.taps();
    let products = match call {
        Call::Conv2d(c) | Call::Conv2dGradInput(c) | Call::Conv2dGradWeight(c) => dense(c),
        Call::Depthwise(c) | Call::DepthwiseGradInput(c) | Call::DepthwiseGradWeight(c) => {
            depthwise(c)
        }
        Call::Linear(l) | Call::LinearGradInput(l) | Call::LinearGradWeight(l) => {
            l.len_y() * l.inputs as usize
        }
        _ => return None,
    };
    Some(2.0 * products as f64)
}

/// The time of a call in seconds: the given quantile of many runs.
fn time(call: Call, pool: &rayon::ThreadPool, quantile: f64) -> f64 {
    let case = Case {
        call,
        step: Step {
            rate: 1e-3,
            number: 1,
            update: 1,
            seed: 1,
            drop_path: 0.0,
        },
        spread: Spread::Normal,
        seed: 1,
    };
    let mut operands = case.operands();
    let reads: Vec<&[f32]> = operands.reads.iter().map(|x| &x[..]).collect();
    let mut writes: Vec<&mut [f32]> = operands.writes.iter_mut().map(|y| &mut y[..]).collect();
    let mut workspace = Workspace::default();
    pool.install(|| {
        let mut run = || {
            let start = Instant::now();
            cpu::run(&call, &case.step, &mut workspace, &reads, &mut writes);
            start.elapsed().as_secs_f64()
        };
        let warm = run().max(run()).max(1e-7);
        let mut times: Vec<f64> = (0..(0.15 / warm).clamp(5.0, 300.0) as usize)
            .map(|_| run())
            .collect();
        times.sort_by(f64::total_cmp);
        times[((times.len() - 1) as f64 * quantile) as usize]
    })
}

fn main() {
    let wanted = std::env::args()
        .skip(1)
        .find(|arg| !arg.starts_with('-'))
        .unwrap_or_default();
    let most = std::thread::available_parallelism().map_or(1, |n| n.get());
    let pool = |threads| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .ok()
    };
    let pools = [
        pool(most).map(|pool| (pool, 0.5)),
        pool(1).map(|pool| (pool, 0.0)),
    ];
    println!("| call | | {most} threads: median µs | rate | 1 thread: shortest µs | rate |");
    println!("|---|---|---:|---:|---:|---:|");
    let sizes = [
        (8, 16),
        (8, 36),
        (16, 20),
        (16, 36),
        (32, 16),
        (32, 20),
        (32, 36),
    ];
    let shaped = sizes.into_iter().flat_map(|(hw, channels)| {
        calls(hw, channels)
            .into_iter()
            .map(move |(note, call)| (format!("{note} {hw}x{hw}x{channels}"), call))
    });
    for (note, call) in shaped.chain(
        others()
            .into_iter()
            .map(|(note, call)| (note.to_string(), call)),
    ) {
        if !call.name().contains(&wanted) && !note.contains(&wanted) {
            continue;
        }
        print!("| {} | {note} |", call.name());
        for (pool, quantile) in pools.iter().flatten() {
            let seconds = time(call, pool, *quantile);
            let bytes = 4 * call.roles().iter().map(|role| role.len).sum::<usize>();
            match flops(&call) {
                Some(flops) => print!(
                    " {:.0} | {:.1} GFLOP/s |",
                    seconds * 1e6,
                    flops / seconds * 1e-9
                ),
                None => print!(
                    " {:.0} | {:.1} GB/s |",
                    seconds * 1e6,
                    bytes as f64 / seconds * 1e-9
                ),
            }
        }
        println!();
    }
}
