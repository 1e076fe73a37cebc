use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use supernet_strategy::Genome;

use super::{Entry, Table};
use crate::config::StrategyName;

/// The result of a search of a table. Values are in the units of the table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TabularResult {
    /// The space.
    pub space: String,
    /// The name of the table's file.
    pub table: String,
    /// Number of genomes in the table.
    pub rows: u32,
    /// The strategy.
    pub strategy: StrategyName,
    /// The seed.
    pub seed: u64,
    /// Number of looked-up rewards.
    pub samples: u32,
    /// Number of distinct genomes among them.
    pub distinct: u32,
    /// The genome with the best reward; of equals the one that was looked up first.
    pub genome: Genome,
    /// The labels of its choices, one per decision.
    pub labels: Vec<String>,
    /// The name of the reward column.
    pub reward_column: String,
    /// Its reward.
    pub reward: f64,
    /// The name of the report column.
    pub report_column: String,
    /// Its reported value.
    pub report: f64,
    /// Its rank among all reported values of the table: 1 is the best, and equal values share a
    /// rank.
    pub rank: u32,
    /// The best reported value in the table, which this search may not have seen.
    pub best_report: f64,
    /// The progress of the search.
    pub curve: Vec<Point>,
}

/// The best by reward so far, after some samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Point {
    /// Number of looked-up rewards.
    pub samples: u32,
    /// The best reward.
    pub reward: f64,
    /// Its reported value.
    pub report: f64,
}

/// A search in progress.
pub(crate) struct Tally<'a> {
    table: &'a Table,
    most: u32,
    samples: u32,
    asked: BTreeSet<Genome>,
    best: Option<(Genome, Entry)>,
    curve: Vec<Point>,
}

impl<'a> Tally<'a> {
    pub(crate) fn new(table: &'a Table, most: u32) -> Self {
        Self {
            table,
            most,
            samples: 0,
            asked: BTreeSet::new(),
            best: None,
            curve: Vec::new(),
        }
    }

    pub(crate) fn samples(&self) -> u32 {
        self.samples
    }

    /// Adds a sample, and returns the best reward so far.
    pub(crate) fn take(&mut self, genome: &Genome, entry: Entry) -> f64 {
        self.samples += 1;
        if !self.asked.contains(genome) {
            self.asked.insert(genome.clone());
        }
        let best = match &self.best {
            Some((_, best)) if entry.reward <= best.reward => *best,
            _ => {
                self.best = Some((genome.clone(), entry));
                entry
            }
        };
        if self.samples == self.most || is_shown(self.samples) {
            self.curve.push(Point {
                samples: self.samples,
                reward: best.reward,
                report: best.report,
            });
        }
        best.reward
    }

    /// The result, if anything was looked up.
    pub(crate) fn found(mut self, strategy: StrategyName, seed: u64) -> Option<TabularResult> {
        let (genome, best) = self.best?;
        // A strategy may end early.
        if self
            .curve
            .last()
            .is_none_or(|point| point.samples < self.samples)
        {
            self.curve.push(Point {
                samples: self.samples,
                reward: best.reward,
                report: best.report,
            });
        }
        let table = self.table;
        let space = table.space.space();
        let label =
            |(decision, choice): (&supernet_plugin::Decision, &u32)| decision.kind.label(*choice);
        Some(TabularResult {
            space: space.name.clone(),
            table: table.name.clone(),
            rows: table.rows.len() as u32,
            strategy,
            seed,
            samples: self.samples,
            distinct: self.asked.len() as u32,
            labels: space
                .decisions
                .iter()
                .zip(&genome)
                .filter_map(label)
                .collect(),
            genome,
            reward_column: table.reward.clone(),
            reward: best.reward,
            report_column: table.report.clone(),
            report: best.report,
            rank: table.rank(best.report),
            best_report: table.ranked.first().copied().unwrap_or(best.report),
            curve: self.curve,
        })
    }
}

/// Whether the curve has a point there: at 10, 20, 50, 100, 200, 500 and so on.
fn is_shown(samples: u32) -> bool {
    let mut digits = samples;
    while digits >= 10 && digits.is_multiple_of(10) {
        digits /= 10;
    }
    samples >= 10 && matches!(digits, 1 | 2 | 5)
}
