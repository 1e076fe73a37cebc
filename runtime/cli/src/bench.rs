//! `supernet bench`: one line of JSON per image shape and kind of work, a fresh random child each time.

use std::io::Write;
use std::time::Instant;

use serde_json::json;
use supernet::bench::Bench;
use supernet::device::cpu::Cpu;

use crate::Failure;
use crate::arguments::{BenchOptions, threads};

pub(crate) fn run(options: &BenchOptions) -> Result<(), Failure> {
    let mut device = Cpu::new(threads(options.threads.as_deref())?)?;
    for image in [[32, 32, 3], [8, 8, 1]] {
        let mut bench = Bench::new("enas-macro", image, 64)?;
        for phase in ["build", "train", "evaluate"] {
            let mut times = Vec::new();
            for timed in 0..options.steps + 3 {
                let began = Instant::now();
                match phase {
                    "build" => drop(bench.build()?),
                    "train" => bench.train(&mut device)?,
                    _ => bench.score(&mut device)?,
                }
                if timed >= 3 {
                    times.push(began.elapsed().as_secs_f64() * 1e3);
                }
            }
            times.sort_by(f64::total_cmp);
            let median = times.get(times.len() / 2).copied().unwrap_or_default();
            let line = json!({
                "bench": "macro", "phase": phase, "image": image, "batch": 64, "params": bench.parameters(),
                "median_ms": (median * 1e3).round() / 1e3, "min_ms": (times.first().copied().unwrap_or_default() * 1e3).round() / 1e3,
            });
            writeln!(std::io::stdout(), "{line}")?;
        }
    }
    Ok(())
}
