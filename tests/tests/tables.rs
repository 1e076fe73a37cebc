//! Strategies on tables with known ground truth: the controller is better than random search by a
//! significant margin.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may fail where it stands, and says what it skipped"
)]

use std::path::Path;

use supernet::Config;
use supernet::plugin::Facts;
use supernet::space::{BuiltSpace, Spaces};
use supernet::tabular::{Columns, Table, TableSearch};
use supernet_nasbench as _;
use supernet_tests::data;

/// As in most comparisons on these tables.
const SAMPLES: u32 = 500;
const SEEDS: u32 = 50;

fn table(space: &str, path: &Path, columns: &Columns) -> Table {
    let mut config = Config::default();
    config.search.space = space.to_owned();
    let BuiltSpace { supergraph, .. } = Spaces::linked()
        .build(&mut config, &Facts::images(&[32, 32, 3], 10))
        .unwrap();
    Table::open(path, columns, &supergraph).unwrap()
}

/// Mean and standard error, over all seeds, of the report value of the genome with the best reward.
fn mean(table: &Table, strategy: &str) -> (f64, f64) {
    let config = Config::read("", &[format!("search.strategy={strategy}")]).unwrap();
    let repeated = TableSearch::new(table, config, SAMPLES)
        .unwrap()
        .repeat(0, SEEDS, &mut |_| {})
        .unwrap();
    let last = repeated.means.last().unwrap();
    assert_eq!(last.samples, SAMPLES);
    let error = last.standard_error.unwrap();
    println!("{} {strategy}: {:.4} ± {error:.4}", table.name(), last.mean);
    (last.mean, error)
}

/// Asserts that the controller is ahead of random search by more than four standard errors of the
/// difference.
fn assert_ahead(table: &Table) {
    let ((enas, off), (random, error)) = (mean(table, "enas"), mean(table, "random"));
    let margin = (enas - random) / off.hypot(error);
    assert!(
        margin > 4.0,
        "{enas:.4} ± {off:.4} against {random:.4} ± {error:.4}: {margin:.1} standard errors"
    );
}

#[test]
fn the_controller_is_ahead_of_chance_on_nas_bench_201() {
    let Some(folder) = data("nasbench201") else {
        return println!("skipped: no data");
    };
    let (reward, report) = ("c10_valid_e12".to_owned(), Some("c10_test_e200".to_owned()));
    let columns = Columns {
        key: Some("cellstr".to_owned()),
        reward,
        report,
    };
    assert_ahead(&table(
        "nasbench201",
        &folder.join("nasbench201.csv"),
        &columns,
    ));
}

#[test]
fn the_controller_is_ahead_of_chance_on_nas_bench_macro() {
    let Some(folder) = data("nas-bench-macro") else {
        return println!("skipped: no data");
    };
    let columns = Columns {
        key: None,
        reward: "mean_acc".to_owned(),
        report: None,
    };
    assert_ahead(&table(
        "nasbench-macro",
        &folder.join("nas-bench-macro_cifar10.json"),
        &columns,
    ));
}
