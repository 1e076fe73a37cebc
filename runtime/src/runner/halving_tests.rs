//! Searches without shared weights: inline, on their own threads, stopped and resumed.

use std::fs;
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Duration;

use supernet_enas as _;
use supernet_engine::device::cpu::Cpu;
use supernet_strategy::Score;

use super::{RunOutcome, Search};
use crate::config::{Config, StrategyName};
use crate::error::ErrorKind;
use crate::events::{Event, Progress, Record};
use crate::experiment::Experiment;
use crate::results::{Selection, Side};
use crate::search::SearchResult;
use crate::space::Spaces;
use crate::tools::trained_supernet::TrainedSupernet;

/// Pays for two rungs, and for two networks of retraining.
const SETTINGS: [&str; 14] = [
    "search.strategy=halving",
    "space.layers=3",
    "space.filters=4",
    "search.epochs=4",
    "search.seed=3",
    "derive.candidates=16",
    "selection.share=10",
    "retrain.epochs=6",
    "retrain.seeds=1",
    "retrain.random=1",
    "retrain.same_size=0",
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

fn place(test: &str) -> PathBuf {
    let place =
        std::env::temp_dir().join(format!("supernet-halving-{}-{test}", std::process::id()));
    let _ = fs::remove_dir_all(&place);
    place
}

#[test]
fn random_networks_are_trained_alone_at_the_budget_of_shared_weights() {
    let (records, found) = inline(&[]);
    let selection = found.selection.as_ref().unwrap();
    let trainings = &selection.trainings;
    // No step trains shared weights, and nothing is scored with them.
    assert_eq!(found.weights.version, 0);
    assert!(found.top.is_empty() && trainings.iter().all(|of| of.shared.is_none()));
    assert!(records.iter().all(|record| !matches!(
        record.event,
        Event::Step { .. }
            | Event::Evaluated { .. }
            | Event::Derived { .. }
            | Event::PolicyGain { .. }
            | Event::Tested { .. }
    )));
    assert!(records.iter().any(|record| matches!(
        record.event,
        Event::Planned {
            epochs: 0,
            evaluated: 0,
            updates: 0,
            ..
        }
    )));
    // The budget is what single-path one-shot and its selection cost, and it is used.
    let settings = ["search.strategy=spos"];
    let shared = Experiment::new(config(&settings)).unwrap();
    let first: Vec<_> = trainings.iter().filter(|of| of.rung == 0).collect();
    let mean = first.iter().map(|of| of.macs as f64).sum::<f64>() / first.len() as f64;
    let budget = records.iter().find_map(|record| match record.event {
        Event::SelectionStarted { budget, .. } => Some(budget),
        _ => None,
    });
    let expected = 11.0 * shared.cost() * mean;
    assert!((budget.unwrap() / expected - 1.0).abs() < 1e-12);
    let steps = shared.schedule().steps;
    let alone = |epochs| shared.training_cost(epochs, steps) + shared.evaluation_cost();
    let spent: f64 = trainings
        .iter()
        .map(|of| of.macs as f64 * alone(of.epochs))
        .sum();
    assert!(
        (0.8..=1.1).contains(&(spent / expected)),
        "{}",
        spent / expected
    );
    // All networks of the first rung are different, and the better half goes on.
    let genomes: std::collections::BTreeSet<_> = first.iter().map(|of| &of.genome).collect();
    assert_eq!(genomes.len(), first.len());
    let last = trainings.iter().map(|of| of.rung).max().unwrap();
    assert!(last >= 1);
    let losses = |of: u32| {
        let of_rung = trainings.iter().filter(move |training| training.rung == of);
        of_rung.map(|training| training.alone.unwrap().loss)
    };
    assert_eq!(
        selection.top[0].alone.unwrap().loss,
        losses(last).fold(9.0, f32::min)
    );
    let best = found.best().unwrap();
    assert_eq!(
        (&best.genome, best.shared()),
        (&selection.top[0].genome, None)
    );
    assert!(found.gain.summary().starts_with("no weights were shared"));
    // The best is retrained beside a random one.
    let retrained = found.retrained.as_ref().unwrap();
    assert_eq!(retrained.networks[0].genome, best.genome);
    assert_eq!(retrained.networks[1].side, Side::Random);
    let opponent = retrained.comparison.best_of_random.unwrap();
    let buys = trainings.iter().map(|of| alone(of.epochs)).sum::<f64>() / alone(6);
    assert_eq!((opponent.affordable, opponent.trained), (buys as u32, 1));
    assert!(
        retrained.summary().contains(&format!(
            "the search cost as much as {} random networks trained alone: the only one that was trained has",
            opponent.affordable
        )),
        "{}",
        retrained.summary()
    );
    let mut progress = Progress::new();
    records.iter().for_each(|record| progress.observe(record));
    assert!(progress.fraction() > 0.99, "{}", progress.fraction());
}

#[test]
fn stopped_and_resumed_is_as_never_stopped() {
    let place = place("stopped");
    let (records, whole) = inline(&[]);
    let expected: Vec<Event> = records.into_iter().map(|record| record.event).collect();
    let networks = whole.selection.as_ref().unwrap().trainings.len() as u32;
    let mut builder = Search::builder().config(config(&[])).folder(&place);
    for stop in [0, networks - 2] {
        let (send, arrived) = mpsc::channel();
        let (go, told) = mpsc::channel::<()>();
        let mut once = Some((send, told));
        let run = builder
            .listen(move |record| {
                let here = matches!(
                    record.event,
                    Event::TrainedAlone { network, .. } if network == stop
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
        assert!(matches!(ended, RunOutcome::Stopped { .. }), "{stop}");
        assert!(!place.join("best/selection.json").exists());
        builder = Search::builder().resume(&place);
    }
    let run = builder.threads(2).start().unwrap();
    let found = run.wait_for(LIMIT).unwrap().unwrap().result().unwrap();
    assert_eq!(found.selection, whole.selection);
    assert_eq!(
        (found.best(), &found.retrained),
        (whole.best(), &whole.retrained)
    );
    let text = fs::read_to_string(place.join("events.jsonl")).unwrap();
    let record = |line: &str| serde_json::from_str::<Record>(line).unwrap().event;
    assert_eq!(text.lines().map(record).collect::<Vec<_>>(), expected);
    let read = |name: &str| fs::read_to_string(place.join("best").join(name)).unwrap();
    let genome = read("genome.json");
    assert!(genome.contains("trained_alone") && !genome.contains("shared_weights"));
    assert!(!read("architecture.svg").contains("shared weights"));
    let selected: Selection = serde_json::from_str(&read("selection.json")).unwrap();
    assert_eq!(Some(selected), whole.selection);
    assert!(!place.join("selection").exists() && !place.join("best/top.json").exists());
    // There are no shared weights to ask.
    let said = TrainedSupernet::open(&place, &Spaces::linked()).unwrap_err();
    assert!(
        said.to_string()
            .starts_with("the strategy `halving` shares no weights"),
        "{said}"
    );
    assert_eq!(said.kind(), ErrorKind::Config);
    fs::remove_dir_all(place).unwrap();
}

#[test]
fn it_is_the_whole_search_even_without_retraining_or_a_share() {
    let (_, found) = inline(&["retrain.epochs=0", "selection.share=0", "search.epochs=40"]);
    assert!(found.retrained.is_none());
    let selection = found.selection.as_ref().unwrap();
    assert_eq!(found.best().unwrap().genome, selection.top[0].genome);
}

#[test]
fn what_it_cannot_do_gets_a_sentence_and_leaves_nothing_behind() {
    let place = place("refused");
    let said = |settings: &[&str]| {
        let started = Search::builder()
            .config(config(settings))
            .folder(&place)
            .start();
        assert!(!place.exists());
        started.unwrap_err().to_string()
    };
    let short = said(&["search.epochs=1", "selection.share=0"]);
    assert!(
        short.contains("at least 8 networks for 2 epochs")
            && short
                .contains("`search.epochs` = 1 and `selection.share` = 0 would cost; raise either"),
        "{short}"
    );
    let same = Experiment::new(config(&["search.epochs=1", "selection.share=0"])).unwrap();
    let inline = same
        .run(&mut Cpu::new(1).unwrap(), None, &mut |_| {})
        .unwrap_err();
    assert_eq!(
        (inline.kind(), inline.to_string()),
        (ErrorKind::Config, short)
    );
    // Six architectures.
    let few = said(&["space.layers=1"]);
    assert!(
        few.contains("takes 8 different architectures, and the space has 6"),
        "{few}"
    );
    let own = Search::builder()
        .config(config(&[]))
        .evaluator(|_| async {
            Ok::<_, std::io::Error>(Score {
                reward: 0.5,
                loss: 1.0,
            })
        })
        .start()
        .unwrap_err();
    assert!(own.to_string().contains("choose another strategy"), "{own}");
    assert_eq!(StrategyName::Halving.word(), "halving");
}
