use supernet_plugin::nearest;

use super::error::Fault;
use super::{csv, json};

/// The raw content of a table's file: text in columns.
#[derive(Debug)]
pub(crate) struct Sheet {
    /// The unit of positions: lines or entries.
    pub(crate) unit: &'static str,
    pub(crate) columns: Vec<String>,
    /// Whether the first column contains the keys of an object, and has no name.
    pub(crate) keyed: bool,
    pub(crate) rows: Vec<Row>,
}

/// A row with a cell for each column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    /// The line that it starts on, or the number of its entry, from 1.
    pub(crate) at: usize,
    pub(crate) cells: Vec<String>,
}

impl Sheet {
    /// Reads JSON if the name or the beginning of the text indicates it; else CSV.
    pub(crate) fn read(name: &str, text: &str) -> Result<Self, Fault> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let ending =
            |ending: &str| name.len() >= ending.len() && name.to_lowercase().ends_with(ending);
        let looks = text.trim_start().starts_with(['{', '[']);
        let sheet = if ending(".json") || (looks && !ending(".csv")) {
            json::sheet(text)?
        } else {
            csv::sheet(text)?
        };
        if sheet.rows.is_empty() {
            Err(Fault::Empty)
        } else {
            Ok(sheet)
        }
    }

    /// The position of a row, formatted.
    pub(crate) fn at(&self, row: usize) -> String {
        format!(
            "{} {}",
            self.unit,
            self.rows.get(row).map_or(0, |row| row.at)
        )
    }

    /// The index of a column.
    pub(crate) fn column(&self, name: &str) -> Result<usize, Fault> {
        let named = || {
            self.columns
                .iter()
                .enumerate()
                .skip(usize::from(self.keyed))
        };
        let mut found = named().filter(|(_, column)| *column == name);
        match (found.next(), found.next()) {
            (Some((index, _)), None) => Ok(index),
            (Some(_), Some(_)) => Err(Fault::TwoColumns {
                name: name.to_owned(),
            }),
            (None, _) => {
                let near = nearest(name, named().map(|(_, column)| column.as_str()));
                let hint = near
                    .map(|near| format!("; the nearest is `{near}`"))
                    .unwrap_or_default();
                Err(Fault::NoColumn {
                    name: name.to_owned(),
                    hint,
                    known: self.names(),
                })
            }
        }
    }

    /// All column names, formatted.
    pub(crate) fn names(&self) -> String {
        let names: Vec<String> = self
            .columns
            .iter()
            .skip(usize::from(self.keyed))
            .map(|name| format!("`{name}`"))
            .collect();
        if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(", ")
        }
    }

    /// The cells of a column, from top to bottom.
    pub(crate) fn cells(&self, column: usize) -> impl Iterator<Item = &str> {
        self.rows
            .iter()
            .map(move |row| row.cells.get(column).map_or("", |cell| cell.trim()))
    }
}
