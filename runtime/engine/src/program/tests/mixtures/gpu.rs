//! Mixtures on all available adapters.

use std::io::Write;

use supernet_shaders::Call;
use supernet_shaders::cases::cases;

use super::*;
use crate::device::Probe;
use crate::device::gpu::{Gpu, adapters};

/// A device on every adapter.
fn devices() -> Vec<Gpu> {
    let found = adapters();
    let wanted = ["CI", "SUPERNET_WANTS_GPU"]
        .iter()
        .any(|name| std::env::var_os(name).is_some());
    assert!(
        !found.is_empty() || !wanted,
        "GPU tests are wanted, but there is no adapter"
    );
    if found.is_empty() {
        // Bypasses the output capture of the test harness.
        let _ = writeln!(std::io::stderr(), "skipped: no adapter");
    }
    found
        .iter()
        .map(|adapter| Gpu::new(adapter).unwrap())
        .collect()
}

#[test]
fn weighted_sums_agree_with_their_references() {
    let own = |call: &Call| {
        matches!(
            call,
            Call::WeightedSum(_)
                | Call::WeightedSumGradInput { .. }
                | Call::WeightedSumGradWeights(_)
        )
    };
    let cases: Vec<_> = cases().into_iter().filter(|case| own(&case.call)).collect();
    assert!(cases.len() > 100);
    for mut gpu in devices() {
        for case in &cases {
            let operands = case.operands();
            let reads: Vec<&[f32]> = operands.reads.iter().map(Vec::as_slice).collect();
            let mut writes = operands.writes.clone();
            let mut slices: Vec<&mut [f32]> = writes.iter_mut().map(Vec::as_mut_slice).collect();
            gpu.call(&case.call, &case.step, &reads, &mut slices)
                .unwrap();
            for (wanted, got) in case.wanted(&operands).iter().zip(&writes) {
                assert_eq!(wanted.accepts(got), Ok(()), "{case:?}");
            }
        }
    }
}

/// Runs two steps of a program on a device, each with its own weights of mixtures: the samples, and
/// the weights afterwards.
fn steps(
    setup: &Setup,
    program: &Program,
    networks: [&Relaxed; 2],
    device: &mut dyn Device,
) -> (Vec<Samples>, Vec<f32>) {
    let mut weights = setup.weights(3);
    let mut all = Vec::new();
    for relaxed in networks {
        let mixture = program.mixture.weights(relaxed).unwrap();
        let minibatch = Minibatch {
            mixture: &mixture,
            ..setup.minibatch()
        };
        match program.updates() {
            true => device.train(program, &mut weights, minibatch, &STEP),
            false => device.score(program, &weights, minibatch),
        }
        .unwrap();
        let mut samples = Samples::default();
        device.samples(&mut samples).unwrap();
        all.push(samples);
    }
    device.fetch(&mut weights).unwrap();
    (all, weights.pages().values.concat())
}

/// The norm of the difference, relative to that of the wanted numbers.
fn off(got: &[f32], wanted: &[f32]) -> f64 {
    assert_eq!(got.len(), wanted.len());
    let norm = |x: &mut dyn Iterator<Item = f64>| x.map(|x| x * x).sum::<f64>().sqrt();
    let differences = got.iter().zip(wanted).map(|(a, b)| f64::from(a - b));
    norm(&mut { differences }) / norm(&mut wanted.iter().map(|x| f64::from(*x))).max(1e-12)
}

#[test]
fn mixtures_train_as_on_the_cpu_device() {
    let setup = setup(12);
    let graph = &setup.supergraph;
    for mut gpu in devices() {
        for rows in [1, 3] {
            let [one, other] =
                [1, 2].map(|seed| graph.relaxed(&everything(graph, seed, rows)).unwrap());
            for program in [
                Program::mixed(setup.context(), &one, &SGD).unwrap(),
                Program::path_gradient(setup.context(), &one).unwrap(),
                Program::mixed_scoring(setup.context(), &one).unwrap(),
            ] {
                let networks = [&one, &other];
                let (wanted, trained) =
                    steps(&setup, &program, networks, &mut Cpu::new(2).unwrap());
                let (got, weights) = steps(&setup, &program, networks, &mut gpu);
                for (got, wanted) in got.iter().zip(&wanted) {
                    assert!(off(&got.loss, &wanted.loss) < 1e-4);
                    assert!(off(&got.mixture, &wanted.mixture) < 1e-3);
                }
                assert_ne!(wanted[0].loss, wanted[1].loss);
                assert!(off(&weights, &trained) < 1e-4);
                // A child runs in between, without weights of mixtures.
                let child = setup.scoring(&[0, 1, 0, 0, 0]);
                gpu.score(&child, &setup.weights(3), setup.minibatch())
                    .unwrap();
                let mut samples = Samples::default();
                gpu.samples(&mut samples).unwrap();
                assert!(samples.mixture.is_empty() && samples.loss.len() == 12);
                let again = steps(&setup, &program, networks, &mut gpu);
                assert_eq!(again, (got, weights), "{} repeats itself", gpu.name());
            }
        }
    }
}
