//! `supernet search`.

use std::io::Write;
use std::path::Path;

use supernet::config::Config;
use supernet::device::choice::Choice;
use supernet::{RunFolder, Search};

use crate::arguments::{SearchOptions, threads};
use crate::progress::Progress;
use crate::{Failure, summary};

pub(crate) fn run(options: &SearchOptions) -> Result<(), Failure> {
    let threads = threads(options.threads.as_deref())?;
    let minutes = options.minutes.as_deref().map(minutes).transpose()?;
    let text = options.config.as_deref().map(read).transpose()?.unwrap_or_default();
    let mut search = Search::new(Config::read(&text, &assignments(options))?)?;
    let mut device = options.device.parse::<Choice>()?.open(threads)?;
    if let Some(minutes) = minutes {
        search.fit(minutes, &mut *device)?;
    }
    let config = search.config().to_toml()?;
    let name = format!("{}-{}", search.config().search.space, search.config().search.data);
    let mut folder = match &options.run {
        Some(path) => RunFolder::create(path, &config)?,
        None => RunFolder::fresh(Path::new("runs"), &name, &config)?,
    };
    if options.json {
        // Standard output is for events alone; which folder this run has must be known all the same.
        writeln!(std::io::stderr(), "run folder: {}", folder.path().display())?;
    }
    let mut progress = Progress::new(options.json);
    let found = search.run(&mut *device, Some(&mut folder), &mut |record| progress.show(record))?;
    drop(progress);
    if !options.json {
        summary::found(&found, folder.path())?;
    }
    Ok(())
}

fn read(file: &Path) -> Result<String, String> {
    std::fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))
}

/// Options are settings with a shorter name; `--set` has the last word.
fn assignments(options: &SearchOptions) -> Vec<String> {
    let named = [
        ("search.space", &options.space),
        ("search.data", &options.data),
        ("search.strategy", &options.strategy),
        ("search.epochs", &options.epochs),
        ("search.seed", &options.seed),
    ];
    let named = named.into_iter().filter_map(|(key, value)| Some(format!("{key}={}", value.as_ref()?)));
    named.chain(options.set.iter().cloned()).collect()
}

fn minutes(given: &str) -> Result<f64, String> {
    match given.parse() {
        Ok(minutes) if minutes > 0.0 && f64::is_finite(minutes) => Ok(minutes),
        _ => Err(format!("`--minutes` must be a number above 0, not `{given}`")),
    }
}
