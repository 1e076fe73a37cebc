//! Properties of every genome of every ENAS space.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use supernet_enas as _;
use supernet_plugin::{
    Child, Count, Facts, Op, Path, Pick, SearchSpace, Setting, Supergraph, find,
};

fn graphs() -> Vec<Supergraph> {
    let settings = |pairs: &[(&str, i64)]| -> BTreeMap<String, Setting> {
        pairs
            .iter()
            .map(|(key, n)| ((*key).to_owned(), Setting::Int(*n)))
            .collect()
    };
    let images = Facts::images(&[16, 16, 3], 10);
    let mut last = settings(&[("layers", 1), ("filters", 4)]);
    last.insert("form".to_owned(), Setting::Text("final".to_owned()));
    [
        ("enas-macro", settings(&[]), images.clone()),
        (
            "enas-micro",
            settings(&[("layers", 3), ("filters", 4)]),
            images.clone(),
        ),
        (
            "enas-recurrent",
            settings(&[("nodes", 6), ("hidden", 8)]),
            Facts::text(65),
        ),
        ("enas-micro", last, images),
    ]
    .into_iter()
    .map(|(name, given, facts)| {
        let entry = find(name).unwrap();
        let config = entry.configure(&given, &facts).unwrap();
        Supergraph::new(entry.space(&config).unwrap()).unwrap()
    })
    .collect()
}

fn samples(graph: &Supergraph, count: usize) -> Vec<Vec<u32>> {
    let mut state = 9u64;
    let mut draw = |weights: &[f32]| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % weights.len()
    };
    (0..count)
        .map(|_| graph.sample(&mut draw).unwrap())
        .collect()
}

fn check_child(graph: &Supergraph, child: &Child) {
    for i in 0..child.len() {
        assert!(
            child.inputs(i).iter().all(|&input| (input as usize) < i),
            "topological"
        );
        let inside = i < child.given();
        match &graph.node(child.node(i)).op {
            _ if inside => assert!(child.inputs(i).is_empty() && child.params(i).is_empty()),
            Op::Choose { .. } => panic!("a child has no choose"),
            Op::Sum { .. } | Op::Mean { .. } | Op::Concat => assert_ne!(child.inputs(i).len(), 1),
            _ => {}
        }
        if let Some(body) = child.body(i) {
            check_child(graph, body);
        }
    }
    let mut read = vec![false; child.len()];
    (0..child.len())
        .flat_map(|i| child.inputs(i))
        .chain(child.outputs())
        .for_each(|&at| read[at as usize] = true);
    assert!(
        read[child.given()..].iter().all(|read| *read),
        "everything is read"
    );
    assert!(
        child
            .outputs()
            .iter()
            .all(|&at| (at as usize) < child.len())
    );
}

#[test]
fn children_are_sound() {
    for graph in graphs() {
        for genome in samples(&graph, 200) {
            let child = graph.child(&genome).unwrap();
            check_child(&graph, &child);
            assert!(child.asked().is_sorted());
            assert_eq!(child.count(), graph.count(&genome, Count::Live).unwrap());

            let canonical = graph.canonical(&genome).unwrap();
            assert_eq!(
                graph.canonical(&canonical).unwrap(),
                canonical,
                "idempotent"
            );
            assert_eq!(graph.child(&canonical).unwrap(), child, "the same child");

            let relaxed = graph.relaxed(&Path::of(&genome)).unwrap();
            let trained = graph.child_in_training(&genome).unwrap();
            assert_eq!(
                relaxed.network(),
                &trained,
                "a path of single choices is the child in training"
            );
            assert!(trained.len() >= child.len() && trained.asked() == child.asked());
        }
    }
}

#[test]
fn everything_at_once_is_the_supergraph() {
    for graph in graphs() {
        let mix = |d: usize| {
            let choices = graph.choices(d);
            let weights = vec![1.0 / choices as f32; choices as usize];
            Pick::Mix {
                choices: (0..choices).collect(),
                weights,
                rows: 1,
                gradient: true,
            }
        };
        let path = Path {
            picks: (0..graph.genome_len()).map(mix).collect(),
            at: Vec::new(),
        };
        let relaxed = graph.relaxed(&path).unwrap();
        // Every weight can be reached, including those of the last reductions.
        assert_eq!(
            relaxed.network().count(),
            graph.total_params(),
            "{}",
            graph.space().name
        );
        for genome in samples(&graph, 20) {
            assert!(graph.macs(&genome).unwrap() <= relaxed.network().macs());
        }
    }
}

#[test]
fn json_gives_the_same_supergraph() {
    for graph in graphs() {
        let json = graph.space().to_json().unwrap();
        let again = Supergraph::new(SearchSpace::from_json(&json).unwrap()).unwrap();
        assert_eq!(again.space(), graph.space());
        assert_eq!(again.plan(), graph.plan());
        for genome in samples(&graph, 20) {
            assert_eq!(again.child(&genome).unwrap(), graph.child(&genome).unwrap());
        }
    }
}

#[test]
fn priors_guide_sampling_and_norms_do_not_decay() {
    let graph = &graphs()[0];
    let skips: Vec<usize> = (0..graph.genome_len())
        .filter(|&d| graph.choices(d) == 2)
        .collect();
    assert_eq!(
        graph.space().decisions[skips[0]].prior,
        Some(vec![0.6, 0.4])
    );
    for p in 0..graph.param_count() as u32 {
        let param = graph.param(p);
        assert_eq!(
            param.decay,
            !(param.id.ends_with("scale") || param.id.ends_with("shift")),
            "{}",
            param.id
        );
    }
}

#[test]
fn a_scan_has_a_body_under_the_same_genome() {
    let graph = graphs().remove(2).with_time(7);
    let genome = samples(&graph, 1).remove(0);
    let child = graph.child(&genome).unwrap();
    let scan = (0..child.len()).find(|&i| child.body(i).is_some()).unwrap();
    assert_eq!(child.shape(scan), [7, 8]);
    let body = child.body(scan).unwrap();
    assert_eq!(body.given(), 2, "a step of the input and the state");
    assert_eq!([body.shape(0), body.shape(1)], [&[8], &[8]]);
    assert_eq!(body.outputs().len(), 2, "what it yields and the next state");
    assert_eq!(child.node_macs(scan), 7 * body.macs());
    assert_eq!(child.inputs(scan).len(), 1);
}
