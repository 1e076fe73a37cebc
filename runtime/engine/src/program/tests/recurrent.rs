//! Recurrent networks: backpropagation through time, states carried from window to window, the head
//! in pieces.

mod penalties;

use std::sync::Arc;

use supernet_plugin::{Facts, Init, Path, Per, Pick, Space, Supergraph};
use supernet_shaders::random::{Random, RngStream};

use super::*;

/// A space on random text.
fn text(supergraph: Supergraph, words: u32, batch: u32, start: Start) -> Setup {
    let (mut random, count) = (
        Random::new(12, RngStream::Test(0)),
        batch * supergraph.time(),
    );
    let minibatch = [(); 2].map(|()| (0..count).map(|_| random.below(words)).collect());
    Setup::on_text(supergraph, words, batch, start, minibatch)
}

fn enas(settings: &[&str], words: u32, time: u32) -> Supergraph {
    of_space("enas-recurrent", settings, words, time)
}

fn of_space(name: &str, settings: &[&str], words: u32, time: u32) -> Supergraph {
    let name = format!("search.space={name}");
    build_space(&[&[&*name], settings].concat(), &Facts::text(words)).with_time(time)
}

/// An LSTM with every kind of dropout that it supports.
fn lstm() -> Setup {
    let settings = [
        "space.hidden=8",
        "space.drop_words=0.2",
        "space.drop_inputs=0.3",
        "space.drop_outputs=0.3",
    ];
    text(of_space("lstm", &settings, 11, 4), 11, 8, Start::First)
}

fn recurrent(nodes: u32, time: u32, start: Start) -> Setup {
    let settings = [format!("space.nodes={nodes}"), "space.hidden=8".to_owned()];
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    text(enas(&settings, 65, time), 65, 8, start)
}

/// Features that the ENAS cell lacks: a state that a product reads directly, one that is not
/// carried across windows, a scan over a scan, biases, dropout of every kind, gates with another
/// reader, a state that is an activation of itself.
fn odd(time: u32, bias: bool) -> Supergraph {
    let s = Space::new("odd-recurrence");
    let half = Init::Normal { std: 0.5 };
    let words = s.weights("words", &[11, 8], half);
    let [input, back, gates] =
        ["input", "back", "gates"].map(|name| s.weights(name, &[8, 16], half));
    let x = s
        .tokens("tokens")
        .embed_by(words)
        .dropout_per(0.3, Per::Token)
        .dropout_per(0.2, Per::Sequence)
        .dropout(0.1);
    let y = s.scan("first", [x], |cell, [x]| {
        let state = cell.carry_across_windows("memory", &[8]);
        let both = s.sum(&[x.linear_by(input), state.linear_by(back)]);
        let (gate, f) = (
            both.slice(0, 8).act("sigmoid"),
            both.slice(8, 8).act("tanh"),
        );
        let next = s
            .sum(&[state.lerp(f, gate), gate])
            .dropout(0.2)
            .dropout_per(0.1, Per::Sequence);
        cell.next(state, next);
        next
    });
    let z = s.scan("second", [y, x], |cell, [y, x]| {
        let state = cell.carry("fresh", &[8]);
        let next = s.sum(&[state, y, x]).act("tanh");
        cell.next(state, next);
        s.scope("inner", || s.concat(&[next, x]).linear(8, true).relu())
    });
    s.output(s.sum(&[z, y]).linear_by(gates).linear(11, bias));
    Supergraph::new(s.finish().unwrap())
        .unwrap()
        .with_time(time)
}

/// Genomes with every activation, chains and fans.
fn cells(setup: &Setup) -> Vec<Vec<u32>> {
    let mut random = Random::new(4, RngStream::Test(0));
    let mut genomes: Vec<Vec<u32>> = (0..5).map(|_| setup.sample(&mut random)).collect();
    let len = setup.supergraph.genome_len();
    genomes.extend((0..4).map(|activation| {
        (0..len)
            .map(|i| if i % 2 == 0 { activation } else { 0 })
            .collect()
    }));
    genomes.push(
        (0..len)
            .map(|i| if i % 2 == 0 { 3 } else { i as u32 / 2 })
            .collect(),
    );
    genomes
}

#[test]
fn gradients_through_time_agree_with_finite_differences() {
    for (nodes, start) in [(1, Start::Alone), (2, Start::First), (4, Start::Alone)] {
        let setup = recurrent(nodes, 5, start);
        for genome in cells(&setup) {
            hold_gradients_against_finite_differences(&setup, &genome);
        }
    }
    let settings = [
        "space.nodes=3",
        "space.hidden=8",
        "space.norm=true",
        "space.drop_words=0.2",
        "space.drop_inputs=0.3",
    ];
    let setup = text(
        enas(
            &[&settings[..], &["space.drop_outputs=0.3"]].concat(),
            65,
            4,
        ),
        65,
        8,
        Start::First,
    );
    for genome in cells(&setup) {
        hold_gradients_against_finite_differences(&setup, &genome);
    }
    hold_gradients_against_finite_differences(&lstm(), &[]);
    let setup = text(odd(4, false), 11, 8, Start::Alone);
    hold_gradients_against_finite_differences(&setup, &[]);
    let mut interpreter = Interpreter::new(&setup, &setup.weights(1));
    interpreter.run(&setup.training(&[], &SGD));
    assert_eq!(
        interpreter.gradients.len(),
        setup.supergraph.param_count(),
        "every parameter has a gradient"
    );
}

#[test]
fn the_cpu_device_agrees_with_the_interpreter_through_time() {
    let mut cpu = Cpu::new(2).unwrap();
    for nodes in [1, 2, 4] {
        let setup = recurrent(nodes, 5, Start::First);
        for genome in cells(&setup) {
            hold_the_cpu_against_the_interpreter(&setup, &genome, &mut cpu);
        }
    }
    hold_the_cpu_against_the_interpreter(&text(odd(4, false), 11, 8, Start::Alone), &[], &mut cpu);
    hold_the_cpu_against_the_interpreter(&lstm(), &[], &mut cpu);
}

/// The steps `range` of a window.
fn cut(
    setup: &Setup,
    supergraph: &Supergraph,
    range: std::ops::Range<usize>,
    start: Start,
) -> Setup {
    let rows = range.start * setup.batch as usize..range.end * setup.batch as usize;
    Setup {
        supergraph: supergraph.with_time(range.len() as u32),
        custom: CustomOps::default(),
        layout: Arc::clone(&setup.layout),
        input: Input::Tokens(start),
        classes: setup.classes,
        batch: setup.batch,
        images: setup.images[rows.clone()].to_vec(),
        labels: setup.labels[rows].to_vec(),
    }
}

#[test]
fn two_windows_of_three_are_one_of_six() {
    let whole = recurrent(4, 6, Start::Alone);
    let [first, second, alone] = [
        (0..3, Start::First),
        (3..6, Start::Next),
        (3..6, Start::Alone),
    ]
    .map(|(range, start)| cut(&whole, &whole.supergraph, range, start));
    let mut cpu = Cpu::new(1).unwrap();
    for genome in cells(&whole) {
        let mut weights = whole.weights(3);
        let mut loss = |setup: &Setup| {
            let mut samples = Samples::default();
            cpu.score(&setup.scoring(&genome), &weights, setup.minibatch())
                .unwrap();
            cpu.samples(&mut samples).unwrap();
            samples.loss
        };
        let wanted = loss(&whole);
        assert_eq!([loss(&first), loss(&second)].concat(), wanted);
        assert_ne!(loss(&alone), wanted[24..]);

        // In training there is an update between the windows: with a rate of 0 it changes nothing.
        let still = Step { rate: 0.0, ..STEP };
        let mut trained = |setup: &Setup| {
            let mut samples = Samples::default();
            cpu.train(
                &setup.training(&genome, &SGD),
                &mut weights,
                setup.minibatch(),
                &still,
            )
            .unwrap();
            cpu.samples(&mut samples).unwrap();
            samples.loss
        };
        assert_eq!([trained(&first), trained(&second)].concat(), wanted);
        assert_eq!(
            trained(&first),
            wanted[..24],
            "a first window starts at zero"
        );
    }
}

#[test]
fn a_weight_of_the_cell_is_multiplied_once_for_all_steps() {
    let setup = recurrent(4, 5, Start::First);
    let program = setup.training(&setup.sample(&mut Random::new(5, RngStream::Test(0))), &SGD);
    let products: Vec<u32> = program
        .calls
        .iter()
        .filter_map(|bound| {
            if let Call::LinearGradWeight(l) = bound.call {
                Some(l.rows)
            } else {
                None
            }
        })
        .collect();
    assert_eq!(products, [5 * 8; 5], "four nodes and the head");
    let count = |wanted: fn(&Call) -> bool| {
        program
            .calls
            .iter()
            .filter(|bound| wanted(&bound.call))
            .count()
    };
    assert_eq!(count(|call| matches!(call, Call::Highway(_))), 4 * 5);
    // Slices that separate the gradients of input and state; the first state needs none.
    assert_eq!(count(|call| matches!(call, Call::Slice { .. })), 5 + 4);
    assert_eq!(
        count(|call| matches!(call, Call::Lerp { .. } | Call::Activation { .. })),
        0
    );
}

#[test]
fn logits_of_a_large_vocabulary_never_stand_whole() {
    let (words, time, batch) = (10_000, 35, 64);
    let setup = text(
        enas(&["space.nodes=12", "space.hidden=200"], words, time),
        words,
        batch,
        Start::First,
    );
    let genome = setup.sample(&mut Random::new(6, RngStream::Test(0)));
    let program = setup.training(&genome, &SGD);
    let lens = program
        .calls
        .iter()
        .flat_map(|bound| bound.operands.iter().map(|operand| operand.len()));
    let whole = lens.max().unwrap();
    assert!(
        whole <= 4 << 20 && whole < words * time * batch / 5,
        "{whole}"
    );
}

#[test]
fn what_cannot_be_bound_by_itself_is_refused_in_words() {
    let setup = text(
        enas(&["space.nodes=2", "space.hidden=8"], 65, 5),
        65,
        12,
        Start::Alone,
    );
    let child = setup.supergraph.child(&[0, 0, 0]).unwrap();
    let said = Program::scoring(setup.context(), &child)
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("8 numbers of each of 12 sequences") && said.contains("a multiple of 8"),
        "{said}"
    );
}

#[test]
fn a_mixture_in_a_scan_sums_its_gradient_over_the_steps() {
    let setup = recurrent(2, 3, Start::Alone);
    let graph = &setup.supergraph;
    let pick = |d: usize| Pick::Mix {
        choices: (0..graph.choices(d)).collect(),
        weights: (1..=graph.choices(d)).map(|i| 0.25 * i as f32).collect(),
        rows: 1,
        gradient: true,
    };
    let path = Path {
        picks: (0..graph.genome_len()).map(pick).collect(),
        at: vec![],
    };
    let relaxed = graph.relaxed(&path).unwrap();
    for program in [
        Program::mixed(setup.context(), &relaxed, &SGD).unwrap(),
        Program::path_gradient(setup.context(), &relaxed).unwrap(),
    ] {
        super::mixtures::hold_mixtures_against_finite_differences(&setup, &program, &relaxed);
    }
}
