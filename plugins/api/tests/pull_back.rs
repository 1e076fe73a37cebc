//! The gradient of a path's weights, against finite differences.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod differences;

use differences::{hold, mixed};
use supernet_plugin::{Path, PathError, Pick, Space, Supergraph, When};

/// A decision that two nodes ask, one of which is overridden; conditions of every kind over three
/// decisions, in a sum and in a mean.
fn small() -> Supergraph {
    let s = Space::new("small");
    let op = s.op("op", &["a", "b", "c"]);
    let (on, too) = (s.flag("on"), s.flag("too"));
    let x = s.input("row", &[4]);
    let layer = || x.linear(4, false);
    let layers = || [layer(), layer(), layer()];
    let (first, second) = (s.choose(op, &layers()), s.choose(op, &layers()));
    let conditions = || {
        [
            When::ALWAYS,
            on.on(),
            on.on().and(too.on()),
            When::none([on.on(), too.on()]),
            When::any([op.is_in(&[0, 2]), on.on().and(op.is(1)), too.on()]),
            When::all([op.is_in(&[1, 2]), op.is_in(&[0, 1]), too.on()]),
        ]
    };
    let parts = || conditions().map(|when| (layer(), when));
    let (sum, mean) = (s.sum_when(parts()), s.mean_when(parts()));
    let all = s.sum(&[first, second, sum, mean]);
    s.output(s.choose(op, &[all, all.relu(), x]));
    Supergraph::new(s.finish().unwrap()).unwrap()
}

#[test]
fn sums_over_nodes_products_of_conditions_and_quotients_of_means() {
    let graph = small();
    for rows in [1, 3] {
        hold(&graph, &mixed(&graph, 1, rows), 1000);
    }
}

#[test]
fn picks_with_one_row_receive_the_sum_over_all_slices() {
    let graph = small();
    let (mut path, one) = (mixed(&graph, 2, 3), mixed(&graph, 3, 1));
    path.picks[1] = one.picks[1].clone();
    hold(&graph, &path, 1000);
}

#[test]
fn an_override_has_a_gradient_of_its_own() {
    let graph = small();
    let mut path = mixed(&graph, 4, 1);
    let relaxed = graph.relaxed(&path).unwrap();
    let node = relaxed.weighted_nodes()[1].node();
    path.at.push((node, mixed(&graph, 5, 1).picks[0].clone()));
    hold(&graph, &path, 1000);
    let relaxed = graph.relaxed(&path).unwrap();
    let ones: Vec<Vec<f64>> = relaxed
        .weighted_nodes()
        .iter()
        .map(|node| vec![1.0; node.mixture.weights.len()])
        .collect();
    let gradient = graph.pull_back(&path, &relaxed, &ones).unwrap();
    assert_eq!(gradient.at, [vec![1.0; 3]]);
}

#[test]
fn single_choices_have_no_gradient_and_few_choices_one_each() {
    let graph = small();
    let mut path = mixed(&graph, 6, 1);
    path.picks[2] = Pick::One(1);
    path.picks[0] = Pick::Mix {
        choices: vec![2, 0],
        weights: vec![0.25, 0.5],
        rows: 1,
        gradient: true,
    };
    hold(&graph, &path, 1000);
    let relaxed = graph.relaxed(&path).unwrap();
    let zeros: Vec<Vec<f64>> = relaxed
        .weighted_nodes()
        .iter()
        .map(|node| vec![0.0; node.mixture.weights.len()])
        .collect();
    let gradient = graph.pull_back(&path, &relaxed, &zeros).unwrap();
    let lens: Vec<usize> = gradient.picks.iter().map(Vec::len).collect();
    assert_eq!(lens, [2, 2, 0]);
}

#[test]
fn an_edge_of_darts() {
    let s = Space::new("edge");
    let op = s.op("op", &["a", "b", "c"]);
    let x = s.input("row", &[4]);
    let layers = [(); 3].map(|()| x.linear(4, false));
    s.output(s.choose(op, &layers));
    let graph = Supergraph::new(s.finish().unwrap()).unwrap();
    let path = mixed(&graph, 1, 1);
    let relaxed = graph.relaxed(&path).unwrap();
    let g = [vec![0.5, -0.5, -0.75]];
    let gradient = graph.pull_back(&path, &relaxed, &g).unwrap();
    assert_eq!(gradient.picks, g);
    let error = graph
        .pull_back(&path, &relaxed, &[vec![0.0; 2]])
        .unwrap_err();
    let (at, expected, got) = (0, 3, 2);
    assert_eq!(error, PathError::Gradient { at, expected, got });
    assert!(graph.pull_back(&path, &relaxed, &[]).is_err());
}

#[test]
fn zeros_can_run_forward_only() {
    let graph = small();
    let one_hot = |d: usize, hot: u32| {
        let choices: Vec<u32> = (0..graph.choices(d)).collect();
        let weights = choices.iter().map(|c| f32::from(u8::from(*c == hot)));
        Pick::Mix {
            weights: weights.collect(),
            choices,
            rows: 1,
            gradient: true,
        }
    };
    let path = Path {
        picks: vec![one_hot(0, 1), one_hot(1, 0), one_hot(2, 1)],
        at: vec![],
    };
    let plain = graph.relaxed(&path).unwrap();
    let relaxed = plain.clone().zeros_forward_only();
    for (node, before) in relaxed.weighted_nodes().iter().zip(plain.weighted_nodes()) {
        assert!(before.mixture.forward_only.iter().all(|only| !only));
        let zeros: Vec<bool> = node.mixture.weights.iter().map(|w| *w == 0.0).collect();
        assert_eq!(node.mixture.forward_only, zeros);
        assert!(node.mixture.gradient && zeros.contains(&true));
    }
    assert_eq!(relaxed.network(), plain.network());
}
