//! Test spaces: the decisions and plans of the published ones, over a network of one node.

#![allow(clippy::unwrap_used, reason = "these spaces are for tests alone")]

use serde_json::{Value, json};
use supernet_plugin::{SearchSpace, Supergraph};

use super::Genome;

/// A space with these decisions, plan and constraints.
pub fn space(decisions: Vec<Value>, plan: Vec<Value>, require: Vec<Value>) -> Supergraph {
    let nodes = json!([{"id": "row", "op": {"input": {"shape": [4]}}}]);
    let space: SearchSpace = serde_json::from_value(json!({
        "schema": 1, "name": "toy", "decisions": decisions, "plan": plan, "require": require,
        "params": [], "nodes": nodes, "outputs": [{"node": "row", "role": "logits"}],
    }))
    .unwrap();
    Supergraph::new(space).unwrap()
}

/// A decision between ops.
pub fn op(id: &str, choices: &[&str]) -> Value {
    json!({"id": id, "kind": {"op": {"choices": choices}}})
}

/// A decision between inputs.
pub fn input(id: &str, from: &[String]) -> Value {
    json!({"id": id, "kind": {"input": {"from": from}}})
}

/// A decision about a skip connection.
pub fn skip(id: &str, of: &str) -> Value {
    json!({"id": id, "kind": {"skip": {"of": of}}})
}

/// A step of a plan.
pub fn step(decide: &[String], keep: Option<&str>) -> Value {
    json!({"decide": decide, "keep": keep})
}

/// ENAS's macro space (Pham et al. 2018, §2.3): per layer one op of six, then a skip from each
/// earlier layer.
pub fn layered(layers: usize) -> Supergraph {
    let ops = [
        "conv3x3",
        "sepconv3x3",
        "conv5x5",
        "sepconv5x5",
        "avgpool3x3",
        "maxpool3x3",
    ];
    let (mut decisions, mut plan) = (vec![], vec![step(&[], Some("t0"))]);
    for l in 0..layers {
        let skips: Vec<String> = (0..l).map(|i| format!("skip{l}.{i}")).collect();
        decisions.push(op(&format!("op{l}"), &ops));
        decisions.extend(
            skips
                .iter()
                .enumerate()
                .map(|(i, id)| skip(id, &format!("t{i}"))),
        );
        plan.push(step(&[format!("op{l}")], None));
        plan.push(step(&skips, Some(&format!("t{}", l + 1))));
    }
    space(decisions, plan, vec![])
}

/// Index of layer `l`'s op in a genome of [`layered`]; its skips follow.
pub fn layer(l: usize) -> usize {
    l + l * l.saturating_sub(1) / 2
}

/// ENAS's micro space: two cells of five nodes.
pub fn cells() -> Supergraph {
    let ops = [
        "sepconv3x3",
        "sepconv5x5",
        "avgpool3x3",
        "maxpool3x3",
        "identity",
    ];
    let (mut decisions, mut plan) = (vec![], vec![]);
    for kind in ["normal", "reduce"] {
        let anchors = ["in0", "in1", "n0", "n1", "n2", "n3", "n4"].map(|a| format!("{kind}.{a}"));
        plan.extend(anchors[..2].iter().map(|a| step(&[], Some(a))));
        for n in 0..5 {
            let name = |side: &str, what: &str| format!("{kind}.n{n}.{side}.{what}");
            for side in ["x", "y"] {
                decisions.push(input(&name(side, "in"), &anchors[..n + 2]));
                decisions.push(op(&name(side, "op"), &ops));
            }
            for [side, what] in [["x", "in"], ["y", "in"], ["x", "op"], ["y", "op"]] {
                plan.push(step(&[name(side, what)], None));
            }
            plan.push(step(&[], Some(&anchors[n + 2])));
        }
    }
    space(decisions, plan, vec![])
}

/// ENAS's recurrent cell: an activation per node, and the node before it.
pub fn recurrent(nodes: usize) -> Supergraph {
    let acts = ["tanh", "relu", "identity", "sigmoid"];
    let names: Vec<String> = (0..nodes).map(|n| format!("n{n}")).collect();
    let (mut decisions, mut plan) = (vec![], vec![]);
    for n in 0..nodes {
        let (from, act) = (format!("from{n}"), format!("act{n}"));
        if n > 0 {
            decisions.push(input(&from, &names[..n]));
            plan.push(step(&[from], None));
        }
        decisions.push(op(&act, &acts));
        plan.push(step(&[act], Some(&names[n])));
    }
    space(decisions, plan, vec![])
}

/// Everything that a plan can ask for: tables, attention, skips, a prior, inactive decisions, and
/// constraints that a mask enforces (`deep` and the first op; the two skips) or that no mask sees
/// in time (the ops of two nodes that no skip joins).
pub fn guarded() -> Supergraph {
    let all = ["a".to_owned(), "b".to_owned()];
    let mut second = op("second", &["x", "y", "z"]);
    second["active_if"] = json!({"in": ["deep", [1]]});
    let mut third = skip("s1", "b");
    third["active_if"] = json!({"in": ["deep", [1]]});
    let mut first = op("first", &["x", "y", "z"]);
    first["prior"] = json!([1.0, 2.0, 1.0]);
    let decisions = vec![
        json!({"id": "deep", "kind": {"skip": {}}}),
        first,
        input("from", &all),
        second,
        skip("s0", "a"),
        third,
    ];
    let one = |id: &str| vec![id.to_owned()];
    let plan = vec![
        step(&one("deep"), Some("a")),
        step(&one("first"), Some("b")),
        step(&one("from"), None),
        step(&one("second"), None),
        step(&["s0".to_owned(), "s1".to_owned()], None),
    ];
    let forbid =
        |all: Value, because: &str| json!({"that": {"not": {"all": all}}, "because": because});
    let require = vec![
        forbid(
            json!([{"in": ["deep", [0]]}, {"in": ["first", [2]]}]),
            "a shallow net must not start with z",
        ),
        forbid(
            json!([{"in": ["s0", [1]]}, {"in": ["s1", [1]]}]),
            "one skip is enough",
        ),
        forbid(
            json!([{"in": ["deep", [1]]}, {"in": ["from", [1]]}, {"in": ["s0", [0]]}]),
            "a deep net needs its skip",
        ),
    ];
    space(decisions, plan, require)
}

/// Standard deviation of a toy reward's noise: that of an accuracy on 160 images.
pub const NOISE: f32 = 0.035;

/// A noiseless accuracy for a genome of [`layered`]: every layer adds up to 5 % for its op (the
/// best op differs from layer to layer), and a skip between neighbours of equal parity adds 1 %.
pub fn accuracy(genome: &Genome, layers: usize) -> f32 {
    let mut sum = 0.4;
    for l in 0..layers {
        let op = genome[layer(l)] as usize;
        let best = (l * 5 + 2) % 6;
        sum += [0.05, 0.03, 0.02, 0.015, 0.01, 0.0][(op + 6 - best) % 6];
        let skips = &genome[layer(l) + 1..][..l];
        sum += skips
            .iter()
            .enumerate()
            .map(|(i, on)| if (i + l) % 2 == 0 { 0.01 } else { -0.01 } * *on as f32)
            .sum::<f32>();
    }
    sum
}
