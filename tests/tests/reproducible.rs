//! Equal settings give equal bits.

use supernet_tests::{search, without_times};

const SHORT: [&str; 4] = [
    "search.epochs=6",
    "derive.candidates=10",
    "derive.report=10",
    "search.seed=3",
];

#[test]
fn one_thread_and_two_give_the_same_events_and_weights() {
    for strategy in [
        "search.strategy=spos",
        "search.strategy=enas",
        "search.strategy=random",
    ] {
        let settings = [&SHORT[..], &[strategy]].concat();
        let (a, one) = search(&settings, 1).unwrap();
        let (b, two) = search(&settings, 2).unwrap();
        assert!(a.len() > 100);
        assert_eq!(without_times(&a), without_times(&b));
        assert_eq!(one.weights, two.weights);
        assert_eq!(one.top, two.top);
    }
}

#[test]
fn another_seed_is_another_search() {
    let (a, _) = search(&SHORT, 2).unwrap();
    let (b, _) = search(&[&SHORT[..], &["search.seed=4"]].concat(), 2).unwrap();
    assert_ne!(without_times(&a), without_times(&b));
}
