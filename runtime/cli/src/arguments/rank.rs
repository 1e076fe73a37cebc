//! The arguments of `supernet rank`.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

/// It runs on the CPU alone: many searches, each on one thread.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("truths").args(["truth", "alone"]).required(true).multiple(true))]
pub(crate) struct RankOptions {
    /// The search space; `supernet spaces` lists them [default: enas-macro]
    #[arg(long, value_name = "NAME")]
    pub(crate) space: Option<String>,
    /// The data set, by name or path, as for `supernet search` [default: digits]
    #[arg(long, value_name = "NAME|PATH")]
    pub(crate) data: Option<String>,
    /// Start from the settings of this name (`supernet config` lists them) or this file
    #[arg(long, value_name = "NAME|FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Change any setting of the searches, such as search.epochs=20 [repeatable]
    #[arg(long, value_name = "KEY=VALUE", allow_hyphen_values = true)]
    pub(crate) set: Vec<String>,
    /// The strategies that train shared weights, separated by commas
    #[arg(
        long,
        value_name = "NAMES",
        default_value = "spos",
        value_delimiter = ','
    )]
    pub(crate) strategies: Vec<String>,
    /// The number of searches by each strategy, with seeds from search.seed on
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) seeds: u32,
    /// The number of networks that are ranked, spread over all sizes; at least 10
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) networks: u32,
    /// The truth: a table in CSV or JSON with a row for each genome, as for `search --table`, and
    /// its column, in which larger is better [default column: truth]
    #[arg(long, value_name = "FILE[:COLUMN]")]
    pub(crate) truth: Option<String>,
    /// Train every network alone for so many epochs and test it: this is the truth if there is no
    /// table, and a baseline beside one. The folder keeps what is trained
    #[arg(long, value_name = "EPOCHS", value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    pub(crate) alone: Option<u32>,
    /// The number of trainings of each network, with different seeds; at least 2
    #[arg(long, value_name = "N", default_value_t = 2, requires = "alone")]
    pub(crate) alone_seeds: u32,
    /// The folder for finished pieces and the report. A rerun continues with what is there, and may
    /// add strategies and seeds
    #[arg(long, short, value_name = "FOLDER")]
    pub(crate) output: PathBuf,
    /// Add the spaces and ops of a plugin: its library, whose code then runs here, or a folder with
    /// a space.json [repeatable]
    #[arg(long, value_name = "PATH")]
    pub(crate) plugin: Vec<PathBuf>,
    /// The number of searches or trainings at a time, each on one thread; it changes no result
    /// [default: one per core]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub(crate) threads: Option<String>,
    /// Print the report as JSON
    #[arg(long)]
    pub(crate) json: bool,
}
