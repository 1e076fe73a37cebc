//! The memory that training steps take, compared with the prediction of the search.
//!
//!     cargo run --release -p supernet-tests --example memory -- enas-macro 12 36 128 200
//!
//! The arguments are the space, layers, filters, samples of a minibatch of 32x32x3, and steps on
//! random children, each followed by a scoring. Only Linux reports the peak memory of a process
//! (`VmHWM`), from which the memory before the first step is subtracted. Part of the weights is
//! resident by then, so the measurement may be lower than the prediction by as much.

#![allow(clippy::print_stdout, reason = "it is a command")]

use std::error::Error;
use std::fs;

use supernet::device::Cpu;
use supernet::tools::bench::{Bench, BenchPhase};
use supernet_enas as _;

/// One line of the status of this process, in bytes.
fn held(line: &str) -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let kib = status
        .lines()
        .find_map(|l| l.strip_prefix(line))
        .ok_or("Linux alone tells what a process holds")?;
    Ok(1024
        * kib
            .trim_start_matches(':')
            .trim_end_matches("kB")
            .trim()
            .parse::<u64>()?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [space, layers, filters, batch, steps] = arguments.as_slice() else {
        return Err("usage: memory SPACE LAYERS FILTERS BATCH STEPS".into());
    };
    let settings = [
        format!("space.layers={layers}"),
        format!("space.filters={filters}"),
    ];
    let (batch, steps) = (batch.parse()?, steps.parse()?);
    let mut bench = Bench::new(space, &settings, [32, 32, 3], 10, batch)?;
    let mut cpu = Cpu::new(2)?;
    let predicted = bench.reserve(&mut cpu)? - bench.weights();
    // Programs were built and dropped; the memory that remains counts as memory before the first
    // step.
    let before = held("VmRSS")?;
    bench.time(&mut cpu, BenchPhase::Train, 1)?;
    // Gradients and moments are allocated lazily, when their weights are first trained: from now on
    // they count as resident.
    println!(
        "before {:.1} MiB, after the first steps {:.1}",
        mib(before),
        mib(held("VmRSS")?)
    );
    bench.time(&mut cpu, BenchPhase::Train, steps)?;
    bench.time(&mut cpu, BenchPhase::Evaluate, steps)?;
    let took = held("VmHWM")? - before;
    println!(
        "{space} {layers}x{filters}, {batch} samples: took {:.1} MiB",
        mib(took)
    );
    println!(
        "predicted: values and minibatch {:.1} MiB, weights {:.1} MiB",
        mib(predicted),
        mib(bench.weights())
    );
    Ok(())
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
