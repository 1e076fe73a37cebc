//! How strategies perform with rewards as noisy as those of shared weights: `cargo bench -p
//! supernet-tests --bench controller -- [KEY=VALUE]...`, with any settings of the strategy.
//!
//! Four problems with known ground truth: the network accuracies of NAS-Bench-201 on CIFAR-100 and
//! ImageNet16-120 (skipped without the data), and random effects for the decisions of ENAS's macro
//! and micro spaces. The truth of a genome is measured in standard deviations of the space and
//! clipped at 3 below its mean. The reward is 0.5 + 0.04 times the truth, plus noise of 0.035 per
//! child and of 0.03 for the minibatch that a group shares, which matches accuracies on minibatches
//! of 64. The output is the truth, over seeds that no test of the strategies uses.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark may fail where it stands, and prints"
)]

use rayon::prelude::*;
use supernet::Config;
use supernet::plugin::{Facts, Supergraph};
use supernet::space::{BuiltSpace, Spaces};
use supernet::strategy::enas::Enas;
use supernet::strategy::evolution::Evolution;
use supernet::strategy::random::RandomSearch;
use supernet::strategy::{Genome, Outcome, Random, RngStream, Schedule, Score, Strategy, Work};
use supernet::tabular::{Columns, Table};
use supernet_tests::data;
use {supernet_enas as _, supernet_nasbench as _};

const SEEDS: std::ops::Range<u64> = 1000..1020;
const ROLLOUTS: [u32; 2] = [500, 5000];
/// The number of samples of the policy that are evaluated at the end, as in a search.
const JUDGED: usize = 100;

type Truth = Box<dyn Fn(&[u32]) -> f64 + Send + Sync>;

/// A space with the ground truth for its genomes.
struct Problem {
    name: &'static str,
    space: Supergraph,
    truth: Truth,
}

fn space(name: &str, settings: &[&str], image: [u32; 3]) -> Supergraph {
    let mut config = Config::read("", settings).unwrap();
    config.search.space = name.to_owned();
    let BuiltSpace { supergraph, .. } = Spaces::linked()
        .build(&mut config, &Facts::images(&image, 10))
        .unwrap();
    supergraph
}

/// Standardises a ground truth by a sample of genomes.
fn problem(
    name: &'static str,
    space: Supergraph,
    raw: impl Fn(&[u32]) -> f64 + Send + Sync + 'static,
) -> Problem {
    let schedule = Schedule {
        epochs: 1,
        steps: 1,
        warm_up: 1,
        updates: 0,
        rollouts: 1,
        paths: 1,
    };
    let prior = RandomSearch::new(space.clone(), schedule, 0);
    let all: Vec<f64> = prior
        .sample(4000, &mut Random::new(7, RngStream::Test(0)))
        .unwrap()
        .iter()
        .map(|genome| raw(genome))
        .collect();
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    let std = (all.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / all.len() as f64).sqrt();
    Problem {
        name,
        space,
        truth: Box::new(move |genome| ((raw(genome) - mean) / std).max(-3.0)),
    }
}

/// An effect for every choice of every decision, and one of half the size for every pair of choices
/// of neighbouring decisions.
fn effects(space: &Supergraph) -> impl Fn(&[u32]) -> f64 + use<> {
    let decisions = space.genome_len() as u32;
    move |genome| {
        let drawn =
            |stream: u64, at: u64| f64::from(Random::new(at, RngStream::Test(stream)).normal());
        let alone = (0..decisions).map(|d| drawn(d.into(), u64::from(genome[d as usize])));
        let pairs = (1..decisions).map(|d| {
            let [a, b] = [genome[d as usize - 1], genome[d as usize]].map(u64::from);
            0.5 * drawn(1000 + u64::from(d), 64 * a + b)
        });
        alone.chain(pairs).sum()
    }
}

fn problems() -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(folder) = data("nasbench201") {
        for (name, reward) in [
            ("nasbench201 CIFAR-100", "c100_valid_e12"),
            ("nasbench201 ImageNet16", "in16_valid_e12"),
        ] {
            let space = space("nasbench201", &[], [32, 32, 3]);
            let columns = Columns {
                key: Some("cellstr".to_owned()),
                reward: reward.to_owned(),
                report: None,
            };
            let table = Table::open(&folder.join("nasbench201.csv"), &columns, &space).unwrap();
            problems.push(problem(name, space, move |genome| {
                table.query(genome).unwrap().reward
            }));
        }
    }
    let macro_space = space("enas-macro", &[], [8, 8, 1]);
    let raw = effects(&macro_space);
    problems.push(problem("enas-macro, drawn effects", macro_space, raw));
    let micro = space(
        "enas-micro",
        &["space.layers=3", "space.filters=8"],
        [8, 8, 1],
    );
    let raw = effects(&micro);
    problems.push(problem("enas-micro, drawn effects", micro, raw));
    problems
}

fn strategy(
    config: &Config,
    problem: &Problem,
    schedule: Schedule,
    seed: u64,
) -> Box<dyn Strategy> {
    let space = problem.space.clone();
    match config.search.strategy.word() {
        "enas" => Box::new(Enas::new(space, schedule, config.controller, seed).unwrap()),
        "evolution" => Box::new(Evolution::new(space, schedule, config.evolution, seed)),
        _ => Box::new(RandomSearch::new(space, schedule, seed)),
    }
}

/// The truth of what is sampled and of what is derived at the end, and the final entropy relative
/// to the initial one.
fn search(config: &Config, problem: &Problem, total: u32, seed: u64) -> [f64; 3] {
    let rollouts = config.score.rollouts;
    let schedule = Schedule {
        epochs: total / rollouts,
        steps: 0,
        warm_up: 0,
        updates: 1,
        rollouts,
        paths: 1,
    };
    let mut strategy = strategy(config, problem, schedule, seed);
    let mut noise = Random::new(seed, RngStream::Test(1 << 20));
    let mut entropies = Vec::new();
    while let Some(task) = strategy.next().unwrap() {
        let Work::Score { genomes, .. } = task.work else {
            unreachable!("a schedule without training steps")
        };
        let shared = 0.03 * noise.normal();
        let mut score = |genome: &Genome| {
            let accuracy =
                0.5 + 0.04 * (problem.truth)(genome) as f32 + shared + 0.035 * noise.normal();
            Score {
                reward: accuracy,
                loss: 0.0,
            }
        };
        let scores = genomes.iter().map(&mut score).collect();
        entropies.extend(
            strategy
                .observe(&Outcome::Scored(scores))
                .map(|stats| f64::from(stats.entropy)),
        );
    }
    let policy = strategy
        .sample(JUDGED, &mut Random::new(seed, RngStream::Test(3)))
        .unwrap();
    let truths: Vec<f64> = policy
        .iter()
        .map(|genome| (problem.truth)(genome))
        .collect();
    // The whole validation split has less noise than a minibatch of it.
    let judged = truths
        .iter()
        .map(|truth| (0.04 * truth + f64::from(0.01 * noise.normal()), *truth));
    let derived = judged.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap().1;
    let left = entropies.last().unwrap_or(&0.0) / entropies.first().unwrap_or(&1.0).max(1e-9);
    [
        truths.iter().sum::<f64>() / truths.len() as f64,
        derived,
        left,
    ]
}

fn main() {
    let settings: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument.contains('='))
        .collect();
    let config = Config::read("", &settings).unwrap();
    println!(
        "settings: {}",
        if settings.is_empty() {
            "the defaults".to_owned()
        } else {
            settings.join(" ")
        }
    );
    for problem in problems() {
        for total in ROLLOUTS {
            let all: Vec<[f64; 3]> = SEEDS
                .into_par_iter()
                .map(|seed| search(&config, &problem, total, seed))
                .collect();
            let column = |at: usize| -> (f64, f64, f64) {
                let values: Vec<f64> = all.iter().map(|row| row[at]).collect();
                let count = values.len() as f64;
                let mean = values.iter().sum::<f64>() / count;
                let square =
                    values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (count - 1.0) / count;
                (
                    mean,
                    square.sqrt(),
                    values.into_iter().fold(f64::INFINITY, f64::min),
                )
            };
            let ((policy, off, least), (derived, error, worst), (left, ..)) =
                (column(0), column(1), column(2));
            println!(
                "{:26} {total:5} rollouts: policy {policy:5.2} ± {off:.2} (least {least:5.2}), derived {derived:5.2} ± {error:.2} \
                 (least {worst:5.2}), entropy left {left:.2}",
                problem.name
            );
        }
    }
}
