//! Programs compared with a slow interpreter: every call with its f64 reference, gradients with
//! finite differences.

mod frozen;
mod layers;
mod passes;
mod mixtures;
mod published;
mod recurrent;
mod updates;

use std::sync::Arc;

use supernet_enas as _;
use supernet_shaders::random::{Random, RngStream};
use supernet_shaders::{Call, Step};

use super::interpreter::Interpreter;
use super::setup::{SGD, STEP, Setup, build_space, noise, odd_space};
use super::{
    Context, CustomOps, Input, Method, MixtureLayout, Operand, Optimizer, Penalties, Program,
    Purpose, Start, differentiate, fuse, lower,
};
use crate::device::cpu::Cpu;
use crate::device::{Device, Samples};
use crate::weights::{Layout, Weights};

/// Genomes with every op, no skips, all skips, and random ones.
fn genomes(setup: &Setup) -> Vec<Vec<u32>> {
    let mut random = Random::new(3, RngStream::Test(0));
    let decisions = &setup.supergraph.space().decisions;
    let mut genomes: Vec<Vec<u32>> = (0..6).map(|_| setup.sample(&mut random)).collect();
    for skip in 0..2 {
        let mut op = 0;
        genomes.push(
            (0..decisions.len())
                .map(|d| {
                    if setup.supergraph.choices(d) == 2 {
                        skip
                    } else {
                        op = (op + 1) % setup.supergraph.choices(d);
                        op
                    }
                })
                .collect(),
        );
    }
    genomes
}

fn hold_gradients_against_finite_differences(setup: &Setup, genome: &[u32]) {
    let weights = setup.weights(1);
    let mut random = Random::new(8, RngStream::Test(0));
    let program = setup.training(genome, &SGD);
    let mut analytic = Interpreter::new(setup, &weights);
    analytic.run(&program);
    let touched: Vec<u32> = analytic.gradients.keys().copied().collect();
    for at in 0..40 + touched.len() {
        // Every parameter once, then some again.
        let parameter = touched[at % touched.len()];
        let at = random.below(analytic.weights[parameter as usize].len() as u32) as usize;
        let loss = |by: f64| {
            let mut moved = Interpreter::new(setup, &weights);
            moved.weights[parameter as usize][at] += by;
            moved.run(&program);
            moved.objective
        };
        let h = 1e-6;
        let wanted = (loss(h) - loss(-h)) / (2.0 * h);
        let got = analytic.gradients[&parameter][at];
        let id = &setup.supergraph.param(parameter).id;
        assert!(
            (got - wanted).abs() <= 1e-6 * (1.0 + wanted.abs()),
            "{genome:?} {id}[{at}]: {got} for {wanted}"
        );
    }
}

#[test]
fn gradients_of_whole_children_agree_with_finite_differences() {
    let setup = Setup::new(&["space.layers=4", "space.filters=4"], [6, 5, 2], 3);
    for genome in genomes(&setup) {
        hold_gradients_against_finite_differences(&setup, &genome);
    }
    let image = [5, 4, 3];
    let odd = Setup::on(odd_space(image), &noise(image, 4), 4);
    hold_gradients_against_finite_differences(&odd, &[]);
    let gradients = {
        let mut interpreter = Interpreter::new(&odd, &odd.weights(1));
        interpreter.run(&odd.training(&[], &SGD));
        interpreter.gradients
    };
    assert_eq!(
        gradients.len(),
        odd.layout.len(),
        "every parameter of the odd space has a gradient"
    );
}

fn hold_the_cpu_against_the_interpreter(setup: &Setup, genome: &[u32], cpu: &mut Cpu) {
    let program = setup.training(genome, &SGD);
    let mut weights = setup.weights(2);
    let mut interpreter = Interpreter::new(setup, &weights);
    let loss = interpreter.run(&program);
    let mut samples = Samples::default();
    cpu.train(&program, &mut weights, setup.minibatch(), &STEP)
        .unwrap();
    cpu.samples(&mut samples).unwrap();
    let got = samples.loss.iter().map(|x| f64::from(*x)).sum::<f64>() / samples.loss.len() as f64;
    assert!((got - loss).abs() < 1e-4 * loss, "{got} for {loss}");
    // Rounding errors accumulate over a chain of normalised layers; a wrong rule is off by its
    // whole magnitude.
    let size = |p: &[f64]| p.iter().map(|x| x * x).sum::<f64>().sqrt();
    let total = interpreter
        .gradients
        .values()
        .map(|g| size(g).powi(2))
        .sum::<f64>()
        .sqrt();
    for (parameter, wanted) in &interpreter.gradients {
        let off: Vec<f64> = weights
            .gradient(*parameter)
            .iter()
            .zip(wanted)
            .map(|(a, b)| f64::from(*a) - b)
            .collect();
        let id = &setup.supergraph.param(*parameter).id;
        assert!(
            size(&off) <= 1e-3 * size(wanted) + 1e-4 * total,
            "{id}: off by {} of {}",
            size(&off),
            size(wanted)
        );
    }
}

#[test]
fn the_cpu_device_agrees_with_the_interpreter() {
    let mut cpu = Cpu::new(2).unwrap();
    let setup = Setup::new(&["space.layers=6", "space.filters=16"], [8, 8, 1], 16);
    for genome in genomes(&setup) {
        hold_the_cpu_against_the_interpreter(&setup, &genome, &mut cpu);
    }
    let image = [7, 5, 3];
    let odd = Setup::on(odd_space(image), &noise(image, 9), 9);
    hold_the_cpu_against_the_interpreter(&odd, &[], &mut cpu);
}

#[test]
fn a_smoothed_loss_comes_with_its_gradient_and_scores_stay_plain() {
    let setup = Setup::new(&["space.layers=2", "space.filters=4"], [8, 8, 1], 4);
    let genome = setup.sample(&mut Random::new(1, RngStream::Test(0)));
    let smoothings = |program: &Program| -> Vec<f32> {
        let smoothing = |call: &Call| match call {
            Call::CrossEntropy { smoothing, .. } | Call::CrossEntropyGrad { smoothing, .. } => {
                Some(*smoothing)
            }
            _ => None,
        };
        program
            .calls
            .iter()
            .filter_map(|bound| smoothing(&bound.call))
            .collect()
    };
    assert_eq!(
        smoothings(&setup.training(
            &genome,
            &Optimizer {
                smoothing: 0.1,
                ..SGD
            }
        )),
        [0.1, 0.1]
    );
    assert_eq!(smoothings(&setup.training(&genome, &SGD)), [0.0, 0.0]);
    assert_eq!(smoothings(&setup.scoring(&genome)), [0.0]);
}

#[test]
fn scoring_leaves_the_weights_alone_and_reads_no_dropout() {
    let setup = Setup::new(&[], [8, 8, 1], 8);
    let genome = setup.sample(&mut Random::new(2, RngStream::Test(1)));
    let program = setup.scoring(&genome);
    assert!(
        program
            .calls
            .iter()
            .all(|bound| !matches!(bound.call, Call::Dropout { .. }))
    );
    assert!(
        setup
            .training(&genome, &SGD)
            .calls
            .iter()
            .any(|bound| matches!(bound.call, Call::Dropout { .. }))
    );
    let (weights, mut once, mut twice) = (setup.weights(4), Samples::default(), Samples::default());
    let mut cpu = Cpu::new(2).unwrap();
    cpu.score(&program, &weights, setup.minibatch()).unwrap();
    cpu.samples(&mut once).unwrap();
    cpu.score(&program, &weights, setup.minibatch()).unwrap();
    cpu.samples(&mut twice).unwrap();
    assert_eq!(once, twice);
    assert_eq!(once.loss.len(), 8);
}

#[test]
fn what_serves_training_alone_is_in_no_other_program() {
    let image = [5, 4, 3];
    let odd = Setup::on(odd_space(image), &noise(image, 4), 4);
    let serves_training =
        |call: &Call| matches!(call, Call::DropPath { .. } | Call::Dropout { .. });
    let losses = |program: &Program| {
        program
            .calls
            .iter()
            .filter(|bound| matches!(bound.call, Call::CrossEntropy { .. }))
            .count()
    };
    let training = odd.training(&[], &SGD);
    assert_eq!((losses(&training), training.outputs.len()), (2, 2));
    assert!(
        training
            .calls
            .iter()
            .any(|bound| matches!(bound.call, Call::DropPath { .. }))
    );
    let plain = odd.training(
        &[],
        &Optimizer {
            drop_path: false,
            auxiliary: 0.0,
            ..SGD
        },
    );
    assert!(
        !plain
            .calls
            .iter()
            .any(|bound| matches!(bound.call, Call::DropPath { .. }))
    );
    let (child, context) = (odd.supergraph.child(&[]).unwrap(), odd.context());
    let used = [
        Program::training(
            context,
            &child,
            &Optimizer {
                drop_path: false,
                ..SGD
            },
        ),
        Program::scoring(context, &child),
    ];
    for program in used {
        assert_eq!(losses(&program.unwrap()), 1);
    }
    for program in [
        Program::scoring(context, &child),
        Program::calibrating(context, &child),
        Program::inferring(context, &child),
    ] {
        assert!(
            !program
                .unwrap()
                .calls
                .iter()
                .any(|bound| serves_training(&bound.call))
        );
    }
}

#[test]
fn planned_memory_holds_every_value_until_it_was_read() {
    let image = [5, 4, 3];
    let odd = Setup::on(odd_space(image), &noise(image, 4), 4);
    let macros = Setup::new(&[], [8, 8, 1], 4);
    for (setup, genome) in genomes(&macros)
        .into_iter()
        .map(|genome| (&macros, genome))
        .chain([(&odd, vec![])])
    {
        let child = setup.supergraph.child(&genome).unwrap();
        let mut tape =
            lower::forward(setup.context(), &child, Purpose::Train { drop_path: true }).unwrap();
        fuse::all(&mut tape);
        differentiate::backward(&mut tape, SGD.auxiliary);
        // Without a plan every value has its own slot, its number; the interpreter accepts any
        // slots.
        let (calls, outputs, images, labels) = (
            tape.calls.clone(),
            tape.outputs.clone(),
            tape.inputs,
            tape.targets,
        );
        let (slots, touched) = (Vec::new(), Vec::new());
        let apart = Program {
            calls,
            slots,
            batch: setup.batch,
            inputs: images,
            targets: labels,
            outputs,
            states: Vec::new(),
            touched,
            shares: Vec::new(),
            mixture: tape.mixture.clone(),
        };
        let values: u64 = tape.values.iter().map(|len| 4 * u64::from(*len)).sum();
        let planned = tape.finish(Vec::new());
        let weights = setup.weights(6);
        let run = |program: &Program| {
            let mut interpreter = Interpreter::new(setup, &weights);
            (interpreter.run(program), interpreter.gradients)
        };
        assert_eq!(run(&planned), run(&apart), "{genome:?}");
        let mut plan = super::MemoryPlan::default();
        plan.add(&planned);
        assert!(plan.bytes() < values, "{} of {values}", plan.bytes());
    }
}

#[test]
fn what_does_not_fit_is_refused_in_words() {
    let setup = Setup::new(&["space.filters=1024"], [8, 8, 1], 1);
    let child = setup
        .supergraph
        .child(&setup.sample(&mut Random::new(1, RngStream::Test(1))))
        .unwrap();
    let context = Context {
        batch: 1 << 16,
        ..setup.context()
    };
    let said = Program::scoring(context, &child).unwrap_err().to_string();
    assert!(
        said.contains("4294967296 numbers in a batch of 65536"),
        "{said}"
    );
    let context = Context {
        input: Input::Image([8, 8, 3]),
        ..setup.context()
    };
    let said = Program::scoring(context, &child).unwrap_err().to_string();
    assert!(
        said.contains("wants an input of shape [8, 8, 1], but the images have [8, 8, 3]"),
        "{said}"
    );
}
