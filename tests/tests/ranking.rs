//! Ranking statistics on published tables: baselines that need no training, to six digits.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may fail where it stands, and says what it skipped"
)]

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;
use supernet::results::ranking::{
    precision_at, ranks, regret_at, sparse_tau, tau, tau_of_top, tau_within_strata,
};
use supernet_tests::data;

/// `expected` is rounded to `digits` digits after the point.
#[track_caller]
fn is(value: Option<f64>, expected: f64, digits: i32) {
    let value = value.unwrap();
    let error = (value - expected).abs();
    // Halves of the last digit, and a little for the rounding of `expected` itself.
    assert!(
        error <= 0.5001 * 10_f64.powi(-digits),
        "{value} is not {expected}"
    );
}

/// NAS-Bench-201, row by row.
struct Cells {
    columns: BTreeMap<String, Vec<f64>>,
    /// Parameters of the convolutions on a path from the input to the output, in units of a 1x1
    /// convolution.
    live: Vec<f64>,
    /// The number of these convolutions.
    convs: Vec<f64>,
    /// The first row of each network: rows whose networks are isomorphic follow it.
    unique: Vec<usize>,
}

impl Cells {
    fn read() -> Option<Self> {
        let text = fs::read_to_string(data("nasbench201")?.join("nasbench201.csv")).unwrap();
        let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let head = lines.next().unwrap();
        let rows: Vec<Vec<&str>> = lines.collect();
        let texts = |name: &str| -> Vec<&str> {
            let column = head.iter().position(|column| *column == name).unwrap();
            rows.iter().map(|row| row[column]).collect()
        };
        let columns = head
            .iter()
            .filter(|name| !name.ends_with("str") && !name.ends_with("string"));
        let columns = columns.map(|name| {
            let numbers = texts(name)
                .iter()
                .map(|cell| cell.parse().unwrap())
                .collect();
            ((*name).to_owned(), numbers)
        });
        let mut first = BTreeMap::new();
        for (row, network) in texts("unique_string").into_iter().enumerate() {
            first.entry(network).or_insert(row);
        }
        let cells = texts("cellstr");
        let over = |weight: fn(&str) -> f64| -> Vec<f64> {
            let sum = |cell: &&str| live_ops(cell).into_iter().map(weight).sum();
            cells.iter().map(sum).collect()
        };
        Some(Self {
            columns: columns.collect(),
            live: over(|op| match op {
                "nor_conv_1x1" => 1.0,
                "nor_conv_3x3" => 9.0,
                _ => 0.0,
            }),
            convs: over(|op| f64::from(u8::from(op.starts_with("nor_conv")))),
            unique: first.into_values().collect(),
        })
    }

    fn column(&self, name: &str) -> &[f64] {
        &self.columns[name]
    }

    fn unique(&self, values: &[f64]) -> Vec<f64> {
        self.unique.iter().map(|row| values[*row]).collect()
    }

    /// Ranks of 12 epochs and of live parameters, added.
    fn epochs_and_size(&self) -> Vec<f64> {
        let epochs = ranks(self.column("c10_valid_e12"));
        epochs
            .iter()
            .zip(ranks(&self.live))
            .map(|(a, b)| a + b)
            .collect()
    }
}

/// The ops of `|op~0|+|op~0|op~1|+|op~0|op~1|op~2|` on a path from node 0 to node 3.
fn live_ops(cell: &str) -> Vec<&str> {
    let mut edges = Vec::new();
    for (to, node) in cell.split('+').enumerate() {
        for edge in node.split('|').filter(|edge| !edge.is_empty()) {
            let (op, from) = edge.split_once('~').unwrap();
            if op != "none" {
                edges.push((from.parse::<usize>().unwrap(), to + 1, op));
            }
        }
    }
    let (mut reached, mut needed) = ([true, false, false, false], [false, false, false, true]);
    for (from, to, _) in &edges {
        reached[*to] |= reached[*from];
    }
    for (from, to, _) in edges.iter().rev() {
        needed[*from] |= needed[*to];
    }
    let live = edges
        .into_iter()
        .filter(|(from, to, _)| reached[*from] && needed[*to]);
    live.map(|(.., op)| op).collect()
}

#[test]
fn size_ranks_nas_bench_201_as_published_searches_do() {
    let Some(cells) = Cells::read() else {
        return println!("skipped: no data");
    };
    assert_eq!((cells.live.len(), cells.unique.len()), (15_625, 6_466));
    let (truth, params) = (cells.column("c10_test_e200"), cells.column("params"));
    let best = cells.unique(truth);
    is(tau(params, truth), 0.577849, 6);
    is(tau(&cells.unique(params), &best), 0.608602, 6);
    is(tau(&cells.live, truth), 0.653982, 6);
    is(tau(&cells.unique(&cells.live), &best), 0.611096, 6);
    is(tau(&cells.convs, truth), 0.610521, 6);
    is(tau(&cells.unique(&cells.convs), &best), 0.618189, 6);
    is(sparse_tau(&cells.live, truth, 0.1), 0.657768, 6);
    // Among the best, size says nothing.
    is(tau_of_top(params, truth, 0.1), 0.079, 3);
    is(tau_of_top(&cells.live, truth, 0.1), 0.093, 3);
    is(tau_of_top(&cells.convs, truth, 0.1), 0.035, 3);
    is(tau(&cells.live, cells.column("c100_test_e200")), 0.628, 3);
    is(tau(&cells.live, cells.column("in16_test_e200")), 0.608, 3);
    is(tau(truth, cells.column("c100_test_e200")), 0.881957, 6);
    is(tau(truth, cells.column("in16_test_e200")), 0.840, 3);
}

#[test]
fn twelve_epochs_know_more_of_nas_bench_201_than_size() {
    let Some(cells) = Cells::read() else {
        return println!("skipped: no data");
    };
    let (truth, epochs) = (cells.column("c10_test_e200"), cells.column("c10_valid_e12"));
    let (best, early, live) = (
        cells.unique(truth),
        cells.unique(epochs),
        cells.unique(&cells.live),
    );
    is(tau(epochs, truth), 0.594499, 6);
    is(tau(&early, &best), 0.581675, 6);
    is(sparse_tau(epochs, truth, 0.1), 0.598079, 6);
    is(tau_of_top(epochs, truth, 0.1), 0.350, 3);
    is(precision_at(epochs, truth, 100), 0.60, 2);
    is(regret_at(epochs, truth, 10), 0.0, 9);
    is(tau_within_strata(&early, &best, &live), 0.620, 3);
    is(tau(cells.column("c10_test_e12"), truth), 0.700, 3);
    is(tau(&cells.epochs_and_size(), truth), 0.788, 3);
    is(tau_of_top(&cells.epochs_and_size(), truth, 0.1), 0.350, 3);
}

#[test]
fn nas_bench_macro_is_ranked_by_its_number_of_blocks() {
    let Some(folder) = data("nas-bench-macro") else {
        return println!("skipped: no data");
    };
    let text = fs::read_to_string(folder.join("nas-bench-macro_cifar10.json")).unwrap();
    let rows: BTreeMap<String, Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(rows.len(), 6_561);
    let column = |name: &str| -> Vec<f64> {
        rows.values()
            .map(|row| row[name].as_f64().unwrap())
            .collect()
    };
    let seed = |i: usize| -> Vec<f64> {
        let accuracy = |row: &Value| row["test_acc"][i].as_f64().unwrap();
        rows.values().map(accuracy).collect()
    };
    let digits = |weights: [f64; 3]| -> Vec<f64> {
        let sum = |key: &String| {
            key.bytes()
                .map(|byte| weights[usize::from(byte - b'0')])
                .sum()
        };
        rows.keys().map(sum).collect()
    };
    let truth = column("mean_acc");
    is(tau(&column("params"), &truth), 0.217642, 6);
    is(tau(&column("flops"), &truth), 0.555997, 6);
    is(tau(&digits([0.0, 1.0, 1.0]), &truth), 0.693327, 6);
    is(tau(&digits([0.0, 1.0, 2.0]), &truth), 0.662, 3);
    is(tau_of_top(&column("params"), &truth, 0.1), 0.145, 3);
    is(tau_of_top(&column("flops"), &truth, 0.1), 0.341, 3);
    is(precision_at(&column("flops"), &truth, 100), 0.35, 2);
    // What one seed can know of the truth.
    is(tau(&seed(0), &seed(1)), 0.881950, 6);
}
