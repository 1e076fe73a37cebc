//! Programs with frozen batch normalisation.

use super::*;

/// Runs the child of `genome` on a device with its batch normalisation frozen to the minibatch's
/// statistics: these statistics, and the cross-entropy of every sample.
fn frozen(
    setup: &Setup,
    genome: &[u32],
    weights: &Weights,
    device: &mut dyn Device,
) -> (Vec<Vec<f32>>, Vec<f64>) {
    let child = setup.supergraph.child(genome).unwrap();
    let calibrating = Program::calibrating(setup.context(), &child).unwrap();
    let statistics = device
        .compute(&calibrating, weights, setup.inputs())
        .unwrap();
    let params = (0..setup.layout.len() as u32).map(|p| weights.parameter(p));
    let tensors: Vec<&[f32]> = params.chain(statistics.iter().map(Vec::as_slice)).collect();
    let layout = Arc::new(Layout::frozen(tensors.iter().map(|tensor| ("", tensor.len()))).unwrap());
    let mut own = Weights::zeros(Arc::clone(&layout), 0);
    for (index, tensor) in (0..).zip(&tensors) {
        own.parameter_mut(index).copy_from_slice(tensor);
    }
    let inferring = Program::inferring(
        Context {
            layout: &layout,
            ..setup.context()
        },
        &child,
    )
    .unwrap();
    assert!(
        inferring
            .calls
            .iter()
            .all(|bound| !matches!(bound.call, Call::BatchNormStats { .. }))
    );
    assert!(inferring.calls.iter().all(|bound| {
        !bound
            .operands
            .iter()
            .any(|o| matches!(o, Operand::Targets { .. }))
    }));
    let logits = device
        .compute(&inferring, &own, setup.inputs())
        .unwrap()
        .swap_remove(0);
    let losses = logits.chunks(10).zip(&setup.labels).map(|(logits, label)| {
        let sum: f64 = logits.iter().map(|x| f64::from(*x).exp()).sum();
        sum.ln() - f64::from(logits[*label as usize])
    });
    (statistics, losses.collect())
}

#[test]
fn frozen_to_what_a_minibatch_shows_a_child_scores_as_it_does_in_a_search() {
    let macros = Setup::new(&["space.layers=4", "space.filters=4"], [6, 5, 2], 8);
    let image = [7, 5, 3];
    let odd = Setup::on(odd_space(image), &noise(image, 9), 9);
    let mut cpu = Cpu::new(2).unwrap();
    for (setup, genome) in genomes(&macros)
        .into_iter()
        .map(|genome| (&macros, genome))
        .chain([(&odd, vec![])])
    {
        let weights = setup.weights(3);
        let (statistics, losses) = frozen(setup, &genome, &weights, &mut cpu);
        let mut interpreter = Interpreter::new(setup, &weights);
        let child = setup.supergraph.child(&genome).unwrap();
        let calibrating = Program::calibrating(setup.context(), &child).unwrap();
        interpreter.run(&calibrating);
        assert_eq!(calibrating.outputs.len(), statistics.len());
        for (output, got) in calibrating.outputs.iter().zip(&statistics) {
            for (got, wanted) in got.iter().zip(interpreter.read(*output)) {
                assert!(
                    (f64::from(*got) - wanted).abs() <= 1e-4 * (1.0 + wanted.abs()),
                    "{got} for {wanted}"
                );
            }
        }
        interpreter.run(&setup.scoring(&genome));
        let wanted = interpreter.read(setup.scoring(&genome).outputs[0]);
        for (got, wanted) in losses.iter().zip(wanted) {
            assert!(
                (got - wanted).abs() <= 1e-4 * (1.0 + wanted),
                "{genome:?}: {got} for {wanted}"
            );
        }
    }
}

#[test]
fn what_is_computed_leaves_a_run_under_way_alone() {
    let setup = Setup::new(&[], [8, 8, 1], 8);
    let genome = setup.sample(&mut Random::new(2, RngStream::Test(1)));
    let (weights, mut alone, mut batched) =
        (setup.weights(4), Samples::default(), Samples::default());
    let mut cpu = Cpu::new(2).unwrap();
    cpu.score(&setup.scoring(&genome), &weights, setup.minibatch())
        .unwrap();
    cpu.samples(&mut alone).unwrap();
    cpu.score(&setup.scoring(&genome), &weights, setup.minibatch())
        .unwrap();
    frozen(&setup, &genome, &weights, &mut cpu);
    cpu.samples(&mut batched).unwrap();
    assert_eq!(alone, batched);
}
