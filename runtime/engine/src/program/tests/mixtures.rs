//! Networks in which nodes weigh their inputs.

#[cfg(feature = "gpu")]
mod gpu;

use supernet_plugin::{Init, Path, Pick, Relaxed, Space, Supergraph, Tensor, When};

use super::*;
use crate::device::{DeviceError, Minibatch};
use crate::program::MixtureError;

const IMAGE: [u32; 3] = [5, 4, 3];

/// The choices of a cell.
fn branches(x: Tensor<'_>) -> [Tensor<'_>; 8] {
    [
        x.conv(1, 4),
        x.relu().conv(3, 4),
        x.depthwise(3).norm_plain(),
        x.avg_pool(3),
        x.max_pool(3),
        x,
        x.zero(1),
        x.relu(),
    ]
}

/// Two cells that share a decision of more choices than one call takes, a choice before any weight
/// is read, conditional sums and means over two flags.
fn mixed_space() -> Supergraph {
    let s = Space::new("mixed");
    let pre = s.op("pre", &["pool", "none"]);
    let ops = ["c1", "c3", "dw", "avg", "max", "skip", "none", "relu"];
    let (wide, narrow) = (s.op("wide", &ops), s.op("narrow", &["one", "both"]));
    let (on, too) = (s.flag("on"), s.flag("too"));
    let image = s.input("image", &IMAGE);
    let x = s.choose(pre, &[image.max_pool(3), image]);
    let x = x
        .conv2d(supernet_plugin::Conv::new(3).bias(), 4)
        .norm_plain();
    let a = s.choose(wide, &branches(x));
    let b = s.choose(wide, &branches(a));
    let c = s.choose(narrow, &[b.relu(), s.sum(&[a, b])]);
    let d = s.sum_when([
        (c, When::ALWAYS),
        (a.conv(1, 4), on.on()),
        (b, on.on().and(too.on())),
    ]);
    let neither = When::none([on.on(), too.on()]);
    let e = s.mean_when([(d, When::ALWAYS), (x, too.on()), (c.conv(1, 4), neither)]);
    let last = s.weights("last", &[4, 10], Init::Normal { std: 0.5 });
    s.output(e.global_avg_pool().linear_by(last));
    Supergraph::new(s.finish().unwrap()).unwrap()
}

fn setup(batch: u32) -> Setup {
    Setup::on(mixed_space(), &noise(IMAGE, batch), batch)
}

/// All choices of every decision, with random weights that sum to 1 in each slice.
fn everything(graph: &Supergraph, seed: u64, rows: u32) -> Path {
    let mut random = Random::new(seed, RngStream::Test(5));
    let pick = |d: usize| {
        let count = graph.choices(d);
        let mut weights: Vec<f32> = (0..count * rows).map(|_| 0.1 + random.unit()).collect();
        for row in weights.chunks_mut(count as usize) {
            let sum: f32 = row.iter().sum();
            row.iter_mut().for_each(|weight| *weight /= sum);
        }
        Pick::Mix {
            choices: (0..count).collect(),
            weights,
            rows,
            gradient: true,
        }
    };
    Path {
        picks: (0..graph.genome_len()).map(pick).collect(),
        at: vec![],
    }
}

/// All choices, of which those of a genome have the weight 1 and all others 0.
fn one_hot(graph: &Supergraph, genome: &[u32]) -> Path {
    let pick = |(d, &chosen): (usize, &u32)| {
        let choices: Vec<u32> = (0..graph.choices(d)).collect();
        let weights = choices
            .iter()
            .map(|choice| f32::from(u8::from(*choice == chosen)))
            .collect();
        Pick::Mix {
            choices,
            weights,
            rows: 1,
            gradient: true,
        }
    };
    Path {
        picks: genome.iter().enumerate().map(pick).collect(),
        at: vec![],
    }
}

/// An interpreter with the weights of a network's mixtures.
fn interpreter<'a>(
    setup: &'a Setup,
    weights: &Weights,
    program: &Program,
    relaxed: &Relaxed,
) -> Interpreter<'a> {
    let mut interpreter = Interpreter::new(setup, weights);
    let mixture = program.mixture.weights(relaxed).unwrap();
    interpreter.mixture = mixture.into_iter().map(f64::from).collect();
    interpreter
}

/// The indices of all weights of a program's mixtures.
fn indices(program: &Program) -> Vec<usize> {
    let layout = &program.mixture;
    let of_node = |at: usize| {
        let inputs = layout.nodes()[at].inputs.len() as u32;
        (0..layout.rows()).flat_map(move |row| {
            (0..inputs).map(move |input| layout.index(at, row, input).unwrap())
        })
    };
    (0..layout.nodes().len()).flat_map(of_node).collect()
}

pub(super) fn hold_mixtures_against_finite_differences(
    setup: &Setup,
    program: &Program,
    relaxed: &Relaxed,
) {
    let weights = setup.weights(1);
    let mut analytic = interpreter(setup, &weights, program, relaxed);
    analytic.run(program);
    let gradient = analytic.read(program.outputs[2]);
    assert_eq!(gradient.len(), program.mixture.len());
    let mut some = 0;
    for at in indices(program) {
        let loss = |by: f64| {
            let mut moved = interpreter(setup, &weights, program, relaxed);
            moved.mixture[at] += by;
            moved.run(program)
        };
        let h = 1e-6;
        let wanted = (loss(h) - loss(-h)) / (2.0 * h);
        let got = gradient[at];
        assert!(
            (got - wanted).abs() <= 1e-6 * (1.0 + wanted.abs()),
            "weight {at}: {got} for {wanted}"
        );
        some += usize::from(got.abs() > 1e-4);
    }
    assert!(some > indices(program).len() / 2, "{some}");
}

#[test]
fn gradients_of_mixtures_agree_with_finite_differences() {
    for rows in [1, 2] {
        let setup = setup(4);
        let relaxed = setup
            .supergraph
            .relaxed(&everything(&setup.supergraph, 1, rows))
            .unwrap();
        let training = Program::mixed(setup.context(), &relaxed, &SGD).unwrap();
        hold_mixtures_against_finite_differences(&setup, &training, &relaxed);
        let scoring = Program::path_gradient(setup.context(), &relaxed).unwrap();
        hold_mixtures_against_finite_differences(&setup, &scoring, &relaxed);
    }
}

#[test]
fn gradients_through_mixtures_agree_with_finite_differences() {
    let setup = setup(4);
    let relaxed = setup
        .supergraph
        .relaxed(&everything(&setup.supergraph, 2, 2))
        .unwrap();
    let program = Program::mixed(setup.context(), &relaxed, &SGD).unwrap();
    let weights = setup.weights(1);
    let mut analytic = interpreter(&setup, &weights, &program, &relaxed);
    analytic.run(&program);
    assert_eq!(analytic.gradients.len(), setup.layout.len());
    let mut random = Random::new(8, RngStream::Test(0));
    for (&parameter, gradient) in &analytic.gradients {
        for _ in 0..3 {
            let at = random.below(gradient.len() as u32) as usize;
            let loss = |by: f64| {
                let mut moved = interpreter(&setup, &weights, &program, &relaxed);
                moved.weights[parameter as usize][at] += by;
                moved.run(&program)
            };
            let h = 1e-6;
            let (got, wanted) = (gradient[at], (loss(h) - loss(-h)) / (2.0 * h));
            let id = &setup.supergraph.param(parameter).id;
            assert!(
                (got - wanted).abs() <= 1e-6 * (1.0 + wanted.abs()),
                "{id}[{at}]: {got} for {wanted}"
            );
        }
    }
}

/// Runs a program on the CPU: its samples, and the weights afterwards.
fn run(setup: &Setup, program: &Program, relaxed: &Relaxed) -> (Samples, Weights) {
    let mut cpu = Cpu::new(2).unwrap();
    let (mut weights, mut samples) = (setup.weights(3), Samples::default());
    let mixture = program.mixture.weights(relaxed).unwrap();
    let minibatch = Minibatch {
        mixture: &mixture,
        ..setup.minibatch()
    };
    match program.updates() {
        true => cpu.train(program, &mut weights, minibatch, &STEP).unwrap(),
        false => cpu.score(program, &weights, minibatch).unwrap(),
    }
    cpu.samples(&mut samples).unwrap();
    (samples, weights)
}

#[test]
fn the_cpu_device_agrees_with_the_interpreter_on_mixtures() {
    let setup = setup(12);
    for rows in [1, 3] {
        let path = everything(&setup.supergraph, 3, rows);
        let relaxed = setup.supergraph.relaxed(&path).unwrap();
        let program = Program::mixed(setup.context(), &relaxed, &SGD).unwrap();
        let mut wanted = interpreter(&setup, &setup.weights(3), &program, &relaxed);
        let loss = wanted.run(&program);
        let (samples, weights) = run(&setup, &program, &relaxed);
        let got = samples.loss.iter().map(|x| f64::from(*x)).sum::<f64>() / 12.0;
        assert!((got - loss).abs() < 1e-4 * loss, "{got} for {loss}");
        let gradient = wanted.read(program.outputs[2]);
        let size = |x: &mut dyn Iterator<Item = f64>| x.map(|x| x * x).sum::<f64>().sqrt();
        let off = |got: &[f32], wanted: &[f64]| {
            size(&mut got.iter().zip(wanted).map(|(a, b)| f64::from(*a) - b))
                <= 1e-3 * size(&mut wanted.iter().copied()) + 1e-4
        };
        assert!(off(&samples.mixture, &gradient));
        for (parameter, wanted) in &wanted.gradients {
            assert!(off(weights.gradient(*parameter), wanted));
        }
        // A pass for the path alone gives the same numbers, in fewer calls.
        let alone = Program::path_gradient(setup.context(), &relaxed).unwrap();
        let (path_only, _) = run(&setup, &alone, &relaxed);
        assert_eq!(path_only, samples);
        assert!(alone.calls.len() < program.calls.len());
        // Scoring gives the same loss.
        let scoring = Program::mixed_scoring(setup.context(), &relaxed).unwrap();
        let (scores, _) = run(&setup, &scoring, &relaxed);
        assert_eq!((&scores.loss, scores.mixture.len()), (&samples.loss, 0));
    }
}

#[test]
fn a_pass_for_the_path_writes_no_weights_and_no_gradients_of_weights() {
    let setup = setup(4);
    let path = everything(&setup.supergraph, 1, 1);
    let relaxed = setup.supergraph.relaxed(&path).unwrap();
    let program = Program::path_gradient(setup.context(), &relaxed).unwrap();
    assert!(!program.updates());
    for bound in &program.calls {
        let values = |operand: &Operand| matches!(operand, Operand::Value { .. });
        assert!(bound.writes().iter().all(values), "{bound:?}");
        assert!(!matches!(
            bound.call,
            Call::Conv2dGradWeight(_) | Call::DepthwiseGradWeight(_) | Call::BiasGrad(_)
        ));
    }
}

#[test]
fn a_one_hot_mixture_is_the_child() {
    let setup = setup(8);
    let graph = &setup.supergraph;
    let mut random = Random::new(9, RngStream::Test(0));
    let mut genomes: Vec<Vec<u32>> = (0..8).map(|_| setup.sample(&mut random)).collect();
    // A child in which no choice is an input that something else reads too: then even the order
    // of the sums in the backward pass is the same.
    genomes.push(vec![0, 1, 0, 0, 0]);
    for (at, genome) in genomes.iter().enumerate() {
        let child = setup.training(genome, &SGD);
        let nothing = graph.relaxed(&Path::of(genome)).unwrap();
        let (wanted, updated) = run(&setup, &child, &nothing);
        let relaxed = graph.relaxed(&one_hot(graph, genome)).unwrap();
        let program = Program::mixed(setup.context(), &relaxed, &SGD).unwrap();
        let (got, all) = run(&setup, &program, &relaxed);
        assert_eq!((&got.loss, &got.correct), (&wanted.loss, &wanted.correct));
        let relaxed = relaxed.zeros_forward_only();
        let program = Program::mixed(setup.context(), &relaxed, &SGD).unwrap();
        let (forward_only, weights) = run(&setup, &program, &relaxed);
        assert_eq!(forward_only.loss, wanted.loss);
        // The gradient of the mixtures does not depend on what flows back through zeros.
        let close = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5);
        assert!(close(&got.mixture, &forward_only.mixture));
        assert_eq!(program.touched, child.touched, "{genome:?}");
        let numbers = |weights: &Weights| weights.pages().values.concat();
        assert!(close(&numbers(&weights), &numbers(&updated)));
        if at + 1 == genomes.len() {
            assert_eq!(numbers(&weights), numbers(&updated));
        }
        // Branches of weight zero that are not forward only decay.
        assert_ne!(numbers(&all), numbers(&updated));
    }
}

#[test]
fn the_gradient_reaches_the_decisions() {
    let setup = setup(4);
    let graph = &setup.supergraph;
    let path = everything(graph, 4, 2);
    let relaxed = graph.relaxed(&path).unwrap();
    let program = Program::path_gradient(setup.context(), &relaxed).unwrap();
    let weights = setup.weights(1);
    let loss = |path: &Path| {
        let relaxed = graph.relaxed(path).unwrap();
        let mut moved = interpreter(&setup, &weights, &program, &relaxed);
        let loss = moved.run(&program);
        (loss, moved.read(program.outputs[2]))
    };
    let computed: Vec<f32> = loss(&path).1.iter().map(|x| *x as f32).collect();
    let of_factors = program.mixture.gradient(&computed);
    let gradient = graph.pull_back(&path, &relaxed, &of_factors).unwrap();
    let mut some = 0;
    for (d, gradient) in gradient.picks.iter().enumerate() {
        for (i, got) in gradient.iter().enumerate() {
            let moved = |by: f32| {
                let mut path = path.clone();
                if let Pick::Mix { weights, .. } = &mut path.picks[d] {
                    weights[i] += by;
                }
                loss(&path).0
            };
            // Weights are f32, so the step is large; two steps cancel the error of its square.
            let difference = |h: f32| (moved(h) - moved(-h)) / (2.0 * f64::from(h));
            let wanted = (4.0 * difference(1.0 / 1024.0) - difference(1.0 / 512.0)) / 3.0;
            assert!(
                (got - wanted).abs() < 3e-4 + 1e-3 * wanted.abs(),
                "weight {i} of decision {d}: {got} for {wanted}"
            );
            some += usize::from(got.abs() > 1e-2);
        }
    }
    assert!(some > 10, "{some}");
}

#[test]
fn a_slice_of_the_batch_is_the_child_that_runs_in_it_alone() {
    // Slices that can be bound by themselves, and some that cannot.
    for (batch, rows) in [(12, 3), (4, 2)] {
        let whole = setup(batch);
        let graph = &whole.supergraph;
        let mut random = Random::new(7, RngStream::Test(0));
        let genomes: Vec<Vec<u32>> = (0..rows).map(|_| whole.sample(&mut random)).collect();
        let pick = |d: usize| {
            let choices: Vec<u32> = (0..graph.choices(d)).collect();
            let row = |genome: &Vec<u32>| {
                let chosen = genome[d];
                let weight = move |choice: &u32| f32::from(u8::from(*choice == chosen));
                choices.iter().map(weight).collect::<Vec<f32>>()
            };
            Pick::Mix {
                weights: genomes.iter().flat_map(row).collect(),
                choices,
                rows,
                gradient: false,
            }
        };
        let path = Path {
            picks: (0..graph.genome_len()).map(pick).collect(),
            at: vec![],
        };
        let relaxed = graph.relaxed(&path).unwrap();
        let program = Program::mixed_scoring(whole.context(), &relaxed).unwrap();
        let (got, _) = run(&whole, &program, &relaxed);
        let own = batch / rows;
        let pixels = (own * IMAGE.iter().product::<u32>()) as usize;
        for (slice, genome) in genomes.iter().enumerate() {
            let mut alone = setup(own);
            alone.images = whole.images[slice * pixels..][..pixels].to_vec();
            alone.labels = whole.labels[slice * own as usize..][..own as usize].to_vec();
            let nothing = graph.relaxed(&Path::of(genome)).unwrap();
            let (wanted, _) = run(&alone, &alone.scoring(genome), &nothing);
            let range = slice * own as usize..(slice + 1) * own as usize;
            assert_eq!(got.loss[range], wanted.loss, "{genome:?}");
        }
    }
}

#[test]
fn one_program_serves_all_weights() {
    let setup = setup(4);
    let [one, other] = [1, 2].map(|seed| {
        setup
            .supergraph
            .relaxed(&everything(&setup.supergraph, seed, 1))
            .unwrap()
    });
    let programs =
        [&one, &other].map(|relaxed| Program::mixed(setup.context(), relaxed, &SGD).unwrap());
    assert_eq!(programs[0], programs[1]);
    let losses = [&one, &other].map(|relaxed| run(&setup, &programs[0], relaxed).0.loss);
    assert_ne!(losses[0], losses[1]);
}

#[test]
fn a_gradient_that_nothing_asks_for_is_not_computed() {
    let setup = setup(4);
    let mut path = everything(&setup.supergraph, 1, 1);
    for (d, pick) in path.picks.iter_mut().enumerate() {
        if let Pick::Mix { gradient, .. } = pick {
            *gradient = d == 2;
        }
    }
    let relaxed = setup.supergraph.relaxed(&path).unwrap();
    let program = Program::mixed(setup.context(), &relaxed, &SGD).unwrap();
    let gradient = program
        .mixture
        .gradient(&run(&setup, &program, &relaxed).0.mixture);
    for (node, gradient) in program.mixture.nodes().iter().zip(gradient) {
        assert_eq!(node.gradient, gradient.iter().any(|x| *x != 0.0));
    }
    for pick in &mut path.picks {
        if let Pick::Mix { gradient, .. } = pick {
            *gradient = false;
        }
    }
    let relaxed = setup.supergraph.relaxed(&path).unwrap();
    let program = Program::mixed(setup.context(), &relaxed, &SGD).unwrap();
    assert_eq!(program.outputs.len(), 2);
}

#[test]
fn weights_that_do_not_fit_are_refused_in_words() {
    let setup = setup(4);
    let graph = &setup.supergraph;
    let relaxed = graph.relaxed(&everything(graph, 1, 1)).unwrap();
    let program = Program::mixed(setup.context(), &relaxed, &SGD).unwrap();
    let fewer = graph.relaxed(&Path::of(&[0, 1, 0, 0, 0])).unwrap();
    assert_eq!(program.mixture.weights(&fewer), Err(MixtureError::Listed));
    let zeros = graph
        .relaxed(&one_hot(graph, &[0, 1, 0, 0, 0]))
        .unwrap()
        .zeros_forward_only();
    let narrow = Program::mixed(setup.context(), &zeros, &SGD).unwrap();
    let said = narrow.mixture.weights(&relaxed).unwrap_err();
    assert_eq!(said, MixtureError::ForwardOnly { node: 0, input: 1 });
    let missing =
        Cpu::new(1)
            .unwrap()
            .train(&program, &mut setup.weights(1), setup.minibatch(), &STEP);
    let given = program.mixture.len();
    assert!(matches!(missing, Err(DeviceError::Mixture { wanted, given: 0 }) if wanted == given));
    let thirds = graph.relaxed(&everything(graph, 1, 3)).unwrap();
    let said = Program::mixed(setup.context(), &thirds, &SGD).unwrap_err();
    assert!(said.to_string().contains("a batch of 4 into 3 slices"));
}
