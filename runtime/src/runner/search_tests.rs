//! Properties that a search must never depend on.

use std::sync::Arc;

use supernet_data::Dataset;
use supernet_enas as _;
use supernet_engine::device::cpu::Cpu;
use supernet_plugin::{Fact, Field, Space, SpaceEntry, inventory};
use supernet_shaders::random::{Random, RngStream};

use crate::config::Config;
use crate::events::Event;
use crate::experiment::Experiment;
use crate::search::SearchResult;

const SHORT: [&str; 7] = [
    "search.epochs=4",
    "search.strategy=enas",
    "search.warm_up=0.5",
    "derive.candidates=5",
    "derive.report=5",
    "selection.share=0",
    "retrain.budget=0.1",
];

fn run(experiment: Experiment) -> (Vec<Event>, SearchResult) {
    let mut events = Vec::new();
    let found = experiment
        .run(&mut Cpu::new(2).unwrap(), None, &mut |record| {
            events.push(record.event.clone())
        })
        .unwrap();
    (events, found)
}

fn short() -> Experiment {
    Experiment::new(Config::read("", &SHORT).unwrap()).unwrap()
}

#[test]
fn shuffled_test_labels_change_nothing_before_the_test_score() {
    let mut shuffled = short();
    Random::new(1, RngStream::Test(1))
        .shuffle(&mut Arc::make_mut(&mut shuffled.task_mut().data).test.labels);
    let ((a, found), (b, other)) = (run(short()), run(shuffled));
    let before = |events: &[Event]| {
        events
            .iter()
            .position(|event| matches!(event, Event::Tested { .. }))
            .unwrap()
    };
    // There is no retraining: one training would cost more than the search.
    assert!(matches!(
        a[before(&a) + 1..],
        [Event::RetrainStarted {
            seeds: 0,
            left_out: 11,
            ..
        }]
    ));
    assert_eq!(a[..before(&a)], b[..before(&b)]);
    assert_ne!(found.test, other.test);
    assert_eq!(found.weights, other.weights);
}

#[test]
fn shuffled_validation_labels_change_no_weight_before_the_controller_starts() {
    let mut shuffled = short();
    Random::new(1, RngStream::Test(1)).shuffle(
        &mut Arc::make_mut(&mut shuffled.task_mut().data)
            .validation
            .labels,
    );
    let ((a, _), (b, _)) = (run(short()), run(shuffled));
    let first = a
        .iter()
        .position(|event| matches!(event, Event::Update { .. }))
        .unwrap();
    assert!(a[..first].iter().any(|event| matches!(
        event,
        Event::Epoch {
            epoch: 1,
            warm_up: true,
            ..
        }
    )));
    assert_eq!(a[..first], b[..first]);
    assert_ne!(a[first], b[first]);

    // With warm-up only, the validation split is read for reports only, so the weights end with the
    // same bits.
    let all_warm_up = || {
        let settings = [
            "search.strategy=enas",
            "search.epochs=2",
            "search.warm_up=1",
            "derive.candidates=2",
            "derive.report=2",
        ];
        Experiment::new(Config::read("", &settings).unwrap()).unwrap()
    };
    let mut shuffled = all_warm_up();
    Random::new(1, RngStream::Test(1)).shuffle(
        &mut Arc::make_mut(&mut shuffled.task_mut().data)
            .validation
            .labels,
    );
    assert_eq!(run(all_warm_up()).1.weights, run(shuffled).1.weights);
}

#[test]
fn minutes_become_epochs_and_an_event() {
    let mut cpu = Cpu::new(2).unwrap();
    let [short, long] = [0.05, 0.5].map(|minutes| {
        let mut experiment = short();
        experiment.fit(minutes, &mut cpu).unwrap();
        let epochs = experiment.config().search.epochs;
        assert_eq!(experiment.schedule().epochs, epochs);
        let planned = experiment.planned();
        assert!(matches!(planned, Event::Planned { minutes: Some(m), epochs: e, .. } if m == minutes && e == epochs));
        epochs
    });
    assert!(long > 2 * short, "{short} {long}");
    let said = self::short().fit(0.0, &mut cpu).unwrap_err().to_string();
    assert!(said.contains("above 0"), "{said}");
}

#[test]
fn a_controller_that_diverges_ends_the_search_in_words() {
    let config = Config::read(
        "",
        &[&SHORT[..], &["controller.learning_rate=1e38"]].concat(),
    )
    .unwrap();
    let said = Experiment::new(config)
        .unwrap()
        .run(&mut Cpu::new(1).unwrap(), None, &mut |_| {})
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("lower `controller.learning_rate` (it is 1e38)"),
        "{said}"
    );
}

#[test]
fn what_no_kernel_runs_is_refused_before_the_search_begins() {
    let data = Dataset::new(
        "rows",
        [4, 4, 1],
        3,
        vec![0.5; 16 * 200],
        (0..200).map(|i| i % 3).collect(),
    )
    .unwrap();
    let said = |space: &str| {
        let settings = [
            &format!("search.space={space}")[..],
            "train.batch=8",
            "score.batch=8",
        ];
        Experiment::on(data.clone(), Config::read("", &settings).unwrap())
            .unwrap_err()
            .to_string()
    };
    assert!(
        said("test-crop").contains("`choice/crop` of `test-crop` needs the op crop"),
        "{}",
        said("test-crop")
    );
    assert!(
        said("test-classes").contains("of shape [7] for 3 classes"),
        "{}",
        said("test-classes")
    );
}

inventory::submit! {
    SpaceEntry {
        name: "test-crop",
        summary: "one choice in ten has no kernel",
        fields: || vec![Field::from_data("image", Fact::Shape, "")],
        build: |config| {
            let s = Space::new("test-crop");
            let names: Vec<String> = (0..10).map(|i| format!("op{i}")).collect();
            let op = s.op("op", &names.iter().map(String::as_str).collect::<Vec<_>>());
            // Few genomes contain it: another decision must agree, and is rarely active.
            let gate = s.op("gate", &["shut", "open"]).prior(&[0.99, 0.01]);
            s.forbid(op.is(7).and(gate.is(0)), "what is behind the gate needs it open");
            let x = s.input("image", &config.sizes("image")?).conv(1, 4);
            let choices = s.scope("choice", || (0..10).map(|i| if i == 7 { x.crop(4) } else { x.relu() }).collect::<Vec<_>>());
            s.output(s.choose(op, &choices).global_avg_pool().linear(3, false));
            s.finish()
        },
    }
}

inventory::submit! {
    SpaceEntry {
        name: "test-classes",
        summary: "other classes than the data's",
        fields: || vec![Field::from_data("image", Fact::Shape, "")],
        build: |config| {
            let s = Space::new("test-classes");
            s.output(s.input("image", &config.sizes("image")?).conv(1, 4).global_avg_pool().linear(7, false));
            s.finish()
        },
    }
}
