//! The live line of a search on a terminal, or its events as JSON lines.

use std::io::Write;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use supernet::events::Progress;
use supernet::{Event, Record};

/// Shows what happens: a line that is rewritten where standard error is a terminal, nothing elsewhere; with `--json`
/// every event on standard output.
pub(crate) struct Display {
    json: bool,
    bar: ProgressBar,
    device: String,
    progress: Progress,
}

impl Display {
    pub(crate) fn new(json: bool) -> Self {
        // indicatif draws to standard error, and not at all if that is no terminal.
        let bar = if json {
            ProgressBar::hidden()
        } else {
            ProgressBar::new_spinner()
        };
        // The line is cut at the terminal's edge, so what matters most stands first.
        if let Ok(style) = ProgressStyle::with_template("{wide_msg}") {
            bar.set_style(style);
        }
        Self {
            json,
            bar,
            device: String::new(),
            progress: Progress::new(),
        }
    }

    /// Takes note of something that happened before.
    pub(crate) fn recall(&mut self, record: &Record) {
        self.take(record);
    }

    pub(crate) fn show(&mut self, record: &Record) {
        if self.json {
            if let Ok(line) = serde_json::to_string(record) {
                // A reader that has gone away does not stop the search: its result goes to the run folder.
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
            // Above the line, and there even where no line is drawn.
            Event::Failed { part, reason, .. } => {
                self.say(&format!("the {part} failed and is replaced: {reason}"));
            }
            Event::RetrainStarted {
                seeds,
                random,
                left_out,
                ..
            } if *left_out > 0 => {
                let (trained, all) = (seeds + random, seeds + random + left_out);
                self.say(&format!(
                    "training from scratch: {trained} of {all} networks, as many as `retrain.budget` pays; `supernet retrain \
                     RUN` trains without a limit"
                ));
            }
            Event::Warning { sentence, .. } => self.say(&format!("warning: {sentence}")),
            _ => {}
        }
        if let Some(line) = live_line(&self.progress).filter(|_| !self.bar.is_hidden()) {
            self.bar.set_message(line);
        }
    }

    fn take(&mut self, record: &Record) {
        if let Event::Started { device, .. } = &record.event {
            self.device.clone_from(device);
        }
        self.progress.observe(record);
    }

    /// Prints a line above the live one.
    fn say(&self, line: &str) {
        self.bar
            .suspend(|| drop(writeln!(std::io::stderr(), "{line}")));
    }
}

impl Drop for Display {
    /// Whatever is said next begins on a clean line, a failure too.
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// The live line, once something was done.
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
