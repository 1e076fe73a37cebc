//! The live line of a search on a terminal, or its events as JSON lines.

use std::io::Write;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use supernet::config::StrategyName;
use supernet::events::Progress;
use supernet::results::Metric;
use supernet::{Event, Record};

/// Shows progress: a live line if standard error is a terminal, otherwise nothing; with `--json`
/// every event on standard output.
pub(crate) struct LiveLine {
    json: bool,
    bar: ProgressBar,
    device: String,
    strategy: Option<StrategyName>,
    progress: Progress,
}

impl LiveLine {
    pub(crate) fn new(json: bool) -> Self {
        // indicatif draws to standard error, and not at all if that is not a terminal.
        let bar = if json {
            ProgressBar::hidden()
        } else {
            ProgressBar::new_spinner()
        };
        // The line is truncated to the terminal's width, so the most important values come first.
        if let Ok(style) = ProgressStyle::with_template("{wide_msg}") {
            bar.set_style(style);
        }
        Self {
            json,
            bar,
            device: String::new(),
            strategy: None,
            progress: Progress::new(),
        }
    }

    /// Sets the meaning of the rewards.
    pub(crate) fn set_metric(&mut self, metric: Metric) {
        self.progress.set_metric(metric);
    }

    /// Processes an event from before the run was resumed.
    pub(crate) fn recall(&mut self, record: &Record) {
        self.take(record);
    }

    pub(crate) fn show(&mut self, record: &Record) {
        if self.json {
            if let Ok(line) = serde_json::to_string(record) {
                // A closed pipe does not stop the search: its result is written to the run folder.
                let _ = writeln!(std::io::stdout(), "{line}");
            }
            return;
        }
        self.take(record);
        match &record.event {
            Event::Planned { memory, .. } => {
                let mib = *memory as f64 / f64::from(1 << 20);
                self.say(&format!(
                    "On {}, with {mib:.1} MiB for weights and values.",
                    self.device
                ));
            }
            // Above the live line, and also if there is none.
            Event::Failed { part, reason, .. } => {
                self.say(&format!(
                    "the {part} failed and is being replaced: {reason}"
                ));
            }
            Event::RetrainStarted {
                seeds,
                random,
                same_size,
                largest,
                runners_up,
                left_out,
                ..
            } if *left_out > 0 => {
                let trained = seeds + random + same_size + largest + runners_up;
                let all = trained + left_out;
                self.say(&format!(
                    "training from scratch: {trained} of {all} networks, as many as `retrain.budget` pays; `supernet retrain \
                     RUN` trains without a limit"
                ));
            }
            Event::SelectionStarted {
                networks,
                trainings,
                total_epochs,
                budget,
                ..
            } if self.strategy == Some(StrategyName::Halving) => self.say(&format!(
                "No weights are shared: {networks} random networks, at most {trainings} trainings of {total_epochs} epochs \
                 together, within {budget:.2e} multiply-accumulates, which is what a search by shared weights would cost."
            )),
            Event::SelectionStarted {
                networks, epochs, ..
            } if self.strategy == Some(StrategyName::Nas) => self.say(&format!(
                "No weights are shared: up to {networks} networks are trained from scratch, for {epochs} epochs each, and the \
                 controller learns from their scores."
            )),
            Event::Calibrated { comparison, .. } => self.say(&comparison.verdict),
            Event::Warning { sentence, .. } => self.say(&format!("warning: {sentence}")),
            _ => {}
        }
        if let Some(line) = live_line(&self.progress).filter(|_| !self.bar.is_hidden()) {
            self.bar.set_message(line);
        }
    }

    fn take(&mut self, record: &Record) {
        if let Event::Started {
            device, strategy, ..
        } = &record.event
        {
            self.device.clone_from(device);
            self.strategy = Some(*strategy);
        }
        self.progress.observe(record);
    }

    /// Prints a line above the live one.
    fn say(&self, line: &str) {
        self.bar
            .suspend(|| drop(writeln!(std::io::stderr(), "{line}")));
    }
}

impl Drop for LiveLine {
    /// Clears the live line, so that all later output, including errors, begins on an empty line.
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// The live line, once there is any progress.
fn live_line(progress: &Progress) -> Option<String> {
    let mut line = progress.phase()?.to_string();
    let metric = progress.metric();
    if let Some(left) = progress.time_left() {
        line += &format!(" · {} left", duration(left));
    }
    if let Some(loss) = progress.loss() {
        line += &format!(" · loss {loss:.2}");
    }
    if let Some(update) = progress.update() {
        line += &format!(
            " · reward {} · baseline {} · best {} · entropy {:.1}",
            metric.reward(update.reward.into()),
            metric.reward(update.baseline.into()),
            metric.reward(progress.best().into()),
            update.entropy
        );
    }
    if let Some(comparison) = progress.comparison() {
        let difference = metric.difference(comparison.difference, comparison.standard_error);
        line += &format!(" · vs random {difference}");
    }
    Some(line)
}

fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The live line after a few events with these rewards.
    fn line(metric: serde_json::Value, reward: f64) -> String {
        let mut progress = Progress::new();
        let mut started = json!({
            "event": "started", "space": "s", "data": "d", "strategy": "enas", "device": "cpu", "seed": 0,
            "decisions": 1, "size": "2", "parameters": 1, "train": 1, "validation": 1, "test": 1,
        });
        if !metric.is_null() {
            started["metric"] = metric;
        }
        let events = [
            started,
            json!({
                "event": "planned", "minutes": null, "epochs": 2, "warm_up": 0, "steps": 1, "updates": 1,
                "rollouts": 2, "evaluated": 4, "batches": 1, "memory": 1,
            }),
            json!({
                "event": "update", "update": 1, "version": 1, "best": reward, "reward": reward, "baseline": reward,
                "entropy": 3.0, "skip_penalty": 0.0, "gradient_norm": 1.0,
            }),
            json!({
                "event": "interim_comparison", "update": 1, "samples": 2, "policy": reward, "random": reward,
                "difference": 0.5, "standard_error": 0.25,
            }),
            json!({ "event": "step", "epoch": 0, "step": 1, "accuracy": reward, "loss": 1.5 }),
        ];
        for mut event in events {
            event["at"] = json!(1.0);
            progress.observe(&serde_json::from_value(event).unwrap());
        }
        live_line(&progress).unwrap()
    }

    #[test]
    fn accuracies_are_percentages_and_rewards_of_a_text_are_not() {
        assert_eq!(
            line(serde_json::Value::Null, 0.75),
            "search 1/2 · 1 s left · loss 1.50 · reward 75.0 % · baseline 75.0 % · best 75.0 % · entropy 3.0 · vs random \
             +50.0 ± 25.0 points"
        );
        let text = json!({ "perplexity": { "reward": 80.0, "by_character": false } });
        assert_eq!(
            line(text, 2.0),
            "search 1/2 · 1 s left · loss 1.50 · reward 2.000 · baseline 2.000 · best 2.000 · entropy 3.0 · vs random \
             +0.500 ± 0.250"
        );
    }
}
