//! Every check of a space outside its nodes, by its message.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use supernet_plugin::{
    Block, Condition, Decision, Dim, Extent, Group, Init, Kind, Node, Op, Output, Param, Require,
    Role, SearchSpace, Step, Supergraph,
};

use support::space::{on, problem, sound};

#[test]
fn the_space_itself() {
    Supergraph::new(sound()).unwrap();
    assert_eq!(
        problem(|s| s.schema = 9),
        "the space: it is written in schema 9, and this version reads 1 to 2."
    );
    assert_eq!(problem(|s| s.name.clear()), "the space: it has no name.");
    assert_eq!(
        problem(|s| s.outputs.clear()),
        "the space: no output has the role `logits`, and it needs one."
    );
    assert_eq!(
        problem(|s| s.outputs.push(Output {
            node: "conv2".into(),
            role: Role::Hidden
        })),
        "output `conv2`: there is no such node; the nearest is `conv2d`."
    );
    assert_eq!(
        problem(|s| s.outputs.push(Output {
            node: "cell/sum".into(),
            role: Role::Hidden
        })),
        "output `cell/sum`: it stands inside a scan; name the scan itself."
    );
}

#[test]
fn decisions() {
    let choices = |n: usize| Kind::Op {
        choices: vec!["a".into(); n],
    };
    assert_eq!(
        problem(|s| s.decisions[1].id = "op".into()),
        "decision `op`: two decisions have this name."
    );
    assert_eq!(
        problem(|s| s.decisions[0].kind = choices(0)),
        "decision `op`: it has no choices, and needs at least one."
    );
    assert_eq!(
        problem(|s| s.decisions[0].prior = Some(vec![1.0])),
        "decision `op`: its prior has 1 weights for 2 choices."
    );
    let weights = "decision `op`: its prior must have weights of at least 0, and one above 0.";
    assert_eq!(
        problem(|s| s.decisions[0].prior = Some(vec![0.0, 0.0])),
        weights
    );
    assert_eq!(
        problem(|s| s.decisions[0].prior = Some(vec![f32::NAN, 1.0])),
        weights
    );
    assert_eq!(
        problem(|s| s.decisions[1].kind = Kind::Value {
            values: vec![1.0, f64::NAN]
        }),
        "decision `width`: its values must be finite numbers."
    );
    assert_eq!(
        problem(|s| s.decisions[1].active_if = Some(on("width", &[0]))),
        "the active_if of decision `width`: it looks at `width`, which is not decided earlier in the plan."
    );
    assert_eq!(
        problem(|s| s.decisions[1].active_if = Some(on("opp", &[0]))),
        "the active_if of decision `width`: it names the decision `opp`, which does not exist; the nearest is `op`."
    );
    assert_eq!(
        problem(|s| s.decisions[1].active_if = Some(on("op", &[1])))
            .split(" is inactive")
            .next()
            .unwrap(),
        "decision `width`: it"
    );
}

#[test]
fn constraints_and_groups() {
    let require = |that| {
        move |s: &mut SearchSpace| {
            s.require.push(Require {
                that,
                because: "so it is".into(),
            })
        }
    };
    assert_eq!(
        problem(require(on("op", &[2]))),
        "the constraint \"so it is\": it asks `op` for choice 2, and its choices are 0 to 1."
    );
    assert_eq!(
        problem(require(Condition::Any(vec![]))),
        "the constraints: no valid genome was found in 1000 tries; what the constraints say: anything goes; so it is."
    );
    let group = |decisions: &[&str], keep, none| {
        let decisions = decisions.iter().map(|id| (*id).to_owned()).collect();
        move |s: &mut SearchSpace| {
            s.groups.push(Group {
                id: "more".into(),
                decisions,
                keep,
                none,
            })
        }
    };
    assert_eq!(
        problem(group(&["width"], 2, 0)),
        "group `more`: it keeps 2 of 1 decisions."
    );
    assert_eq!(
        problem(group(&["width"], 1, 2)),
        "group `more`: its none is choice 2, and `width` has 2 choices."
    );
    assert_eq!(
        problem(group(&["op"], 1, 0)),
        "group `more`: `op` is also in group `edges`, and a decision has one group."
    );
    assert_eq!(
        problem(group(&["widht"], 1, 0)),
        "group `more`: it names the decision `widht`, which does not exist; the nearest is `width`."
    );
}

#[test]
fn plans() {
    let step = |decide: &[&str], keep: Option<&str>| {
        let decide = decide.iter().map(|id| (*id).to_owned()).collect();
        let keep = keep.map(str::to_owned);
        move |s: &mut SearchSpace| s.plan.push(Step { decide, keep })
    };
    assert_eq!(
        problem(step(&["op"], None)),
        "step 2 of the plan: `op` was decided in an earlier step."
    );
    assert_eq!(
        problem(step(&["oops"], None)),
        "step 2 of the plan: it names the decision `oops`, which does not exist."
    );
    assert_eq!(
        problem(step(&[], Some("t0"))),
        "step 2 of the plan: the anchor `t0` is kept twice."
    );
    assert_eq!(
        problem(|s| s.plan.truncate(1)),
        "decision `width`: no step of the plan decides it."
    );
    assert_eq!(
        problem(|s| s.plan = vec![Step {
            decide: vec!["op".into(), "width".into()],
            keep: None
        }]),
        "step 0 of the plan: it decides several things at once, which only skips of anchors kept earlier can share."
    );
    let shared = |id: &str, n: usize| Decision {
        id: id.into(),
        kind: Kind::Op {
            choices: vec!["a".into(); n],
        },
        active_if: None,
        table: Some("shared".into()),
        prior: None,
    };
    assert_eq!(
        problem(|s| {
            s.plan.clear();
            s.decisions.extend([shared("a", 2), shared("b", 3)]);
        }),
        "step 3 of the plan: `b` has 3 choices, but the table `shared` that it shares has 2."
    );
}

#[test]
fn extents_blocks_and_params() {
    let extent = |id: &str, decision: &str, sizes: &[u32]| {
        let extent = Extent {
            id: id.into(),
            decision: decision.into(),
            sizes: sizes.to_vec(),
        };
        move |s: &mut SearchSpace| s.extents.push(extent)
    };
    assert_eq!(
        problem(extent("width", "op", &[1, 2])),
        "extent `width`: two extents have this name."
    );
    assert_eq!(
        problem(extent("time", "op", &[1, 2])),
        "extent `time`: `time` is the name of the sequence axis; choose another."
    );
    assert_eq!(
        problem(extent("e", "op", &[1, 0])),
        "extent `e`: a size is 0, and every axis needs at least 1."
    );
    assert_eq!(
        problem(extent("e", "op", &[1])),
        "extent `e`: it has 1 sizes for the 2 choices of `op`."
    );
    assert_eq!(
        problem(extent("e", "ops", &[1, 2])),
        "extent `e`: it names the decision `ops`, which does not exist; the nearest is `op`."
    );
    assert_eq!(
        problem(|s| s.blocks = vec![
            Block {
                id: "b".into(),
                key: "k".into()
            },
            Block {
                id: "b".into(),
                key: "l".into()
            }
        ]),
        "block `b`: two blocks have this name."
    );
    assert_eq!(
        problem(|s| s.nodes[1].block = Some("b".into())),
        "node `conv2d`: it belongs to the block `b`, which does not exist."
    );

    let param = |shape: &[Dim], init| {
        let param = Param {
            id: "p".into(),
            shape: shape.to_vec(),
            init,
            decay: true,
        };
        move |s: &mut SearchSpace| s.params.push(param)
    };
    assert_eq!(
        problem(param(&[Dim::Fixed(2)], Init::Ones)),
        "param `p`: no node reads it; remove it."
    );
    assert_eq!(
        problem(param(&[Dim::Named("widht".into())], Init::Ones)),
        "param `p`: its shape names the extent `widht`, which does not exist; the nearest is `width`."
    );
    assert_eq!(
        problem(param(&[Dim::Named("time".into())], Init::Ones)),
        "param `p`: weights cannot have an axis of `time`, whose length changes."
    );
    assert_eq!(
        problem(param(&[Dim::Fixed(65_536), Dim::Fixed(65_536)], Init::Ones)),
        "param `p`: [65536, 65536] is more than 4,294,967,295 numbers."
    );
    assert_eq!(
        problem(param(&[Dim::Fixed(2)], Init::Eye)),
        "param `p`: the init `eye` needs a square matrix, and the shape is [2]."
    );
    assert_eq!(
        problem(param(&[Dim::Fixed(2)], Init::Normal { std: -1.0 })),
        "param `p`: its init has the scale -1, and must have one of at least 0."
    );
    assert_eq!(
        problem(param(&[Dim::Fixed(2)], Init::He { fan_in: 0 })),
        "param `p`: its init has a fan of 0, and must have at least 1."
    );
    assert_eq!(
        problem(|s| s.params[1].id = s.params[0].id.clone()),
        "param `conv2d.weight`: two params have this name."
    );
}

#[test]
fn one_slip_on_every_layer_is_reported_a_few_times() {
    let mut space = sound();
    for i in 0..500 {
        let inputs = vec!["nothing".to_owned()];
        space.nodes.push(Node {
            id: format!("n{i}"),
            op: Op::GlobalAvgPool,
            inputs,
            params: vec![],
            block: None,
        });
    }
    assert_eq!(Supergraph::new(space).unwrap_err().len(), 20);
}

#[test]
fn a_misspelt_attribute_is_refused_and_an_unknown_field_is_not() {
    let json = sound().to_json().unwrap();
    let misspelt = json.replacen("\"conv2d\":{}", "\"conv2d\":{\"strid\":2}", 1);
    assert_ne!(misspelt, json);
    let error = SearchSpace::from_json(&misspelt).unwrap_err().to_string();
    assert!(
        error.starts_with(
            "this JSON is not a search space: unknown field `strid`, expected one of `stride`"
        ),
        "{error}"
    );
    let later = json.replacen(
        "{\"id\":\"conv2d\"",
        "{\"colour\":\"red\",\"id\":\"conv2d\"",
        1,
    );
    assert_ne!(later, json);
    assert_eq!(SearchSpace::from_json(&later).unwrap(), sound());
}
