//! Do shared weights rank architectures as training does? A small search of the cells of
//! NAS-Bench-201 (Dong and Yang 2020) on 1,500 + 500 images of CIFAR-10, compared with the
//! accuracies of the table after 200 epochs of training: `cargo bench -p supernet-tests --bench
//! weight_sharing -- [FIRST COUNT [KEY=VALUE]...]`.
//!
//! 5 epochs of minibatches of 64 and 5,000 samples of the controller, 1,000 after each epoch;
//! networks with 8 channels and one cell per stage. A percentile is the percentage of the 15,625
//! cells of the table that are worse.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark may fail where it stands, and prints"
)]

use std::path::Path;
use std::time::Instant;

use supernet::data::Dataset;
use supernet::events::EvaluationRole;
use supernet::plugin::Facts;
use supernet::space::{BuiltSpace, Spaces};
use supernet::tabular::{Columns, Table};
use supernet::{Config, Event, RunOutcome, Search};
use supernet_nasbench as _;
use supernet_tests::data;

const SETTINGS: [&str; 10] = [
    "search.space=nasbench201",
    "space.channels=8",
    "space.cells=1",
    "data.train=1500",
    "data.validation=500",
    "search.epochs=5",
    "search.warm_up=0",
    "score.rollouts=20",
    "score.updates=50",
    "retrain.epochs=0",
];
const CELLS: u32 = 15_625;

/// The table's values for cells.
struct Truth {
    table: Table,
    sorted: Vec<f64>,
}

impl Truth {
    fn new(folder: &Path) -> Self {
        let mut config = Config::read("", &SETTINGS[..3]).unwrap();
        let BuiltSpace { supergraph, .. } = Spaces::linked()
            .build(&mut config, &Facts::images(&[32, 32, 3], 10))
            .unwrap();
        let columns = Columns {
            key: Some("cellstr".to_owned()),
            reward: "c10_test_e200".to_owned(),
            report: None,
        };
        let table = Table::open(&folder.join("nasbench201.csv"), &columns, &supergraph).unwrap();
        let cell = |i: u32| {
            (0..6)
                .map(|edge| i / 5_u32.pow(edge) % 5)
                .collect::<Vec<u32>>()
        };
        let mut sorted: Vec<f64> = (0..CELLS)
            .map(|i| table.query(&cell(i)).unwrap().reward)
            .collect();
        sorted.sort_by(f64::total_cmp);
        Self { table, sorted }
    }

    fn percentile(&self, genome: &[u32]) -> f64 {
        let accuracy = self.table.query(genome).unwrap().reward;
        100.0 * self.sorted.partition_point(|other| *other < accuracy) as f64 / f64::from(CELLS)
    }
}

/// The percentile of a cell, and its accuracy with shared weights.
type Cell = (f64, f32);

/// Kendall's τ-b between percentiles and accuracies.
fn tau(cells: &[Cell]) -> f64 {
    let (mut both, mut ties) = (0.0, [0.0; 2]);
    for (i, a) in cells.iter().enumerate() {
        for b in &cells[..i] {
            let order = [
                (a.0 - b.0).signum() * f64::from(a.0 != b.0),
                f64::from(a.1 - b.1).signum() * f64::from(a.1 != b.1),
            ];
            both += order[0] * order[1];
            ties.iter_mut()
                .zip(order)
                .for_each(|(ties, order)| *ties += order.abs());
        }
    }
    both / f64::sqrt(ties[0] * ties[1])
}

fn mean(cells: &[Cell]) -> f64 {
    cells.iter().map(|cell| cell.0).sum::<f64>() / cells.len() as f64
}

fn main() {
    let (Some(images), Some(tables)) = (data("cifar10-mini"), data("nasbench201")) else {
        return println!("skipped: no data");
    };
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let (given, numbers): (Vec<_>, Vec<_>) = arguments
        .into_iter()
        .partition(|argument| argument.contains('='));
    let number = |at: usize, else_: u64| {
        numbers
            .get(at)
            .map_or(else_, |given| given.parse().unwrap())
    };
    let settings: Vec<String> = SETTINGS
        .iter()
        .map(|setting| (*setting).to_owned())
        .chain(given)
        .collect();
    let (truth, dataset) = (
        Truth::new(&tables),
        Dataset::named(images.to_str().unwrap()).unwrap(),
    );
    for seed in number(0, 0)..number(0, 0) + number(1, 10) {
        let mut config = Config::read("", &settings).unwrap();
        config.search.seed = seed;
        let began = Instant::now();
        let builder = Search::builder().config(config).data(dataset.clone());
        let events = builder.events();
        let run = builder.start().unwrap();
        let (mut policy, mut prior, mut entropy) =
            (Vec::<Cell>::new(), Vec::<Cell>::new(), Vec::new());
        for record in events {
            match record.event {
                Event::Evaluated {
                    role,
                    genome,
                    score,
                    ..
                } => {
                    let cell = (truth.percentile(&genome), score.reward);
                    match role {
                        EvaluationRole::Policy => policy.push(cell),
                        EvaluationRole::Prior => prior.push(cell),
                        _ => {}
                    }
                }
                Event::Update { stats, .. } => entropy.push(stats.entropy),
                _ => {}
            }
        }
        let RunOutcome::Completed(found) = run.wait().unwrap() else {
            unreachable!("nobody stops it")
        };
        let best = prior.iter().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
        println!(
            "seed {seed}: {:.0} s; derived cell at {:.1} %; policy's samples at {:.1} % on average, uniform ones at {:.1} %, the \
             best of these by shared weights at {:.1} %, tau of these {:+.2}; entropy {:.2} to {:.2}; accuracy with shared \
             weights {:.1} %, uniform {:.1} %",
            began.elapsed().as_secs_f64(),
            truth.percentile(&found.top[0].genome),
            mean(&policy),
            mean(&prior),
            best.0,
            tau(&prior),
            entropy.first().unwrap_or(&f32::NAN),
            entropy.last().unwrap_or(&f32::NAN),
            100.0 * found.gain.policy,
            100.0 * found.gain.random
        );
    }
}
