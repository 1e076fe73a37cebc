//! Every kernel compared with its reference, on all available adapters.

use std::collections::BTreeMap;
use std::io::Write;

use supernet_enas as _;
use supernet_engine::device::cpu::Cpu;
use supernet_engine::device::gpu::{Gpu, adapters};
use supernet_engine::device::{Device, Inputs, Minibatch, Samples, conformance};
use supernet_engine::program::{Optimizer, Program};
use supernet_engine::weights::Weights;
use supernet_shaders::random::{Random, RngStream};
use supernet_shaders::{Call, Step};
use supernet_strategy::from_prior;

use super::text_tests;
use crate::config::Config;
use crate::experiment::Experiment;

/// Every adapter, once with and once without kernels that use subgroup operations.
#[allow(clippy::unwrap_used, reason = "only tests call it")]
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
    let both = found.iter().flat_map(|adapter| {
        let whole = Gpu::new(adapter).unwrap();
        let plain = whole
            .subgroup_size()
            .map(|_| Gpu::new(adapter).unwrap().without_subgroups());
        [Some(whole), plain]
    });
    both.flatten().collect()
}

#[test]
fn every_call_agrees_with_its_reference() {
    for mut gpu in devices() {
        let mut kinds = BTreeMap::new();
        conformance::calls(&mut gpu, &mut kinds, &mut |_, _| {}).unwrap();
        let misses: Vec<_> = kinds
            .iter()
            .filter_map(|(name, kind)| Some((name, kind.miss.as_ref()?)))
            .collect();
        let cases: u32 = kinds.values().map(|kind| kind.cases).sum();
        println!(
            "{}, lanes {:?}: {} kinds, {cases} cases",
            gpu.info().line(),
            gpu.subgroup_size(),
            kinds.len()
        );
        assert!(misses.is_empty(), "{}: {misses:#?}", gpu.info().name);
    }
}

#[test]
fn recurrent_children_agree_with_the_cpu_device() {
    let experiment = text_tests::experiment("gpu", &[]);
    let (wanted, there) = text_tests::some_steps(&mut Cpu::new(1).unwrap(), &experiment);
    for mut gpu in devices() {
        let (got, here) = text_tests::some_steps(&mut gpu, &experiment);
        let near = got
            .iter()
            .zip(&wanted)
            .all(|(got, wanted)| (got - wanted).abs() < 1e-4 * wanted);
        assert!(near, "{}: {got:?} for {wanted:?}", gpu.info().name);
        let start = experiment.weights();
        let distance = |a: &Weights, b: &Weights| {
            let pairs = a
                .pages()
                .values
                .iter()
                .flatten()
                .zip(b.pages().values.iter().flatten());
            pairs
                .map(|(a, b)| f64::from(a - b).powi(2))
                .sum::<f64>()
                .sqrt()
        };
        let off = distance(&here, &there) / distance(&start, &there);
        assert!(off < 1e-3, "{}: weights are off by {off}", gpu.info().name);
        assert_eq!(
            text_tests::some_steps(&mut gpu, &experiment),
            (got, here),
            "{} repeats itself",
            gpu.info().name
        );
    }
}

#[test]
fn networks_with_drop_path_and_an_auxiliary_head_train_as_on_the_cpu_device() {
    let settings = [
        "search.space=enas-micro",
        "space.form=final",
        "space.layers=1",
        "space.filters=2",
        "train.batch=32",
    ];
    let experiment = Experiment::new(Config::read("", &settings).unwrap()).unwrap();
    let genome = from_prior(
        experiment.supergraph(),
        &mut Random::new(0, RngStream::Test(0)),
    )
    .unwrap();
    let child = experiment.supergraph().child_in_training(&genome).unwrap();
    let optimizer = Optimizer {
        drop_path: true,
        auxiliary: 0.4,
        ..experiment.config().optimizer.optimizer()
    };
    let program = Program::training(experiment.training_context(), &child, &optimizer).unwrap();
    let paths = program
        .calls
        .iter()
        .filter(|bound| matches!(bound.call, Call::DropPath { .. }))
        .count();
    assert!(paths > 0);
    let (mut images, mut labels) = (vec![], vec![]);
    experiment
        .train_part()
        .gather(0..program.batch as usize, &mut images, &mut labels);
    let trained = |device: &mut dyn Device| -> Vec<f64> {
        let mut weights = experiment.weights();
        let minibatch = Minibatch {
            inputs: Inputs::Pixels(&images),
            targets: &labels,
            mixture: &[],
        };
        device
            .train(
                &program,
                &mut weights,
                minibatch,
                &Step {
                    rate: 0.05,
                    number: 1,
                    update: 1,
                    seed: 7,
                    drop_path: 0.5,
                },
            )
            .unwrap();
        device.samples(&mut Samples::default()).unwrap();
        device.fetch(&mut weights).unwrap();
        weights
            .pages()
            .values
            .iter()
            .flatten()
            .map(|x| f64::from(*x))
            .collect()
    };
    let distance = |a: &[f64], b: &[f64]| {
        a.iter()
            .zip(b)
            .map(|(a, b)| (a - b).powi(2))
            .sum::<f64>()
            .sqrt()
    };
    let start: Vec<f64> = experiment
        .weights()
        .pages()
        .values
        .iter()
        .flatten()
        .map(|x| f64::from(*x))
        .collect();
    let wanted = trained(&mut Cpu::new(2).unwrap());
    for mut gpu in devices() {
        let (off, way) = (
            distance(&trained(&mut gpu), &wanted),
            distance(&start, &wanted),
        );
        assert!(
            off <= 1e-3 * way,
            "{}: off by {off} on a way of {way}",
            gpu.info().name
        );
    }
}

#[test]
fn weights_clones_and_edits_of_the_host_keep_their_numbers_apart() {
    let experiment =
        Experiment::new(Config::read("", &["space.layers=2", "space.filters=4"]).unwrap()).unwrap();
    let child = experiment
        .supergraph()
        .child(
            &from_prior(
                experiment.supergraph(),
                &mut Random::new(0, RngStream::Test(0)),
            )
            .unwrap(),
        )
        .unwrap();
    let program = Program::training(
        experiment.training_context(),
        &child,
        &experiment.config().optimizer.optimizer(),
    )
    .unwrap();
    let (mut images, mut labels) = (vec![], vec![]);
    experiment
        .train_part()
        .gather(0..program.batch as usize, &mut images, &mut labels);
    for mut gpu in devices() {
        let train = |gpu: &mut Gpu, weights: &mut Weights| {
            let minibatch = Minibatch {
                inputs: Inputs::Pixels(&images),
                targets: &labels,
                mixture: &[],
            };
            gpu.train(
                &program,
                weights,
                minibatch,
                &Step {
                    rate: 0.05,
                    number: 1,
                    update: 1,
                    seed: 0,
                    drop_path: 0.0,
                },
            )
            .unwrap();
            gpu.samples(&mut Samples::default()).unwrap();
        };
        // The result of every sequence of steps by itself.
        let mut alone = vec![experiment.weights()];
        for steps in 1..=3 {
            let mut weights = experiment.weights();
            (0..steps).for_each(|_| train(&mut gpu, &mut weights));
            gpu.fetch(&mut weights).unwrap();
            alone.push(weights);
        }
        let mut one = experiment.weights();
        train(&mut gpu, &mut one);
        let mut two = one.clone();
        train(&mut gpu, &mut one);
        // The clone's values were on the device only, and the original has changed since.
        assert!(
            gpu.fetch(&mut two)
                .unwrap_err()
                .to_string()
                .contains("are still there")
        );
        gpu.fetch(&mut one).unwrap();
        assert_eq!(one, alone[2]);
        let mut three = one.clone();
        train(&mut gpu, &mut one);
        gpu.fetch(&mut three).unwrap();
        assert_eq!(three, alone[2]);
        train(&mut gpu, &mut three);
        let fetched = one.clone();
        gpu.fetch(&mut one).unwrap();
        assert_eq!(one, alone[3]);
        // The host's write is the newest, and other sharers keep the previous values.
        let shared = three.clone();
        three
            .pages_mut()
            .values
            .clone_from(&alone[0].pages().values);
        three.pages_mut().state.clone_from(&alone[0].pages().state);
        train(&mut gpu, &mut three);
        for (mut weights, wanted) in [
            (three, &alone[1]),
            (shared, &alone[3]),
            (fetched, &alone[3]),
        ] {
            gpu.fetch(&mut weights).unwrap();
            assert_eq!(weights.pages().values, wanted.pages().values);
        }
        let held = gpu.bytes();
        drop((one, alone));
        train(&mut gpu, &mut experiment.weights());
        assert!(gpu.bytes() <= held, "orphans are not freed");
    }
}
