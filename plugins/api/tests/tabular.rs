//! A space outside vision: layers of variable number and width, with constraints.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;

use supernet_plugin::{
    Built, Count, DecisionRef, Path, PathError, Pick, SearchSpace, Space, Supergraph,
};

fn tabular(features: u32, classes: u32) -> Built {
    let s = Space::new("tabular-mlp");
    let depth = s.value("depth", &[1, 2, 3, 4]);
    let norm = s.flag("norm");
    let mut x = s.input("row", &[features]);
    let (mut exits, mut previous) = (vec![], None::<DecisionRef<'_>>);
    for l in 1..=4 {
        let used = depth.at_least(l);
        let width = s
            .value(format!("width{l}"), &[16, 32, 64, 128])
            .active_if(used.clone());
        let act = s
            .op(format!("act{l}"), &["relu", "tanh", "gelu"])
            .active_if(used.clone());
        s.scope(format!("layer{l}"), || {
            let h = x.linear(s.extent(width), true);
            let h = s.choose(norm, &[h, h.norm()]);
            x = s.choose(act, &[h.relu(), h.act("tanh"), h.act("gelu")]);
            exits.push(x.linear(classes, true));
        });
        if l == 1 {
            s.forbid(
                depth.is(3).and(act.is(1)),
                "a net of four layers must not start with tanh",
            );
        }
        let pairs = previous
            .iter()
            .flat_map(|w| [16, 32, 64].map(|n| (w.at_most(n), width.at_least(n + 1))));
        for (narrow, wider) in pairs {
            s.forbid(used.clone().and(narrow).and(wider), "layers must not widen");
        }
        previous = Some(width);
    }
    s.output(s.choose(depth, &exits));
    s.finish()
}

fn graph() -> Supergraph {
    Supergraph::new(tabular(64, 10).unwrap()).unwrap()
}

#[test]
fn counts_are_those_of_the_oracle() {
    let graph = graph();
    assert_eq!(graph.total_params(), 64_040);
    assert_eq!(graph.genome_len(), 10);
    assert_eq!(graph.size().to_string(), "165,888");
    let mut distinct = BTreeSet::new();
    let (mut smallest, mut largest) = ((u64::MAX, 0), (0, 0));
    for genome in graph.enumerate(200_000).unwrap() {
        if distinct.insert(graph.canonical(&genome).unwrap()) {
            let counts = (
                graph.count(&genome, Count::Live).unwrap(),
                graph.macs(&genome).unwrap(),
            );
            smallest = smallest.min(counts);
            largest = largest.max(counts);
        }
    }
    assert_eq!(distinct.len(), 5_064);
    assert_eq!(smallest, (1_210, 1_184));
    assert_eq!(largest, (60_170, 58_624));
    assert!(graph.enumerate(100_000).is_none());
}

#[test]
fn a_child_uses_the_first_so_many_weights() {
    let graph = graph();
    // Two layers of 128 and 32.
    let genome = [1, 0, 3, 0, 1, 0, 0, 0, 0, 0];
    let child = graph.child(&genome).unwrap();
    let shapes: Vec<&[u32]> = (0..child.len()).map(|i| child.shape(i)).collect();
    assert_eq!(
        shapes,
        [&[64], &[128], &[128], &[32], &[32], &[10]].map(|shape: &[u32; 1]| &shape[..])
    );
    let weights: Vec<&[u32]> = (0..child.len())
        .filter(|&i| !child.params(i).is_empty())
        .map(|i| child.param_shape(child.params(i)[0]))
        .collect();
    assert_eq!(
        weights,
        [[64, 128], [128, 32], [32, 10]]
            .each_ref()
            .map(|shape| &shape[..])
    );
    assert_eq!(graph.param_shape(child.params(3)[0]), [128, 128]);
    assert_eq!(child.asked(), [0, 1, 2, 3, 4, 5]);
    assert_eq!(child.count(), 64 * 128 + 128 + 128 * 32 + 32 + 32 * 10 + 10);
}

#[test]
fn constraints_mask_and_refuse() {
    let graph = graph();
    let mut prefix = vec![None; 10];
    assert_eq!(graph.allowed(&prefix, 0), [true; 4]);
    prefix[0] = Some(3);
    assert_eq!(
        graph.allowed(&prefix, 3),
        [true, false, true],
        "four layers must not start with tanh"
    );
    prefix[2] = Some(1);
    assert_eq!(
        graph.allowed(&prefix, 4),
        [true, true, false, false],
        "the second layer must not be wider"
    );
    assert!(graph.active(&prefix, 4));
    prefix[0] = Some(0);
    assert!(!graph.active(&prefix, 4));
    prefix[0] = None;
    assert!(graph.active(&prefix, 4), "unknown counts as active");

    let refused = graph
        .child(&[3, 0, 0, 1, 0, 0, 0, 0, 0, 0])
        .unwrap_err()
        .to_string();
    assert_eq!(
        refused,
        "the space refuses this genome: a net of four layers must not start with tanh."
    );
    let refused = graph
        .check(&[1, 0, 0, 0, 1, 0, 0, 0, 0, 0])
        .unwrap_err()
        .to_string();
    assert_eq!(
        refused,
        "the space refuses this genome: layers must not widen."
    );
    let short = graph.child(&[0]).unwrap_err().to_string();
    assert_eq!(
        short,
        "a genome of this space has 10 numbers, one per decision, and this one has 1."
    );
    let far = graph
        .child(&[4, 0, 0, 0, 0, 0, 0, 0, 0, 0])
        .unwrap_err()
        .to_string();
    assert_eq!(
        far,
        "decision `depth` (number 0 of the genome, counted from 0) is 4, and must be below 4."
    );
}

#[test]
fn sampling_walks_the_plan() {
    let graph = graph();
    let mut seen = BTreeSet::new();
    for round in 0..200usize {
        let mut turn = round;
        let genome = graph.sample(&mut |weights| {
            turn = turn * 31 + 7;
            let open: Vec<usize> = (0..weights.len()).filter(|&i| weights[i] > 0.0).collect();
            open[(turn / 3) % open.len()]
        });
        let genome = genome.unwrap();
        graph.check(&genome).unwrap();
        let unused = 2 + 2 * (genome[0] as usize + 1);
        assert!(
            genome[unused.min(10)..].iter().all(|&value| value == 0),
            "inactive decisions are 0: {genome:?}"
        );
        seen.insert(genome);
    }
    assert!(seen.len() > 20);
    let error = graph.sample(&mut |_| 99).unwrap_err().to_string();
    assert_eq!(
        error,
        "the draw for decision `depth` returned 99, which has no weight."
    );
}

#[test]
fn sizes_cannot_be_mixed() {
    let graph = graph();
    let mut path = Path::of(&[0; 10]);
    let both = |weights: Vec<f32>| Pick::Mix {
        choices: vec![0, 1],
        weights,
        rows: 1,
        gradient: true,
    };
    path.picks[2] = both(vec![0.5, 0.5]);
    let error = graph.relaxed(&path).unwrap_err();
    assert_eq!(
        error,
        PathError::Elastic {
            decision: "width1".into()
        }
    );
    assert_eq!(
        error.to_string(),
        "decision `width1` picks sizes, so its choices cannot be mixed; pick one."
    );

    path.picks[2] = Pick::One(0);
    path.picks[1] = both(vec![0.25, 0.75]);
    let relaxed = graph.relaxed(&path).unwrap();
    let child = relaxed.network();
    let at = (0..child.len())
        .find(|&i| relaxed.mixture(i).is_some())
        .unwrap();
    assert_eq!(child.op_node(at).op.name(), "choose");
    assert_eq!(relaxed.mixture(at).unwrap().weights, [0.25, 0.75]);
    assert_eq!(relaxed.mixture(at).unwrap().inputs, [0, 1]);
    assert_eq!(child.count(), 1_210 + 32, "every branch counts");
}

#[test]
fn json_gives_the_same_space() {
    let space = tabular(64, 10).unwrap();
    let json = space.to_json().unwrap();
    assert_eq!(SearchSpace::from_json(&json).unwrap(), space);
    let tolerated = json.replacen("{\"schema\":2", "{\"schema\":2,\"later\":[1]", 1);
    assert_eq!(SearchSpace::from_json(&tolerated).unwrap(), space);
}
