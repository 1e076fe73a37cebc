use std::io;
use std::path::PathBuf;

use supernet_plugin::GenomeError;
use supernet_strategy::{Genome, StrategyError};

use crate::config::StrategyName;
use crate::experiment::ExperimentError;

/// Why a table cannot be searched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// The file cannot be used.
    #[error("cannot use the table {}: {fault}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The reason.
        fault: Box<Fault>,
    },
    /// The genome has no row.
    #[error(
        "the table {name} has no row for the genome {genome:?}; it has {rows} others, and a search asks for any genome of \
         the space: choose another space, or complete the table"
    )]
    Lacks {
        /// The table.
        name: String,
        /// The genome.
        genome: Genome,
        /// Number of rows.
        rows: usize,
    },
    /// An invalid number of samples.
    #[error("a search of a table looks up from 1 to 1048576 samples, not {given}")]
    Samples {
        /// The given number.
        given: u32,
    },
    /// An invalid range of seeds.
    #[error(
        "a search is repeated with from 1 to 10000 seeds below 9223372036854775808, not with {given} from {first} on"
    )]
    Seeds {
        /// The first seed.
        first: u64,
        /// Number of seeds.
        given: u32,
    },
    /// The strategy learns from shared weights.
    #[error(
        "`{}` learns from the gradients of shared weights, and a table has neither; search it with `random`, `evolution` or `enas`",
        .strategy.word()
    )]
    NoWeights {
        /// The strategy.
        strategy: StrategyName,
    },
    /// The strategy returned nothing to score.
    #[error("the strategy gave no genome to be scored; `score.rollouts` must be at least 1")]
    NothingAsked,
    /// A setting is wrong.
    #[error(transparent)]
    Experiment(#[from] ExperimentError),
    /// The strategy cannot continue.
    #[error(transparent)]
    Strategy(#[from] StrategyError),
    /// A genome does not belong to the space.
    #[error(transparent)]
    Genome(#[from] GenomeError),
}

/// A defect of a table's file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The file system fails.
    #[error("{0}")]
    System(#[from] io::Error),
    /// Not a regular file.
    #[error("it is not a file; name one in CSV or JSON")]
    NoFile,
    /// The file is too large for a table.
    #[error("it is larger than {most}; leave out the columns that are not needed")]
    TooLarge {
        /// The limit, formatted.
        most: &'static str,
    },
    /// Not UTF-8.
    #[error("it is not text in UTF-8; a table is CSV or JSON")]
    NotText,
    /// Not JSON.
    #[error("it is not valid JSON: {0}")]
    Json(String),
    /// JSON with the wrong structure.
    #[error(
        "{at} is {given}; a table in JSON is an object of rows by genome, or a list of rows, and a row is an object with \
         a value for each column"
    )]
    NotARow {
        /// The position in the file.
        at: String,
        /// The value there.
        given: &'static str,
    },
    /// A quotation mark is not closed.
    #[error(
        "the quotation mark that opens on line {line} is not closed before a comma or the line's end"
    )]
    Quote {
        /// The line.
        line: usize,
    },
    /// A row has another number of cells than the header.
    #[error("line {line} has {cells} cells, and the first line names {columns} columns")]
    Width {
        /// The line.
        line: usize,
        /// Cells of the row.
        cells: usize,
        /// Columns of the table.
        columns: usize,
    },
    /// No rows.
    #[error("it has no rows; a table has a line of column names and a row for each genome")]
    Empty,
    /// The space refuses all rows.
    #[error("the space refuses the genomes of all of its {rows} rows, the first because {because}")]
    AllRefused {
        /// Number of rows.
        rows: usize,
        /// The space's objection to the first one.
        because: String,
    },
    /// The column does not exist.
    #[error("it has no column `{name}`{hint}; its columns are {known}")]
    NoColumn {
        /// The requested name.
        name: String,
        /// The nearest name, as a part of the sentence.
        hint: String,
        /// All columns.
        known: String,
    },
    /// Two columns have the same name.
    #[error("it has two columns `{name}`; rename one of them")]
    TwoColumns {
        /// Their name.
        name: String,
    },
    /// No column contains genomes.
    #[error(
        "none of its columns ({known}) has genomes in all rows; a genome is {expected}; name the column that has them"
    )]
    NoKey {
        /// All columns.
        known: String,
        /// The expected format of a genome.
        expected: String,
    },
    /// A key is not a genome.
    #[error("{at} has `{text}` where a genome should be: {expected}")]
    Key {
        /// The position in the file.
        at: String,
        /// The text.
        text: String,
        /// The expected format of a genome.
        expected: String,
    },
    /// A value is not a number.
    #[error("{at} has `{text}` in the column `{column}`, and it must be a number below 3.4e38")]
    Value {
        /// The position in the file.
        at: String,
        /// The column.
        column: String,
        /// The text.
        text: String,
    },
    /// Two rows that contradict each other.
    #[error(
        "{first} and {second} are both about the genome {genome:?}, and differ: `{column}` is {a} and {b}; keep one of them"
    )]
    Differ {
        /// Position of the first row.
        first: String,
        /// Position of the second row.
        second: String,
        /// The genome.
        genome: Genome,
        /// The column in which they differ.
        column: String,
        /// The first one's value.
        a: f64,
        /// The second one's value.
        b: f64,
    },
}
