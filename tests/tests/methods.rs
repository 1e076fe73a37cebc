//! The methods that followed ENAS, as whole searches.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::time::Duration;

use supernet::data::Dataset;
use supernet::device::{Cpu, Device};
use supernet::plugin::{Built, Config as SpaceConfig, Field, Space, SpaceEntry, inventory};
use supernet::{Config, Event, Experiment, Search, SearchResult};
use supernet_darts as _;
use supernet_enas as _;
use supernet_nasbench as _;
use supernet_shaders::random::{Random, RngStream};
use supernet_tests::gpu::gpus;
use supernet_tests::{logged, place, search, stopped_at, without_times};

/// Every method with its settings.
const METHODS: [&[&str]; 10] = [
    &["search.strategy=spos"],
    &["search.strategy=darts"],
    &["search.strategy=darts", "method.order=2"],
    &["search.strategy=snas"],
    &["search.strategy=gdas"],
    &["search.strategy=gdas", "method.gradient=all"],
    &["search.strategy=proxyless"],
    &["search.strategy=proxyless", "method.gates=full"],
    &["search.strategy=proxyless", "method.gates=reinforce"],
    &["search.strategy=fairnas"],
];
const SANDWICH: &[&str] = &["search.strategy=fairnas", "method.sandwich=true"];
const ONE_SHOT: &[&str] = &["search.strategy=one-shot"];
const PERTURBATION: &[&str] = &["search.strategy=darts", "derive.rule=perturbation"];
const NAS: &[&str] = &[
    "search.strategy=nas",
    "nas.candidates=4",
    "nas.children=2",
    "nas.epochs=1",
];
const LIMIT: Duration = Duration::from_secs(120);

inventory::submit! {
    SpaceEntry {
        name: "planted",
        summary: "three decisions, each between nothing, a channel with and a channel without the answer",
        fields: || vec![Field::int("right", 0, 0..=7, "which channels have the answer, bit by bit")],
        build: planted,
    }
}

const SIDE: u32 = 4;
/// Decisions, each with a bit of the answer.
const BITS: u32 = 3;

/// Every decision sees two channels of the image and passes one of them on, or none.
fn planted(_: &SpaceConfig) -> Built {
    let s = Space::new("planted");
    let image = s.input("image", &[SIDE, SIDE, 2 * BITS]);
    let parts: Vec<_> = (0..BITS)
        .map(|bit| {
            let decision = s.op(format!("bit{bit}"), &["none", "first", "second"]);
            let branch = |channel: u32| {
                s.scope(format!("bit{bit}.c{channel}"), || {
                    image.slice(2 * bit + channel, 1).conv(3, 4).norm().relu()
                })
            };
            let first = branch(0);
            s.choose(decision, &[first.zero(1), first, branch(1)])
        })
        .collect();
    s.output(s.concat(&parts).global_avg_pool().linear(1 << BITS, true));
    s.finish()
}

/// Images of noise. In each pair of channels one has a light or a dark square in its middle: the
/// bits of the class. `right` says which channel of each pair it is.
fn images(right: u32, seed: u32) -> Dataset {
    let (count, channels) = (2000, 2 * BITS);
    let mut random = Random::new(u64::from(seed), RngStream::Test(1));
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let label = random.below(1 << BITS);
        labels.push(label);
        for y in 0..SIDE {
            for x in 0..SIDE {
                for channel in 0..channels {
                    let (bit, second) = (channel / 2, channel % 2);
                    let middle = (1..3).contains(&y) && (1..3).contains(&x);
                    let tells = middle && (right >> bit & 1) == second;
                    let sign = if label >> bit & 1 == 1 { 2.0 } else { -2.0 };
                    pixels.push(random.normal() + if tells { sign } else { 0.0 });
                }
            }
        }
    }
    Dataset::new("bits", [SIDE, SIDE, channels], 1 << BITS, pixels, labels).unwrap()
}

fn search_planted(method: &[&str], seed: u32) -> (Vec<u32>, SearchResult) {
    let right = Random::new(u64::from(seed), RngStream::Test(2)).below(1 << BITS);
    let seed_setting = format!("search.seed={seed}");
    let settings = [
        method,
        &[
            "search.space=planted",
            "search.epochs=12",
            "train.batch=32",
            "retrain.epochs=0",
            "derive.report=2",
            "derive.candidates=200",
            "derive.generations=0",
            &seed_setting,
        ],
    ]
    .concat();
    let config = Config::read("", &settings).unwrap();
    let experiment = Experiment::on(images(right, seed), config).unwrap();
    let mut cpu = Cpu::new(1).unwrap();
    let found = experiment.run(&mut cpu, None, &mut |_| {}).unwrap();
    let planted = (0..BITS).map(|bit| 1 + (right >> bit & 1)).collect();
    (planted, found)
}

/// Every method finds the planted architecture in ten of ten seeds.
fn finds(method: &[&str]) {
    for seed in 0..10 {
        let (planted, found) = search_planted(method, seed);
        assert_eq!(found.top[0].genome, planted, "{method:?}, seed {seed}");
    }
}

#[test]
fn methods_without_a_policy_find_the_planted_architecture() {
    for method in [METHODS[0], METHODS[9], SANDWICH, ONE_SHOT] {
        finds(method);
    }
}

#[test]
fn differentiable_methods_find_the_planted_architecture() {
    METHODS[1..6].iter().for_each(|method| finds(method));
}

#[test]
fn perturbation_finds_the_planted_architecture() {
    finds(PERTURBATION);
    // Whatever the logits say: they do not move in a search that is all warm-up.
    finds(&[PERTURBATION, &["search.warm_up=1"]].concat());
}

#[test]
fn proxyless_finds_the_planted_architecture() {
    METHODS[6..9].iter().for_each(|method| finds(method));
}

#[test]
fn enas_finds_the_planted_architecture() {
    finds(&["search.strategy=enas"]);
}

const SHORT: [&str; 8] = [
    "search.space=nasbench201",
    "space.channels=4",
    "space.cells=1",
    "search.epochs=2",
    "data.train=256",
    "retrain.epochs=0",
    "derive.report=10",
    "derive.candidates=6",
];

#[test]
fn a_method_repeats_itself_with_any_number_of_threads() {
    for method in METHODS
        .iter()
        .copied()
        .chain([SANDWICH, ONE_SHOT, PERTURBATION, NAS])
    {
        let settings = [&SHORT[..], method].concat();
        let (a, one) = search(&settings, 1).unwrap();
        let (b, two) = search(&settings, 2).unwrap();
        assert_eq!(without_times(&a), without_times(&b), "{method:?}");
        assert_eq!((&one.weights, &one.top), (&two.weights, &two.top));
    }
}

#[test]
fn a_method_that_was_stopped_goes_on_as_if_it_was_not() {
    let place = place("methods");
    let methods = METHODS[1..].iter().chain([&ONE_SHOT, &PERTURBATION]);
    for (number, method) in methods.enumerate() {
        let settings = [&SHORT[..], method, &["checkpoint.steps=3"]].concat();
        let (records, plain) = search(&settings, 2).unwrap();
        // The eighth step is the last one, after which some methods measure.
        for stop in [1, 6, 8] {
            let path = place.join(format!("{number}-{stop}"));
            let builder = Search::builder()
                .config(Config::read("", &settings).unwrap())
                .evaluators(2)
                .folder(&path);
            let run = stopped_at(
                builder,
                move |event| matches!(event, Event::Step { step, .. } if *step >= stop),
            );
            run.wait_for(LIMIT).unwrap().unwrap();
            let run = Search::builder().resume(&path).start().unwrap();
            let found = run.wait_for(LIMIT).unwrap().unwrap().result().unwrap();
            assert_eq!(logged(&path), without_times(&records), "{method:?}");
            assert_eq!(found.top, plain.top);
            assert_eq!(found.weights.pages().values, plain.weights.pages().values);
        }
    }
}

/// A search that measures the curvature of its loss after every second epoch.
#[test]
fn the_eigenvalue_of_the_hessian_is_measured_and_resumed() {
    let settings = [
        &SHORT[..],
        &[
            "search.strategy=darts",
            "method.stop_at_collapse=true",
            "search.epochs=5",
            "data.train=128",
            "checkpoint.steps=1",
        ],
    ]
    .concat();
    let (records, plain) = search(&settings, 1).unwrap();
    // Ten products of two passes after the first, the third and the fifth of the epochs.
    let without = [&settings[..], &["method.stop_at_collapse=false"]].concat();
    let (_, unmeasured) = search(&without, 1).unwrap();
    assert!(plain.ledger.policy > unmeasured.ledger.policy);
    assert_eq!(
        plain.weights.pages().values,
        unmeasured.weights.pages().values
    );
    let path = place("eigenvalue").join("run");
    let builder = Search::builder()
        .config(Config::read("", &settings).unwrap())
        .folder(&path);
    let run = stopped_at(
        builder,
        |event| matches!(event, Event::Epoch { epoch, .. } if *epoch == 2),
    );
    run.wait_for(LIMIT).unwrap().unwrap();
    let run = Search::builder().resume(&path).start().unwrap();
    let found = run.wait_for(LIMIT).unwrap().unwrap().result().unwrap();
    assert_eq!(logged(&path), without_times(&records));
    assert_eq!(found.top, plain.top);
}

/// The ledger of a search is the budget that it was given, whatever the method.
#[test]
fn a_budget_in_multiply_adds_holds() {
    let long = |method: &[&str]| {
        let budget = [
            "search.epochs=0",
            "search.budget=2e10",
            "derive.generations=10",
        ];
        let settings = [&SHORT[..], method, &budget].concat();
        let (_, found) = search(&settings, 2).unwrap();
        found.ledger.total() / 2e10
    };
    let enas: &[&str] = &["search.strategy=enas"];
    for method in METHODS
        .iter()
        .copied()
        .chain([ONE_SHOT, enas, PERTURBATION])
    {
        let spent = long(method);
        assert!((0.9..=1.1).contains(&spent), "{method:?}: {spent}");
    }
}

/// Shortened, on every adapter.
#[test]
fn a_method_runs_on_a_gpu() {
    for adapter in gpus() {
        for method in METHODS
            .iter()
            .copied()
            .chain([SANDWICH, ONE_SHOT, PERTURBATION])
        {
            let short = [
                "search.epochs=1",
                "search.warm_up=0",
                "data.train=128",
                "derive.candidates=1",
                "derive.generations=0",
                "derive.report=2",
            ];
            let settings = [&SHORT[..], method, &short].concat();
            let run = |device: &mut dyn Device| {
                let experiment = Experiment::new(Config::read("", &settings).unwrap()).unwrap();
                let mut losses = Vec::new();
                let mut listen = |record: &supernet::Record| {
                    if let Event::Step { score, .. } = record.event {
                        losses.push(score.loss);
                    }
                };
                experiment.run(device, None, &mut listen).unwrap();
                losses
            };
            let on_gpu = run(&mut supernet::device::gpu::Gpu::new(&adapter).unwrap());
            let on_cpu = run(&mut Cpu::new(1).unwrap());
            assert_eq!(on_gpu.len(), 2);
            for (gpu, cpu) in on_gpu.iter().zip(&on_cpu) {
                assert!(
                    (gpu - cpu).abs() < 1e-3 * cpu.abs(),
                    "{method:?}: {on_gpu:?} and {on_cpu:?}"
                );
            }
        }
    }
}

#[test]
fn wrong_use_is_refused_in_a_sentence() {
    let said = |settings: &[&str]| -> String {
        let config = match Config::read("", settings) {
            Ok(config) => config,
            Err(error) => return error.to_string(),
        };
        Experiment::new(config).unwrap_err().to_string()
    };
    let fair = said(&["search.space=darts", "search.strategy=fairnas"]);
    assert!(
        fair.starts_with("`fairnas` cannot search the space `darts`: it trains every choice"),
        "{fair}"
    );
    let order = said(&["method.order=3"]);
    assert!(
        order.contains("`method.order`") && order.contains("1 or 2"),
        "{order}"
    );
    let cold = said(&["search.strategy=snas", "method.temperature=1e-9"]);
    assert!(
        cold.contains("`method.temperature`") && cold.contains("from 0.001"),
        "{cold}"
    );
    let paths = said(&["search.strategy=darts", "train.paths=4"]);
    assert!(paths.contains("`train.paths` must be 1"), "{paths}");
    let slices = said(&["search.strategy=one-shot", "method.slices=5"]);
    assert!(
        slices.contains("cannot be divided into 5 equal slices"),
        "{slices}"
    );
    let budget = said(&["search.budget=1000"]);
    assert!(
        budget.starts_with("`search.budget` is 0.0 million multiply-adds, and one epoch and")
            && budget.contains("raise it, or lower `derive.candidates`"),
        "{budget}"
    );
    let rule = said(&["derive.rule=perturbation", "search.strategy=snas"]);
    assert!(
        rule.contains("takes the supernet that `darts` trains"),
        "{rule}"
    );
    let logits = said(&["method.stop_at_collapse=true"]);
    assert!(logits.contains("this strategy has none"), "{logits}");
    let few = said(&[
        "search.strategy=fairnas",
        "train.batch=4",
        "search.space=nasbench201",
    ]);
    assert!(few.contains("each step trains 5 children"), "{few}");
}
