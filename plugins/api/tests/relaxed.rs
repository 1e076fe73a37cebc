//! Relaxed networks on small spaces.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use supernet_plugin::{Path, PathError, Pick, Space, Supergraph, When};

/// Two flags decide which of three layers are added to a fourth, or averaged.
fn optional(mean: bool) -> Supergraph {
    let s = Space::new("optional");
    let (a, b) = (s.flag("a"), s.flag("b"));
    let x = s.input("row", &[4]);
    let layer = || x.linear(4, false);
    let parts = [
        (layer(), When::ALWAYS),
        (layer(), a.on()),
        (layer(), a.on().and(b.on())),
        (layer(), When::none([a.on(), b.on()])),
    ];
    s.output(if mean {
        s.mean_when(parts)
    } else {
        s.sum_when(parts)
    });
    Supergraph::new(s.finish().unwrap()).unwrap()
}

#[test]
fn conditional_inputs_weigh_their_probability() {
    for mean in [false, true] {
        let graph = optional(mean);
        let flag = |p: f32| Pick::Mix {
            choices: vec![0, 1],
            weights: vec![1.0 - p, p],
            rows: 1,
            gradient: false,
        };
        let relaxed = graph
            .relaxed(&Path {
                picks: vec![flag(0.25), flag(0.5)],
                at: vec![],
            })
            .unwrap();
        let at = relaxed.network().outputs()[0] as usize;
        let mixture = relaxed.mixture(at).unwrap();
        assert_eq!(mixture.inputs, [0, 1, 2, 3]);
        assert_eq!(mixture.weights, [1.0, 0.25, 0.125, 0.375]);
        assert_eq!(relaxed.network().count(), 64);

        // A branch of probability 0 does not run.
        let relaxed = graph
            .relaxed(&Path {
                picks: vec![Pick::One(1), flag(0.5)],
                at: vec![],
            })
            .unwrap();
        let mixture = relaxed
            .mixture(relaxed.network().outputs()[0] as usize)
            .unwrap();
        assert_eq!(
            (mixture.inputs.as_slice(), mixture.weights.as_slice()),
            (&[0, 1, 2][..], &[1.0, 1.0, 0.5][..])
        );
    }
}

#[test]
fn slices_of_the_batch_have_rows() {
    let graph = optional(false);
    let rows = |weights: &[f32]| {
        let rows = weights.len() as u32 / 2;
        Pick::Mix {
            choices: vec![0, 1],
            weights: weights.to_vec(),
            rows,
            gradient: false,
        }
    };
    let path = Path {
        picks: vec![rows(&[1.0, 0.0, 0.0, 1.0]), rows(&[0.5, 0.5])],
        at: vec![],
    };
    let relaxed = graph.relaxed(&path).unwrap();
    assert_eq!(relaxed.rows(), 2);
    let mixture = relaxed
        .mixture(relaxed.network().outputs()[0] as usize)
        .unwrap();
    assert_eq!(mixture.weights, [1.0, 0.0, 0.0, 0.5, 1.0, 1.0, 0.5, 0.0]);
    let path = Path {
        picks: vec![rows(&[1.0; 4]), rows(&[1.0; 6])],
        at: vec![],
    };
    assert_eq!(
        graph.relaxed(&path).unwrap_err().to_string(),
        "one pick divides the batch into 2 slices and another into 3; all must agree, or have 1."
    );
}

#[test]
fn a_path_that_does_not_fit_gets_a_sentence() {
    let graph = optional(false);
    let sentence =
        |picks: Vec<Pick>, at| graph.relaxed(&Path { picks, at }).unwrap_err().to_string();
    let one = || Pick::One(0);
    let mix = |choices: &[u32], weights: &[f32]| Pick::Mix {
        choices: choices.to_vec(),
        weights: weights.to_vec(),
        rows: 1,
        gradient: true,
    };
    assert_eq!(
        sentence(vec![one()], vec![]),
        "a path of this space has 2 picks, one per decision, and this one has 1."
    );
    assert_eq!(
        sentence(vec![one(), Pick::One(2)], vec![]),
        "the pick for decision `b` takes choice 2, and its choices are 0 to 1."
    );
    assert_eq!(
        sentence(vec![one(), mix(&[], &[])], vec![]),
        "the pick for decision `b` lists no choice."
    );
    assert_eq!(
        sentence(vec![one(), mix(&[0, 0], &[1.0, 1.0])], vec![]),
        "the pick for decision `b` lists a choice twice."
    );
    assert_eq!(
        sentence(vec![one(), mix(&[0, 1], &[1.0])], vec![]),
        "the pick for decision `b` has 1 weights for 1 rows of 2 choices."
    );
    assert_eq!(
        sentence(vec![one(), mix(&[0], &[f32::NAN])], vec![]),
        "the pick for decision `b` has a weight that is not finite."
    );
    assert_eq!(
        graph
            .relaxed(&Path {
                picks: vec![one(), one()],
                at: vec![(99, one())]
            })
            .unwrap_err(),
        PathError::NotChoose { node: 99 }
    );
}

#[test]
fn a_pick_can_be_overridden_at_one_node() {
    let s = Space::new("twice");
    let op = s.op("op", &["relu", "tanh"]);
    let mut x = s.input("row", &[4]);
    for _ in 0..2 {
        x = s.choose(op, &[x.relu(), x.act("tanh")]);
    }
    s.output(x);
    let graph = Supergraph::new(s.finish().unwrap()).unwrap();
    let choose = |n: usize| {
        let nodes = (0..graph.node_count() as u32).filter(|&i| graph.node(i).op.name() == "choose");
        nodes.collect::<Vec<_>>()[n]
    };
    let relaxed = graph
        .relaxed(&Path {
            picks: vec![Pick::One(0)],
            at: vec![(choose(1), Pick::One(1))],
        })
        .unwrap();
    let names: Vec<_> = (0..3)
        .map(|i| relaxed.network().op_node(i).id.as_str())
        .collect();
    assert_eq!(names, ["row/input", "activation", "activation.3"]);
}
