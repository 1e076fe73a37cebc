//! Programs compared with PyTorch: loss and every gradient of children of ENAS macro, of ENAS micro
//! and its final network, of recurrent cells and of an LSTM, whose initial states are generated
//! from names.
//!
//! The numbers in `fixtures/pytorch.json` are from PyTorch 2.15 in float64, written by
//! `fixtures/pytorch.py`, which builds the same networks from their description. Both sides
//! generate weights and minibatches from names.

use std::collections::BTreeMap;

use serde::Deserialize;
use supernet_plugin::Facts;
use supernet_shaders::Call;

use super::interpreter::Interpreter;
use super::setup::{Images, SGD, STEP, Setup, build_space};
use super::{Penalties, Program, Start};
use crate::device::cpu::Cpu;
use crate::device::{Device, Samples};
use crate::weights::Weights;

#[derive(Deserialize)]
struct Case {
    space: String,
    settings: Vec<String>,
    #[serde(flatten)]
    sample: Sample,
    batch: u32,
    #[serde(default)]
    activation: f32,
    #[serde(default)]
    temporal: f32,
    genome: Vec<u32>,
    loss: f64,
    /// Norm, first, middle and last element of each gradient.
    gradients: BTreeMap<String, [f64; 4]>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Sample {
    Image([u32; 3]),
    Text { vocabulary: u32, steps: u32 },
}

/// 32-bit numbers from a name: FNV-1a of the name plus a counter, with the finaliser of
/// MurmurHash3.
fn bits(name: &str) -> impl Iterator<Item = u32> {
    let start = name.bytes().fold(0x811c_9dc5, |h: u32, byte| {
        (h ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    (0..).map(move |i: u32| {
        let z = start.wrapping_add(i.wrapping_mul(0x9e37_79b9));
        let z = (z ^ z >> 16).wrapping_mul(0x85eb_ca6b);
        let z = (z ^ z >> 13).wrapping_mul(0xc2b2_ae35);
        z ^ z >> 16
    })
}

/// Numbers in [-1, 1) with a resolution of 16 bits.
fn units(name: &str) -> impl Iterator<Item = f32> {
    bits(name).map(|z| (z >> 16) as f32 / 32768.0 - 1.0)
}

/// `count` integers below `limit`.
fn numbers(name: &str, count: u32, limit: u32) -> Vec<u32> {
    bits(name)
        .take(count as usize)
        .map(|z| (z >> 16) % limit)
        .collect()
}

fn setup(case: &Case) -> Setup {
    let space = format!("search.space={}", case.space);
    let settings: Vec<&str> = case
        .settings
        .iter()
        .map(String::as_str)
        .chain([&*space])
        .collect();
    match case.sample {
        Sample::Image(image) => {
            let images = units("images")
                .take((case.batch * image.iter().product::<u32>()) as usize)
                .collect();
            let data = Images {
                shape: image,
                pixels: images,
                labels: numbers("labels", case.batch, 10),
            };
            Setup::of(&settings, &data, case.batch)
        }
        Sample::Text { vocabulary, steps } => {
            let supergraph = build_space(&settings, &Facts::text(vocabulary)).with_time(steps);
            let minibatch =
                ["tokens", "labels"].map(|name| numbers(name, case.batch * steps, vocabulary));
            Setup::on_text(supergraph, vocabulary, case.batch, Start::Next, minibatch)
        }
    }
}

fn weights(setup: &Setup, batch: u32) -> Weights {
    let mut weights = setup.weights(0);
    let parameters = (0..setup.supergraph.param_count() as u32)
        .map(|index| setup.supergraph.param(index).id.as_str());
    // States follow the parameters.
    let carried = setup
        .supergraph
        .carried_states(batch)
        .into_iter()
        .map(|(name, _)| name);
    for (index, name) in (0..).zip(parameters.chain(carried)) {
        let numbers = weights.parameter_mut(index).iter_mut().zip(units(name));
        for (weight, x) in numbers {
            *weight = match &name[name.rfind('.').map_or(0, |at| at + 1)..] {
                "scale" => 1.0 + x / 4.0,
                "shift" => x / 4.0,
                _ => x / 2.0,
            };
        }
    }
    weights
}

/// Training without dropout, because PyTorch cannot reproduce its masks.
fn program(setup: &Setup, case: &Case) -> Program {
    let penalties = Penalties {
        activation: case.activation,
        temporal: case.temporal,
    };
    let optimizer = super::Optimizer {
        drop_path: false,
        penalties,
        ..SGD
    };
    let child = setup.supergraph.child_in_training(&case.genome).unwrap();
    let mut program = Program::training(setup.context(), &child, &optimizer).unwrap();
    for bound in &mut program.calls {
        if let Call::Dropout { rate, .. } = &mut bound.call {
            *rate = 0.0;
        }
    }
    program
}

fn summary(gradient: &[f64]) -> [f64; 4] {
    let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
    [
        norm,
        gradient[0],
        gradient[gradient.len() / 2],
        gradient[gradient.len() - 1],
    ]
}

#[test]
fn loss_and_every_gradient_are_pytorchs() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("fixtures/pytorch.json")).unwrap();
    let mut cpu = Cpu::new(2).unwrap();
    for case in &cases {
        let setup = setup(case);
        let (program, mut weights) = (program(&setup, case), weights(&setup, case.batch));
        let mut exact = Interpreter::new(&setup, &weights);
        let loss = exact.run(&program);
        assert!(
            (loss - case.loss).abs() <= 1e-9 * case.loss,
            "{}: {loss} for {}",
            case.space,
            case.loss
        );
        let name = |index: &u32| setup.supergraph.param(*index).id.clone();
        let known: Vec<String> = case.gradients.keys().cloned().collect();
        let mut ours: Vec<String> = exact.gradients.keys().map(name).collect();
        ours.sort_unstable();
        assert_eq!(ours, known, "{}", case.space);
        let total = case
            .gradients
            .values()
            .map(|g| g[0] * g[0])
            .sum::<f64>()
            .sqrt();
        let mut samples = Samples::default();
        cpu.train(&program, &mut weights, setup.minibatch(), &STEP)
            .unwrap();
        cpu.samples(&mut samples).unwrap();
        for (index, gradient) in &exact.gradients {
            let (id, wanted) = (name(index), case.gradients[&name(index)]);
            let kernels: Vec<f64> = weights
                .gradient(*index)
                .iter()
                .map(|g| f64::from(*g))
                .collect();
            for (got, tolerance) in [(summary(gradient), 1e-8), (summary(&kernels), 1e-4)] {
                for (got, wanted_one) in got.iter().zip(&wanted) {
                    let off = (got - wanted_one).abs();
                    assert!(
                        off <= tolerance * (wanted[0] + 1e-2 * total),
                        "{} {id}: {got} for {wanted_one}",
                        case.space
                    );
                }
            }
        }
    }
}
