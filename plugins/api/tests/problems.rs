//! Every check of a space, by the sentence that it gives.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use supernet_plugin::{
    Block, Carry, Condition, CustomOp, Decision, Dim, Element, Extent, Group, Init, Kind, Node, Op,
    Output, Pad, Param, Pooling, Require, Role, SearchSpace, Space, Step, Supergraph,
};

/// A convolution or a pooling, then a classifier; and a scan beside it.
fn sound() -> SearchSpace {
    let s = Space::new("sound");
    let op = s.op("op", &["conv", "pool"]);
    let width = s.value("width", &[4, 8]).active_if(op.is(0));
    let size = s.extent(width);
    let x = s.input("image", &[6, 6, 2]);
    let wide = x.conv(3, size).conv(3, 2);
    let y = s.choose(op, &[wide, x.max_pool(3)]);
    s.scope("head", || s.output(y.global_avg_pool().linear(3, true)));
    s.group("edges", &[op], 1, 0);
    s.step(&[op]).keep("t0");
    s.step(&[width]);
    s.require(op.is_in(&[0, 1]), "anything goes");
    let words = s.weights("words", &[5u32, 4], Init::Uniform { bound: 0.1 });
    let z = s.scan("cell", [s.tokens("tokens").embed_by(words)], |cell, [x]| {
        let state = cell.carry("state", &[4u32]);
        let next = s.sum(&[x, state]);
        cell.next(state, next);
        next
    });
    s.output_as(z, Role::Hidden);
    s.finish().unwrap()
}

#[track_caller]
fn problem(change: impl FnOnce(&mut SearchSpace)) -> String {
    let mut space = sound();
    change(&mut space);
    Supergraph::new(space).unwrap_err()[0].to_string()
}

fn node(space: &mut SearchSpace, id: &str) -> usize {
    let at = space.nodes.iter().position(|node| node.id == id);
    at.unwrap_or_else(|| {
        panic!(
            "no {id} in {:?}",
            space.nodes.iter().map(|node| &node.id).collect::<Vec<_>>()
        )
    })
}

fn on(decision: &str, choices: &[u32]) -> Condition {
    Condition::In(decision.into(), choices.to_vec())
}

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
fn names_of_nodes() {
    assert_eq!(
        problem(|s| s.nodes[2].id = s.nodes[1].id.clone()),
        "node `conv2d`: two nodes have this name."
    );
    assert_eq!(
        problem(|s| s.nodes[2].inputs = vec!["conv2e".into()]),
        "node `conv2d.1`: it reads `conv2e`, which does not exist; the nearest is `conv2d`."
    );
    assert_eq!(
        problem(|s| s.nodes.swap(1, 2)),
        "node `conv2d.1`: it reads `conv2d`, which does not stand before it; nodes stand after their inputs."
    );
    assert_eq!(
        problem(|s| s.nodes[2].params = vec!["conv2d.1.wight".into()]),
        "node `conv2d.1`: it reads the param `conv2d.1.wight`, which does not exist; the nearest is `conv2d.1.weight`."
    );
    assert_eq!(
        problem(|s| {
            let at = node(s, "choose");
            s.nodes[at].params = vec!["words".into()];
        }),
        "node `choose`: choose reads no params; make the param a value with a `weight` node."
    );
}

/// What the checks say of a node `new` of this op on an image `[6, 6, 2]`, or on what is named.
#[track_caller]
fn on_image(op: Op, params: &[&[u32]]) -> String {
    on_inputs(op, &["image/input"], params)
}

#[track_caller]
fn on_inputs(op: Op, inputs: &[&str], params: &[&[u32]]) -> String {
    let sentence = problem(|s| {
        let ids: Vec<String> = (0..params.len()).map(|i| format!("p{i}")).collect();
        for (id, shape) in ids.iter().zip(params) {
            let shape = shape.iter().map(|&size| Dim::Fixed(size)).collect();
            s.params.push(Param {
                id: id.clone(),
                shape,
                init: Init::Zeros,
                decay: true,
            });
        }
        let inputs = inputs.iter().map(|id| (*id).to_owned()).collect();
        s.nodes.push(Node {
            id: "new".into(),
            op,
            inputs,
            params: ids,
            block: None,
        });
    });
    sentence
        .strip_prefix("node `new`: ")
        .unwrap_or_else(|| panic!("{sentence}"))
        .to_owned()
}

#[test]
fn shapes_of_layers() {
    let conv = |stride, pad| Op::Conv2d {
        stride,
        dilation: 1,
        pad,
    };
    assert_eq!(
        on_image(conv(1, Pad::Same), &[]),
        "conv2d takes an input, a weight and perhaps a bias, but has 1 operands."
    );
    assert_eq!(
        on_image(conv(1, Pad::Same), &[&[3, 3, 2]]),
        "its weight has the shape [3, 3, 2], and must have [height, width, in, out]."
    );
    assert_eq!(
        on_image(conv(1, Pad::Same), &[&[3, 3, 4, 8]]),
        "the weight's third axis is 4, and the channels 2."
    );
    assert_eq!(
        on_image(conv(1, Pad::Same), &[&[3, 3, 2, 8], &[4]]),
        "the bias is 4, and the output's channels 8."
    );
    assert_eq!(
        on_image(conv(0, Pad::Same), &[&[3, 3, 2, 8]]),
        "the stride is 0, and must be at least 1."
    );
    assert_eq!(
        on_image(conv(1, Pad::Same), &[&[2, 2, 2, 8]]),
        "padding `same` needs an odd kernel, and this one is 2; use `same_upper`."
    );
    assert_eq!(
        on_image(conv(1, Pad::Valid), &[&[7, 7, 2, 8]]),
        "a window of 7 does not fit into 6."
    );
    let depthwise = Op::DepthwiseConv2d {
        stride: 1,
        dilation: 1,
        pad: Pad::Same,
    };
    assert_eq!(
        on_image(depthwise, &[&[3, 3, 4]]),
        "the weight's last axis is 4, and the channels 2."
    );
    let linear = Op::Linear { transposed: true };
    assert_eq!(
        on_image(linear, &[&[2, 5]]),
        "the weight's inputs is 5, and the last axis 2."
    );
    assert_eq!(
        on_image(Op::Embedding, &[&[2, 5]]),
        "it looks up numbers, and needs indices (an input of u32)."
    );
    assert_eq!(
        on_inputs(Op::GlobalAvgPool, &["tokens/input"], &[]),
        "it reads indices (u32), and only an embedding can."
    );
    assert_eq!(
        on_image(Op::BatchNorm { eps: 0.0 }, &[]),
        "eps is 0, and must be above 0."
    );
    assert_eq!(
        on_image(Op::BatchNorm { eps: 1e-5 }, &[&[2], &[3]]),
        "shift is 3, and the channels 2."
    );
    let pool = Op::Pool {
        kind: Pooling::Max,
        kernel: 0,
        stride: 1,
        pad: Pad::Same,
    };
    assert_eq!(
        on_image(pool, &[]),
        "the kernel is 0, and must be at least 1."
    );
    assert_eq!(
        on_inputs(Op::GlobalAvgPool, &["head/linear"], &[]),
        "its input has the shape [3], and must have [height, width, channels]."
    );
    let drop = Op::Dropout {
        rate: 1.0,
        per: Default::default(),
    };
    assert_eq!(
        on_image(drop, &[]),
        "the rate is 1, and must be at least 0 and below 1."
    );
    assert_eq!(
        on_image(Op::DropPath { depth: 2.0 }, &[]),
        "the depth is 2, and must be between 0 and 1."
    );
    assert_eq!(
        on_image(Op::Slice { start: 1, len: 2 }, &[]),
        "it takes 1..3 of an axis of 2."
    );
    assert_eq!(
        on_image(Op::Crop { size: 5 }, &[]),
        "it has no centre of 5 x 5: the kernel is [6, 6, 2]."
    );
    assert_eq!(
        on_image(Op::KernelTransform, &[&[35, 35]]),
        "the matrix is 35, and the kernel's area 36."
    );
    assert_eq!(
        on_image(Op::Scale, &[&[3]]),
        "the scale is 3, and the channels 2."
    );
    let resize = Op::Resize {
        height: Dim::Fixed(0),
        width: Dim::Fixed(1),
    };
    assert_eq!(
        on_image(resize, &[]),
        "a size is 0, and every axis needs at least 1."
    );
    let custom = || Op::Custom {
        name: "mine".into(),
        attributes: Default::default(),
    };
    assert_eq!(on_image(custom(), &[]), "the space has no op `mine`.");
    let data = Op::Input {
        shape: vec![Dim::Fixed(0)],
        element: Element::F32,
    };
    assert_eq!(
        on_inputs(data, &[], &[]),
        "a size is 0, and every axis needs at least 1."
    );
}

#[test]
fn shapes_of_control() {
    let two = ["image/input", "conv2d"];
    let different = "its inputs have different shapes, [6, 6, 2] and [6, 6, 4|8].";
    assert_eq!(on_inputs(Op::Sum { when: vec![] }, &two, &[]), different);
    assert_eq!(
        on_inputs(
            Op::Choose {
                decision: "op".into()
            },
            &two,
            &[]
        ),
        different
    );
    assert_eq!(
        on_inputs(
            Op::Choose {
                decision: "op".into()
            },
            &["conv2d"],
            &[]
        ),
        "the decision has 2 choices, but 1 inputs are given; it needs one for each."
    );
    assert_eq!(
        on_inputs(
            Op::Choose {
                decision: "opp".into()
            },
            &two,
            &[]
        ),
        "it names the decision `opp`, which does not exist; the nearest is `op`."
    );
    assert_eq!(
        on_image(
            Op::Mean {
                when: vec![on("op", &[0]), on("op", &[1])]
            },
            &[]
        ),
        "it has 2 conditions for 1 inputs; give one for each, or none."
    );
    assert_eq!(
        on_image(
            Op::Sum {
                when: vec![on("op", &[7])]
            },
            &[]
        ),
        "it asks `op` for choice 7, and its choices are 0 to 1."
    );
    assert_eq!(on_inputs(Op::Concat, &[], &[]), "it has no inputs.");
    assert_eq!(
        on_inputs(Op::Concat, &["image/input", "head/linear"], &[]),
        "its inputs differ before the last axis, [6, 6, 2] and [3]."
    );
    assert_eq!(
        problem(|s| s.ops = vec![CustomOp::per_element("f", "fn f"); 2]),
        "op `f`: two ops have this name."
    );
}

#[test]
fn scans() {
    let scan = |change: fn(&mut Vec<Node>, &mut Vec<String>, &mut Vec<Carry>, &mut String)| {
        problem(|s| {
            let at = node(s, "cell/scan");
            let Op::Scan {
                nodes,
                steps,
                carry,
                yields,
            } = &mut s.nodes[at].op
            else {
                panic!("not a scan")
            };
            change(nodes, steps, carry, yields);
        })
        .trim_start_matches("node `cell/scan`: ")
        .to_owned()
    };
    assert_eq!(
        scan(|_, steps, _, _| steps.clear()),
        "it has 1 inputs and 0 names for their steps; it needs one name for each input, and an input."
    );
    assert_eq!(
        scan(|_, _, _, yields| *yields = "sum".into()),
        "it yields `sum`, which its body does not have."
    );
    assert_eq!(
        scan(|_, _, carry, _| carry[0].next = "cell/sun".into()),
        "it carries on with `cell/sun`, which its body does not have; the nearest is `cell/sum`."
    );
    assert_eq!(
        scan(|_, _, carry, _| carry[0].shape = vec![Dim::Fixed(5)]),
        "node `cell/sum` of its body: its inputs have different shapes, [4] and [5]."
    );
    assert_eq!(
        scan(|nodes, _, _, _| nodes[0].inputs[1] = "nowhere".into()),
        "in its body, it reads `nowhere`, which does not exist."
    );
    assert_eq!(
        scan(|nodes, _, _, _| nodes[0].op = Op::Input {
            shape: vec![],
            element: Element::F32
        }),
        "node `cell/sum` of its body: data cannot enter inside a scan; bind it as one of the scan's inputs."
    );
    assert_eq!(
        scan(|nodes, _, _, _| nodes[0].id = "conv2d".into()),
        "its body has a node `conv2d`, and another node has this name."
    );
    assert_eq!(
        scan(|nodes, _, _, _| nodes.push(nodes[0].clone())),
        "its body has a node `cell/sum`, and another node has this name."
    );
    assert_eq!(
        on_inputs(Op::Concat, &["cell/sum"], &[]),
        "it reads `cell/sum`, which stands inside a scan; read the scan itself."
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
