//! The final output of commands.

use std::error::Error;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use supernet::SearchResult;
use supernet::results::thousands;
use supernet::results::{Candidate, Metric, Retrained, Selection};

use crate::interrupt::Stopped;
use crate::misuse::{self, is_misuse};

/// Prints the error and returns the exit code.
pub(crate) fn failure(failure: &(dyn Error + 'static)) -> ExitCode {
    // A closed pipe, as with `head`, is not an error.
    if failure
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
    {
        return ExitCode::SUCCESS;
    }
    // If standard error is closed too, the exit code still reports the failure.
    if let Some(stopped) = failure.downcast_ref::<Stopped>() {
        let _ = writeln!(io::stderr(), "{stopped}");
        return ExitCode::from(stopped.exit_code);
    }
    let _ = writeln!(io::stderr(), "error: {failure}");
    match is_misuse(failure) {
        true => ExitCode::from(misuse::CODE),
        false => ExitCode::FAILURE,
    }
}

/// A command line on a run, ready to be pasted into a shell.
pub(crate) fn command(name: &str, run: &Path, plugins: &[PathBuf]) -> String {
    let plugins = plugins
        .iter()
        .map(|path| format!(" --plugin {}", quoted(path)));
    format!(
        "supernet {name} {}{}",
        quoted(run),
        plugins.collect::<String>()
    )
}

/// A path as a shell takes it: in quotes, if it has anything but letters, digits and the usual signs.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/\\._-+=:,@%~".contains(c);
    match text.chars().all(plain) && !text.is_empty() {
        true => text,
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

/// A line of a description, `  what  text`, wrapped for an ordinary terminal.
pub(crate) fn folded(out: &mut impl Write, what: &str, text: &str) -> io::Result<()> {
    const WIDTH: usize = 100;
    let mut line = format!("  {what:10}");
    for word in text.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > WIDTH {
            writeln!(out, "{line}")?;
            line = " ".repeat(12);
        }
        line.push(' ');
        line.push_str(word);
    }
    writeln!(out, "{line}")
}

/// The result of a search.
pub(crate) fn found(found: &SearchResult, folder: &Path, plugins: &[PathBuf]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let Some(best) = found.best() else {
        let trained = found.selection.iter().flat_map(|of| &of.trainings).count();
        return writeln!(
            out,
            "No architecture was found: none of {trained} short trainings came to an end; lower `retrain.learning_rate`, or \
             `optimizer.learning_rate`, twice which it is where it is 0"
        );
    };
    let scored = best.shared().map_or_else(String::new, |score| {
        format!(
            "{} with shared weights, ",
            found.metric.on("validation", &score)
        )
    });
    writeln!(
        out,
        "Best architecture: {scored}{} parameters, {} multiply-accumulates",
        thousands(best.parameters),
        thousands(best.macs)
    )?;
    writeln!(
        out,
        "  genome  {}",
        best.genome
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" ")
    )?;
    if found.top.first() == Some(best) {
        writeln!(
            out,
            "  test    {} with shared weights, on data that the search never saw",
            found.metric.describe(&found.test)
        )?;
    }
    let shares = found.gain.strategy.shares_weights();
    let label = match found.gain.strategy {
        strategy if strategy.learns_only_weights() => "Candidates",
        _ => "Gain",
    };
    if shares {
        writeln!(out, "{label}: {}.", found.gain.summary())?;
    }
    if let Some(selection) = &found.selection {
        selected(&mut out, selection, found.metric)?;
    }
    writeln!(out, "Ledger: {}.", found.ledger.summary())?;
    let what = if found.metric == Metric::Accuracy {
        "Accuracy"
    } else {
        "Perplexity"
    };
    if shares {
        writeln!(
            out,
            "{what} with shared weights ranks architectures; it is not their final {}, which needs training from \
             scratch.",
            what.to_lowercase()
        )?;
    }
    // The first candidates of single-path one-shot are what its weights were trained on.
    if shares && !found.gain.strategy.learns_only_weights() {
        writeln!(
            out,
            "The shared weights were trained on the policy's own samples, which favours these in the comparison."
        )?;
    }
    writeln!(out, "Result in {}:", folder.display())?;
    let retrained = found.retrained.as_ref();
    for (file, what) in [
        Some(("best/genome.json", "the architecture")),
        Some(("best/architecture.svg", "a drawing of it")),
        shares.then_some(("best/top.json", "the ten best by the shared weights")),
        found.selection.as_ref().map(|_| {
            (
                "best/selection.json",
                "the candidates that were trained alone, and what predicts their losses",
            )
        }),
        retrained.map(|_| {
            (
                "best/retrained.json",
                "the architecture and others, trained from scratch",
            )
        }),
        retrained
            .filter(|_| found.metric == Metric::Accuracy)
            .map(|_| {
                (
                    "best/model",
                    "the first of these networks, ready to be used",
                )
            }),
        found
            .front()
            .map(|_| ("best/front.json", "what each number of parameters buys")),
        found.front().map(|_| {
            (
                "best/knee.json",
                "the architecture at the knee of this front",
            )
        }),
        Some(("events.jsonl", "everything that it did")),
        Some(("config.toml", "every setting")),
    ]
    .into_iter()
    .flatten()
    {
        writeln!(out, "  {file:22} {what}")?;
    }
    match retrained {
        Some(retrained) => {
            self::retrained(&mut out, retrained)?;
            match found.front().and_then(|front| front.summary()) {
                Some(knee) => writeln!(out, "Front: {knee}."),
                None => Ok(()),
            }
        }
        None => writeln!(
            out,
            "To train the architecture from scratch: {}",
            command("retrain", folder, plugins)
        ),
    }
}

/// The result of a selection.
fn selected(out: &mut impl Write, selection: &Selection, metric: Metric) -> io::Result<()> {
    let trained = selection.trainings.len();
    if let Some(predictors) = &selection.predictors {
        writeln!(out, "Selection: {}.", predictors.verdict)?;
    }
    let Some(best) = selection.top.first() else {
        return writeln!(
            out,
            "None of {trained} short trainings came to an end, so the best by the shared weights is retrained."
        );
    };
    let score = best
        .alone
        .map_or_else(String::new, |score| metric.on("validation", &score));
    writeln!(
        out,
        "The best architecture is the best of {trained} short trainings: {score} after {} epochs alone.",
        best.epochs
    )
}

/// An architecture scored with shared weights.
pub(crate) fn candidate(
    out: &mut impl Write,
    candidate: &Candidate,
    metric: Metric,
) -> io::Result<()> {
    let Candidate {
        genome,
        score,
        parameters,
        macs,
        ..
    } = candidate;
    writeln!(
        out,
        "{}, loss {:.4}, {:>11} parameters, {:>13} multiply-accumulates  genome {}",
        match metric {
            Metric::Accuracy => format!("{:6.2} % validation accuracy", 100.0 * score.reward),
            _ => metric.on("validation", score),
        },
        score.loss,
        thousands(*parameters),
        thousands(*macs),
        genome
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" ")
    )
}

/// The result of training from scratch.
pub(crate) fn retrained(out: &mut impl Write, retrained: &Retrained) -> io::Result<()> {
    let epochs = match retrained.epochs {
        1 => "1 epoch".to_owned(),
        epochs => format!("{epochs} epochs"),
    };
    writeln!(
        out,
        "Trained from scratch for {epochs}, tested on data that neither search nor training saw:"
    )?;
    for network in &retrained.networks {
        let name = network.side.to_string();
        let test = network.test.map_or_else(
            || "diverged".to_owned(),
            |test| match retrained.comparison.metric {
                Metric::Accuracy => format!(
                    "{:6.2} % test accuracy, loss {:.3}",
                    100.0 * test.reward,
                    test.loss
                ),
                metric => format!("{}, loss {:.3}", metric.on("test", &test), test.loss),
            },
        );
        let (seed, parameters) = (network.seed, thousands(network.parameters));
        writeln!(
            out,
            "  {name:9} seed {seed:<4} {parameters:>11} parameters  {test}"
        )?;
    }
    writeln!(out, "Retrained: {}.", retrained.summary())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printed_command_can_be_pasted() {
        let plugins = ["a.so".into(), "my plugins/it's".into()];
        assert_eq!(
            command("resume", Path::new("runs/enas-macro-1"), &plugins),
            r"supernet resume runs/enas-macro-1 --plugin a.so --plugin 'my plugins/it'\''s'"
        );
        assert_eq!(
            command("retrain", Path::new("a;b"), &[]),
            "supernet retrain 'a;b'"
        );
    }
}
