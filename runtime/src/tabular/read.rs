use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::sync::OnceLock;

use supernet_plugin::Supergraph;
use supernet_strategy::Genome;

use super::error::{Fault, TableError};
use super::key::Keys;
use super::sheet::Sheet;
use super::{Entry, Table};

/// Maximum size of a table's file, in bytes and formatted.
const MOST: (u64, &str) = (1 << 30, "1 GiB");

/// The columns of a file that make up a table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "an application creates it, and names every field"
)]
pub struct Columns {
    /// The column of genomes. Without it, the keys of a JSON object, or the first column with a
    /// genome in every row.
    pub key: Option<String>,
    /// The column of the strategies' rewards; higher is better, as for the report.
    pub reward: String,
    /// The column of the reported values; the rewards if absent.
    pub report: Option<String>,
}

impl Table {
    /// Reads a table of `space` from a CSV or JSON file. Rows whose genomes violate the space's
    /// constraints are left out.
    ///
    /// A genome is written as one number per decision, in the order of the space's decisions and
    /// counted from 0: as digits (`0120`) or separated by anything but letters (`0 1 2 0`, `[0, 1,
    /// 2, 0]`). Or as one label per decision, separated by anything that contains no label
    /// (`|skip~0|+|conv~0|pool~1|`); of labels with a common prefix the longest is taken.
    ///
    /// # Errors
    /// If there is no such file or column, a genome or a value cannot be read, or two rows of one
    /// genome differ.
    pub fn open(path: &Path, columns: &Columns, space: &Supergraph) -> Result<Self, TableError> {
        let failed = |fault| TableError::File {
            path: path.to_owned(),
            fault: Box::new(fault),
        };
        let text = text(path).map_err(failed)?;
        Self::parse(&path.display().to_string(), &text, columns, space)
    }

    /// Reads a table from a text; `name` is its name in messages.
    ///
    /// # Errors
    /// As [`Table::open`].
    pub fn parse(
        name: &str,
        text: &str,
        columns: &Columns,
        space: &Supergraph,
    ) -> Result<Self, TableError> {
        made(name, text, columns, space).map_err(|fault| TableError::File {
            path: name.into(),
            fault: Box::new(fault),
        })
    }
}

fn text(path: &Path) -> Result<String, Fault> {
    // Reading from a pipe would block.
    if !fs::metadata(path)?.is_file() {
        return Err(Fault::NoFile);
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST.0 + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST.0 {
        return Err(Fault::TooLarge { most: MOST.1 });
    }
    String::from_utf8(bytes).map_err(|_| Fault::NotText)
}

fn made(name: &str, text: &str, columns: &Columns, space: &Supergraph) -> Result<Table, Fault> {
    let sheet = Sheet::read(name, text)?;
    let reward = sheet.column(&columns.reward)?;
    let report_name = columns.report.as_ref().unwrap_or(&columns.reward);
    let report = sheet.column(report_name)?;
    let genomes = genomes(&sheet, columns, &[reward, report], space)?;
    let rewards = numbers(&sheet, reward)?;
    let reports = numbers(&sheet, report)?;

    let mut rows: BTreeMap<Genome, (usize, Entry)> = BTreeMap::new();
    let mut refused = None;
    for (row, genome) in genomes.into_iter().enumerate() {
        if let Err(error) = space.check(&genome) {
            refused.get_or_insert_with(|| error.to_string().trim_end_matches('.').to_owned());
            continue;
        }
        let entry = Entry {
            reward: rewards[row],
            report: reports[row],
        };
        let (first, known) = *rows.entry(genome.clone()).or_insert((row, entry));
        let pairs = [
            (&columns.reward, known.reward, entry.reward),
            (report_name, known.report, entry.report),
        ];
        if let Some((column, a, b)) = pairs.into_iter().find(|(_, a, b)| a != b) {
            let (first, second, column) = (sheet.at(first), sheet.at(row), column.clone());
            return Err(Fault::Differ {
                first,
                second,
                genome,
                column,
                a,
                b,
            });
        }
    }
    if let (Some(because), true) = (refused, rows.is_empty()) {
        return Err(Fault::AllRefused {
            rows: sheet.rows.len(),
            because,
        });
    }
    let rows: BTreeMap<Genome, Entry> = rows
        .into_iter()
        .map(|(genome, (_, entry))| (genome, entry))
        .collect();
    let mut ranked: Vec<f64> = rows.values().map(|entry| entry.report).collect();
    ranked.sort_by(|a, b| b.total_cmp(a));
    let percent = rows.values().any(|entry| entry.reward > 1.0);
    Ok(Table {
        space: space.clone(),
        name: name.to_owned(),
        reward: columns.reward.clone(),
        report: report_name.clone(),
        rows,
        alike: OnceLock::new(),
        ranked,
        percent,
    })
}

/// The genome of every row.
fn genomes(
    sheet: &Sheet,
    columns: &Columns,
    values: &[usize],
    space: &Supergraph,
) -> Result<Vec<Genome>, Fault> {
    let keys = Keys::new(space);
    let read = |column: usize| {
        keys.column(
            sheet
                .rows
                .iter()
                .map(|row| row.cells.get(column).map_or("", |cell| cell.trim())),
        )
        .map_err(|row| {
            let text = sheet.cells(column).nth(row).unwrap_or_default();
            // A cell may be as large as a file.
            let text = text.chars().take(100).collect();
            Fault::Key {
                at: sheet.at(row),
                text,
                expected: keys.expected(),
            }
        })
    };
    match &columns.key {
        Some(name) => read(sheet.column(name)?),
        None if sheet.keyed => read(0),
        None => {
            let other = |column: &usize| !values.contains(column);
            let found = (0..sheet.columns.len())
                .filter(other)
                .find_map(|column| read(column).ok());
            found.ok_or_else(|| Fault::NoKey {
                known: sheet.names(),
                expected: keys.expected(),
            })
        }
    }
}

fn numbers(sheet: &Sheet, column: usize) -> Result<Vec<f64>, Fault> {
    let number = |(row, cell): (usize, &str)| match cell.parse::<f64>() {
        // Strategies receive an f32.
        Ok(number) if (number as f32).is_finite() => Ok(number),
        _ => {
            let column = sheet.columns.get(column).cloned().unwrap_or_default();
            Err(Fault::Value {
                at: sheet.at(row),
                column,
                text: cell.chars().take(100).collect(),
            })
        }
    };
    sheet.cells(column).enumerate().map(number).collect()
}
