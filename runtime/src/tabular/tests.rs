//! Tables and searches of a made-up benchmark.

mod search_tests;
mod table_tests;

use std::fmt::Write;

use supernet_strategy::test_spaces;

use super::*;
use crate::config::Config;

const OPS: [&str; 5] = ["none", "skip", "conv", "conv_3x3", "pool"];

/// Three decisions with five ops each.
fn space() -> Supergraph {
    let ids = ["a", "b", "c"];
    let decisions = ids.map(|id| test_spaces::op(id, &OPS)).to_vec();
    let plan = ids
        .map(|id| test_spaces::step(&[id.to_owned()], None))
        .to_vec();
    test_spaces::space(decisions, plan, vec![])
}

/// Best at [3, 1, 4]; every step away has a cost, and the test value differs slightly from the
/// reward.
fn value(genome: &[u32]) -> (f64, f64) {
    let away: u32 = genome
        .iter()
        .zip([3, 1, 4])
        .map(|(a, b)| a.abs_diff(b))
        .sum();
    let odd = f64::from(genome.iter().sum::<u32>() % 3);
    (
        90.0 - 6.0 * f64::from(away) - odd / 10.0,
        93.0 - 5.5 * f64::from(away),
    )
}

fn csv() -> String {
    let mut text = "arch,cell,valid,test\n".to_owned();
    for (i, genome) in space().enumerate(1000).unwrap().enumerate() {
        let (reward, report) = value(&genome);
        let [a, b, c] = [0, 1, 2].map(|d| OPS[genome[d] as usize]);
        writeln!(text, "{i},|{a}~0|+|{b}~0|{c}~1|,{reward},{report}").unwrap();
    }
    text
}

fn columns() -> Columns {
    Columns {
        key: None,
        reward: "valid".to_owned(),
        report: Some("test".to_owned()),
    }
}

fn table() -> Table {
    Table::parse("toy.csv", &csv(), &columns(), &space()).unwrap()
}

fn config(assignments: &[&str]) -> Config {
    Config::read("", assignments).unwrap()
}

#[track_caller]
fn refused(name: &str, text: &str, columns: &Columns) -> String {
    Table::parse(name, text, columns, &space())
        .unwrap_err()
        .to_string()
}
