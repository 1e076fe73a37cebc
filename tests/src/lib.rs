//! Shared code of the integration tests: short searches, and the location of external data.

pub mod gpu;
#[cfg(doctest)]
mod pages;
pub mod plugins;
pub mod sources;

use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;

use supernet::data::Dataset;
use supernet::device::Cpu;
use supernet::space::Spaces;
use supernet::{Config, Error, Event, Experiment, Record, Search, SearchBuilder, SearchResult};
use supernet_enas as _;

/// Runs a search with these settings on `threads` threads; returns the records of its events and
/// its result.
///
/// # Errors
/// If the search fails.
pub fn search(settings: &[&str], threads: usize) -> Result<(Vec<Record>, SearchResult), Error> {
    search_of(&Spaces::linked(), settings, threads)
}

/// The same for one of the given spaces.
///
/// # Errors
/// If the search fails.
pub fn search_of(
    spaces: &Spaces,
    settings: &[&str],
    threads: usize,
) -> Result<(Vec<Record>, SearchResult), Error> {
    let mut records = Vec::new();
    let config = Config::read("", settings)?;
    let experiment = Experiment::with(spaces, Dataset::named(&config.search.dataset)?, config)?;
    let found = experiment.run(
        &mut Cpu::new(threads).map_err(supernet::experiment::TrainingError::from)?,
        None,
        &mut |record| {
            records.push(record.clone());
        },
    )?;
    Ok((records, found))
}

/// An empty folder for one test.
///
/// # Panics
/// If the target folder cannot be written.
#[must_use]
pub fn place(test: &str) -> PathBuf {
    let place = std::env::temp_dir().join(format!("supernet-{}-{test}", std::process::id()));
    let _ = std::fs::remove_dir_all(&place);
    std::fs::create_dir_all(&place).expect("the temporary folder can be written");
    place
}

/// Starts a search and stops it at a matching event. The search waits there until the stop is
/// requested, so that it cannot finish first, however busy the machine is.
///
/// # Panics
/// If the search does not start, or ends without such an event.
pub fn stopped_at(
    builder: SearchBuilder,
    mut wanted: impl FnMut(&Event) -> bool + Send + 'static,
) -> Search {
    let ((here, arrived), (go, told)) = (mpsc::channel(), mpsc::channel());
    // Events during startup arrive on this thread, where no handle exists yet.
    let (mut once, starts) = (Some((here, told)), thread::current().id());
    let builder = builder.listen(move |record| {
        if thread::current().id() != starts
            && wanted(&record.event)
            && let Some((here, told)) = once.take()
        {
            // If nobody is waiting, there is nothing to wait for either.
            let _ = here.send(()).map(|()| told.recv());
        }
    });
    let run = builder.start().expect("the search starts");
    arrived.recv().expect("what is wanted happens");
    run.stop();
    go.send(()).expect("the search waits");
    run
}

/// The events in the folder of a run, without their times.
///
/// # Panics
/// If they cannot be read.
#[must_use]
pub fn logged(run: &std::path::Path) -> Vec<String> {
    let text = std::fs::read_to_string(run.join("events.jsonl")).expect("the run has events");
    let record = |line: &str| serde_json::from_str::<Record>(line).expect("an event is JSON");
    without_times(&text.lines().map(record).collect::<Vec<_>>())
}

/// Records as JSON, without their times.
///
/// # Panics
/// If an event cannot be serialized, which never happens.
#[must_use]
pub fn without_times(records: &[Record]) -> Vec<String> {
    records
        .iter()
        .map(|record| serde_json::to_string(&record.event).expect("an event is JSON"))
        .collect()
}

/// A folder of external data, `name` in the folder that SUPERNET_DATA names. Without it the caller
/// prints `skipped: no data`; in continuous integration, a missing folder is a failure.
///
/// # Panics
/// If CI=true and the folder does not exist.
#[must_use]
pub fn data(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("SUPERNET_DATA").map(|root| PathBuf::from(root).join(name));
    let found = folder.filter(|folder| folder.is_dir());
    if found.is_none() {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "SUPERNET_DATA must name the folder that holds `{name}`"
        );
    }
    found
}
