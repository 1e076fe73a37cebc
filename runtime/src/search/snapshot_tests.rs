use std::fs;

use supernet_enas as _;

use super::*;
use crate::config::Config;

fn experiment(settings: &[&str]) -> Arc<Experiment> {
    Arc::new(Experiment::new(Config::read("", settings).unwrap()).unwrap())
}

fn place(test: &str) -> PathBuf {
    let place =
        std::env::temp_dir().join(format!("supernet-checkpoint-{}-{test}", std::process::id()));
    let _ = fs::remove_dir_all(&place);
    place
}

/// The initial state of a search, with values that are easily lost.
fn snapshot(experiment: &Arc<Experiment>) -> Snapshot {
    let mut snapshot = Snapshot::first(experiment).unwrap();
    let weights = Arc::get_mut(&mut snapshot.weights).unwrap();
    weights.version = 7;
    let pages = weights.pages_mut();
    pages.values[0][..3].copy_from_slice(&[-0.0, f32::MIN_POSITIVE / 8.0, f32::MAX]);
    pages.state[0][0][0] = 0.1;
    snapshot
}

#[test]
fn what_is_read_is_what_was_written_to_the_last_bit() {
    let (experiment, run) = (experiment(&["space.layers=2"]), place("bits"));
    let written = snapshot(&experiment);
    let log = LogEnd { bytes: 12, at: 0.1 };
    write(&run, &experiment, &written, log, 2, 0).unwrap();
    let read = newest(&run, &experiment, 12).unwrap().unwrap();
    assert_eq!(
        (read.log, read.damaged.len(), read.snapshot.weights.version),
        (log, 0, 7)
    );
    let bits = |pages: &[Vec<f32>]| {
        pages
            .iter()
            .flatten()
            .map(|x| x.to_bits())
            .collect::<Vec<_>>()
    };
    let (a, b) = (read.snapshot.weights.pages(), written.weights.pages());
    assert!(bits(&a.values) == bits(&b.values) && bits(&a.state[0]) == bits(&b.state[0]));
    // A log that has lost lines does not match.
    let said = newest(&run, &experiment, 11).err().unwrap().to_string();
    assert!(
        said.contains("written after 12 bytes of events, and there are only 11"),
        "{said}"
    );
    fs::remove_dir_all(run).unwrap();
}

#[test]
fn weights_of_another_space_are_refused_by_name() {
    let (experiment, run) = (experiment(&["space.layers=2"]), place("other"));
    write(
        &run,
        &experiment,
        &snapshot(&experiment),
        LogEnd::default(),
        2,
        0,
    )
    .unwrap();
    let said = newest(&run, &self::experiment(&["space.layers=3"]), 0)
        .err()
        .unwrap()
        .to_string();
    assert!(said.contains("tensors, and this search has"), "{said}");
    let said = newest(
        &run,
        &self::experiment(&["space.layers=2", "space.filters=4"]),
        0,
    )
    .err()
    .unwrap()
    .to_string();
    assert!(said.contains("the tensor `"), "{said}");
    fs::remove_dir_all(run).unwrap();
}

#[test]
fn what_was_left_half_written_is_swept_away() {
    let (experiment, run) = (experiment(&["space.layers=2"]), place("half"));
    let half = run.join("checkpoints/000000005.1.part");
    fs::create_dir_all(&half).unwrap();
    assert!(newest(&run, &experiment, 0).unwrap().is_none());
    assert!(!half.exists());
    fs::remove_dir_all(run).unwrap();
}
