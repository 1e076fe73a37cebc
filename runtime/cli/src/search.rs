//! `supernet search`.

use std::io::Write;
use std::path::{Path, PathBuf};

use supernet::config::Config;
use supernet::{RunOutcome, Search, SearchBuilder};

use crate::arguments::{SearchOptions, evaluators};
use crate::progress::Display;
use crate::{Failure, data, interrupt, summary, table};

pub(crate) fn run(options: &SearchOptions) -> Result<(), Failure> {
    if let Some(file) = &options.table.table {
        return table::run(file, options);
    }
    let (threads, evaluators) = (
        options.on.threads()?,
        evaluators(options.evaluators.as_deref())?,
    );
    let minutes = options.minutes.as_deref().map(minutes).transpose()?;
    let config = config(options)?;
    let device = options.on.choice()?;
    let spaces = options.on.spaces()?;
    let builder = Search::builder()
        .data(data::read(&config.search.dataset, &config.text.reading())?)
        .config(config)
        .spaces(spaces)
        .threads(threads)
        .evaluators(evaluators)
        .on(device);
    let builder = minutes.into_iter().fold(builder, SearchBuilder::minutes);
    let builder = match &options.run {
        Some(path) => builder.folder(path),
        None => builder.fresh_folder("runs"),
    };
    follow(
        builder,
        Display::new(options.json),
        options.json,
        &options.on.plugin,
    )
}

/// Runs a search to its end, or until it is interrupted.
pub(crate) fn follow(
    builder: SearchBuilder,
    mut progress: Display,
    json: bool,
    plugins: &[PathBuf],
) -> Result<(), Failure> {
    let events = builder.events();
    let run = builder.start()?;
    let folder = run.folder().unwrap_or(Path::new("")).to_owned();
    if json {
        // Standard output is reserved for events, but the folder of the run must be known
        // nevertheless.
        writeln!(std::io::stderr(), "run folder: {}", folder.display())?;
    }
    interrupt::stops(&run)?;
    events.for_each(|record| progress.show(&record));
    drop(progress);
    match run.wait()? {
        RunOutcome::Completed(found) if !json => summary::found(&found, &folder)?,
        RunOutcome::Stopped { steps } => summary::stopped(steps, &folder, plugins)?,
        _ => {}
    }
    Ok(())
}

/// The settings: a name or a file, the options, `--set`.
pub(crate) fn config(options: &SearchOptions) -> Result<Config, Failure> {
    let text = options
        .config
        .as_deref()
        .map(read)
        .transpose()?
        .unwrap_or_default();
    Ok(Config::read(&text, &assignments(options))?)
}

/// A name takes precedence over a file of that name, which is written ./NAME.
pub(crate) fn read(given: &Path) -> Result<String, Failure> {
    let names = || Config::names().map(|(name, _)| name);
    if let Some(name) = names().find(|name| given == Path::new(name)) {
        return Ok(Config::commented(name)?);
    }
    let known = || {
        names()
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let read = std::fs::read_to_string(given);
    Ok(read.map_err(|error| {
        format!(
            "cannot read {}: {error}; settings with a name are {}",
            given.display(),
            known()
        )
    })?)
}

/// Options are shorthands for settings; `--set` takes precedence.
fn assignments(options: &SearchOptions) -> Vec<String> {
    let named = [
        ("search.space", &options.space),
        ("search.strategy", &options.strategy),
        ("search.epochs", &options.epochs),
        ("search.seed", &options.seed),
    ];
    let named = named
        .into_iter()
        .filter_map(|(key, value)| Some(format!("{key}={}", value.as_ref()?)));
    let data = options.data.as_deref().map(data);
    let retrain = options.no_retrain.then(|| "retrain.epochs=0".to_owned());
    named
        .chain(data)
        .chain(retrain)
        .chain(options.set.iter().cloned())
        .collect()
}

/// A path is never parsed as another type of value.
pub(crate) fn data(path: &str) -> String {
    format!("search.dataset={}", serde_json::Value::from(path))
}

fn minutes(given: &str) -> Result<f64, String> {
    match given.parse() {
        Ok(minutes) if minutes > 0.0 && f64::is_finite(minutes) => Ok(minutes),
        _ => Err(format!(
            "`--minutes` must be a number above 0, not `{given}`"
        )),
    }
}
