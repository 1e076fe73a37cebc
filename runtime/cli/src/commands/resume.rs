//! `supernet resume`.

use supernet::config::Config;
use supernet::storage::read_events;
use supernet::{Retraining, RunFolder, Search};

use crate::arguments::{ResumeOptions, evaluators};
use crate::commands::{retrain, search};
use crate::display::LiveLine;
use crate::{Failure, data};

pub(crate) fn run(options: &ResumeOptions) -> Result<(), Failure> {
    if Retraining::is_at(&options.run) {
        return retrain::resume(options);
    }
    let (threads, evaluators) = (
        options.on.threads()?,
        evaluators(options.evaluators.as_deref())?,
    );
    let builder = Search::builder()
        .resume(&options.run)
        .threads(threads)
        .evaluators(evaluators);
    let builder = builder
        .spaces(options.on.spaces()?)
        .on(options.on.choice()?);
    // Other errors in the folder are reported before large files are read; `start` opens it again.
    let (_, config) = RunFolder::open(&options.run)?;
    let config = Config::of_run::<&str>(&config, &[])?;
    // `start` says whose data are missing.
    let builder = match data::is_there(&config.search.dataset) {
        true => builder.data(data::read(&config.search.dataset, &config.text.reading())?),
        false => builder,
    };
    let mut progress = LiveLine::new(options.json);
    // The length of the search, and how much of it is done. If there is no log, `start` reports the
    // error.
    for record in read_events(&options.run).unwrap_or_default() {
        progress.recall(&record);
    }
    search::follow(builder, progress, options.json, &options.on.plugin)
}
