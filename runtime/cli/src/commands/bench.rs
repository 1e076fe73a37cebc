//! `supernet bench`.

use std::io::Write;

use serde_json::{Value, json};
use supernet::device::DeviceSpec;
use supernet::tools::bench::{Bench, BenchPhase, Timing};

use crate::Failure;
use crate::arguments::{BenchOptions, threads};
use crate::misuse::Misuse;

pub(crate) fn run(options: &BenchOptions) -> Result<(), Failure> {
    let threads = threads(options.threads.as_deref())?;
    let mut device = options.device.parse::<DeviceSpec>()?.open(threads)?;
    let mut bench = bench(options)?;
    let mut out = std::io::stdout().lock();
    for phase in [BenchPhase::Train, BenchPhase::Evaluate] {
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
    let BenchOptions {
        layers,
        filters,
        hw,
        cin,
        classes,
        batch,
        vocab,
        hidden,
        bptt,
        ..
    } = *options;
    for (name, value, least, most) in [
        ("hw", hw, 1, 4096),
        ("cin", cin, 1, 4096),
        ("classes", classes, 2, 1 << 20),
        ("batch", batch, 1, 1 << 16),
        ("vocab", vocab, 2, 1 << 20),
        ("bptt", bptt, 1, 4096),
    ] {
        if !(least..=most).contains(&value) {
            return Err(Misuse(format!(
                "`--{name}` must be a whole number from {least} to {most}, not {value}"
            ))
            .into());
        }
    }
    match space(&options.space) {
        Some(space @ RECURRENT) => Ok(Bench::text(
            space,
            &[format!("space.hidden={hidden}")],
            vocab,
            batch,
            bptt,
        )?),
        Some(space) => {
            let sizes = [
                format!("space.layers={layers}"),
                format!("space.filters={filters}"),
            ];
            Ok(Bench::new(space, &sizes, [hw, hw, cin], classes, batch)?)
        }
        None => {
            let name = &options.space;
            Err(Misuse(format!(
                "`{name}` is not a network to time; write enas-macro, enas-micro or enas-recurrent"
            ))
            .into())
        }
    }
}

const RECURRENT: &str = "enas-recurrent";

/// The space for one of its names.
fn space(name: &str) -> Option<&'static str> {
    match name {
        "macro" | "enas-macro" => Some("enas-macro"),
        "micro" | "enas-micro" => Some("enas-micro"),
        "rnn" | "recurrent" | "enas-recurrent" => Some(RECURRENT),
        _ => None,
    }
}

/// The field names of the same benchmark in PyTorch, and additional ones.
fn line(options: &BenchOptions, timing: &Timing) -> Result<Value, serde_json::Error> {
    let BenchOptions {
        space: name,
        layers,
        filters,
        hw,
        cin,
        classes,
        batch,
        vocab,
        hidden,
        bptt,
        ..
    } = options;
    let mut line = match space(name) {
        Some(RECURRENT) => {
            json!({ "bench": name, "vocab": vocab, "hidden": hidden, "bptt": bptt, "batch": batch })
        }
        _ => json!({
            "bench": name, "layers": layers, "filters": filters, "hw": hw, "cin": cin, "classes": classes,
            "batch": batch,
        }),
    };
    if let (Value::Object(line), Value::Object(timing)) = (&mut line, serde_json::to_value(timing)?)
    {
        line.extend(timing);
    }
    Ok(line)
}

fn show(out: &mut impl Write, timing: &Timing) -> std::io::Result<()> {
    let Timing {
        device,
        steps,
        median_ms,
        min_ms,
        building_ms,
        encoding_ms,
        device_ms,
        ..
    } = timing;
    let phase = match timing.phase {
        BenchPhase::Train => "train",
        _ => "evaluate",
    };
    writeln!(
        out,
        "{phase:9} {median_ms:9.3} ms, {min_ms:.3} at best, on {device} ({steps} random children)"
    )?;
    writeln!(
        out,
        "          building {building_ms:.3}, encoding {encoding_ms:.3}, device {device_ms:.3} ms"
    )?;
    if timing.dispatches > 0.0 {
        let Timing {
            dispatches,
            submits,
            uploaded,
            ..
        } = timing;
        writeln!(
            out,
            "          {dispatches:.0} dispatches, {submits:.0} submits, {uploaded:.0} bytes uploaded"
        )?;
        let mut kinds: Vec<_> = timing.kinds.iter().collect();
        kinds.sort_by(|a, b| b.1.total_cmp(a.1));
        for (kind, count) in kinds {
            writeln!(out, "          {count:8.1} {kind}")?;
        }
    }
    Ok(())
}
