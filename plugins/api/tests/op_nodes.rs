//! Nodes with custom ops.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::collections::BTreeMap;

use supernet_plugin::{CustomOp, Dim, Init, SearchSpace, Setting, Space, Supergraph};

use support::op::sound_op;

/// A space with one node of the op on an image and a vector.
#[track_caller]
fn node(change: impl FnOnce(&mut SearchSpace)) -> String {
    let s = Space::new("one");
    s.define_op(sound_op());
    let scale = s.weights("scale", &[3u32], Init::Ones);
    let x = s.custom(
        "norm",
        &[s.input("image", &[4, 4, 3])],
        &[scale],
        BTreeMap::new(),
    );
    s.output(x.global_avg_pool());
    let mut space = s.finish().unwrap();
    Supergraph::new(space.clone()).unwrap();
    change(&mut space);
    Supergraph::new(space).unwrap_err()[0].to_string()
}

#[test]
fn what_a_node_gives_it() {
    assert_eq!(
        node(|s| s.nodes[1].inputs.push("image/input".into())),
        "node `custom`: the op `norm` takes 1 inputs and 1 params, but has 2 inputs and 1 params."
    );
    assert_eq!(
        node(|s| s.nodes[1].params.clear()),
        "node `custom`: the op `norm` takes 1 inputs and 1 params, but has 1 inputs and 0 params."
    );
    assert_eq!(
        node(|s| s.params[0].shape = vec![Dim::Fixed(1); 5]),
        "node `custom`: an op of the space's own takes shapes of 4 axes at most, not [1, 1, 1, 1, 1]."
    );
    let attribute = |value: Setting| {
        node(|s| {
            let supernet_plugin::Op::Custom { attributes, .. } = &mut s.nodes[1].op else {
                panic!("it is custom")
            };
            attributes.insert("alpha".into(), value);
        })
    };
    assert_eq!(
        attribute("x".into()),
        "node `custom`: its attribute `alpha` is a text, and must be a number, true or false."
    );
    assert_eq!(
        attribute((1i64 << 40).into()),
        "node `custom`: its attribute `alpha` is 1099511627776, and must fit into 32 bits."
    );
    assert_eq!(
        attribute(f64::INFINITY.into()),
        "node `custom`: its attribute `alpha` is inf, and must be a finite number of 32 bits."
    );
    assert_eq!(
        node(|s| s.ops[0].name = "no rm".into())
            .split(':')
            .next()
            .unwrap(),
        "op `no rm`"
    );
}

#[test]
fn an_op_may_stand_inside_a_scan_and_reads_no_indices() {
    let s = Space::new("scanned");
    s.define_op(sound_op());
    let words = s.weights("words", &[5u32, 4], Init::Ones);
    let scale = s.weights("scale", &[4u32], Init::Ones);
    let y = s.scan("cell", [s.tokens("tokens").embed_by(words)], |cell, [x]| {
        let state = cell.carry("state", &[4u32]);
        let next = s.custom("norm", &[s.sum(&[x, state])], &[scale], BTreeMap::new());
        cell.next(state, next);
        next
    });
    s.output(y);
    let graph = Supergraph::new(s.finish().unwrap()).unwrap();
    assert_eq!(graph.with_time(3).child(&[]).unwrap().macs(), 3 * 4 * 2);

    let s = Space::new("indices");
    s.define_op(CustomOp::per_element("swish", "…"));
    s.output(s.tokens("tokens").custom("swish"));
    let sentence = "in space `indices`: custom: it reads indices (u32), and only an embedding can.";
    assert_eq!(s.finish().unwrap_err().to_string(), sentence);
}

#[test]
fn an_op_of_schema_1_still_reads() {
    let json = r#"{"schema":1,"name":"old","decisions":[],"params":[],
        "nodes":[{"id":"x","op":{"input":{"shape":[3]}}},{"id":"y","op":{"custom":{"name":"f"}},"inputs":["x"]}],
        "outputs":[{"node":"y","role":"logits"}],
        "ops":[{"name":"f","wgsl":"…","shape":{"like_input":0},"macs_per_output":2}]}"#;
    let space = SearchSpace::from_json(json).unwrap();
    assert_eq!(space.ops, [CustomOp::per_element("f", "…").macs(2)]);
    assert_eq!(
        Supergraph::new(space).unwrap().child(&[]).unwrap().macs(),
        6
    );
}
