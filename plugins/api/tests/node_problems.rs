//! Every check of a node, by the message that it gives.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use supernet_plugin::{Carry, CustomOp, Dim, Element, Init, Node, Op, Pad, Param, Pooling};

use support::space::{node, on, problem};

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

/// The problem of a node `new` with this op on an image `[6, 6, 2]`, or on the named inputs.
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
    let groups = Op::GroupNorm {
        groups: 4,
        eps: 1e-5,
    };
    assert_eq!(
        on_image(groups, &[]),
        "2 channels are not 4 groups of one size."
    );
    assert_eq!(
        on_image(Op::Bias, &[&[3]]),
        "its bias has the shape [3], and must have that of the last axes of [6, 6, 2]."
    );
    let product = Op::MatMul {
        transposed: false,
        scale: 1.0,
    };
    assert_eq!(
        on_inputs(product, &["image/input", "image/input"], &[]),
        "its inputs have the shapes [6, 6, 2] and [6, 6, 2], and must have [..., n, k] and [..., k, m]."
    );
    assert_eq!(
        on_image(Op::Transpose { axes: [0, 3] }, &[]),
        "it exchanges the axes 0 and 3 of [6, 6, 2], and needs two of them, counted from 0."
    );
    let shape = vec![Dim::Fixed(5)];
    assert_eq!(
        on_image(Op::Reshape { shape }, &[]),
        "[6, 6, 2] has 72 numbers, and [5] has 5."
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
