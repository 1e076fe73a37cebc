//! What the integration tests share: short searches, and where outside data are.

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

/// Runs a search with these settings on `threads` threads; the records of its events and what it
/// found.
///
/// # Errors
/// If the search fails.
pub fn search(settings: &[&str], threads: usize) -> Result<(Vec<Record>, SearchResult), Error> {
    search_of(&Spaces::linked(), settings, threads)
}

/// The same, of one of these spaces.
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
    let search = Experiment::with(spaces, Dataset::named(&config.search.dataset)?, config)?;
    let found = search.run(
        &mut Cpu::new(threads).map_err(supernet::TrainingError::from)?,
        None,
        &mut |record| {
            records.push(record.clone());
        },
    )?;
    Ok((records, found))
}

/// An empty folder of this test's own.
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

/// Starts a search and stops it when an event happens that is wanted. It waits there until it was
/// told to stop, so that it cannot be over before, however busy the machine is.
///
/// # Panics
/// If the search does not start, or ends without such an event.
pub fn stopped_at(
    builder: SearchBuilder,
    wanted: impl Fn(&Event) -> bool + Send + 'static,
) -> Search {
    let ((here, arrived), (go, told)) = (mpsc::channel(), mpsc::channel());
    // What happens while it starts is told on this thread, which has nobody to stop yet.
    let (mut once, starts) = (Some((here, told)), thread::current().id());
    let builder = builder.listen(move |record| {
        if thread::current().id() != starts
            && wanted(&record.event)
            && let Some((here, told)) = once.take()
        {
            // If nobody waits, nothing is told either.
            let _ = here.send(()).map(|()| told.recv());
        }
    });
    let run = builder.start().expect("the search starts");
    arrived.recv().expect("what is wanted happens");
    run.stop();
    go.send(()).expect("the search waits");
    run
}

/// The events that a run's folder has, without their times.
///
/// # Panics
/// If they cannot be read.
#[must_use]
pub fn logged(run: &std::path::Path) -> Vec<String> {
    let text = std::fs::read_to_string(run.join("events.jsonl")).expect("the run has events");
    let record = |line: &str| serde_json::from_str::<Record>(line).expect("an event is JSON");
    without_times(&text.lines().map(record).collect::<Vec<_>>())
}

/// Records without their times, as JSON.
///
/// # Panics
/// If an event has no JSON form, which none has.
#[must_use]
pub fn without_times(records: &[Record]) -> Vec<String> {
    records
        .iter()
        .map(|record| serde_json::to_string(&record.event).expect("an event is JSON"))
        .collect()
}

/// A folder of data outside the project, `name` in the folder that SUPERNET_DATA gives. Without it
/// the caller prints `skipped: no data`; on continuous integration a missing folder is a failure.
///
/// # Panics
/// If CI=true and the folder is not there.
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
