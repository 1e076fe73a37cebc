//! The truth from a published table.

use std::path::{Path, PathBuf};

use supernet_plugin::Supergraph;

use crate::error::Error;
use crate::tabular::{Columns, Table};

/// The table of the truth, and its column.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "an application creates it, and names every field"
)]
pub struct TruthTable {
    /// The file, CSV or JSON, with a row for each genome of the space, as for searches of a table.
    pub file: PathBuf,
    /// The column of the truth, in which larger is better.
    pub column: String,
}

impl TruthTable {
    /// Reads `FILE:COLUMN`. Without a column, or if all of it names a file, the column is `truth`,
    /// as in the table that a laboratory writes.
    pub fn parse(text: &str) -> Self {
        let (file, column) = match text.rsplit_once(':') {
            Some((file, column)) if !Path::new(text).exists() => (file, column),
            _ => (text, "truth"),
        };
        Self {
            file: file.into(),
            column: column.to_owned(),
        }
    }
}

/// The truth by genome.
#[derive(Debug)]
pub(super) struct Truth {
    table: Table,
}

impl Truth {
    pub(super) fn open(table: &TruthTable, supergraph: &Supergraph) -> Result<Self, Error> {
        let columns = Columns {
            key: None,
            reward: table.column.clone(),
            report: None,
        };
        Ok(Self {
            table: Table::open(&table.file, &columns, supergraph)?,
        })
    }

    /// The truth of a genome, in the units of the file.
    pub(super) fn value(&self, genome: &[u32]) -> Option<f64> {
        self.table.query(genome).ok().map(|entry| entry.reward)
    }

    /// A tenth of a percentage point, in the units of the file.
    pub(super) fn step(&self) -> f64 {
        if self.table.percent() { 0.1 } else { 0.001 }
    }
}

#[cfg(test)]
mod tests {
    use super::TruthTable;

    #[test]
    fn a_column_follows_the_last_colon() {
        let parsed = |text| {
            let TruthTable { file, column } = TruthTable::parse(text);
            (file.display().to_string(), column)
        };
        let pair = |file: &str, column: &str| (file.to_owned(), column.to_owned());
        assert_eq!(parsed("a.csv:test"), pair("a.csv", "test"));
        assert_eq!(parsed("a:b.csv:test"), pair("a:b.csv", "test"));
        assert_eq!(parsed("a.csv"), pair("a.csv", "truth"));
    }
}
