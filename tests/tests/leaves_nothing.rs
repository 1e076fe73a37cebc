//! A finished search leaves nothing behind in its process. This test is alone in its file, since
//! threads, files and memory belong to the process.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may fail where it stands, and says what it did"
)]
#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use supernet::{Config, Search, SearchBuilder};
use supernet_enas as _;
use supernet_tests::place;

/// Anything that takes longer is considered a hang.
const HANGS: Duration = Duration::from_secs(60);

fn start(folder: Option<&Path>) -> Search {
    let settings = [
        "search.epochs=1",
        "space.layers=2",
        "train.batch=256",
        "derive.candidates=1",
        "derive.report=2",
    ];
    let settings = [
        &settings[..],
        &["score.rollouts=2", "score.updates=1", "search.warm_up=0"],
    ]
    .concat();
    let builder = Search::builder().config(Config::read("", &settings).unwrap());
    let builder = builder.threads(2).evaluators(2);
    folder
        .into_iter()
        .fold(builder, SearchBuilder::folder)
        .start()
        .expect("it starts")
}

fn count(what: &str) -> usize {
    fs::read_dir(format!("/proc/self/{what}")).unwrap().count()
}

/// Resident memory in MiB.
fn resident() -> f64 {
    let pages: f64 = fs::read_to_string("/proc/self/statm")
        .unwrap()
        .split(' ')
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    pages * 4096.0 / f64::from(1 << 20)
}

fn soon(what: &str, condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < HANGS, "{what}");
        std::thread::yield_now();
    }
}

#[test]
fn a_hundred_searches_and_dropped_handles_leave_no_thread_no_file_and_no_memory() {
    let place = place("nothing");
    let (threads, files) = (count("task"), count("fd"));
    let mut number = 0;
    let mut searches = |how_many: u32| {
        for _ in 0..how_many {
            number += 1;
            // Disks are slow, so only some searches use a folder.
            let folder = (number % 5 == 0).then(|| place.join(number.to_string()));
            let run = start(folder.as_deref());
            run.wait_for(HANGS).expect("it ends").unwrap();
            folder
                .iter()
                .for_each(|folder| fs::remove_dir_all(folder).unwrap());
        }
    };
    // Allocators retain some memory for each of their arenas.
    searches(20);
    let before = resident();
    searches(100);
    let grown = resident() - before;
    println!("120 searches: {grown:.1} MiB more after the last 100");
    assert!(
        grown < 8.0,
        "{before} MiB, and {grown} more after 100 searches"
    );
    soon("threads are left", || count("task") == threads);
    assert_eq!(count("fd"), files);

    // A handle that is dropped immediately, one of two handles, and one in the middle of a search.
    drop(start(Some(&place.join("at once"))));
    let run = start(Some(&place.join("two")));
    let other = run.clone();
    drop(run);
    assert!(
        other
            .wait_for(HANGS)
            .expect("it continues")
            .unwrap()
            .result()
            .is_some()
    );
    let run = start(Some(&place.join("middle")));
    let mut events = run.events();
    events.next();
    drop((run, other));
    // The stream ends with the search.
    events.for_each(drop);
    soon("threads are left", || count("task") == threads);
    soon("files are left", || count("fd") == files);
    // A dropped search was saved.
    let resumed = Search::builder()
        .resume(place.join("at once"))
        .start()
        .unwrap();
    assert!(
        resumed
            .wait_for(HANGS)
            .expect("it ends")
            .unwrap()
            .result()
            .is_some()
    );
    fs::remove_dir_all(place).unwrap();
}
