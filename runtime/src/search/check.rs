//! What a search must never depend on.

use std::sync::Arc;

use supernet_enas as _;
use supernet_shaders::random::Random;

use super::Search;
use crate::config::Config;
use crate::device::cpu::Cpu;
use crate::event::Event;
use crate::search::Found;

const SHORT: [&str; 4] = ["search.epochs=4", "search.warm_up=0.5", "derive.candidates=5", "derive.report=5"];

fn run(search: Search) -> (Vec<Event>, Found) {
    let mut events = Vec::new();
    let found = search.run(&mut Cpu::new(2).unwrap(), None, &mut |record| events.push(record.event.clone())).unwrap();
    (events, found)
}

fn short() -> Search {
    Search::new(Config::read("", &SHORT).unwrap()).unwrap()
}

#[test]
fn shuffled_test_labels_change_nothing_before_the_test_score() {
    let mut shuffled = short();
    Random::new(1, 1).shuffle(&mut Arc::make_mut(&mut shuffled.data).test.labels);
    let ((a, found), (b, other)) = (run(short()), run(shuffled));
    let before = |events: &[Event]| events.iter().position(|event| matches!(event, Event::Tested { .. })).unwrap();
    assert_eq!(before(&a), a.len() - 1);
    assert_eq!(a[..before(&a)], b[..before(&b)]);
    assert_ne!(found.test, other.test);
    assert_eq!(found.weights, other.weights);
}

#[test]
fn shuffled_validation_labels_change_no_weight_before_the_controller_starts() {
    let mut shuffled = short();
    Random::new(1, 1).shuffle(&mut Arc::make_mut(&mut shuffled.data).validation.labels);
    let ((a, _), (b, _)) = (run(short()), run(shuffled));
    let first = a.iter().position(|event| matches!(event, Event::Update { .. })).unwrap();
    assert!(a[..first].iter().any(|event| matches!(event, Event::Epoch { epoch: 1, warm_up: true, .. })));
    assert_eq!(a[..first], b[..first]);
    assert_ne!(a[first], b[first]);

    // With nothing but warm-up the validation part is read for reports only, so the weights end with the same bits.
    let all_warm_up = || {
        let settings = ["search.epochs=2", "search.warm_up=1", "derive.candidates=2", "derive.report=2"];
        Search::new(Config::read("", &settings).unwrap()).unwrap()
    };
    let mut shuffled = all_warm_up();
    Random::new(1, 1).shuffle(&mut Arc::make_mut(&mut shuffled.data).validation.labels);
    assert_eq!(run(all_warm_up()).1.weights, run(shuffled).1.weights);
}

#[test]
fn minutes_become_epochs_and_an_event() {
    let mut search = short();
    search.fit(0.05, &mut Cpu::new(2).unwrap()).unwrap();
    let epochs = search.config().search.epochs;
    let planned = search.planned();
    assert!(matches!(planned, Event::Planned { minutes: Some(m), epochs: e, .. } if m == 0.05 && e == epochs));
    let said = search.fit(0.0, &mut Cpu::new(1).unwrap()).unwrap_err().to_string();
    assert!(said.contains("--epochs"), "{said}");
}
