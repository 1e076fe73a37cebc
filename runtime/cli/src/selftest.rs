//! `supernet selftest`.

use std::io::Write;

use indicatif::{ProgressBar, ProgressStyle};
use supernet::device::choice::Choice;
use supernet::selftest::{self, Report};

use crate::Failure;
use crate::arguments::{SelftestOptions, threads};

/// Timed repetitions of the short benchmark.
const STEPS: u32 = 10;

pub(crate) fn run(options: &SelftestOptions) -> Result<(), Failure> {
    let threads = threads(options.threads.as_deref())?;
    let mut device = options.device.parse::<Choice>()?.open(threads)?;
    let bar = ProgressBar::new(1000);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent} % {msg}") {
        bar.set_style(style);
    }
    let report = selftest::run(&mut *device, STEPS, &mut |share, what| {
        bar.set_position((1e3 * share) as u64);
        bar.set_message(what.to_owned());
    });
    bar.finish_and_clear();
    let report = report?;
    let mut out = std::io::stdout().lock();
    if options.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        show(&mut out, &report)?;
    }
    if report.passed { Ok(()) } else { Err(format!("{} does not compute what it should", report.device).into()) }
}

fn show(out: &mut impl Write, report: &Report) -> std::io::Result<()> {
    writeln!(out, "{} on {}, supernet {}", report.device, report.system, report.version)?;
    for (name, kind) in &report.calls {
        let verdict = if kind.missed == 0 { "ok".to_owned() } else { format!("{} MISSED", kind.missed) };
        writeln!(out, "  {name:26} {:4} cases, {:3.0} % of the tolerance, {verdict}", kind.cases, 100.0 * kind.worst)?;
        if let Some(miss) = &kind.miss {
            writeln!(out, "    {miss}")?;
        }
    }
    let training = &report.training;
    writeln!(
        out,
        "  {} training steps: losses off the CPU device by {:.1e} of their size, weights by {:.1e} of their way, {}",
        training.losses.len(),
        training.loss_difference,
        training.weight_difference,
        if training.passed { "ok" } else { "MISSED" }
    )?;
    writeln!(out, "  product   {:.1} GFLOP/s (512x512x512)", report.gflops)?;
    for timing in &report.bench {
        let phase = format!("{:?}", timing.phase).to_lowercase();
        writeln!(
            out,
            "  {phase:9} {:.2} ms (ENAS macro, 6 layers, 16 filters, 64 images of 32x32x3)",
            timing.median_ms
        )?;
    }
    let verdict = if report.passed { "passed" } else { "FAILED" };
    writeln!(out, "{verdict}: {} kinds of calls", report.calls.len())?;
    writeln!(out, "`--json` prints all of it for a report to the project.")
}
