//! What is said at the end.

use std::error::Error;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use supernet::Found;
use supernet::search::thousands;

/// The failure as a sentence.
pub(crate) fn failure(failure: &(dyn Error + 'static)) -> ExitCode {
    // Whoever read our output has enough of it, as `head` does: no failure.
    if failure.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe) {
        return ExitCode::SUCCESS;
    }
    // If nobody reads standard error either, the exit code still tells.
    let _ = writeln!(io::stderr(), "error: {failure}");
    ExitCode::FAILURE
}

/// How to go on with a search that was interrupted.
pub(crate) fn stopped(steps: u64, folder: &Path, plugins: &[PathBuf]) -> io::Result<()> {
    let plugins: String = plugins.iter().map(|path| format!(" --plugin {}", path.display())).collect();
    let resume = format!("supernet resume {}{plugins}", folder.display());
    writeln!(io::stderr(), "Stopped and saved after {steps} steps. To go on with it: {resume}")
}

/// The result of a search.
pub(crate) fn found(found: &Found, folder: &Path) -> io::Result<()> {
    let Some(best) = found.top.first() else { return Ok(()) };
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "Best architecture: {:.1} % validation accuracy with shared weights, {} parameters, {} multiply-accumulates",
        100.0 * best.score.accuracy,
        thousands(best.parameters),
        thousands(best.macs)
    )?;
    writeln!(out, "  genome  {}", best.genome.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))?;
    writeln!(
        out,
        "  test    {:.1} % with shared weights, on data that the search never saw",
        100.0 * found.test.accuracy
    )?;
    writeln!(out, "Gain: {}.", found.gain.sentence())?;
    writeln!(
        out,
        "Accuracy with shared weights ranks architectures; it is not their final accuracy, which needs training from \
         scratch.\nThe shared weights were trained on the policy's own samples, which favours these in the comparison."
    )?;
    writeln!(out, "Result in {}:", folder.display())?;
    for (file, what) in [
        ("best/genome.json", "the architecture"),
        ("best/architecture.svg", "a drawing of it"),
        ("best/top.json", "the ten best"),
        ("events.jsonl", "everything that it did"),
        ("config.toml", "every setting"),
    ] {
        writeln!(out, "  {file:22} {what}")?;
    }
    Ok(())
}
