//! What a training step changes in the weights.

use super::*;

#[test]
fn adam_takes_its_first_step_by_the_rate() {
    let setup = Setup::new(&[], [8, 8, 1], 8);
    let adam = Optimizer {
        method: Method::Adam {
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-12,
        },
        weight_decay: 0.0,
        clip: 1e9,
        ..SGD
    };
    let program = setup.training(
        &setup.sample(&mut Random::new(5, RngStream::Test(1))),
        &adam,
    );
    let before = Weights::new(&setup.supergraph, Arc::clone(&setup.layout), 2, 4);
    let mut after = before.clone();
    let step = Step { update: 1, ..STEP };
    Cpu::new(1)
        .unwrap()
        .train(&program, &mut after, setup.minibatch(), &step)
        .unwrap();
    let mut moved = 0;
    for (page, bits) in program.touched.iter().enumerate() {
        for (at, (old, new)) in before.pages().values[page]
            .iter()
            .zip(&after.pages().values[page])
            .enumerate()
        {
            let (block, gradient) = (at / 64, after.pages().gradients[page][at]);
            if bits[block / 32] >> (block % 32) & 1 == 1 && gradient.abs() > 1e-6 {
                assert!(
                    (old - new - 0.1 * gradient.signum()).abs() < 1e-4,
                    "{at}: {old} {new} {gradient}"
                );
                moved += 1;
            }
        }
    }
    assert!(moved > 1000, "{moved}");
}

#[test]
fn the_first_step_of_nesterov_is_longer_by_the_momentum() {
    let setup = Setup::new(&[], [8, 8, 1], 8);
    let genome = setup.sample(&mut Random::new(5, RngStream::Test(1)));
    let before = Weights::new(&setup.supergraph, Arc::clone(&setup.layout), 1, 4);
    let moved = |nesterov| {
        let sgd = Optimizer {
            method: Method::Sgd {
                momentum: 0.5,
                nesterov,
            },
            weight_decay: 0.0,
            clip: 1e9,
            ..SGD
        };
        let mut after = before.clone();
        Cpu::new(1)
            .unwrap()
            .train(
                &setup.training(&genome, &sgd),
                &mut after,
                setup.minibatch(),
                &STEP,
            )
            .unwrap();
        let pages = after.pages().values.iter().flatten();
        let pairs = pages.zip(before.pages().values.iter().flatten());
        pairs
            .map(|(new, old)| f64::from(new - old))
            .collect::<Vec<_>>()
    };
    let [plain, nesterov] = [false, true].map(moved);
    let largest = plain.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
    assert!(largest > 1e-3);
    for (plain, nesterov) in plain.iter().zip(&nesterov) {
        assert!(
            (1.5 * plain - nesterov).abs() < 1e-3 * largest,
            "{plain} {nesterov}"
        );
    }
}

#[test]
fn a_step_changes_exactly_the_blocks_that_its_path_touches() {
    let setup = Setup::new(&[], [8, 8, 1], 8);
    let mut cpu = Cpu::new(1).unwrap();
    for genome in genomes(&setup) {
        let program = setup.training(&genome, &SGD);
        let child = setup.supergraph.child(&genome).unwrap();
        let used = setup
            .layout
            .blocks_of((0..child.len()).flat_map(|i| child.params(i).to_vec()));
        let before = setup.weights(4);
        let mut after = before.clone();
        let mut samples = Samples::default();
        cpu.train(&program, &mut after, setup.minibatch(), &STEP)
            .unwrap();
        cpu.samples(&mut samples).unwrap();
        for (page, bits) in used.iter().enumerate() {
            assert_eq!(*bits, program.touched[page]);
            let blocks = before.pages().values[page]
                .chunks(64)
                .zip(after.pages().values[page].chunks(64));
            for (block, (old, new)) in blocks.enumerate() {
                let touched = bits[block / 32] >> (block % 32) & 1 == 1;
                assert!(
                    touched || old == new,
                    "block {block} of page {page} moved, {genome:?}"
                );
                // A shift that the next normalisation cancels has no gradient except rounding
                // errors.
                let still = after.pages().gradients[page][64 * block..]
                    .iter()
                    .take(64)
                    .all(|g| g.abs() < 1e-6);
                assert!(
                    !touched || old != new || still,
                    "block {block} of page {page} did not move, {genome:?}"
                );
            }
        }
    }
}

#[test]
fn weights_elsewhere_move_only_if_asked_to() {
    let setup = Setup::new(&[], [8, 8, 1], 8);
    let genome = setup.sample(&mut Random::new(1, RngStream::Test(1)));
    let program = setup.training(
        &genome,
        &Optimizer {
            everywhere: true,
            ..SGD
        },
    );
    let mut weights = setup.weights(4);
    let before = weights.clone();
    let mut samples = Samples::default();
    let mut cpu = Cpu::new(1).unwrap();
    cpu.train(&program, &mut weights, setup.minibatch(), &STEP)
        .unwrap();
    cpu.samples(&mut samples).unwrap();
    let untouched: Vec<u32> = (0..setup.layout.len() as u32)
        .filter(|p| {
            let bits = setup.layout.blocks_of([*p].into_iter());
            program
                .touched
                .iter()
                .zip(&bits)
                .all(|(a, b)| a.iter().zip(b).all(|(a, b)| a & b == 0))
        })
        .collect();
    let mut moved = 0;
    for parameter in untouched {
        let (old, new) = (before.parameter(parameter), weights.parameter(parameter));
        if setup.supergraph.param(parameter).decay {
            assert!(
                old.iter()
                    .zip(new)
                    .all(|(a, b)| (b - a * (1.0 - 0.1 * 1e-3 * 1.9)).abs() < 1e-6)
            );
            moved += 1;
        } else {
            assert_eq!(old, new);
        }
    }
    assert!(moved > 0);
}
