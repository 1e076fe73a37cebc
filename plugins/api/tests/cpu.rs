//! Ops on the CPU, and the errors of their calls.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use supernet_plugin::Operand::*;
use supernet_plugin::{CpuCall, CpuOp, Setting, cpu_op, cpu_ops, inventory};

inventory::submit! { CpuOp { op: "square", run: |call| call.per_element(|x| x * x, |x, _, gy| 2.0 * x * gy) } }
inventory::submit! { CpuOp { op: "twice", run: |_| Ok(()) } }
inventory::submit! { CpuOp { op: "twice", run: |_| Ok(()) } }

#[test]
fn ops_are_found_by_name() {
    assert_eq!(
        cpu_ops().iter().map(|op| op.op).collect::<Vec<_>>(),
        ["square", "twice", "twice"]
    );
    assert!(cpu_op("square").unwrap().is_some());
    assert!(cpu_op("cube").unwrap().is_none());
    assert_eq!(
        cpu_op("twice").err().unwrap().to_string(),
        "two functions are registered for the op `twice` on the CPU; rename one of the ops."
    );
}

#[test]
fn a_function_per_element_runs_both_ways() {
    let none = BTreeMap::new();
    let square = cpu_op("square").unwrap().unwrap();
    let (x, gy) = ([3.0, -2.0], [1.0, 10.0]);
    let mut y = [0.0; 2];
    let reads = [(Input(0), &x[..])];
    (square.run)(&mut CpuCall::new(
        "forward",
        &none,
        &[],
        [1, 0],
        &reads,
        vec![(Output, &mut y)],
    ))
    .unwrap();
    assert_eq!(y, [9.0, 4.0]);
    let mut gx = [0.0; 2];
    let reads = [(Input(0), &x[..]), (Output, &y[..]), (GradOutput, &gy[..])];
    let mut call = CpuCall::new(
        "backward",
        &none,
        &[],
        [1, 0],
        &reads,
        vec![(GradInput(0), &mut gx)],
    );
    (square.run)(&mut call).unwrap();
    assert_eq!(gx, [6.0, -40.0]);
}

#[test]
fn what_a_call_refuses() {
    let attributes = [
        ("slope".to_owned(), Setting::Int(2)),
        ("name".to_owned(), Setting::from("x")),
    ]
    .into();
    let (x, mut y, mut gx) = ([1.0; 3], [0.0; 2], [0.0; 2]);
    let reads = [(Input(0), &x[..])];
    let dims = [5, 0, 0, 0, 3, 1, 1, 1, 7, 1, 1, 1, 2, 1, 1, 1];
    let mut call = CpuCall::new(
        "forward",
        &attributes,
        &dims,
        [1, 1],
        &reads,
        vec![(Output, &mut y), (GradInput(0), &mut gx)],
    );
    assert_eq!(call.batch(), 5);
    assert_eq!(call.shape(Input(0)), Some([3, 1, 1, 1]));
    assert_eq!(call.shape(GradParam(0)), Some([7, 1, 1, 1]));
    assert_eq!(call.shape(Output), Some([2, 1, 1, 1]));
    assert_eq!(
        [call.shape(Input(1)), call.shape(Dims), call.shape(Saved(0))],
        [None; 3]
    );
    assert_eq!(call.number("slope"), Ok(2.0));
    assert_eq!(
        call.number("name").unwrap_err(),
        "the attribute `name` is a text, and the op reads it as a number"
    );
    assert_eq!(
        call.number("scale").unwrap_err(),
        "the node has no attribute `scale`, which the op reads; give it one"
    );
    let bound =
        "but to input 0, the output, the gradient by input 0; bind it in the op's description";
    assert_eq!(
        call.read(Param(0)).unwrap_err(),
        format!("the kernel `forward` is not bound to param 0, {bound}")
    );
    assert_eq!(
        call.write(Saved(0)).unwrap_err(),
        format!("the kernel `forward` is not bound to saved 0, {bound}")
    );
    assert_eq!(
        call.read(Output).unwrap_err(),
        "the kernel `forward` writes the output, and nothing is there to be read before"
    );
    assert_eq!(
        call.write(Input(0)).unwrap_err(),
        "the kernel `forward` only reads input 0, so it cannot be written"
    );
    assert_eq!(
        call.writes([Output, Output]).unwrap_err(),
        "the op asks the kernel `forward` for one operand twice at a time"
    );
    let x = call.read(Input(0)).unwrap();
    let [y, gx] = call.writes([Output, GradInput(0)]).unwrap();
    y.copy_from_slice(&x[..2]);
    gx.copy_from_slice(y);
    assert_eq!(
        call.per_element(|x| x, |_, _, gy| gy).unwrap_err(),
        "a function per element has operands of one length, not of 3 and 2"
    );
    let mut call = CpuCall::new("apply", &attributes, &dims, [1, 1], &reads, Vec::new());
    assert_eq!(
        call.per_element(|x| x, |_, _, gy| gy).unwrap_err(),
        "a function per element runs as `forward` or `backward`, and not as `apply`"
    );
    // Counts that no op has must not cause a panic.
    let call = CpuCall::new(
        "apply",
        &attributes,
        &[],
        [u32::MAX, u32::MAX],
        &reads,
        Vec::new(),
    );
    assert_eq!(
        [
            call.shape(Output),
            call.shape(Param(u32::MAX - 1)),
            call.shape(Input(9))
        ],
        [None; 3]
    );
    assert_eq!(call.batch(), 0);
}
