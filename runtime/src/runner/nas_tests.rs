//! Searches whose children are trained from scratch: inline, on their own threads, interrupted and
//! resumed.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use supernet_enas as _;
use supernet_engine::device::cpu::Cpu;
use supernet_strategy::Score;

use super::{RunOutcome, Search};
use crate::config::Config;
use crate::events::{Event, Progress, Record};
use crate::experiment::Experiment;
use crate::search::SearchResult;

const SETTINGS: [&str; 12] = [
    "search.strategy=nas",
    "space.layers=3",
    "space.filters=4",
    "search.seed=3",
    "nas.candidates=6",
    "nas.children=3",
    "nas.epochs=3",
    "nas.last=2",
    "retrain.epochs=4",
    "retrain.seeds=1",
    "retrain.random=1",
    "retrain.budget=1000",
];
const LIMIT: Duration = Duration::from_secs(120);

fn config(settings: &[&str]) -> Config {
    Config::read("", &[&SETTINGS[..], settings].concat()).unwrap()
}

fn inline(settings: &[&str]) -> (Vec<Record>, SearchResult) {
    let mut records = Vec::new();
    let found = Experiment::new(config(settings))
        .unwrap()
        .run(&mut Cpu::new(2).unwrap(), None, &mut |record| {
            records.push(record.clone())
        })
        .unwrap();
    (records, found)
}

fn place(test: &str) -> PathBuf {
    let place = std::env::temp_dir().join(format!("supernet-nas-{}-{test}", std::process::id()));
    let _ = fs::remove_dir_all(&place);
    place
}

#[test]
fn every_child_is_trained_from_scratch_and_the_best_is_the_answer() {
    let (records, found) = inline(&[]);
    let selection = found.selection.as_ref().unwrap();
    assert_eq!(selection.trainings.len(), 6);
    assert_eq!(found.weights.version, 0);
    assert!(records.iter().all(|record| !matches!(
        record.event,
        Event::Step { .. } | Event::Evaluated { .. } | Event::PolicyGain { .. }
    )));
    // The controller learns from the cubes of the scores.
    let rewards: Vec<f32> = selection
        .trainings
        .iter()
        .map(|of| of.alone.unwrap().reward)
        .collect();
    let updates: Vec<f32> = records
        .iter()
        .filter_map(|record| match record.event {
            Event::Update { stats, .. } => Some(stats.reward),
            _ => None,
        })
        .collect();
    assert_eq!(updates.len(), 2);
    for (update, rewards) in updates.iter().zip(rewards.chunks(3)) {
        let mean = rewards.iter().map(|r| r * r * r).sum::<f32>() / 3.0;
        assert!((update - mean).abs() < 1e-6);
    }
    // The best by reward, which is retrained.
    let best = rewards.iter().copied().fold(0.0, f32::max);
    assert_eq!(selection.top[0].alone.unwrap().reward, best);
    assert_eq!(found.best().unwrap().genome, selection.top[0].genome);
    assert_eq!(
        found.retrained.as_ref().unwrap().networks[0].genome,
        selection.top[0].genome
    );
    // Three epochs of 16 steps of 64 images, and two scores on 6 minibatches of 64.
    let experiment = Experiment::new(config(&[])).unwrap();
    let one = 3.0 * 3.0 * f64::from(experiment.schedule().steps) * 64.0
        + 2.0 * f64::from(experiment.batches()) * 64.0;
    let macs: f64 = selection.trainings.iter().map(|of| of.macs as f64).sum();
    assert_eq!(found.ledger.scratch, macs * one);
    assert!(found.ledger.retraining > 0.0 && found.ledger.shared == 0.0);
    // The phases' events add up to the ledger.
    let logged = records.iter().filter_map(|record| match &record.event {
        Event::Ledger { ledger, .. } => Some(ledger.total()),
        _ => None,
    });
    assert_eq!(logged.sum::<f64>(), found.ledger.total());
    let mut progress = Progress::new();
    records.iter().for_each(|record| progress.observe(record));
    assert!(progress.fraction() > 0.99, "{}", progress.fraction());
}

#[test]
fn interrupted_in_the_middle_of_trainings_it_goes_on_as_if_it_never_was() {
    let (records, whole) = inline(&[]);
    let expected: Vec<Event> = records.into_iter().map(|record| record.event).collect();
    let place = place("interrupted");
    let mut builder = Search::builder().config(config(&[])).folder(&place);
    for evaluators in [1, 2] {
        let (send, arrived) = std::sync::mpsc::channel();
        let run = builder
            .evaluators(evaluators)
            .listen(move |record| {
                if matches!(record.event, Event::TrainedAlone { .. }) {
                    let _ = send.send(());
                }
            })
            .start()
            .unwrap();
        arrived.recv_timeout(LIMIT).unwrap();
        // The next training is in progress, or about to begin.
        let began = Instant::now();
        run.stop();
        let ended = run.wait_for(LIMIT).unwrap().unwrap();
        assert!(matches!(ended, RunOutcome::Stopped { .. }));
        assert!(began.elapsed() < LIMIT / 4);
        builder = Search::builder().resume(&place);
    }
    let run = builder.evaluators(2).start().unwrap();
    let found = run.wait_for(LIMIT).unwrap().unwrap().result().unwrap();
    assert_eq!(found.selection, whole.selection);
    assert_eq!(
        (found.best(), &found.retrained),
        (whole.best(), &whole.retrained)
    );
    assert_eq!(found.ledger, whole.ledger);
    let text = fs::read_to_string(place.join("events.jsonl")).unwrap();
    let record = |line: &str| serde_json::from_str::<Record>(line).unwrap().event;
    assert_eq!(text.lines().map(record).collect::<Vec<_>>(), expected);
    assert!(place.join("best/selection.json").exists());
    fs::remove_dir_all(place).unwrap();
}

#[test]
fn an_evaluator_of_the_application_trains_them_itself() {
    let asked = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counter = Arc::clone(&asked);
    let run = Search::builder()
        .config(config(&["retrain.epochs=0", "nas.candidates=30"]))
        .evaluator(move |genome| {
            counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            async move {
                let reward = 1.0 / (1.0 + genome.iter().sum::<u32>() as f32);
                Ok::<_, std::io::Error>(Score { reward, loss: 1.0 })
            }
        })
        .start()
        .unwrap();
    let found = run.wait_for(LIMIT).unwrap().unwrap().result().unwrap();
    assert_eq!(asked.load(std::sync::atomic::Ordering::Relaxed), 30);
    let trainings = &found.selection.as_ref().unwrap().trainings;
    let best = trainings
        .iter()
        .map(|of| of.alone.unwrap().reward)
        .fold(0.0, f32::max);
    assert_eq!(
        found.selection.as_ref().unwrap().top[0]
            .alone
            .unwrap()
            .reward,
        best
    );
}

#[test]
fn a_budget_in_multiply_adds_ends_it() {
    let experiment = Experiment::new(config(&[])).unwrap();
    let one = experiment.alone_cost(3) * experiment.mean_macs().unwrap();
    let budget = format!("search.budget={}", 10.0 * one);
    let (_, found) = inline(&[&budget, "nas.candidates=0", "retrain.epochs=0"]);
    let spent = found.ledger.total() / (10.0 * one);
    assert!((0.7..=1.0).contains(&spent), "{spent}");
    let said = Experiment::new(config(&["search.budget=1e6", "nas.candidates=0"])).unwrap_err();
    assert!(
        said.to_string()
            .starts_with("`search.budget` is 1.0 million multiply-adds, and two networks"),
        "{said}"
    );
}
