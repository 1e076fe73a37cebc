//! Searches of a table: rewards are looked up in a benchmark in which every architecture has been
//! trained already.
//!
//! Tabular benchmarks, such as NAS-Bench-201 (Dong and Yang 2020), make strategies comparable: a
//! search takes a second, so that it can be repeated with many seeds. No network runs here and no
//! data are read.
//!
//! [`Table::open`] reads a table for a space, [`TableSearch`] runs a strategy on it.

mod csv;
mod error;
mod result;
mod json;
mod key;
mod read;
mod repeat;
mod search;
mod sheet;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::OnceLock;

pub use error::{Fault, TableError};
pub use read::Columns;
pub use repeat::{Repeated, RunMean};
pub use result::{Point, TabularResult};
pub use search::{Query, TableSearch};
use supernet_plugin::Supergraph;
use supernet_strategy::Genome;

/// Rewards by genome, in the units of the file.
#[derive(Debug)]
pub struct Table {
    space: Supergraph,
    name: String,
    reward: String,
    report: String,
    rows: BTreeMap<Genome, Entry>,
    /// Rows by their canonical child, with none for contradictory rows; computed on the first
    /// look-up of a genome without a row.
    alike: OnceLock<BTreeMap<Genome, Option<Entry>>>,
    /// The report column, best first.
    ranked: Vec<f64>,
    percent: bool,
}

/// An architecture's values in a table, in the units of the file.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Entry {
    /// The strategy's reward.
    pub reward: f64,
    /// The reported value.
    pub report: f64,
}

impl Table {
    /// The space of the table.
    pub fn space(&self) -> &Supergraph {
        &self.space
    }

    /// The name of the file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of the reward column.
    pub fn reward(&self) -> &str {
        &self.reward
    }

    /// The name of the report column.
    pub fn report(&self) -> &str {
        &self.report
    }

    /// The number of genomes.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it has no genomes, which is never true of a table that was read.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether rewards are percentages: if any is above 1, all are. Strategies receive fractions,
    /// which are percentages divided by 100.
    pub fn percent(&self) -> bool {
        self.percent
    }

    /// Looks up a genome. A genome without a row is looked up by its [canonical
    /// form](Supergraph::canonical), so that a table needs each architecture only once. If several
    /// rows match and differ, none of them is used.
    ///
    /// # Errors
    /// If there is no such row.
    pub fn query(&self, genome: &[u32]) -> Result<Entry, TableError> {
        if let Some(entry) = self.rows.get(genome) {
            return Ok(*entry);
        }
        let alike = || {
            let mut alike: BTreeMap<Genome, Option<Entry>> = BTreeMap::new();
            for (genome, entry) in &self.rows {
                if let Ok(canonical) = self.space.canonical(genome) {
                    let known = alike.entry(canonical).or_insert(Some(*entry));
                    *known = known.filter(|known| known == entry);
                }
            }
            alike
        };
        let canonical = self.space.canonical(genome)?;
        let entry = self.alike.get_or_init(alike).get(&canonical);
        entry.copied().flatten().ok_or_else(|| TableError::Lacks {
            name: self.name.clone(),
            genome: genome.to_vec(),
            rows: self.rows.len(),
        })
    }

    /// The reward as strategies receive it.
    fn share(&self, reward: f64) -> f32 {
        (if self.percent { reward / 100.0 } else { reward }) as f32
    }

    /// The rank of a reported value among all of the table's: 1 is the best, and equal values share
    /// a rank.
    fn rank(&self, report: f64) -> u32 {
        1 + self.ranked.partition_point(|other| *other > report) as u32
    }
}
