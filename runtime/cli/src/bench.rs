//! `supernet bench`.

use std::io::Write;

use serde_json::{Value, json};
use supernet::bench::{Bench, Phase, Timing};
use supernet::device::choice::Choice;

use crate::Failure;
use crate::arguments::{BenchOptions, threads};

pub(crate) fn run(options: &BenchOptions) -> Result<(), Failure> {
    let threads = threads(options.threads.as_deref())?;
    let mut device = options.device.parse::<Choice>()?.open(threads)?;
    let mut bench = bench(options)?;
    let mut out = std::io::stdout().lock();
    for phase in [Phase::Train, Phase::Evaluate] {
        let timing = bench.time(&mut *device, phase, options.steps)?;
        if options.json {
            writeln!(out, "{}", line(options, &timing)?)?;
        } else {
            show(&mut out, &timing)?;
        }
    }
    Ok(())
}

fn bench(options: &BenchOptions) -> Result<Bench, Failure> {
    let BenchOptions { layers, filters, hw, cin, classes, batch, .. } = *options;
    let sizes = [format!("space.layers={layers}"), format!("space.filters={filters}")];
    let (space, settings) = match options.space.as_str() {
        "macro" | "enas-macro" => ("enas-macro", &sizes[..]),
        "micro" | "enas-micro" => ("enas-micro", &sizes[..]),
        "rnn" | "recurrent" | "enas-recurrent" => {
            let why = "the recurrent network has no kernels yet; `supernet bench` times macro and micro";
            return Err(why.into());
        }
        other => return Err(format!("`{other}` is no network to time; write macro, micro or recurrent").into()),
    };
    for (name, value, most) in [("hw", hw, 4096), ("cin", cin, 4096), ("batch", batch, 1 << 16)] {
        if !(1..=most).contains(&value) {
            return Err(format!("`--{name}` must be a whole number from 1 to {most}, not {value}").into());
        }
    }
    if !(2..=1 << 20).contains(&classes) {
        return Err(format!("`--classes` must be a whole number from 2 to {}, not {classes}", 1 << 20).into());
    }
    Ok(Bench::new(space, settings, [hw, hw, cin], classes, batch)?)
}

/// The names of the same benchmark in PyTorch, and what only we have.
fn line(options: &BenchOptions, timing: &Timing) -> Result<Value, serde_json::Error> {
    let BenchOptions { layers, filters, hw, cin, classes, batch, .. } = options;
    let mut line = json!({
        "bench": options.space, "layers": layers, "filters": filters, "hw": hw, "cin": cin, "classes": classes,
        "batch": batch,
    });
    if let (Value::Object(line), Value::Object(timing)) = (&mut line, serde_json::to_value(timing)?) {
        line.extend(timing);
    }
    Ok(line)
}

fn show(out: &mut impl Write, timing: &Timing) -> std::io::Result<()> {
    let Timing { device, steps, median_ms, min_ms, building_ms, encoding_ms, device_ms, .. } = timing;
    let phase = match timing.phase {
        Phase::Train => "train",
        Phase::Evaluate => "evaluate",
    };
    writeln!(out, "{phase:9} {median_ms:9.3} ms, {min_ms:.3} at best, on {device} ({steps} random children)")?;
    writeln!(out, "          building {building_ms:.3}, encoding {encoding_ms:.3}, device {device_ms:.3} ms")?;
    if timing.dispatches > 0.0 {
        let Timing { dispatches, submits, uploaded, .. } = timing;
        writeln!(out, "          {dispatches:.0} dispatches, {submits:.0} submits, {uploaded:.0} bytes uploaded")?;
        let mut kinds: Vec<_> = timing.kinds.iter().collect();
        kinds.sort_by(|a, b| b.1.total_cmp(a.1));
        for (kind, count) in kinds {
            writeln!(out, "          {count:8.1} {kind}")?;
        }
    }
    Ok(())
}
