//! The settings that options stand for.

use std::path::Path;

use supernet::config::Config;

use crate::Failure;
use crate::arguments::SearchOptions;

/// The settings: a name or a file, the options, `--set`.
pub(crate) fn of_search(options: &SearchOptions) -> Result<Config, Failure> {
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
    let data = options.data.as_deref().map(dataset);
    // The settings of trainings stay, so that `supernet retrain` finds them in the run.
    let nothing_alone = ["selection.share=0", "retrain.budget=0"].map(str::to_owned);
    let nothing_alone = nothing_alone.into_iter().filter(|_| options.no_retrain);
    named
        .chain(data)
        .chain(nothing_alone)
        .chain(options.set.iter().cloned())
        .collect()
}

/// A path is never parsed as another type of value.
pub(crate) fn dataset(path: &str) -> String {
    format!("search.dataset={}", serde_json::Value::from(path))
}
