//! The networks of published architectures, small: dilated and rectangular convolutions, strides inside separable ones, pooling
//! that halves, sums of convolutions that stand for one of a concatenation.

use supernet_darts as _;
use supernet_plugin::Published;

use super::*;

/// A published architecture in a network of few cells and channels.
fn small(name: &str, settings: &[&str], image: [u32; 3], batch: u32) -> (Setup, Vec<u32>) {
    let published = Published::find(name).unwrap();
    let own = crate::architectures::assignments(&published);
    let settings: Vec<&str> = own.iter().map(String::as_str).chain(settings.iter().copied()).collect();
    (Setup::new(&settings, image, batch), published.genome)
}

/// The published cells in networks of every kind, of this image.
fn networks(image: [u32; 3], batch: u32, channels: u32) -> Vec<(Setup, Vec<u32>)> {
    let channels = format!("space.channels={channels}");
    let cells = ["space.cells=3", channels.as_str()];
    let mut networks: Vec<_> =
        ["darts-v1", "darts-v2", "nasnet-a", "amoebanet-a"].map(|name| small(name, &cells, image, batch)).into();
    networks.push(small("darts-v2", &[&cells[..], &["space.form=search"]].concat(), image, batch));
    networks.push(small("enas-micro", &["space.layers=1", "space.filters=2"], image, batch));
    let last = Setup::new(&["space.form=final", "space.layers=4", "space.filters=2"], image, batch);
    let genome = (0..last.supergraph.genome_len() as u32).map(|d| if d % 2 == 0 { d % 6 } else { 1 });
    let choices = |d: usize| last.supergraph.choices(d);
    let genome = genome.enumerate().map(|(d, choice)| choice % choices(d)).collect();
    networks.push((last, genome));
    networks
}

#[test]
fn gradients_agree_with_finite_differences() {
    for (setup, genome) in networks([6, 5, 2], 3, 2) {
        hold_gradients_against_finite_differences(&setup, &genome);
    }
    let mut random = Random::new(6, 0);
    let (setup, _) = small("darts-v2", &["space.cells=3", "space.channels=2"], [5, 4, 1], 3);
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
