//! The builder's first mistake and its scope, and how it builds scans, ops and weights.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use supernet_plugin::{Conv, CustomOp, Init, Space, Supergraph, Tensor, When};

#[track_caller]
fn mistake(build: impl FnOnce(&Space, Tensor<'_>)) -> String {
    let s = Space::new("wrong");
    let x = s.input("image", &[6, 6, 2]);
    s.scope("layer0", || s.scope("conv", || build(&s, x)));
    // Later calls do nothing.
    let y = x.conv(3, 8).norm().relu();
    let z = s.choose(s.op("later", &["a", "b"]), &[y, y.factorized_reduction(3)]);
    s.output(s.sum(&[z, y]).global_avg_pool().linear(2, true));
    let sentence = s.finish().unwrap_err().to_string();
    sentence
        .strip_prefix("in scope `layer0/conv`: ")
        .unwrap_or_else(|| panic!("{sentence}"))
        .to_owned()
}

#[test]
fn the_first_mistake_is_kept_with_its_scope() {
    let op = |s: &Space| s.op("op", &["a", "b"]).id();
    assert_eq!(
        mistake(|_, x| {
            x.conv2d(Conv::new(2), 4).conv2d(Conv::new(3).stride(0), 4);
        }),
        "conv2d: padding `same` needs an odd kernel, and this one is 2; use `same_upper`."
    );
    assert_eq!(
        mistake(|_, x| {
            x.conv(3, 0);
        }),
        "param `layer0/conv/conv2d.weight`: a size is 0, and every axis needs at least 1."
    );
    assert_eq!(
        mistake(|s, x| {
            s.choose(s.op("op", &["a", "b"]), &[x]);
        }),
        "choose by `op`: the decision has 2 choices, but 1 inputs are given; it needs one for each."
    );
    assert_eq!(
        mistake(|s, x| {
            s.choose(s.op("op", &["a", "b"]), &[x, x.conv(1, 4)]);
        }),
        "choose by `op`: its inputs have different shapes, [6, 6, 2] and [6, 6, 4]."
    );
    assert_eq!(
        mistake(|s, _| {
            op(s);
            op(s);
        }),
        "two decisions are called `op`."
    );
    assert_eq!(
        mistake(|s, _| {
            s.op("op", &[]);
        }),
        "decision `op` has no choices, and needs at least one."
    );
    assert_eq!(
        mistake(|s, _| {
            s.op("op", &["a"]).is(1);
        }),
        "`op` is asked for choice 1, and its choices are 0 to 0."
    );
    assert_eq!(
        mistake(|s, _| {
            s.op("op", &["a", "b"]).on();
        }),
        "`op` is neither on nor off; only skips and flags are."
    );
    assert_eq!(
        mistake(|s, _| {
            s.flag("f").at_least(1);
        }),
        "`f` has no values to compare; use `is`."
    );
    assert_eq!(
        mistake(|s, _| {
            s.extent(s.value("v", &[0.5]));
        }),
        "`v` does not decide between whole numbers above 0, so it is not a size."
    );
    assert_eq!(
        mistake(|_, x| {
            x.act("rleu");
        }),
        "there is no activation `rleu`; the nearest is `relu`; there are relu, relu6, leaky_relu, elu, tanh, sigmoid, hard_sigmoid, \
         hard_swish, swish, gelu."
    );
    assert_eq!(
        mistake(|_, x| {
            x.factorized_reduction(5);
        }),
        "a factorised reduction to 5 filters: it makes two halves, so the number must be even."
    );
    assert_eq!(
        mistake(|s, _| {
            s.sum(&[]);
        }),
        "sum: it has no inputs."
    );
    let weights = |s: &Space| {
        s.weights("w", &[2u32], Init::Ones);
    };
    assert_eq!(
        mistake(|s, _| {
            weights(s);
            weights(s);
        }),
        "two params are called `w`."
    );
    assert_eq!(
        mistake(|s, _| {
            let other = Space::new("other");
            let y = other.input("y", &[2]);
            s.output(y);
        }),
        "a tensor of another space is used."
    );
}

#[test]
fn scans_are_closed() {
    let wrong = |build: fn(&Space, Tensor<'_>)| mistake_anywhere(build);
    assert_eq!(
        wrong(|s, x| {
            let mut leaked = x;
            s.scan("cell", [x], |_, [x]| {
                leaked = x.relu();
                leaked
            });
            s.scope("after", || leaked.relu());
        }),
        "in scope `after`: `cell/activation` lives inside a scan, and is used outside it."
    );
    assert_eq!(
        wrong(|s, x| {
            s.scan("cell", [x], |_, _| x);
        }),
        "in scope `cell`: the scan gives `image/input`, which stands outside it."
    );
    assert_eq!(
        wrong(|s, x| {
            s.scan("cell", [x], |cell, [x]| {
                cell.carry("state", &[2u32]);
                x.relu()
            });
        }),
        "in scope `cell`: the state `cell/state` has no next value; say `next`."
    );
    assert_eq!(
        wrong(|s, x| {
            s.scan("cell", [x], |cell, [x]| {
                let state = cell.carry("state", &[3u32]);
                cell.next(state, x);
                x.relu()
            });
        }),
        "in scope `cell`: the state `cell/state` is [3], but its next value is [6, 2]."
    );
    assert_eq!(
        wrong(|s, x| {
            s.scan("cell", [x], |_, [x]| {
                s.scan("inner", [x], |_, [x]| x.relu())
            });
        }),
        "in scope `cell/inner`: a scan cannot stand inside a scan."
    );
    assert_eq!(
        wrong(|s, x| {
            s.scan("cell", [x, s.input("row", &[2])], |_, [x, _]| x.relu());
        }),
        "in scope `cell`: a scan's inputs must share their first axis, over which it runs."
    );
}

#[track_caller]
fn mistake_anywhere(build: fn(&Space, Tensor<'_>)) -> String {
    let s = Space::new("wrong");
    build(&s, s.input("image", &[6, 6, 2]));
    s.finish().unwrap_err().to_string()
}

#[test]
fn a_scan_may_read_outer_values_and_decide() {
    let s = Space::new("scan");
    let op = s.op("op", &["outer", "none"]);
    let outer = s.input("row", &[3]).linear(4, false);
    let both = s.choose(op, &[outer.relu(), outer.act("tanh")]);
    let xs = s.sequence("xs", &[4]);
    let y = s.scan("cell", [xs], |cell, [x]| {
        let state = cell.carry("state", &[4u32]);
        let next = s.sum_when([
            (x.linear(4, false), When::ALWAYS),
            (state, When::ALWAYS),
            (both, op.is(0)),
        ]);
        cell.next(state, next);
        next.relu()
    });
    s.output(y);
    let graph = Supergraph::new(s.finish().unwrap()).unwrap().with_time(5);
    for (choice, given, reads) in [(0, 3, 2), (1, 2, 1)] {
        let child = graph.child(&[choice]).unwrap();
        let scan = child.outputs()[0] as usize;
        assert_eq!(child.shape(scan), [5, 4]);
        assert_eq!(
            child.inputs(scan).len(),
            reads,
            "the sequence, and what the body reads"
        );
        let body = child.body(scan).unwrap();
        assert_eq!(body.given(), given);
        if choice == 0 {
            let outside = child.node(child.inputs(scan)[1] as usize);
            assert_eq!(body.node(2), outside, "a capture names what it resolves to");
            assert_eq!(graph.node(outside).op.name(), "activation");
        }
        assert_eq!(child.macs(), 5 * 16 + if choice == 0 { 12 } else { 0 });
        assert_eq!(child.count(), 16 + if choice == 0 { 12 } else { 0 });
        assert_eq!(child.asked(), [0]);
    }
}

#[test]
fn a_mistake_outside_scopes_names_the_space() {
    let s = Space::new("bare");
    s.input("x", &[2]).conv(3, 1);
    assert_eq!(
        s.finish().unwrap_err().to_string(),
        "in space `bare`: conv2d: its input has the shape [2], and must have [height, width, channels]."
    );
    assert!(
        s.finish().unwrap().nodes.is_empty(),
        "the builder is empty after finish"
    );
}

#[test]
fn ops_are_brought_along_once() {
    let s = Space::new("ops");
    let swish = || CustomOp::per_element("swish", "…");
    s.define_op(swish());
    s.define_op(swish());
    s.output(s.input("row", &[8]).custom("swish").custom("swish"));
    let space = s.finish().unwrap();
    assert_eq!(space.ops, [swish()]);
    Supergraph::new(space).unwrap();

    let s = Space::new("ops");
    s.define_op(swish());
    s.define_op(swish().macs(1));
    assert_eq!(
        s.finish().unwrap_err().to_string(),
        "in space `ops`: two different ops are called `swish`; rename one of them."
    );
}

#[test]
fn local_weights_are_the_scope_s() {
    let s = Space::new("weights");
    let x = s.input("row", &[8]);
    s.weights("cell/scale", &[8u32], Init::Ones);
    s.scope("cell", || {
        let scale = |init| s.local_weights("scale", &[8u32], init);
        let _ = (scale(Init::Ones), scale(Init::Zeros).without_decay());
    });
    s.output(x);
    let params = s.finish().unwrap().params;
    let named: Vec<_> = params
        .iter()
        .map(|param| (&*param.id, param.decay))
        .collect();
    assert_eq!(
        named,
        [
            ("cell/scale", true),
            ("cell/scale.1", true),
            ("cell/scale.2", false)
        ]
    );
}
