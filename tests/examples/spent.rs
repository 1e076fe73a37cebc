//! The time a run spent on training and on scoring, from the timestamps in its `events.jsonl`.
//!
//!     cargo run --release -p supernet-tests --example spent -- runs/enas-macro-digits-1
//!
//! The time before a `step` event counts as training, the time before an `update` as scoring. Setup
//! before the first step and the final evaluation after the last update and epoch do not count.
//! `--check` fails if scoring took longer than training.

#![allow(clippy::print_stdout, reason = "it is a command")]

use std::error::Error;
use std::path::Path;

use supernet::{Event, Record};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let run = arguments.first().ok_or("usage: spent RUN [--check]")?;
    let text = std::fs::read_to_string(Path::new(run).join("events.jsonl"))?;
    let (mut before, mut training, mut controlled, mut scoring) = (None, 0.0, 0.0, 0.0);
    let (mut steps, mut scored, mut rollouts, mut warm, mut warming) = (0_u32, 0_u32, 0, 0, true);
    for line in text.lines() {
        let record: Record = serde_json::from_str(line)?;
        let spent = record.at - before.unwrap_or(record.at);
        match record.event {
            Event::Planned {
                rollouts: each,
                warm_up,
                ..
            } => (rollouts, warm, warming) = (each, warm_up, warm_up > 0),
            Event::Step { .. } => {
                training += spent;
                controlled += if warming { 0.0 } else { spent };
                steps += 1;
            }
            Event::Update { .. } => {
                scoring += spent;
                scored += rollouts;
            }
            // Reported at the same moment as the update with which they were scored.
            Event::InterimComparison { comparison, .. } => scored += comparison.samples,
            Event::Epoch { epoch, .. } => warming = epoch + 1 < warm,
            Event::Evaluated { .. } => break,
            _ => {}
        }
        before = Some(record.at);
    }
    let (step, score) = (
        1e3 * training / f64::from(steps.max(1)),
        1e3 * scoring / f64::from(scored.max(1)),
    );
    println!(
        "training  {training:8.2} s, {controlled:.2} s of it after warm-up: {steps} steps of {step:.3} ms"
    );
    println!(
        "scoring   {scoring:8.2} s, the strategy's own time included: {scored} samples of {score:.3} ms"
    );
    println!("a step costs {:.2} scored minibatches", step / score);
    if arguments.iter().any(|argument| argument == "--check") && scoring > controlled {
        return Err(format!(
            "scoring took {scoring:.2} s, longer than training after warm-up, {controlled:.2} s"
        )
        .into());
    }
    Ok(())
}
