//! `supernet search`.

use std::io::Write;
use std::path::{Path, PathBuf};

use supernet::{RunOutcome, Search, SearchBuilder};

use crate::arguments::{SearchOptions, evaluators};
use crate::commands::table;
use crate::display::LiveLine;
use crate::display::summary;
use crate::interrupt::Interruption;
use crate::misuse::Misuse;
use crate::{Failure, data, settings};

pub(crate) fn run(options: &SearchOptions) -> Result<(), Failure> {
    if let Some(file) = &options.table.table {
        return table::run(file, options);
    }
    let (threads, evaluators) = (
        options.on.threads()?,
        evaluators(options.evaluators.as_deref())?,
    );
    let minutes = options.minutes.as_deref().map(minutes).transpose()?;
    let config = settings::of_search(options)?;
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
        LiveLine::new(options.json),
        options.json,
        &options.on.plugin,
    )
}

/// Runs a search to its end, or until it is interrupted.
pub(crate) fn follow(
    builder: SearchBuilder,
    mut progress: LiveLine,
    json: bool,
    plugins: &[PathBuf],
) -> Result<(), Failure> {
    let events = builder.events();
    let run = builder.start()?;
    progress.set_metric(run.metric());
    let folder = run.folder().unwrap_or(Path::new("")).to_owned();
    if json {
        // Standard output is reserved for events, but the folder of the run must be known
        // nevertheless.
        writeln!(std::io::stderr(), "run folder: {}", folder.display())?;
    }
    let interruption = {
        let run = run.clone();
        Interruption::watch(move || run.stop())?
    };
    events.for_each(|record| progress.show(&record));
    drop(progress);
    match run.wait()? {
        RunOutcome::Completed(found) if !json => Ok(summary::found(&found, &folder, plugins)?),
        RunOutcome::Stopped { steps } => Err(interruption.stopped(steps, &folder, plugins).into()),
        _ => Ok(()),
    }
}

fn minutes(given: &str) -> Result<f64, Misuse> {
    match given.parse() {
        Ok(minutes) if minutes > 0.0 && f64::is_finite(minutes) => Ok(minutes),
        _ => Err(Misuse(format!(
            "`--minutes` must be a number above 0, not `{given}`"
        ))),
    }
}
