//! Small networks of published architectures: dilated and rectangular convolutions, strides inside
//! separable ones, pooling that halves, sums of convolutions that represent one of a concatenation.

use supernet_darts as _;
use supernet_plugin::Published;

use super::*;

/// A published architecture in a network of few cells and channels.
fn small(name: &str, settings: &[&str], image: [u32; 3], batch: u32) -> (Setup, Vec<u32>) {
    let published = Published::find(name).unwrap();
    let mut own = vec![format!("search.space={}", published.space)];
    own.extend(
        published
            .settings
            .iter()
            .map(|(key, value)| format!("space.{key}={value}")),
    );
    let settings: Vec<&str> = own
        .iter()
        .map(String::as_str)
        .chain(settings.iter().copied())
        .collect();
    (Setup::new(&settings, image, batch), published.genome)
}

/// The published cells in networks of every kind, with the given image shape.
fn networks(image: [u32; 3], batch: u32, channels: u32) -> Vec<(Setup, Vec<u32>)> {
    let channels = format!("space.channels={channels}");
    let cells = ["space.cells=3", channels.as_str()];
    let mut networks: Vec<_> = ["darts-v1", "darts-v2", "nasnet-a", "amoebanet-a"]
        .map(|name| small(name, &cells, image, batch))
        .into();
    networks.push(small(
        "darts-v2",
        &[&cells[..], &["space.form=search"]].concat(),
        image,
        batch,
    ));
    networks.push(small(
        "enas-micro",
        &["space.layers=1", "space.filters=2"],
        image,
        batch,
    ));
    let last = Setup::new(
        &["space.form=final", "space.layers=4", "space.filters=2"],
        image,
        batch,
    );
    let genome =
        (0..last.supergraph.genome_len() as u32).map(|d| if d % 2 == 0 { d % 6 } else { 1 });
    let choices = |d: usize| last.supergraph.choices(d);
    let genome = genome
        .enumerate()
        .map(|(d, choice)| choice % choices(d))
        .collect();
    networks.push((last, genome));
    networks
}

#[test]
fn gradients_agree_with_finite_differences() {
    for (setup, genome) in networks([6, 5, 2], 3, 2) {
        hold_gradients_against_finite_differences(&setup, &genome);
    }
    let mut random = Random::new(6, RngStream::Test(0));
    let (setup, _) = small(
        "darts-v2",
        &["space.cells=3", "space.channels=2"],
        [5, 4, 1],
        3,
    );
    let genome = setup.sample(&mut random);
    hold_gradients_against_finite_differences(&setup, &genome);
}

#[test]
fn the_cpu_device_agrees_with_the_interpreter() {
    let mut cpu = Cpu::new(2).unwrap();
    for (setup, genome) in networks([9, 8, 3], 8, 4) {
        hold_the_cpu_against_the_interpreter(&setup, &genome, &mut cpu);
    }
}

/// The effect of a step on all parameters that it touches, and the losses of its samples.
#[cfg(feature = "gpu")]
fn step(setup: &Setup, genome: &[u32], device: &mut dyn Device) -> (Vec<Vec<f32>>, Vec<f32>) {
    let program = setup.training(genome, &SGD);
    let before = setup.weights(2);
    let mut after = before.clone();
    let mut samples = Samples::default();
    device
        .train(&program, &mut after, setup.minibatch(), &STEP)
        .unwrap();
    device.samples(&mut samples).unwrap();
    device.fetch(&mut after).unwrap();
    let child = setup.supergraph.child(genome).unwrap();
    let touched: std::collections::BTreeSet<u32> = (0..child.len())
        .flat_map(|i| child.params(i).to_vec())
        .collect();
    let moved = |p: u32| {
        after
            .parameter(p)
            .iter()
            .zip(before.parameter(p))
            .map(|(a, b)| a - b)
            .collect()
    };
    (touched.into_iter().map(moved).collect(), samples.loss)
}

#[cfg(feature = "gpu")]
#[test]
fn every_gpu_takes_the_same_step_as_the_cpu_device() {
    use crate::device::gpu::{Gpu, adapters};

    let mut cpu = Cpu::new(2).unwrap();
    for adapter in adapters() {
        let mut gpu = Gpu::new(&adapter).unwrap();
        for (setup, genome) in networks([9, 8, 3], 8, 4) {
            let name = format!("{} on {}", setup.supergraph.space().name, adapter.info.name);
            let ((wanted, losses), (got, ours)) = (
                step(&setup, &genome, &mut cpu),
                step(&setup, &genome, &mut gpu),
            );
            for (a, b) in losses.iter().zip(&ours) {
                assert!((a - b).abs() <= 1e-3 * a.abs(), "{name}: loss {b} for {a}");
            }
            let size = |p: &[f32]| p.iter().map(|x| f64::from(x * x)).sum::<f64>().sqrt();
            let total = wanted.iter().map(|p| size(p).powi(2)).sum::<f64>().sqrt();
            for (wanted, got) in wanted.iter().zip(&got) {
                let off: Vec<f32> = wanted.iter().zip(got).map(|(a, b)| a - b).collect();
                assert!(
                    size(&off) <= 1e-3 * size(wanted) + 1e-4 * total,
                    "{name}: off by {}",
                    size(&off)
                );
            }
        }
    }
}
