//! Comma-separated values (RFC 4180): a line of column names, then one row per line; quoted cells
//! may contain commas, line breaks and doubled quotation marks. Empty lines are skipped.

use super::error::Fault;
use super::sheet::{Row, Sheet};

pub(crate) fn sheet(text: &str) -> Result<Sheet, Fault> {
    let mut rows = records(text)?.into_iter();
    let Some(head) = rows.next() else {
        return Err(Fault::Empty);
    };
    let columns: Vec<String> = head
        .cells
        .iter()
        .map(|cell| cell.trim().to_owned())
        .collect();
    let rows: Vec<Row> = rows.collect();
    if let Some(row) = rows.iter().find(|row| row.cells.len() != columns.len()) {
        return Err(Fault::Width {
            line: row.at,
            cells: row.cells.len(),
            columns: columns.len(),
        });
    }
    Ok(Sheet {
        unit: "line",
        columns,
        keyed: false,
        rows,
    })
}

fn records(text: &str) -> Result<Vec<Row>, Fault> {
    let (mut rows, mut at, mut rest) = (Vec::new(), 1, text);
    while !rest.is_empty() {
        let (cells, lines, after) = record(rest, at)?;
        if cells.len() > 1 || cells.iter().any(|cell| !cell.trim().is_empty()) {
            rows.push(Row { at, cells });
        }
        (at, rest) = (at + lines, after);
    }
    Ok(rows)
}

/// The first record of a text that starts on line `at`, the number of lines in it, and the
/// remaining text.
fn record(text: &str, at: usize) -> Result<(Vec<String>, usize, &str), Fault> {
    let (mut cells, mut lines, mut rest) = (Vec::new(), 1, text);
    loop {
        let (cell, after) = match rest.strip_prefix('"') {
            Some(inner) => quoted(inner).ok_or(Fault::Quote {
                line: at + lines - 1,
            })?,
            None => {
                let end = rest
                    .bytes()
                    .position(|byte| matches!(byte, b',' | b'\n' | b'\r'));
                let (cell, after) = rest.split_at(end.unwrap_or(rest.len()));
                (cell.to_owned(), after)
            }
        };
        let opened = at + lines - 1;
        lines += cell.matches('\n').count();
        cells.push(cell);
        let end = after
            .strip_prefix("\r\n")
            .or_else(|| after.strip_prefix(['\n', '\r']));
        rest = match (after.strip_prefix(','), end) {
            (Some(next), _) => next,
            (None, Some(next)) => return Ok((cells, lines, next)),
            (None, None) if after.is_empty() => return Ok((cells, lines, after)),
            // Text follows the closing quotation mark, so the mark closed nothing.
            (None, None) => return Err(Fault::Quote { line: opened }),
        };
    }
}

/// A cell after its opening quotation mark, and the text after the closing one.
fn quoted(text: &str) -> Option<(String, &str)> {
    let (mut cell, mut rest) = (String::new(), text);
    loop {
        let (before, after) = rest.split_once('"')?;
        cell.push_str(before);
        match after.strip_prefix('"') {
            Some(next) => {
                cell.push('"');
                rest = next;
            }
            None => return Some((cell, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(text: &str) -> Vec<(usize, Vec<String>)> {
        records(text)
            .unwrap()
            .into_iter()
            .map(|row| (row.at, row.cells))
            .collect()
    }

    #[track_caller]
    fn holds(text: &str, expected: &[(usize, &[&str])]) {
        let expected: Vec<(usize, Vec<String>)> = expected
            .iter()
            .map(|(at, cells)| (*at, cells.iter().map(|cell| (*cell).to_owned()).collect()))
            .collect();
        assert_eq!(cells(text), expected);
    }

    #[test]
    fn cells_are_parted_by_commas_and_rows_by_lines() {
        holds("a,b\n1,2\n", &[(1, &["a", "b"]), (2, &["1", "2"])]);
        holds("a,b\r\n1,2", &[(1, &["a", "b"]), (2, &["1", "2"])]);
        holds("a,\n,\n", &[(1, &["a", ""]), (2, &["", ""])]);
        holds("\n\na\n  \n1\n\n", &[(3, &["a"]), (5, &["1"])]);
        holds("", &[]);
    }

    #[test]
    fn quoted_cells_hold_anything() {
        holds("\"a,b\",c\n", &[(1, &["a,b", "c"])]);
        holds(
            "\"he said \"\"no\"\"\",\"\"\n",
            &[(1, &["he said \"no\"", ""])],
        );
        holds(
            "\"two\r\nlines\",x\nb,c\n",
            &[(1, &["two\r\nlines", "x"]), (3, &["b", "c"])],
        );
        holds("a \"b\" c,d\n", &[(1, &["a \"b\" c", "d"])]);
        let said = |text| records(text).unwrap_err().to_string();
        assert!(said("a\nb,\"c\nd\n").contains("opens on line 2"));
        assert!(said("a\n\"b\"c\n").contains("opens on line 2"));
    }

    #[test]
    fn rows_are_as_long_as_the_first_line() {
        let said = sheet("a,b\n1,2\n\n1\n").unwrap_err().to_string();
        assert_eq!(
            said,
            "line 4 has 1 cells, and the first line names 2 columns"
        );
        assert!(
            sheet("a,b\n1,2,3")
                .unwrap_err()
                .to_string()
                .contains("has 3 cells")
        );
        assert!(matches!(sheet(" \n").unwrap_err(), Fault::Empty));
    }
}
