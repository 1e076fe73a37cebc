//! Selection as a phase of a search: inline, on its own threads, and resumed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use supernet_enas as _;
use supernet_engine::device::cpu::Cpu;
use supernet_shaders::random::{Random, RngStream};
use supernet_strategy::Score;

use super::{RunOutcome, Search};
use crate::config::Config;
use crate::events::{Event, Progress, Record, WarningKind};
use crate::experiment::Experiment;
use crate::results::{Front, FrontSource, Selection};
use crate::search::SearchResult;

/// Pays for two rungs of selection, and for two networks of retraining.
const SETTINGS: [&str; 14] = [
    "space.layers=3",
    "space.filters=4",
    "search.epochs=4",
    "search.seed=3",
    "derive.candidates=16",
    "derive.report=8",
    "selection.share=10",
    "retrain.epochs=6",
    "retrain.seeds=1",
    "retrain.random=1",
    "retrain.same_size=1",
    "retrain.largest=0",
    "retrain.budget=1000",
    "checkpoint.steps=20",
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

fn events(records: &[Record]) -> Vec<Event> {
    records.iter().map(|record| record.event.clone()).collect()
}

fn logged(run: &Path) -> Vec<Event> {
    let text = fs::read_to_string(run.join("events.jsonl")).unwrap();
    let record = |line: &str| serde_json::from_str::<Record>(line).unwrap().event;
    text.lines().map(record).collect()
}

fn place(test: &str) -> PathBuf {
    let place =
        std::env::temp_dir().join(format!("supernet-selection-{}-{test}", std::process::id()));
    let _ = fs::remove_dir_all(&place);
    place
}

#[test]
fn candidates_are_trained_alone_and_the_best_of_them_is_retrained() {
    let (records, found) = inline(&[]);
    let events = events(&records);
    let selection = found.selection.as_ref().unwrap();
    let trained: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::TrainedAlone { trained, .. } => Some(trained.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(trained, selection.trainings);
    let lengths = |rung| {
        let of_rung = trained.iter().filter(|of| of.rung == rung);
        of_rung.map(|of| of.epochs).collect::<Vec<_>>()
    };
    assert_eq!(lengths(0).len(), 8);
    assert!(lengths(0).iter().all(|epochs| *epochs == lengths(0)[0]));
    assert!((2..=4).contains(&lengths(1).len()), "{:?}", lengths(1));
    assert!(lengths(1).iter().all(|epochs| *epochs == 2 * lengths(0)[0]));
    // The best by loss of the last rung is the result, and is retrained.
    let last = trained.iter().filter(|of| of.rung == 1);
    let least = last.map(|of| of.alone.unwrap().loss).fold(9.0, f32::min);
    assert_eq!(selection.top[0].alone.unwrap().loss, least);
    assert_eq!(found.best().unwrap().genome, selection.top[0].genome);
    assert_eq!(
        found.retrained.as_ref().unwrap().networks[0].genome,
        selection.top[0].genome
    );
    let comparison = selection.predictors.as_ref().unwrap();
    assert!(events.iter().any(
        |event| matches!(event, Event::Calibrated { comparison: said } if said == comparison)
    ));
    assert_eq!(comparison.networks, 8);
    // Trained on the training split and scored on validation: nothing of it is the test split's.
    let order: Vec<usize> = [
        events
            .iter()
            .position(|of| matches!(of, Event::Tested { .. })),
        events
            .iter()
            .position(|of| matches!(of, Event::SelectionStarted { .. })),
        events
            .iter()
            .position(|of| matches!(of, Event::Calibrated { .. })),
        events
            .iter()
            .position(|of| matches!(of, Event::Selected { .. })),
        events
            .iter()
            .position(|of| matches!(of, Event::RetrainStarted { .. })),
    ]
    .into_iter()
    .flatten()
    .collect();
    assert!(order.len() == 5 && order.is_sorted(), "{order:?}");
    let mut progress = Progress::new();
    let mut before = 0.0;
    for record in &records {
        progress.observe(record);
        if let Event::TrainedAlone { .. } = record.event {
            assert!(progress.fraction() > before, "{record:?}");
            before = progress.fraction();
        }
    }
    assert!(progress.fraction() > 0.9, "{}", progress.fraction());
    // A log reads back as what was emitted.
    for event in &events {
        let line = serde_json::to_string(event).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), *event);
    }
}

#[test]
fn stopped_in_the_middle_of_a_selection_and_resumed_is_as_never_stopped() {
    let place = place("stopped");
    let (records, whole) = inline(&[]);
    let expected = events(&records);
    // In the first rung, in the second, and after the last training.
    for (name, at) in [("first", 2), ("second", 8), ("often", 0)] {
        let path = place.join(name);
        let mut builder = Search::builder().config(config(&[])).folder(&path);
        let stops = if name == "often" {
            vec![1, 4, 7]
        } else {
            vec![at]
        };
        for network in stops {
            let (send, arrived) = mpsc::channel();
            let (go, told) = mpsc::channel::<()>();
            let mut once = Some((send, told));
            let run = builder
                .listen(move |record| {
                    let here = matches!(
                        record.event,
                        Event::TrainedAlone { network: of, .. } if of == network
                    );
                    if let Some((send, told)) = once.take_if(|_| here) {
                        let _ = send.send(()).map(|()| told.recv());
                    }
                })
                .threads(1)
                .start()
                .unwrap();
            arrived.recv().unwrap();
            run.stop();
            go.send(()).unwrap();
            let ended = run.wait_for(LIMIT).unwrap().unwrap();
            assert!(matches!(ended, RunOutcome::Stopped { .. }), "{name}");
            // The best so far is on disk at any moment.
            assert!(path.join("best/genome.json").exists());
            assert!(!path.join("best/selection.json").exists());
            builder = Search::builder().resume(&path);
        }
        let shared = fs::read_to_string(path.join("best/genome.json")).unwrap();
        let run = builder.threads(2).start().unwrap();
        let found = run.wait_for(LIMIT).unwrap().unwrap().result().unwrap();
        assert_eq!(found.selection, whole.selection, "{name}");
        assert_eq!(found.retrained, whole.retrained, "{name}");
        assert_eq!(logged(&path), expected, "{name}");
        assert!(!path.join("selection").exists() && !path.join("retraining").exists());
        let genome = fs::read_to_string(path.join("best/genome.json")).unwrap();
        assert!(genome.contains("trained_alone") && !shared.contains("trained_alone"));
        let read = |name: &str| fs::read_to_string(path.join("best").join(name)).unwrap();
        let front: Front = serde_json::from_str(&read("front.json")).unwrap();
        assert_eq!(Some(&front), found.front().as_ref());
        assert!(front.source == FrontSource::Retrained && read("knee.json").contains("decisions"));
        let selected: Selection = serde_json::from_str(&read("selection.json")).unwrap();
        assert_eq!(Some(selected), whole.selection);
        let said = Search::builder().resume(&path).start().unwrap_err();
        assert!(said.to_string().contains("is finished"), "{said}");
    }
    fs::remove_dir_all(place).unwrap();
}

#[test]
fn the_test_split_and_its_labels_change_nothing_in_a_selection() {
    let select = |shuffled: bool| {
        let mut experiment = Experiment::new(config(&["retrain.budget=0"])).unwrap();
        if shuffled {
            let data = Arc::make_mut(&mut experiment.task_mut().data);
            Random::new(1, RngStream::Test(1)).shuffle(&mut data.test.labels);
        }
        let found = experiment
            .run(&mut Cpu::new(2).unwrap(), None, &mut |_| {})
            .unwrap();
        (found.selection.unwrap(), found.test)
    };
    let (whole, shuffled) = (select(false), select(true));
    assert_eq!(whole.0, shuffled.0);
    assert_ne!(whole.1, shuffled.1);
    // What was trained alone has weights of its own: more epochs, less loss, on the same genome.
    let of = |rung| whole.0.trainings.iter().filter(move |of| of.rung == rung);
    let both =
        of(1).find_map(|long| Some((long, of(0).find(|short| short.genome == long.genome)?)));
    let (long, short) = both.unwrap();
    assert!(long.loss() < short.loss(), "{long:?} {short:?}");
}

#[test]
fn an_evaluator_of_the_application_is_not_overruled() {
    let run = Search::builder()
        .config(config(&["retrain.budget=0"]))
        .evaluator(|genome| async move {
            let reward = if genome[0] == 2 { 0.9 } else { 0.1 };
            Ok::<_, std::io::Error>(Score { reward, loss: 1.0 })
        })
        .start()
        .unwrap();
    let found = run.wait_for(LIMIT).unwrap().unwrap().result().unwrap();
    assert!(found.selection.is_none() && found.best().unwrap().genome[0] == 2);
}

#[test]
fn a_search_that_is_too_short_skips_selection_with_a_sentence() {
    let (records, found) = inline(&["selection.share=0.1", "retrain.budget=0"]);
    assert!(found.selection.is_none());
    assert_eq!(found.best(), found.top.first());
    let warning = records.iter().find_map(|record| match &record.event {
        Event::Warning {
            kind: WarningKind::NoSelection,
            sentence,
        } => Some(sentence.clone()),
        _ => None,
    });
    let said = warning.unwrap();
    assert!(
        said.contains("8 networks for 2 epochs") && said.contains("`selection.share` is 0.1"),
        "{said}"
    );
    let (records, _) = inline(&["derive.candidates=1", "derive.report=2", "retrain.budget=0"]);
    assert!(events(&records).iter().any(|event| matches!(
        event,
        Event::Warning { sentence, .. } if sentence.contains("and it takes 8")
    )),);
    // Turned off, the search says nothing of it.
    for off in ["selection.share=0", "retrain.epochs=0"] {
        let (records, found) = inline(&[off, "retrain.budget=0"]);
        assert!(found.selection.is_none());
        assert!(events(&records).iter().all(|event| !matches!(
            event,
            Event::Warning {
                kind: WarningKind::NoSelection,
                ..
            } | Event::SelectionStarted { .. }
        )));
    }
}
