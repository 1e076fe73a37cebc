//! Searches of a table: rewards are looked up where somebody has trained every architecture
//! already.
//!
//! Tabular benchmarks, such as NAS-Bench-201 (Dong and Yang 2020), make strategies comparable: a
//! search takes a second, so that it can be repeated over many seeds. No network runs here and no
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

/// Rewards by genome, in the units of the file that they were read from.
#[derive(Debug)]
pub struct Table {
    space: Supergraph,
    name: String,
    reward: String,
    report: String,
    rows: BTreeMap<Genome, Entry>,
    /// Rows by the child that they stand for, nothing where they contradict each other; made when a
    /// genome has no row of its own.
    alike: OnceLock<BTreeMap<Genome, Option<Entry>>>,
    /// The report column, best first.
    ranked: Vec<f64>,
    percent: bool,
}

/// What a table says of an architecture, in its own units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry {
    /// What a strategy is told.
    pub reward: f64,
    /// What is reported of it.
    pub report: f64,
}

impl Table {
    /// The space that it is a table of.
    pub fn space(&self) -> &Supergraph {
        &self.space
    }

    /// The file's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The column of rewards.
    pub fn reward(&self) -> &str {
        &self.reward
    }

    /// The column that is reported.
    pub fn report(&self) -> &str {
        &self.report
    }

    /// Genomes that it has.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it has none, which no table that was read has.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether rewards are percentages: if any is above 1, all are. Strategies are told shares, a
    /// hundredth of them.
    pub fn percent(&self) -> bool {
        self.percent
    }

    /// What it says of a genome. One that has no row of its own is looked up by its [canonical
    /// form](Supergraph::canonical), so that a table may have each architecture once. If it has
    /// several rows that differ, none of them counts.
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

    /// A reward as strategies are told it.
    fn share(&self, reward: f64) -> f32 {
        (if self.percent { reward / 100.0 } else { reward }) as f32
    }

    /// The place of a reported value among all of the table's: 1 is the best, and equals share a
    /// place.
    fn rank(&self, report: f64) -> u32 {
        1 + self.ranked.partition_point(|other| *other > report) as u32
    }
}
