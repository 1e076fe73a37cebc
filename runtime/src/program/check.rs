//! Programs held against a slow interpreter: every call by its f64 reference, gradients by finite differences.

use std::collections::BTreeMap;
use std::sync::Arc;

use supernet_enas as _;
use supernet_plugin::Supergraph;
use supernet_shaders::random::Random;
use supernet_shaders::{Call, Step, reference};

use super::{Context, Method, Operand, Optimizer, Program, Slot};
use crate::config::Config;
use crate::data::Dataset;
use crate::device::cpu::Cpu;
use crate::device::{Device, Minibatch, Samples};
use crate::space;
use crate::weights::{Layout, Weights};

const STEP: Step = Step { rate: 0.1, number: 3, seed: 5 };
const SGD: Optimizer = Optimizer { method: Method::Sgd { momentum: 0.9 }, l2: 1e-3, clip: 5.0, everywhere: false };

struct Setup {
    supergraph: Supergraph,
    layout: Arc<Layout>,
    image: [u32; 3],
    batch: u32,
    images: Vec<f32>,
    labels: Vec<u32>,
}

impl Setup {
    fn new(settings: &[&str], image: [u32; 3], batch: u32) -> Self {
        let mut random = Random::new(11, 0);
        let images: Vec<f32> = (0..batch * image.iter().product::<u32>()).map(|_| random.normal()).collect();
        let labels: Vec<u32> = (0..batch).map(|_| random.below(10)).collect();
        let data = Dataset::new("random", image, 10, images.clone(), labels.clone()).unwrap();
        let mut config = Config::read("", settings).unwrap();
        let supergraph = space::build(&mut config, &data.facts()).unwrap();
        let layout = Arc::new(Layout::new(&supergraph).unwrap());
        Self { supergraph, layout, image, batch, images, labels }
    }

    fn context(&self) -> Context<'_> {
        Context { supergraph: &self.supergraph, layout: &self.layout, image: self.image, batch: self.batch }
    }

    fn training(&self, genome: &[u32], optimizer: &Optimizer) -> Program {
        Program::training(self.context(), &self.supergraph.child(genome).unwrap(), optimizer).unwrap()
    }

    fn scoring(&self, genome: &[u32]) -> Program {
        Program::scoring(self.context(), &self.supergraph.child(genome).unwrap()).unwrap()
    }

    fn weights(&self, seed: u64) -> Weights {
        let mut weights = Weights::new(&self.supergraph, Arc::clone(&self.layout), 1, seed);
        // Betas start at zero and gammas at one: moved a little, so that no gradient is zero by symmetry.
        let mut random = Random::new(seed, 99);
        weights.values.iter_mut().flatten().for_each(|x| *x += 0.1 * random.normal());
        weights
    }

    fn sample(&self, random: &mut Random) -> Vec<u32> {
        self.supergraph.sample(&mut |weights| random.weighted(weights)).unwrap()
    }

    fn minibatch(&self) -> Minibatch<'_> {
        Minibatch { images: &self.images, labels: &self.labels }
    }
}

/// Runs calls in f64, values in their planned slots.
struct Interpreter<'a> {
    setup: &'a Setup,
    weights: Vec<Vec<f64>>,
    gradients: BTreeMap<u32, Vec<f64>>,
    slots: BTreeMap<(u32, u32), Vec<f64>>,
}

impl<'a> Interpreter<'a> {
    fn new(setup: &'a Setup, weights: &Weights) -> Self {
        let weights = (0..setup.layout.len() as u32)
            .map(|p| weights.parameter(p).iter().map(|x| f64::from(*x)).collect())
            .collect();
        Self { setup, weights, gradients: BTreeMap::new(), slots: BTreeMap::new() }
    }

    /// Every call but the update; the mean loss.
    fn run(&mut self, program: &Program) -> f64 {
        for bound in &program.calls {
            if matches!(bound.call, Call::NormPartials { .. } | Call::ClipFactor { .. } | Call::Sgd { .. }) {
                continue;
            }
            let reads: Vec<Vec<f64>> = bound.reads().iter().map(|operand| self.read(*operand)).collect();
            let reads: Vec<&[f64]> = reads.iter().map(Vec::as_slice).collect();
            let written = reference::run(&bound.call, &STEP, &reads, &[]);
            for (operand, value) in bound.writes().iter().zip(written) {
                match *operand {
                    Operand::Value { slot: Slot { class, index }, .. } => {
                        self.slots.insert((class, index), value.value);
                    }
                    Operand::Gradient(parameter) => {
                        self.gradients.insert(parameter, value.value);
                    }
                    other => panic!("{:?} writes {other:?}", bound.call),
                }
            }
        }
        let losses = self.read(program.loss);
        losses.iter().sum::<f64>() / losses.len() as f64
    }

    fn read(&self, operand: Operand) -> Vec<f64> {
        match operand {
            Operand::Value { slot, len } => self.slots[&(slot.class, slot.index)][..len as usize].to_vec(),
            Operand::Images => self.setup.images.iter().map(|x| f64::from(*x)).collect(),
            Operand::Labels => self.setup.labels.iter().map(|x| f64::from(*x)).collect(),
            Operand::Weight(parameter) => self.weights[parameter as usize].clone(),
            Operand::Gradient(parameter) => self.gradients[&parameter].clone(),
            other => panic!("a forward or backward call reads {other:?}"),
        }
    }
}

/// Genomes with every op, no skips, all skips, and random ones.
fn genomes(setup: &Setup) -> Vec<Vec<u32>> {
    let mut random = Random::new(3, 0);
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

#[test]
fn gradients_of_whole_children_agree_with_finite_differences() {
    let setup = Setup::new(&["space.layers=4", "space.filters=4"], [6, 5, 2], 3);
    let weights = setup.weights(1);
    let mut random = Random::new(8, 0);
    for genome in genomes(&setup) {
        let program = setup.training(&genome, &SGD);
        let mut analytic = Interpreter::new(&setup, &weights);
        analytic.run(&program);
        let touched: Vec<u32> = analytic.gradients.keys().copied().collect();
        for _ in 0..40 {
            let parameter = touched[random.below(touched.len() as u32) as usize];
            let at = random.below(analytic.weights[parameter as usize].len() as u32) as usize;
            let loss = |by: f64| {
                let mut moved = Interpreter::new(&setup, &weights);
                moved.weights[parameter as usize][at] += by;
                moved.run(&program)
            };
            let h = 1e-6;
            let wanted = (loss(h) - loss(-h)) / (2.0 * h);
            let got = analytic.gradients[&parameter][at];
            assert!(
                (got - wanted).abs() <= 1e-6 * (1.0 + wanted.abs()),
                "{genome:?} {}[{at}]: {got} for {wanted}",
                setup.supergraph.param(parameter).id
            );
        }
    }
}

#[test]
fn the_cpu_device_agrees_with_the_interpreter() {
    let setup = Setup::new(&["space.layers=6", "space.filters=16"], [8, 8, 1], 16);
    let mut cpu = Cpu::new(2).unwrap();
    for genome in genomes(&setup) {
        let program = setup.training(&genome, &SGD);
        let mut weights = setup.weights(2);
        let mut interpreter = Interpreter::new(&setup, &weights);
        let loss = interpreter.run(&program);
        let mut samples = Samples::default();
        cpu.train(&program, &mut weights, setup.minibatch(), &STEP, &mut samples).unwrap();
        let got = samples.loss.iter().map(|x| f64::from(*x)).sum::<f64>() / samples.loss.len() as f64;
        assert!((got - loss).abs() < 1e-4 * loss, "{got} for {loss}");
        // Rounding accumulates over a chain of normalised layers; a wrong rule is wrong by its whole size.
        let size = |p: &[f64]| p.iter().map(|x| x * x).sum::<f64>().sqrt();
        let total = interpreter.gradients.values().map(|g| size(g).powi(2)).sum::<f64>().sqrt();
        for (parameter, wanted) in &interpreter.gradients {
            let off: Vec<f64> =
                weights.gradient(*parameter).iter().zip(wanted).map(|(a, b)| f64::from(*a) - b).collect();
            let id = &setup.supergraph.param(*parameter).id;
            assert!(
                size(&off) <= 1e-3 * size(wanted) + 1e-4 * total,
                "{id}: off by {} of {}",
                size(&off),
                size(wanted)
            );
        }
    }
}

#[test]
fn a_step_changes_exactly_the_blocks_that_its_path_touches() {
    let setup = Setup::new(&[], [8, 8, 1], 8);
    let mut cpu = Cpu::new(1).unwrap();
    for genome in genomes(&setup) {
        let program = setup.training(&genome, &SGD);
        let before = setup.weights(4);
        let mut after = before.clone();
        let mut samples = Samples::default();
        cpu.train(&program, &mut after, setup.minibatch(), &STEP, &mut samples).unwrap();
        for (page, bits) in program.touched.iter().enumerate() {
            let blocks = before.values[page].chunks(64).zip(after.values[page].chunks(64));
            for (block, (old, new)) in blocks.enumerate() {
                let touched = bits[block / 32] >> (block % 32) & 1 == 1;
                assert!(touched || old == new, "block {block} of page {page} moved, {genome:?}");
                // A shift that the next normalisation takes away again has no gradient but rounding.
                let still = after.gradients[page][64 * block..].iter().take(64).all(|g| g.abs() < 1e-6);
                assert!(!touched || old != new || still, "block {block} of page {page} did not move, {genome:?}");
            }
        }
    }
}

#[test]
fn weights_elsewhere_move_only_if_asked_to() {
    let setup = Setup::new(&[], [8, 8, 1], 8);
    let genome = setup.sample(&mut Random::new(1, 1));
    let program = setup.training(&genome, &Optimizer { everywhere: true, ..SGD });
    let mut weights = setup.weights(4);
    let before = weights.clone();
    let mut samples = Samples::default();
    Cpu::new(1).unwrap().train(&program, &mut weights, setup.minibatch(), &STEP, &mut samples).unwrap();
    let untouched: Vec<u32> = (0..setup.layout.len() as u32)
        .filter(|p| {
            let bits = setup.layout.blocks_of([*p].into_iter());
            program.touched.iter().zip(&bits).all(|(a, b)| a.iter().zip(b).all(|(a, b)| a & b == 0))
        })
        .collect();
    let mut moved = 0;
    for parameter in untouched {
        let (old, new) = (before.parameter(parameter), weights.parameter(parameter));
        if setup.supergraph.param(parameter).decay {
            assert!(old.iter().zip(new).all(|(a, b)| (b - a * (1.0 - 0.1 * 1e-3 * 1.9)).abs() < 1e-6));
            moved += 1;
        } else {
            assert_eq!(old, new);
        }
    }
    assert!(moved > 0);
}

#[test]
fn scoring_leaves_the_weights_alone_and_reads_no_dropout() {
    let setup = Setup::new(&[], [8, 8, 1], 8);
    let genome = setup.sample(&mut Random::new(2, 1));
    let program = setup.scoring(&genome);
    assert!(program.calls.iter().all(|bound| !matches!(bound.call, Call::Dropout { .. })));
    assert!(setup.training(&genome, &SGD).calls.iter().any(|bound| matches!(bound.call, Call::Dropout { .. })));
    let (weights, mut once, mut twice) = (setup.weights(4), Samples::default(), Samples::default());
    let mut cpu = Cpu::new(2).unwrap();
    cpu.score(&program, &weights, setup.minibatch(), &mut once).unwrap();
    cpu.score(&program, &weights, setup.minibatch(), &mut twice).unwrap();
    assert_eq!(once, twice);
    assert_eq!(once.loss.len(), 8);
}

#[test]
fn values_that_live_at_once_never_share_a_slot() {
    let setup = Setup::new(&[], [8, 8, 1], 4);
    for genome in genomes(&setup) {
        let program = setup.training(&genome, &SGD);
        // Each slot's last writer must be the value's own: the interpreter keeps values by slot, so a slot that was
        // given away too early shows as another loss.
        let spread = spread(&program);
        let weights = setup.weights(6);
        let planned = Interpreter::new(&setup, &weights).run(&program);
        let apart = Interpreter::new(&setup, &weights).run(&spread);
        assert_eq!(planned, apart);
        assert!(program.planned_bytes() < spread.planned_bytes());
    }
}

/// The same program with a slot of its own for everything that is ever written.
fn spread(program: &Program) -> Program {
    let mut spread = program.clone();
    let mut now: BTreeMap<(u32, u32), Slot> = BTreeMap::new();
    let mut slots = vec![0; program.slots.len()];
    let follow = |operand: &mut Operand, now: &BTreeMap<(u32, u32), Slot>| {
        if let Operand::Value { slot, .. } = operand {
            *slot = now[&(slot.class, slot.index)];
        }
    };
    for bound in &mut spread.calls {
        let reads = bound.reads as usize;
        bound.operands[..reads].iter_mut().for_each(|operand| follow(operand, &now));
        for operand in &mut bound.operands[reads..] {
            if let Operand::Value { slot, .. } = operand {
                let fresh = Slot { class: slot.class, index: slots[slot.class as usize] };
                slots[slot.class as usize] += 1;
                now.insert((slot.class, slot.index), fresh);
                *slot = fresh;
            }
        }
    }
    follow(&mut spread.loss, &now);
    follow(&mut spread.right, &now);
    spread.slots = slots;
    spread
}
