//! The space and its ops, without a device.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use supernet_custom_space as _;
use supernet_plugin::Operand::{GradInput, GradOutput, GradParam, Input, Output, Param, Saved};
use supernet_plugin::{
    CpuCall, Facts, Operand, SearchSpace, Setting, Shapes, Supergraph, cpu_op, find,
};

const DIGITS: ([u32; 3], u32) = ([8, 8, 1], 10);

/// The space for the built-in digits.
fn space(given: &[(&str, i64)]) -> SearchSpace {
    let given = given
        .iter()
        .map(|(key, value)| ((*key).to_owned(), Setting::Int(*value)))
        .collect();
    let entry = find("gated").unwrap();
    let config = entry
        .configure(&given, &Facts::images(&DIGITS.0, DIGITS.1))
        .unwrap();
    entry.space(&config).unwrap()
}

#[test]
fn it_is_sound() {
    let built = space(&[]);
    assert_eq!(
        built
            .ops
            .iter()
            .flat_map(|op| op.problems())
            .collect::<Vec<_>>(),
        []
    );
    let graph = Supergraph::new(built).unwrap();
    // An operation and a shortcut in each of four layers.
    assert_eq!(graph.genome_len(), 8);
    assert_eq!(graph.size().to_string(), "4,096");
    for layers in [1, 2, 32] {
        Supergraph::new(space(&[("layers", layers), ("filters", 1)])).unwrap();
    }
}

#[test]
fn it_refuses_samples_that_are_no_images() {
    let entry = find("gated").unwrap();
    let config = entry
        .configure(&Default::default(), &Facts::images(&[64], 10))
        .unwrap();
    assert_eq!(
        entry.space(&config).unwrap_err().to_string(),
        "the samples have the shape [64], and must be images [height, width, channels]."
    );
}

/// The contents of an op's operands.
type Values = Vec<(Operand, Vec<f32>)>;

/// Runs a kernel of an op on the CPU, for two samples of one row of `channels`, and adds what it
/// writes to `values`.
fn run(op: &str, kernel: &str, channels: u32, values: &mut Values, written: &[(Operand, usize)]) {
    let (input, bias) = ([1, 1, channels], [channels, 1]);
    let (inputs, params): (&[&[u32]], &[&[u32]]) = match op {
        "gate" => (&[&input, &input], &[&bias]),
        _ => (&[&input], &[]),
    };
    let counts = [inputs.len() as u32, params.len() as u32];
    let dims = Shapes {
        inputs,
        params,
        output: &input,
    }
    .describe(2)
    .unwrap();
    let mut results: Values = written
        .iter()
        .map(|(operand, len)| (*operand, vec![f32::NAN; *len]))
        .collect();
    let reads: Vec<_> = values
        .iter()
        .map(|(operand, numbers)| (*operand, &numbers[..]))
        .collect();
    let writes = results
        .iter_mut()
        .map(|(operand, numbers)| (*operand, &mut numbers[..]))
        .collect();
    let attributes = Default::default();
    let mut call = CpuCall::new(kernel, &attributes, &dims, counts, &reads, writes);
    (cpu_op(op).unwrap().unwrap().run)(&mut call).unwrap();
    values.extend(results);
}

fn of(values: &Values, operand: Operand) -> &[f32] {
    &values
        .iter()
        .find(|(known, _)| *known == operand)
        .unwrap()
        .1
}

#[track_caller]
fn close(got: &[f32], wanted: &[f64], what: &str) {
    assert_eq!(got.len(), wanted.len());
    for (got, wanted) in got.iter().zip(wanted) {
        assert!(
            (f64::from(*got) - wanted).abs() <= 1e-5 * (1.0 + wanted.abs()),
            "{what}: {got} is not {wanted}"
        );
    }
}

/// The derivatives of `f` with respect to each of its numbers, weighted by `gy`.
fn slopes(at: &[f64], gy: &[f64], f: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
    let moved = |i: usize, by: f64| {
        let mut at = at.to_vec();
        at[i] += by;
        f(&at).iter().zip(gy).map(|(y, gy)| y * gy).sum::<f64>()
    };
    (0..at.len())
        .map(|i| (moved(i, 1e-5) - moved(i, -1e-5)) / 2e-5)
        .collect()
}

fn wide(numbers: &[f32]) -> Vec<f64> {
    numbers.iter().map(|x| f64::from(*x)).collect()
}

const GY: [f32; 6] = [1.0, -0.5, 2.0, 0.25, -1.5, 0.75];

#[test]
fn mish_on_the_cpu() {
    let x = [-30.0, -2.0, -0.5, 0.0, 1.5, 100.0];
    let mish = |x: &[f64]| {
        x.iter()
            .map(|x| x * x.exp().ln_1p().tanh())
            .collect::<Vec<_>>()
    };
    let mut values = vec![(Input(0), x.to_vec())];
    run("mish", "forward", 3, &mut values, &[(Output, 6)]);
    close(of(&values, Output), &mish(&wide(&x)), "y");
    values.push((GradOutput, GY.to_vec()));
    run("mish", "backward", 3, &mut values, &[(GradInput(0), 6)]);
    close(
        of(&values, GradInput(0)),
        &slopes(&wide(&x), &wide(&GY), mish),
        "by x",
    );
}

#[test]
fn gate_on_the_cpu() {
    let (value, gate) = (
        [1.0, -2.0, 0.5, 3.0, -1.0, 0.0],
        [0.0, 1.0, -3.0, 2.0, 0.5, -0.5],
    );
    let bias = [0.5, -1.0, 2.0];
    let formula = |value: &[f64], gate: &[f64], bias: &[f64]| {
        let y = |i: usize| value[i] / (1.0 + (-(gate[i] + bias[i % 3])).exp());
        (0..6).map(y).collect::<Vec<_>>()
    };
    let mut values = vec![
        (Input(0), value.to_vec()),
        (Input(1), gate.to_vec()),
        (Param(0), bias.to_vec()),
    ];
    run(
        "gate",
        "forward",
        3,
        &mut values,
        &[(Output, 6), (Saved(0), 6)],
    );
    let (value, gate, bias, gy) = (wide(&value), wide(&gate), wide(&bias), wide(&GY));
    close(of(&values, Output), &formula(&value, &gate, &bias), "y");
    values.push((GradOutput, GY.to_vec()));
    run(
        "gate",
        "gradients",
        3,
        &mut values,
        &[(GradInput(0), 6), (GradInput(1), 6)],
    );
    run("gate", "sum_channel", 3, &mut values, &[(GradParam(0), 3)]);
    close(
        of(&values, GradInput(0)),
        &slopes(&value, &gy, |value| formula(value, &gate, &bias)),
        "by the value",
    );
    close(
        of(&values, GradInput(1)),
        &slopes(&gate, &gy, |gate| formula(&value, gate, &bias)),
        "by the gate",
    );
    close(
        of(&values, GradParam(0)),
        &slopes(&bias, &gy, |bias| formula(&value, &gate, bias)),
        "by the bias",
    );
}
