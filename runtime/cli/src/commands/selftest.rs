//! `supernet selftest`.

use std::io::Write;

use indicatif::{ProgressBar, ProgressStyle};
use supernet::device::DeviceSpec;
use supernet::tools::selftest::{self, SelfTestReport};

use crate::Failure;
use crate::arguments::{SelftestOptions, threads};

/// Timed repetitions of the short benchmark.
const STEPS: u32 = 10;

pub(crate) fn run(options: &SelftestOptions) -> Result<(), Failure> {
    let threads = threads(options.threads.as_deref())?;
    let mut device = options.device.parse::<DeviceSpec>()?.open(threads)?;
    let bar = ProgressBar::new(1000);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent} % {msg}") {
        bar.set_style(style);
    }
    let report = selftest::run(&mut *device, STEPS, &mut |share, what| {
        bar.set_position((1e3 * share) as u64);
        bar.set_message(what.to_owned());
    });
    bar.finish_and_clear();
    let mut out = std::io::stdout().lock();
    if options.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        show(&mut out, &report)?;
    }
    if report.passed {
        Ok(())
    } else {
        Err(format!("{} does not compute what it should", report.device).into())
    }
}

fn show(out: &mut impl Write, report: &SelfTestReport) -> std::io::Result<()> {
    writeln!(
        out,
        "{} on {}, supernet {}",
        report.device, report.system, report.version
    )?;
    for (what, value) in &report.about {
        writeln!(out, "  {what}: {value}")?;
    }
    for (name, kind) in &report.calls {
        let verdict = if kind.missed == 0 {
            "ok".to_owned()
        } else {
            format!("{} MISSED", kind.missed)
        };
        writeln!(
            out,
            "  {name:26} {:4} cases, {:3.0} % of the tolerance, {verdict}",
            kind.cases,
            100.0 * kind.worst
        )?;
        if let Some(miss) = &kind.miss {
            writeln!(out, "    {miss}")?;
        }
    }
    if let Some(training) = &report.training {
        writeln!(
            out,
            "  {} training steps: losses off the CPU device by {:.1e} of their size, weights by {:.1e} of their way, {}",
            training.losses.len(),
            training.loss_difference,
            training.weight_difference,
            if training.passed { "ok" } else { "MISSED" }
        )?;
    }
    if let Some(gflops) = report.gflops {
        writeln!(out, "  product   {gflops:.1} GFLOP/s (512x512x512)")?;
    }
    for timing in &report.bench {
        let phase = format!("{:?}", timing.phase).to_lowercase();
        writeln!(
            out,
            "  {phase:9} {:.2} ms (ENAS macro, 6 layers, 16 filters, 64 images of 32x32x3)",
            timing.median_ms
        )?;
    }
    if let Some(ended) = &report.ended {
        writeln!(out, "ended early {ended}")?;
    }
    let (kinds, missed) = (
        report.calls.len(),
        report.calls.values().filter(|kind| kind.missed > 0).count(),
    );
    match report.passed {
        true => writeln!(out, "passed: {kinds} kinds of calls")?,
        false => writeln!(
            out,
            "FAILED: {missed} of {kinds} kinds of calls missed their reference"
        )?,
    }
    writeln!(
        out,
        "`--json` prints all of it for a report to the project."
    )
}
