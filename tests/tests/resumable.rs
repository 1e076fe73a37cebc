//! An interrupted search ends with the same bits as an uninterrupted one.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may fail where it stands, and says what it did"
)]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use supernet::{Config, Event, Record, RunOutcome, Search, SearchBuilder, SearchResult};
use supernet_enas as _;
use supernet_tests::{logged, place, search, stopped_at, without_times};

/// 80 steps, 8 updates.
const SHORT: [&str; 8] = [
    "search.strategy=enas",
    "search.epochs=5",
    "space.layers=4",
    "score.rollouts=10",
    "derive.candidates=6",
    // Long enough that the stop comes before the end.
    "derive.report=40",
    "search.seed=3",
    "checkpoint.steps=20",
];
/// A point in a search.
type Point = fn(&Event) -> bool;

const LIMIT: Duration = Duration::from_secs(120);

fn builder() -> SearchBuilder {
    Search::builder().config(Config::read("", &SHORT).unwrap())
}

fn found(run: &Search) -> Arc<SearchResult> {
    run.wait_for(LIMIT)
        .expect("the search ends in time")
        .unwrap()
        .result()
        .unwrap()
}

fn assert_same(a: &SearchResult, b: &SearchResult) {
    assert_eq!((&a.top, a.gain, a.test), (&b.top, b.gain, b.test));
    assert_eq!(a.weights.version, b.weights.version);
    // Gradients are not part of the state of a search.
    assert!(
        a.weights.pages().values == b.weights.pages().values
            && a.weights.pages().state == b.weights.pages().state
    );
}

/// Runs until `until` happens, then stops.
fn interrupt(builder: SearchBuilder, until: impl FnMut(&Event) -> bool + Send + 'static) {
    let run = stopped_at(builder, until);
    assert!(matches!(
        run.wait_for(LIMIT),
        Some(Ok(RunOutcome::Stopped { .. }))
    ));
}

#[test]
fn actors_and_the_plain_loop_give_the_same_bits_with_any_evaluators_and_threads() {
    let (records, plain) = search(&SHORT, 1).unwrap();
    for (evaluators, threads) in [(1, 1), (3, 2)] {
        let builder = builder().evaluators(evaluators).threads(threads);
        let events = builder.events();
        let run = builder.start().unwrap();
        let (did, _): (Vec<_>, Vec<_>) = events.partition(|record| !record.event.is_incident());
        assert_eq!(without_times(&did), without_times(&records));
        assert_same(&found(&run), &plain);
    }
}

#[test]
fn single_path_one_shot_resumes_in_the_middle_of_its_generations() {
    let settings = [
        "search.strategy=spos",
        // Three generations cost as much as 17 epochs.
        "search.epochs=18",
        "space.layers=3",
        "train.paths=4",
        "derive.candidates=12",
        "derive.generations=3",
        "derive.report=4",
        "retrain.epochs=0",
        "search.seed=3",
    ];
    let place = place("generations");
    let (records, plain) = search(&settings, 2).unwrap();
    let scored = |records: &[Record]| {
        let scored = |record: &&Record| matches!(record.event, Event::Evaluated { .. });
        records.iter().filter(scored).count()
    };
    // Two generations at least: candidates and both reports are 20 at most.
    assert!(scored(&records) > 80, "{}", scored(&records));
    for least in [1, 30, 75] {
        let path = place.join(least.to_string());
        let mut seen = 0;
        let until = move |event: &Event| {
            seen += usize::from(matches!(event, Event::Evaluated { .. }));
            seen >= least
        };
        let builder = Search::builder().config(Config::read("", &settings).unwrap());
        interrupt(builder.evaluators(2).folder(&path), until);
        let run = Search::builder().resume(&path).start().unwrap();
        assert_same(&found(&run), &plain);
        assert_eq!(logged(&path), without_times(&records), "{least}");
    }
}

#[test]
fn stopped_and_resumed_at_any_point_is_as_never_stopped() {
    let place = place("stopped");
    let (records, plain) = search(&SHORT, 2).unwrap();
    let points: [(&str, Point); 4] = [
        ("at once", |event| matches!(event, Event::Started { .. })),
        ("after epoch 2", |event| {
            matches!(event, Event::Epoch { epoch: 2, .. })
        }),
        ("between updates", |event| {
            matches!(event, Event::Update { update: 7, .. })
        }),
        ("during the final evaluation", |event| {
            matches!(event, Event::Evaluated { .. })
        }),
    ];
    for (name, until) in points {
        let path = place.join(name);
        interrupt(builder().evaluators(3).threads(1).folder(&path), until);
        let run = Search::builder().resume(&path).threads(2).start().unwrap();
        assert_same(&found(&run), &plain);
        assert_eq!(logged(&path), without_times(&records), "{name}");
    }
    // Stopped repeatedly.
    let path = place.join("often");
    interrupt(builder().folder(&path), |event| {
        matches!(event, Event::Step { step: 3, .. })
    });
    for least in [4, 30, 31, 60] {
        // A stop takes effect with a delay: that step may already be done.
        let late = move |event: &Event| matches!(event, Event::Step { step, .. } if *step >= least);
        interrupt(Search::builder().resume(&path), late);
    }
    assert_same(
        &found(&Search::builder().resume(&path).start().unwrap()),
        &plain,
    );
    assert_eq!(logged(&path), without_times(&records));
    let said = Search::builder()
        .resume(&path)
        .start()
        .unwrap_err()
        .to_string();
    assert!(said.contains("is finished; its result is"), "{said}");
    fs::remove_dir_all(place).unwrap();
}

#[test]
fn paused_and_resumed_is_as_never_paused() {
    let (records, plain) = search(&SHORT, 2).unwrap();
    let builder = builder();
    let mut events = builder.events();
    let run = builder.start().unwrap();
    let mut seen = Vec::new();
    for record in events.by_ref() {
        match record.event {
            Event::Step { step: 40, .. } => run.pause(),
            Event::Paused => break,
            _ => {}
        }
        seen.push(record);
    }
    assert!(run.wait_for(Duration::from_millis(50)).is_none());
    run.resume();
    assert!(
        events
            .next()
            .is_some_and(|record| matches!(record.event, Event::Resumed { .. }))
    );
    seen.extend(events);
    seen.retain(|record| !record.event.is_incident());
    assert_eq!(without_times(&seen), without_times(&records));
    assert_same(&found(&run), &plain);
}

/// The checkpoints of a run, oldest first.
fn checkpoints(run: &Path) -> Vec<std::path::PathBuf> {
    let mut all: Vec<_> = fs::read_dir(run.join("checkpoints"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    all.sort();
    all
}

#[test]
fn a_damaged_checkpoint_is_named_and_the_one_before_it_is_used() {
    let place = place("damaged");
    let (records, plain) = search(&SHORT, 2).unwrap();
    for damage in ["state.json", "tensors.safetensors", "blake3"] {
        let path = place.join(damage);
        interrupt(builder().folder(&path), |event| {
            matches!(event, Event::Step { step: 70, .. })
        });
        let [_, last] = &checkpoints(&path)[..] else {
            panic!("two checkpoints are kept")
        };
        let mut bytes = fs::read(last.join(damage)).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(last.join(damage), bytes).unwrap();
        let builder = Search::builder().resume(&path);
        let events = builder.events();
        let run = builder.start().unwrap();
        let incidents = events.filter(|record| record.event.is_incident());
        let reason = incidents.into_iter().find_map(|record| match record.event {
            Event::Damaged { reason, .. } => Some(reason),
            _ => None,
        });
        assert!(
            reason
                .as_ref()
                .is_some_and(|reason| reason.contains(last.to_str().unwrap())),
            "{reason:?}"
        );
        assert_same(&found(&run), &plain);
        assert_eq!(logged(&path), without_times(&records));
    }
    // If none is left, there is an error message.
    let path = place.join("none");
    interrupt(builder().folder(&path), |event| {
        matches!(event, Event::Step { step: 30, .. })
    });
    checkpoints(&path)
        .iter()
        .for_each(|checkpoint| fs::remove_file(checkpoint.join("state.json")).unwrap());
    let said = Search::builder()
        .resume(&path)
        .start()
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("no checkpoint of the run") && said.contains("begins anew"),
        "{said}"
    );
    fs::remove_dir_all(place).unwrap();
}

#[test]
fn two_cannot_continue_one_run() {
    let place = place("locked");
    let path = place.join("run");
    let builder = builder().folder(&path);
    let mut events = builder.events();
    let run = builder.start().unwrap();
    events.next();
    let said = Search::builder()
        .resume(&path)
        .start()
        .unwrap_err()
        .to_string();
    assert!(said.contains("is under way in another process"), "{said}");
    drop(run);
    // The folder is released as soon as the search ends.
    events.for_each(drop);
    interrupt(Search::builder().resume(&path), |_| true);
    fs::remove_dir_all(place).unwrap();
}

#[test]
fn stopped_or_paused_while_retraining_is_as_never_stopped() {
    let place = place("retraining");
    let more = [
        "selection.share=0",
        "derive.report=4",
        "retrain.epochs=2",
        "retrain.seeds=2",
        "retrain.random=1",
        "retrain.same_size=0",
        "retrain.largest=0",
        "retrain.budget=1000",
    ];
    let settings = [&SHORT[..], &more].concat();
    let (records, plain) = search(&settings, 2).unwrap();
    let retrained = plain.retrained.as_ref().unwrap();
    assert_eq!(retrained.networks.len(), 3);
    let builder = || Search::builder().config(Config::read("", &settings).unwrap());
    // In the first network, and in the second.
    for (name, least) in [("first", 0), ("second", 1)] {
        let path = place.join(name);
        let builder = builder().folder(&path);
        interrupt(
            builder,
            move |event| matches!(event, Event::RetrainEpoch { network, epoch: 0, .. } if *network == least),
        );
        assert!(
            path.join("best/genome.json").exists() && !path.join("best/retrained.json").exists()
        );
        let found = found(&Search::builder().resume(&path).threads(1).start().unwrap());
        assert_same(&found, &plain);
        assert_eq!(found.retrained.as_ref(), Some(retrained));
        assert_eq!(logged(&path), without_times(&records));
        let said = Search::builder()
            .resume(&path)
            .start()
            .unwrap_err()
            .to_string();
        assert!(said.contains("is finished; its result is"), "{said}");
    }
    let builder = builder();
    let mut events = builder.events();
    let run = builder.start().unwrap();
    let mut seen = Vec::new();
    for record in events.by_ref() {
        match record.event {
            Event::RetrainEpoch {
                network: 0,
                epoch: 0,
                ..
            } => run.pause(),
            Event::Paused => break,
            _ => {}
        }
        seen.push(record);
    }
    assert!(run.wait_for(Duration::from_millis(50)).is_none());
    run.resume();
    seen.extend(events);
    seen.retain(|record| !record.event.is_incident());
    assert_eq!(without_times(&seen), without_times(&records));
    assert_eq!(found(&run).retrained.as_ref(), Some(retrained));
    fs::remove_dir_all(place).unwrap();
}
