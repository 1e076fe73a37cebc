//! Several passes that make one update.

use super::*;

/// The plainest update: the weights move by minus their gradient.
const PLAIN: Optimizer = Optimizer {
    method: Method::Sgd {
        momentum: 0.0,
        nesterov: true,
    },
    weight_decay: 0.0,
    clip: 1e9,
    ..SGD
};

fn run(programs: &[Program], setup: &Setup, weights: &mut Weights) -> Vec<Samples> {
    let mut cpu = Cpu::new(1).unwrap();
    let step = Step { rate: 1.0, ..STEP };
    let results = programs.iter().map(|program| {
        let mut samples = Samples::default();
        cpu.train(program, weights, setup.minibatch(), &step)
            .unwrap();
        cpu.samples(&mut samples).unwrap();
        samples
    });
    results.collect()
}

fn several(setup: &Setup, genomes: &[Vec<u32>], optimizer: &Optimizer) -> Vec<Program> {
    let passes: Vec<_> = genomes
        .iter()
        .map(|genome| (setup.context(), setup.supergraph.child(genome).unwrap()))
        .collect();
    Program::passes(&passes, optimizer).unwrap()
}

/// How far a single pass of each genome moves the weights, in f64.
fn moves(setup: &Setup, genomes: &[Vec<u32>], before: &Weights) -> Vec<Vec<f64>> {
    let single = |genome: &Vec<u32>| {
        let mut after = before.clone();
        run(
            &several(setup, std::slice::from_ref(genome), &PLAIN),
            setup,
            &mut after,
        );
        let pages = before.pages().values.iter().zip(&after.pages().values);
        let moved = pages.flat_map(|(old, new)| old.iter().zip(new));
        moved
            .map(|(old, new)| f64::from(*new) - f64::from(*old))
            .collect()
    };
    genomes.iter().map(single).collect()
}

#[test]
fn a_weight_moves_by_the_mean_over_the_passes_that_read_it() {
    let setup = Setup::new(&[], [8, 8, 1], 8);
    let genomes: Vec<_> = genomes(&setup).into_iter().take(4).collect();
    let before = setup.weights(4);
    let mut after = before.clone();
    let programs = several(&setup, &genomes, &PLAIN);
    let samples = run(&programs, &setup, &mut after);
    assert_eq!(after.version, before.version + 1);
    let single = moves(&setup, &genomes, &before);
    let pages = before.pages().values.iter().zip(&after.pages().values);
    let moved = pages.flat_map(|(old, new)| old.iter().zip(new));
    let (mut mixed, mut own) = (0, 0);
    for (at, (old, new)) in moved.enumerate() {
        let readers: Vec<f64> = single
            .iter()
            .map(|moves| moves[at])
            .filter(|x| *x != 0.0)
            .collect();
        // A gradient that is exactly zero cannot be told from an absent one.
        if readers.is_empty() {
            continue;
        }
        let mean = readers.iter().sum::<f64>() / readers.len() as f64;
        let error = (f64::from(*new) - f64::from(*old) - mean).abs();
        assert!(
            error <= 1e-5 * (1.0 + mean.abs()),
            "{at}: {error} of {mean}"
        );
        match readers.len() {
            1 => own += 1,
            _ => mixed += 1,
        }
    }
    assert!(own > 100 && mixed > 100, "{own} {mixed}");
    // Every pass reports the loss before the update.
    for (genome, samples) in genomes.iter().zip(samples) {
        let alone = several(&setup, std::slice::from_ref(genome), &PLAIN);
        assert_eq!(run(&alone, &setup, &mut before.clone()), [samples]);
    }
}

#[test]
fn the_order_of_the_passes_changes_nothing_beyond_rounding() {
    let setup = Setup::new(&[], [8, 8, 1], 8);
    let mut genomes: Vec<_> = genomes(&setup).into_iter().take(3).collect();
    let [mut one, mut other] = [setup.weights(4), setup.weights(4)];
    run(&several(&setup, &genomes, &SGD), &setup, &mut one);
    genomes.reverse();
    run(&several(&setup, &genomes, &SGD), &setup, &mut other);
    let pages = one.pages().values.iter().zip(&other.pages().values);
    for (a, b) in pages.flat_map(|(one, other)| one.iter().zip(other)) {
        assert!((a - b).abs() <= 1e-5 * (1.0 + a.abs()), "{a} {b}");
    }
}

#[test]
fn passes_of_one_child_are_a_larger_minibatch() {
    let setup = Setup::new(&[], [8, 8, 1], 8);
    let genome = setup.sample(&mut Random::new(5, RngStream::Test(1)));
    let [mut once, mut twice] = [setup.weights(4), setup.weights(4)];
    run(
        &several(&setup, std::slice::from_ref(&genome), &SGD),
        &setup,
        &mut once,
    );
    run(
        &several(&setup, &[genome.clone(), genome], &SGD),
        &setup,
        &mut twice,
    );
    // The same minibatch twice has the same mean gradient, and ½x + ½x is x exactly.
    assert_eq!(once.pages().values, twice.pages().values);
}
