use std::io;
use std::path::PathBuf;

use supernet_plugin::GenomeError;
use supernet_strategy::{Genome, StrategyError};

use crate::experiment::ExperimentError;

/// Why a table cannot be searched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// The file cannot be used.
    #[error("cannot use the table {}: {fault}", .path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// What is wrong with it.
        fault: Box<Fault>,
    },
    /// A genome without a row.
    #[error(
        "the table {name} has no row for the genome {genome:?}; it has {rows} others, and a search asks for any genome of \
         the space: choose another space, or complete the table"
    )]
    Lacks {
        /// The table.
        name: String,
        /// What was asked for.
        genome: Genome,
        /// Rows that it has.
        rows: usize,
    },
    /// A number of samples that no search has.
    #[error("a search of a table looks up from 1 to 1048576 samples, not {given}")]
    Samples {
        /// What was asked for.
        given: u32,
    },
    /// A number of repetitions that makes no sense.
    #[error(
        "a search is repeated with from 1 to 10000 seeds below 9223372036854775808, not with {given} from {first} on"
    )]
    Seeds {
        /// The first one.
        first: u64,
        /// How many.
        given: u32,
    },
    /// A strategy that gave nothing to be scored.
    #[error("the strategy gave no genome to be scored; `score.rollouts` must be at least 1")]
    NothingAsked,
    /// A setting is wrong.
    #[error(transparent)]
    Experiment(#[from] ExperimentError),
    /// The strategy cannot go on.
    #[error(transparent)]
    Strategy(#[from] StrategyError),
    /// A genome is none of the space's.
    #[error(transparent)]
    Genome(#[from] GenomeError),
}

/// What can be wrong with a table's file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The system refuses.
    #[error("{0}")]
    System(#[from] io::Error),
    /// A folder, a pipe.
    #[error("it is no file; name one in CSV or JSON")]
    NoFile,
    /// A file that no table is.
    #[error("it is larger than {most}; leave out the columns that are not needed")]
    TooLarge {
        /// What is taken, in words.
        most: &'static str,
    },
    /// Not UTF-8.
    #[error("it is not text in UTF-8; a table is CSV or JSON")]
    NotText,
    /// Not JSON.
    #[error("it is not valid JSON: {0}")]
    Json(String),
    /// JSON of another form.
    #[error(
        "{at} is {given}; a table in JSON is an object of rows by genome, or a list of rows, and a row is an object with \
         a value for each column"
    )]
    NotARow {
        /// Which part of it.
        at: String,
        /// What stands there.
        given: &'static str,
    },
    /// A quotation mark alone.
    #[error(
        "the quotation mark that opens on line {line} is not closed before a comma or the line's end"
    )]
    Quote {
        /// Where.
        line: usize,
    },
    /// A row of another length.
    #[error("line {line} has {cells} cells, and the first line names {columns} columns")]
    Width {
        /// Where.
        line: usize,
        /// Cells of the row.
        cells: usize,
        /// Columns of the table.
        columns: usize,
    },
    /// No rows.
    #[error("it has no rows; a table has a line of column names and a row for each genome")]
    Empty,
    /// Rows, but none of the space's.
    #[error("the space refuses the genomes of all of its {rows} rows, the first because {because}")]
    AllRefused {
        /// How many there are.
        rows: usize,
        /// What the space says of the first.
        because: String,
    },
    /// No such column.
    #[error("it has no column `{name}`{hint}; its columns are {known}")]
    NoColumn {
        /// What was asked for.
        name: String,
        /// The nearest, as a part of the sentence.
        hint: String,
        /// All columns.
        known: String,
    },
    /// Two columns of a name.
    #[error("it has two columns `{name}`; rename one of them")]
    TwoColumns {
        /// Their name.
        name: String,
    },
    /// No column of genomes.
    #[error(
        "none of its columns ({known}) has genomes in all rows; a genome is {expected}; name a column with --key"
    )]
    NoKey {
        /// All columns.
        known: String,
        /// How a genome is written.
        expected: String,
    },
    /// A key that is no genome.
    #[error("{at} has `{text}` where a genome should be: {expected}")]
    Key {
        /// Where.
        at: String,
        /// What stands there.
        text: String,
        /// How a genome is written.
        expected: String,
    },
    /// A value that is no number.
    #[error("{at} has `{text}` in the column `{column}`, and it must be a number below 3.4e38")]
    Value {
        /// Where.
        at: String,
        /// The column.
        column: String,
        /// What stands there.
        text: String,
    },
    /// Two rows that contradict each other.
    #[error(
        "{first} and {second} are both about the genome {genome:?}, and differ: `{column}` is {a} and {b}; keep one of them"
    )]
    Differ {
        /// Where one is.
        first: String,
        /// Where the other is.
        second: String,
        /// Which genome.
        genome: Genome,
        /// The column in which they differ.
        column: String,
        /// The first one's value.
        a: f64,
        /// The second one's value.
        b: f64,
    },
}
