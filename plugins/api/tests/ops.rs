//! The rules for custom ops, checked by their messages.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use supernet_plugin::Operand::*;
use supernet_plugin::{CustomOp, Form, Kernel, Kernels, Length, ShapeRule, Shapes};

use support::op::sound_op;

fn kernels(op: &mut CustomOp) -> &mut Kernels {
    let Form::Kernels(kernels) = &mut op.form else {
        panic!("the op has kernels")
    };
    kernels
}

#[track_caller]
fn problem(change: impl FnOnce(&mut CustomOp)) -> String {
    let mut op = sound_op();
    change(&mut op);
    let problems = op.problems();
    problems
        .first()
        .unwrap_or_else(|| panic!("nothing is wrong"))
        .to_string()
}

#[track_caller]
fn problem_of_kernels(change: impl FnOnce(&mut Kernels)) -> String {
    problem(|op| change(kernels(op)))
}

#[test]
fn what_the_op_says_of_itself() {
    assert_eq!(sound_op().problems(), []);
    assert_eq!(CustomOp::per_element("swish", "…").problems(), []);
    let name =
        "its name becomes a file's, so it needs 1 to 100 letters (a to z), digits, `_` and `-`.";
    assert_eq!(
        problem(|op| op.name = "a/b".into()),
        format!("op `a/b`: {name}")
    );
    assert_eq!(problem(|op| op.name.clear()), format!("op ``: {name}"));
    assert_eq!(
        problem(|op| op.inputs = 0),
        "op `norm`: it takes 0 inputs, and may take 1 to 7."
    );
    assert_eq!(
        problem(|op| op.inputs = 8),
        "op `norm`: it takes 8 inputs, and may take 1 to 7."
    );
    assert_eq!(
        problem(|op| op.params = 8),
        "op `norm`: it takes 8 params, and may take 7 at most."
    );
    assert_eq!(
        problem(|op| op.shape = ShapeRule::LikeInput(1)),
        "op `norm`: its shape is that of input 1, and it takes 1 inputs, counted from 0."
    );
    assert_eq!(
        problem(|op| op.form = Form::PerElement),
        "op `norm`: an op of the form `per_element` takes one input and no params, and its value has the input's shape; \
         state its kernels for anything else."
    );
}

#[test]
fn what_each_kernel_binds() {
    assert_eq!(
        problem_of_kernels(|k| k.forward[0].entry = "a b".into()),
        "op `norm`: its forward kernel `a b` needs the name of an entry point, of 1 to 100 letters, digits and `_`."
    );
    let about = "op `norm`: its forward kernel `statistics`";
    let bind = |at, operand| {
        problem_of_kernels(|k| {
            k.forward[0].bindings.push(supernet_plugin::Binding {
                binding: at,
                operand,
            })
        })
    };
    assert_eq!(bind(2, Output), format!("{about} binds two things at 2."));
    assert_eq!(bind(6, Input(0)), format!("{about} binds input 0 twice."));
    assert_eq!(
        problem_of_kernels(|k| k.forward[0].bindings[0].binding = 9),
        format!("{about} binds the dims at 9, and their place is 0.")
    );
    let places = "0 is for the dims, 1 is reserved, buffers go from 2 to 999.";
    assert_eq!(
        bind(1, Output),
        format!("{about} binds the output at 1; {places}")
    );
    assert_eq!(
        bind(1000, Output),
        format!("{about} binds the output at 1000; {places}")
    );
    assert_eq!(
        bind(6, Input(1)),
        format!("{about} binds input 1, which the op does not have.")
    );
    assert_eq!(
        bind(6, Saved(1)),
        format!("{about} binds saved 1, which the op does not have.")
    );
    assert_eq!(
        bind(6, GradOutput),
        format!("{about} binds the gradient by the output, which only the backward pass knows.")
    );
    assert_eq!(
        problem(|op| {
            op.inputs = 7;
            for i in 1..7 {
                kernels(op).forward[0]
                    .bindings
                    .push(supernet_plugin::Binding {
                        binding: i + 10,
                        operand: Input(i),
                    });
            }
        }),
        format!("{about} binds 8 buffers, and may bind 7; divide it, with scratch in between.")
    );
}

#[test]
fn grids_and_lengths() {
    use supernet_plugin::Grid;
    let grid = |grid| problem_of_kernels(|k| k.forward[0].grid = grid);
    let about = "op `norm`: its forward kernel `statistics` runs";
    assert_eq!(
        grid(Grid::Fixed([1, 0, 1])),
        format!("{about} [1, 0, 1] workgroups; each axis takes 1 to 65535.")
    );
    assert_eq!(
        grid(Grid::Fixed([65_536, 1, 1])),
        format!("{about} [65536, 1, 1] workgroups; each axis takes 1 to 65535.")
    );
    for (operand, name) in [
        (Dims, "the dims"),
        (Param(1), "param 1"),
        (GradInput(0), "the gradient by input 0"),
    ] {
        let sentence =
            format!("{about} once for each part of {name}, which the forward pass does not have.");
        assert_eq!(grid(Grid::PerElement(operand)), sentence);
    }
    assert_eq!(
        grid(Grid::PerRow(Saved(0))),
        format!(
            "{about} once for each row of saved 0, which has none; say whose rows, or `per_element`."
        )
    );
    let saved = |length| problem_of_kernels(|k| k.saved[0] = length);
    assert_eq!(
        saved(Length::Fixed(0)),
        "op `norm`: saved 0 holds 0 numbers, and must hold at least 1."
    );
    assert_eq!(
        saved(Length::Like(Input(4))),
        "op `norm`: saved 0 is as long as input 4, which it does not have."
    );
    assert_eq!(
        saved(Length::Rows(GradOutput)),
        "op `norm`: saved 0 is as long as the gradient by the output; its length is that of an input, a param or the output."
    );
}

#[test]
fn what_must_be_written_and_read() {
    assert_eq!(
        problem_of_kernels(|k| k.forward.clear()),
        "op `norm`: it has no forward kernel, and needs one."
    );
    assert_eq!(
        problem_of_kernels(|k| k.backward.clear()),
        "op `norm`: it has no backward kernel, and needs one; without one nothing before the op can learn."
    );
    let without = |operand, pass: fn(&mut Kernels) -> &mut Vec<Kernel>| {
        problem_of_kernels(|k| {
            for kernel in pass(k) {
                kernel.bindings.retain(|bound| bound.operand != operand);
            }
        })
    };
    let forward: fn(&mut Kernels) -> &mut Vec<Kernel> = |k| &mut k.forward;
    let backward: fn(&mut Kernels) -> &mut Vec<Kernel> = |k| &mut k.backward;
    assert_eq!(
        without(Output, forward),
        "op `norm`: no forward kernel writes the output; bind it in one."
    );
    assert_eq!(
        without(GradInput(0), backward),
        "op `norm`: no backward kernel writes the gradient by input 0; write zeros if there is none."
    );
    assert_eq!(
        without(GradParam(0), backward),
        "op `norm`: no backward kernel writes the gradient by param 0; without it the param cannot learn."
    );
    assert_eq!(
        without(Saved(0), forward),
        "op `norm`: no forward kernel writes saved 0; bind it in one, or remove it."
    );
    assert_eq!(
        without(Saved(0), backward),
        "op `norm`: no backward kernel reads saved 0; make it scratch, or remove it."
    );
    assert_eq!(
        without(Scratch(0), backward),
        "op `norm`: no kernel uses scratch 0; remove it."
    );
    assert_eq!(
        problem_of_kernels(|k| k.backward[1]
            .bindings
            .retain(|bound| bound.operand != Scratch(0))),
        "op `norm`: only one backward kernel uses scratch 0; one writes it and a later one reads it."
    );
}

#[test]
fn the_first_to_bind_it_writes_it() {
    let op = sound_op();
    let (forward, backward) = op.stated_kernels().unwrap().uses();
    let written = |uses: &[supernet_plugin::Use]| {
        uses.iter()
            .filter(|used| used.written)
            .map(|used| (used.binding, used.operand))
            .collect::<Vec<_>>()
    };
    assert_eq!(written(&forward[0]), [(3, Saved(0))]);
    assert_eq!(written(&forward[1]), [(5, Output)]);
    assert_eq!(written(&backward[0]), [(4, GradInput(0)), (5, Scratch(0))]);
    assert_eq!(written(&backward[1]), [(3, GradParam(0))]);
    assert_eq!(forward[0].len(), 3);
}

#[test]
fn how_long_operands_are() {
    let op = sound_op()
        .saved(Length::PerSample(5))
        .scratch(Length::Fixed(6));
    let shapes = Shapes {
        inputs: &[&[4, 4, 8]],
        params: &[&[8]],
        output: &[4, 4, 8],
    };
    let len = |operand| op.len(operand, 3, &shapes);
    assert_eq!(
        [
            len(Input(0)),
            len(GradInput(0)),
            len(Output),
            len(GradOutput)
        ],
        [Some(384); 4]
    );
    assert_eq!([len(Param(0)), len(GradParam(0))], [Some(8); 2]);
    assert_eq!(
        [len(Saved(0)), len(Saved(1)), len(Saved(2))],
        [Some(48), Some(15), None]
    );
    assert_eq!([len(Scratch(0)), len(Scratch(1))], [Some(384), Some(6)]);
    assert_eq!(
        [len(Input(1)), len(Param(1)), len(Dims)],
        [None, None, Some(16)]
    );
    assert_eq!(
        [op.rows(Output, 3, &shapes), op.rows(Param(0), 3, &shapes)],
        [Some(48), Some(1)]
    );
    assert_eq!(
        [
            op.rows(Scratch(0), 3, &shapes),
            op.rows(Saved(0), 3, &shapes)
        ],
        [Some(48), None]
    );
    assert_eq!(
        shapes.describe(3).unwrap(),
        [3, 0, 0, 0, 4, 4, 8, 1, 8, 1, 1, 1, 4, 4, 8, 1]
    );
    let huge: &[u32] = &[u32::MAX, u32::MAX];
    assert_eq!(
        op.len(
            Input(0),
            u32::MAX,
            &Shapes {
                inputs: &[huge],
                params: &[],
                output: &[]
            }
        ),
        None
    );
    assert_eq!(
        Shapes {
            inputs: &[&[1; 5]],
            params: &[],
            output: &[]
        }
        .describe(1),
        None
    );
}
