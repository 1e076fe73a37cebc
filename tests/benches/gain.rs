//! The gain of the controller on the digits, with the default settings, and with the rewards of
//! every group shuffled among its rollouts so that there is nothing to learn: `cargo bench -p
//! supernet-tests --bench gain -- [FIRST COUNT [KEY=VALUE]...]`.
//!
//! Two searches run in parallel, one per thread.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark may fail where it stands, and prints"
)]

use rayon::prelude::*;
use supernet::plugin::GenomeError;
use supernet::results::PolicyGain;
use supernet::strategy::enas::Enas;
use supernet::strategy::{
    Genome, Outcome, Random, RngStream, Strategy, StrategyError, StrategyStats, Task,
};
use supernet::{Config, RunOutcome, Search};
use supernet_enas as _;

/// ENAS that receives the scores of a group in another order.
struct Shuffled {
    enas: Enas,
    random: Random,
}

impl Strategy for Shuffled {
    fn next(&mut self) -> Result<Option<Task>, StrategyError> {
        self.enas.next()
    }

    fn observe(&mut self, outcome: &Outcome) -> Option<StrategyStats> {
        let mut outcome = outcome.clone();
        if let Outcome::Scored(scores) = &mut outcome {
            self.random.shuffle(scores);
        }
        self.enas.observe(&outcome)
    }

    fn sample(&self, count: usize, random: &mut Random) -> Result<Vec<Genome>, GenomeError> {
        self.enas.sample(count, random)
    }

    fn save(&self) -> serde_json::Value {
        self.enas.save()
    }

    fn load(&mut self, saved: serde_json::Value) -> Result<(), serde_json::Error> {
        self.enas.load(saved)
    }
}

fn gain(settings: &[String], seed: u64, shuffled: bool) -> PolicyGain {
    let mut config = Config::read("", settings).unwrap();
    config.search.seed = seed;
    config.retrain.epochs = 0;
    let controller = config.controller;
    let builder = Search::builder().config(config).threads(1);
    let builder = if shuffled {
        builder.strategy(move |space, schedule, seed| {
            let enas = Enas::new(space.clone(), schedule, controller, seed).unwrap();
            Ok(Box::new(Shuffled {
                enas,
                random: Random::new(seed, RngStream::Test(1 << 20)),
            }))
        })
    } else {
        builder
    };
    match builder.start().unwrap().wait().unwrap() {
        RunOutcome::Completed(found) => found.gain,
        _ => unreachable!("nobody stops it"),
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let (settings, numbers): (Vec<_>, Vec<_>) = arguments
        .into_iter()
        .partition(|argument| argument.contains('='));
    let number = |at: usize, else_: u64| {
        numbers
            .get(at)
            .map_or(else_, |given| given.parse().unwrap())
    };
    let seeds: Vec<u64> = (number(0, 0)..number(0, 0) + number(1, 10)).collect();
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(2)
        .build()
        .unwrap();
    for shuffled in [false, true] {
        let gains: Vec<PolicyGain> = pool.install(|| {
            seeds
                .par_iter()
                .map(|seed| gain(&settings, *seed, shuffled))
                .collect()
        });
        let points: Vec<f64> = gains.iter().map(|gain| 100.0 * gain.difference).collect();
        for (seed, gain) in seeds.iter().zip(&gains) {
            let error = gain.difference / gain.standard_error.unwrap();
            println!(
                "seed {seed}{}: {:+.2} ± {:.2} points, {error:+.1} standard errors",
                if shuffled { ", rewards shuffled" } else { "" },
                100.0 * gain.difference,
                100.0 * gain.standard_error.unwrap()
            );
        }
        let count = points.len() as f64;
        let mean = points.iter().sum::<f64>() / count;
        let error =
            (points.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (count - 1.0) / count).sqrt();
        println!(
            "mean: {mean:+.2} ± {error:.2} points, {:+.1} standard errors",
            mean / error
        );
    }
}
