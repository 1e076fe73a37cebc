//! Searches that look scores up in a table.

use std::collections::BTreeSet;

use supernet_strategy::Schedule;
use supernet_strategy::random::RandomSearch;

use super::*;
use crate::config::StrategyName;

#[test]
fn every_strategy_finds_the_best_row() {
    let table = table();
    for (strategy, samples, least) in [
        ("enas", 400, 18),
        ("random", 125, 20),
        ("evolution", 125, 18),
    ] {
        let experiment = TableSearch::new(
            &table,
            config(&[
                &format!("search.strategy={strategy}"),
                "evolution.population=20",
            ]),
            samples,
        );
        let repeated = experiment.unwrap().repeat(0, 20, &mut |_| {}).unwrap();
        let best = repeated.runs.iter().filter(|run| run.rank == 1).count();
        assert!(best >= least, "{strategy} {best}");
        let run = &repeated.runs[0];
        assert_eq!((run.samples, run.rows, run.labels.len()), (samples, 125, 3));
        assert!(strategy != "random" || run.distinct == 125);
        assert_eq!(
            repeated.means.last().map(|mean| (mean.samples, mean.seeds)),
            Some((samples, 20))
        );
    }
}

#[test]
fn samples_are_counted_exactly_and_equal_seeds_are_equal() {
    let table = table();
    for strategy in ["enas", "random", "evolution"] {
        let config = config(&[&format!("search.strategy={strategy}"), "score.rollouts=7"]);
        let experiment = TableSearch::new(&table, config, 50).unwrap();
        let mut asked = vec![];
        let found = experiment
            .run(3, &mut |one| asked.push(one.clone()))
            .unwrap();
        assert_eq!((found.samples, asked.len(), asked[49].sample), (50, 50, 50));
        assert_eq!(
            found
                .curve
                .iter()
                .map(|point| point.samples)
                .collect::<Vec<_>>(),
            [10, 20, 50]
        );
        let different: BTreeSet<_> = asked.iter().map(|one| &one.genome).collect();
        assert_eq!(different.len(), found.distinct as usize);
        assert!(
            strategy != "random" || different.len() == 50,
            "it repeats nothing"
        );
        // The first of the best rewards.
        let best = asked.iter().fold(
            &asked[0],
            |best, one| if one.reward > best.reward { one } else { best },
        );
        assert_eq!(
            (&found.genome, found.reward, found.report),
            (&best.genome, best.reward, best.report)
        );
        assert_eq!(found, experiment.run(3, &mut |_| {}).unwrap());
        assert_ne!(found, experiment.run(4, &mut |_| {}).unwrap());
        let text = serde_json::to_string(&found).unwrap();
        assert_eq!(serde_json::from_str::<TabularResult>(&text).unwrap(), found);
    }
    let odd = TableSearch::new(&table, config(&[]), 0)
        .unwrap_err()
        .to_string();
    assert!(odd.contains("from 1 to 1048576 samples, not 0"), "{odd}");
    let experiment = TableSearch::new(&table, config(&[]), 1).unwrap();
    assert!(
        experiment.repeat(0, 0, &mut |_| {}).is_err()
            && experiment.repeat(u64::MAX, 2, &mut |_| {}).is_err()
    );
    assert_eq!(experiment.run(0, &mut |_| {}).unwrap().curve.len(), 1);
}

#[test]
fn a_strategy_of_ones_own_is_run_until_it_ends() {
    let table = table();
    let experiment = TableSearch::new(&table, config(&[]), 500).unwrap();
    // It trains too, and ends before all samples are used.
    let schedule = Schedule {
        epochs: 3,
        steps: 4,
        warm_up: 1,
        updates: 1,
        rollouts: 5,
        paths: 1,
    };
    let mut own = RandomSearch::new(space(), schedule, 1);
    let found = experiment.run_with(&mut own, 1, &mut |_| {}).unwrap();
    assert_eq!(
        (found.samples, found.strategy),
        (3 * 4 + 2 * 5, StrategyName::Custom)
    );
    assert_eq!(found.curve.last().map(|point| point.samples), Some(22));
    let nothing = Schedule {
        rollouts: 0,
        steps: 0,
        ..schedule
    };
    let said = experiment
        .run_with(&mut RandomSearch::new(space(), nothing, 1), 1, &mut |_| {})
        .unwrap_err()
        .to_string();
    assert!(said.contains("gave no genome"), "{said}");
    let named = TableSearch::new(&table, config(&["search.strategy=own"]), 5).unwrap();
    assert!(
        named
            .run(0, &mut |_| {})
            .unwrap_err()
            .to_string()
            .contains("defined by an application")
    );
}

#[test]
fn means_are_over_seeds() {
    let table = table();
    let experiment = TableSearch::new(&table, config(&["search.strategy=random"]), 20).unwrap();
    let repeated = experiment.repeat(5, 3, &mut |_| {}).unwrap();
    let reports: Vec<f64> = repeated.runs.iter().map(|run| run.report).collect();
    let mean = reports.iter().sum::<f64>() / 3.0;
    let squares: f64 = reports.iter().map(|report| (report - mean).powi(2)).sum();
    let last = repeated.means.last().unwrap();
    assert!(
        (last.mean - mean).abs() < 1e-9
            && (last.standard_error.unwrap() - (squares / 6.0).sqrt()).abs() < 1e-9
    );
    assert_eq!(
        repeated.runs.iter().map(|run| run.seed).collect::<Vec<_>>(),
        [5, 6, 7]
    );
    assert_eq!(
        experiment.repeat(5, 1, &mut |_| {}).unwrap().means[0].standard_error,
        None
    );
}
