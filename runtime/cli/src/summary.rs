//! What is said at the end.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the last words of a command are its purpose")]

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use supernet::Found;
use supernet::search::thousands;

/// The failure as a sentence, with its causes.
pub(crate) fn failure(failure: &(dyn Error + 'static)) -> ExitCode {
    eprintln!("error: {failure}");
    ExitCode::FAILURE
}

/// The result of a search.
pub(crate) fn found(found: &Found, folder: &Path) {
    let Some(best) = found.top.first() else { return };
    println!(
        "Best architecture: {:.1} % validation accuracy with shared weights, {} parameters, {} multiply-accumulates",
        100.0 * best.score.accuracy,
        thousands(best.parameters),
        thousands(best.macs)
    );
    println!("  genome  {}", best.genome.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
    println!("  test    {:.1} % with shared weights, on data that the search never saw", 100.0 * found.test.accuracy);
    println!("Gain: {}.", found.gain.sentence());
    println!(
        "Accuracy with shared weights ranks architectures; it is not their final accuracy, which needs training from \
         scratch."
    );
    println!("Result in {}:", folder.display());
    for (file, what) in [
        ("best/genome.json", "the architecture"),
        ("best/architecture.svg", "a drawing of it"),
        ("best/top.json", "the ten best"),
        ("events.jsonl", "everything that happened"),
        ("config.toml", "every setting"),
    ] {
        println!("  {file:22} {what}");
    }
}
