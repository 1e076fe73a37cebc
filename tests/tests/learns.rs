//! Shared weights learn. (Whether the controller does is tested with known rewards:
//! `strategy/enas/tests.rs`.)

use supernet::Event;
use supernet_tests::search;

#[test]
fn shared_weights_learn_the_digits() {
    let (records, found) = search(
        &[
            "search.epochs=30",
            "derive.candidates=20",
            "derive.report=20",
        ],
        2,
    )
    .unwrap();
    let losses: Vec<f32> = records
        .iter()
        .filter_map(|record| match record.event {
            Event::Epoch { score, .. } => Some(score.loss),
            _ => None,
        })
        .collect();
    assert!(losses[29] < 0.3 * losses[0], "{losses:?}");
    // Random guessing gives 10 %.
    assert!(found.top[0].score.reward > 0.8, "{:?}", found.top[0]);
    assert!(found.test.reward > 0.8, "{:?}", found.test);
}

#[test]
fn the_micro_space_runs_in_its_search_form() {
    let settings = [
        "search.space=enas-micro",
        "space.layers=3",
        "space.filters=4",
        "search.strategy=enas",
        "search.epochs=3",
    ];
    let settings = [
        &settings[..],
        &["derive.candidates=2", "derive.report=2", "score.updates=1"],
    ]
    .concat();
    let (records, found) = search(&settings, 2).unwrap();
    assert_eq!(found.top[0].genome.len(), 40);
    assert!(
        records
            .iter()
            .any(|record| matches!(record.event, Event::Update { .. }))
    );
}
