//! The time to load a plugin and to obtain the micro space of 6 (+2) layers from it: `cargo bench
//! -p supernet-tests --bench plugin`.
//!
//! A library is loaded only once per process, so every repetition runs in a new process.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark may fail where it stands, and prints"
)]

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use supernet::Config;
use supernet::plugin::Facts;
use supernet::space::Spaces;
use supernet_tests::plugins::built;

const REPETITIONS: usize = 21;

/// Milliseconds for loading the library, and for building and checking the space.
fn once(library: &Path) -> [f64; 2] {
    let began = Instant::now();
    let mut spaces = Spaces::default();
    spaces.load(library).unwrap();
    let loaded = began.elapsed();
    let mut config = Config::default();
    config.search.space = "enas-micro".to_owned();
    let facts = Facts::images(&[32, 32, 3], 10);
    let built = spaces.build(&mut config, &facts).unwrap();
    let whole = began.elapsed();
    assert_eq!(built.supergraph.genome_len(), 40);
    [loaded, whole - loaded].map(|time| 1e3 * time.as_secs_f64())
}

fn main() {
    if let Some(library) =
        std::env::args().find(|argument| argument.ends_with(std::env::consts::DLL_SUFFIX))
    {
        let [load, build] = once(Path::new(&library));
        println!("{load} {build}");
        return;
    }
    let library = built("supernet-enas-plugin", &[]);
    let run = |_| {
        let output = Command::new(std::env::current_exe().unwrap())
            .arg(&library)
            .output()
            .unwrap();
        let times: Vec<f64> = String::from_utf8(output.stdout)
            .unwrap()
            .split_whitespace()
            .map(|time| time.parse().unwrap())
            .collect();
        [times[0], times[1], times[0] + times[1]]
    };
    let times: Vec<[f64; 3]> = (0..REPETITIONS).map(run).collect();
    for (at, what) in [
        "load and describe",
        "build, send, read and check enas-micro",
        "both",
    ]
    .into_iter()
    .enumerate()
    {
        let mut column: Vec<f64> = times.iter().map(|row| row[at]).collect();
        column.sort_by(f64::total_cmp);
        println!(
            "{what:40} {:7.2} ms (median of {REPETITIONS}), {:.2} at worst",
            column[REPETITIONS / 2],
            column[REPETITIONS - 1]
        );
    }
}
