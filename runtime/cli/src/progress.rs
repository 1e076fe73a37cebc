//! The live line of a search on a terminal, or its events as JSON lines.

use std::io::Write;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use supernet::event::Judged;
use supernet::{Event, Record};

/// Shows what happens: a line that is rewritten where standard error is a terminal, nothing elsewhere; with `--json`
/// every event on standard output.
pub(crate) struct Progress {
    json: bool,
    bar: ProgressBar,
    device: String,
    plan: Plan,
    /// Work done, in forward passes of one minibatch.
    done: f64,
    line: Line,
}

/// What the search will cost, in forward passes of one minibatch.
#[derive(Default)]
struct Plan {
    total: f64,
    /// Of judging one genome.
    batches: f64,
    epochs: u32,
    rollouts: u32,
    retrain: Retrain,
}

/// The last phase.
#[derive(Clone, Copy, Default)]
struct Retrain {
    networks: u32,
    epochs: u32,
    /// Of a pass.
    pass: f64,
}

#[derive(Default)]
struct Line {
    phase: String,
    loss: f32,
    update: Option<(f32, f32, f32)>,
    best: f32,
    /// How far the policy is ahead of chance, with its standard error, as of the last glimpse.
    ahead: Option<(f64, f64)>,
}

/// A step is about three forward passes.
const STEP: f64 = 3.0;

impl Progress {
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
            plan: Plan::default(),
            done: 0.0,
            line: Line::default(),
        }
    }

    /// Takes note of something that happened before.
    pub(crate) fn recall(&mut self, record: &Record) {
        self.take(&record.event);
    }

    pub(crate) fn show(&mut self, record: &Record) {
        if self.json {
            if let Ok(line) = serde_json::to_string(record) {
                // A reader that has gone away does not stop the search: its result goes to the run folder.
                let _ = writeln!(std::io::stdout(), "{line}");
            }
            return;
        }
        if let Event::Planned { memory, .. } = record.event {
            let mib = memory as f64 / f64::from(1 << 20);
            let _ = writeln!(
                std::io::stderr(),
                "On {}, with {mib:.1} MiB for weights and values.",
                self.device
            );
        }
        self.take(&record.event);
        if let Event::Failed { part, reason, .. } = &record.event {
            // Above the line, and there even where no line is drawn.
            self.bar.suspend(|| {
                drop(writeln!(
                    std::io::stderr(),
                    "the {part} failed and is replaced: {reason}"
                ))
            });
        }
        if let Event::RetrainStarted {
            seeds,
            random,
            left_out,
            ..
        } = record.event
            && left_out > 0
        {
            let (trained, all) = (seeds + random, seeds + random + left_out);
            let said = format!(
                "training from scratch: {trained} of {all} networks, as many as `retrain.budget` pays; `supernet retrain RUN` \
                 trains without a limit"
            );
            self.bar
                .suspend(|| drop(writeln!(std::io::stderr(), "{said}")));
        }
        if let Event::Warning { sentence, .. } = &record.event {
            self.bar
                .suspend(|| drop(writeln!(std::io::stderr(), "warning: {sentence}")));
        }
        if self.bar.is_hidden() || self.line.phase.is_empty() {
            return;
        }
        let share = (self.done / self.plan.total.max(1.0)).min(1.0);
        self.bar.set_message(self.line.text(left(record.at, share)));
    }

    fn take(&mut self, event: &Event) {
        match event {
            Event::Started { device, .. } => self.device.clone_from(device),
            Event::Planned {
                epochs,
                warm_up,
                steps,
                updates,
                rollouts,
                judged,
                batches,
                ..
            } => {
                let trained = f64::from(*epochs) * f64::from(*steps) * STEP;
                let scored =
                    f64::from(epochs - warm_up) * f64::from(*updates) * f64::from(*rollouts);
                let (judged, batches) = (f64::from(*judged), f64::from(*batches));
                let total = trained + scored + judged * batches;
                let retrain = Retrain::default();
                self.plan = Plan {
                    total,
                    batches,
                    epochs: *epochs,
                    rollouts: *rollouts,
                    retrain,
                };
            }
            Event::Step { score, epoch, .. } => {
                self.done += STEP;
                self.line.loss = score.loss;
                let phase = if self.line.update.is_some() {
                    "search"
                } else {
                    "warm-up"
                };
                self.line.phase = format!("{phase} {}/{}", epoch + 1, self.plan.epochs);
            }
            Event::Update { insight, best, .. } => {
                self.done += f64::from(self.plan.rollouts);
                self.line.update = Some((insight.reward, insight.baseline, insight.entropy));
                self.line.best = self.line.best.max(*best);
            }
            Event::Glimpse { glimpse, .. } => {
                self.line.ahead = Some((glimpse.difference, glimpse.standard_error))
            }
            Event::Paused | Event::Stopped { .. } => self.line.phase = "saving".to_owned(),
            Event::SetAside { .. } => self.done += STEP,
            Event::Judged { role, .. } => {
                self.done += self.plan.batches;
                let phase = if *role == Judged::Candidate {
                    "derive"
                } else {
                    "gain report"
                };
                self.line.phase = phase.to_owned();
            }
            Event::RetrainStarted {
                epochs,
                steps,
                seeds,
                random,
                ..
            } => {
                let networks = seeds + random;
                let retrain = Retrain {
                    networks,
                    epochs: *epochs,
                    pass: f64::from(*steps) * STEP,
                };
                self.plan.total += f64::from(networks) * f64::from(*epochs) * retrain.pass;
                self.plan.retrain = retrain;
                self.line.update = None;
            }
            Event::RetrainEpoch {
                network,
                epoch,
                score,
                ..
            } => {
                let Retrain {
                    networks,
                    epochs,
                    pass,
                } = self.plan.retrain;
                self.done += pass;
                self.line.loss = score.loss;
                self.line.phase = format!(
                    "retrain {}/{networks}, epoch {}/{epochs}",
                    network + 1,
                    epoch + 1
                );
            }
            _ => {}
        }
    }
}

impl Drop for Progress {
    /// Whatever is said next begins on a clean line, a failure too.
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Line {
    fn text(&self, left: Option<Duration>) -> String {
        let mut text = self.phase.clone();
        if let Some(left) = left {
            text += &format!(" · {} left", duration(left));
        }
        text += &format!(" · loss {:.2}", self.loss);
        if let Some((reward, baseline, entropy)) = self.update {
            let [reward, best, baseline] = [reward, self.best, baseline].map(|share| 100.0 * share);
            text += &format!(
                " · reward {reward:.1} · baseline {baseline:.1} · best {best:.1} % · entropy {entropy:.1}"
            );
        }
        if let Some((difference, error)) = self.ahead {
            text += &format!(
                " · vs random {:+.1} ± {:.1}",
                100.0 * difference,
                100.0 * error
            );
        }
        text
    }
}

/// Time left if the rest goes as what is done did; none while too little is done to tell.
fn left(at: f64, share: f64) -> Option<Duration> {
    (share > 0.01).then(|| Duration::from_secs_f64(at * (1.0 - share) / share))
}

fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}
