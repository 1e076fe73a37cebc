//! Arguments of the commands that use the result of a search.

use std::path::PathBuf;

use clap::Args;

use super::On;

#[derive(Debug, Args)]
pub(crate) struct RetrainOptions {
    /// The folder of a run: what it found is trained, with the settings of its config.toml
    #[arg(
        value_name = "RUN",
        required_unless_present_any = ["genome", "architecture", "space", "config"],
        conflicts_with_all = ["genome", "architecture", "space", "data", "config"]
    )]
    pub(crate) from: Option<PathBuf>,
    /// A published architecture, in the network that it was published with; `supernet
    /// architectures` lists them
    #[arg(long, value_name = "NAME", conflicts_with_all = ["genome", "space", "config"])]
    pub(crate) architecture: Option<String>,
    /// The architecture: a best/genome.json, a list of whole numbers, one for each decision, as the
    /// ENAS scripts have it, or a genotype as the DARTS code prints it
    #[arg(long, value_name = "FILE")]
    pub(crate) genome: Option<PathBuf>,
    /// Its space [default: the one that the file names]; one that decides nothing, such as `lstm`,
    /// is an architecture by itself
    #[arg(long, value_name = "NAME")]
    pub(crate) space: Option<String>,
    /// The data set, as for `supernet search` [default: digits]
    #[arg(long, value_name = "NAME|PATH")]
    pub(crate) data: Option<String>,
    /// Start from the settings of this file, such as a run's config.toml
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Passes over training and validation part [default: `retrain.epochs`]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub(crate) epochs: Option<String>,
    /// Change any setting; settings of the space are written space.KEY, for example --set
    /// space.filters=32
    #[arg(long, value_name = "KEY=VALUE", allow_hyphen_values = true)]
    pub(crate) set: Vec<String>,
    /// The first seed [default: that of the settings]
    #[arg(long, value_name = "S", allow_hyphen_values = true)]
    pub(crate) seed: Option<String>,
    /// Train it so many times, each time with another seed
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) seeds: u32,
    /// Train so many random architectures beside it, alike, each once with one of the seeds
    #[arg(long, value_name = "K", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub(crate) versus_random: u32,
    #[command(flatten)]
    pub(crate) on: On,
    /// The folder of the result, which must not exist yet [default: a fresh RUN/retrained-N; of any
    /// other architecture, runs/SPACE-DATA-retrained-N]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) run: Option<PathBuf>,
    /// Print every event as a line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ScoreOptions {
    /// The run's folder
    #[arg(value_name = "RUN")]
    pub(crate) from: PathBuf,
    /// The architecture: a best/genome.json, a JSON list of whole numbers, or the numbers
    /// themselves: '1 0 2' [repeatable]
    #[arg(long, value_name = "FILE|NUMBERS", required = true)]
    pub(crate) genome: Vec<String>,
    #[command(flatten)]
    pub(crate) on: On,
    /// Print a line of JSON for each
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TopOptions {
    /// The run's folder
    #[arg(value_name = "RUN")]
    pub(crate) from: PathBuf,
    /// How many, at most
    #[arg(long, short, value_name = "K", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) k: u32,
    /// The most parameters that one may have
    #[arg(long, value_name = "N")]
    pub(crate) max_params: Option<u64>,
    /// The most multiply-accumulates that one may take
    #[arg(long, value_name = "N")]
    pub(crate) max_macs: Option<u64>,
    /// Fresh samples of the policy besides what the run judged
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(0..=1 << 20))]
    pub(crate) samples: u32,
    #[command(flatten)]
    pub(crate) on: On,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PredictOptions {
    /// The model: its folder, or either of its files
    #[arg(value_name = "MODEL")]
    pub(crate) model: PathBuf,
    /// PNG or JPEG files, whose size must be the network's
    #[arg(value_name = "IMAGE", required = true)]
    pub(crate) images: Vec<PathBuf>,
    /// Bring pictures of another size to the network's
    #[arg(long)]
    pub(crate) resize: bool,
    /// Print an array with everything: an object for each picture, with all probabilities and
    /// logits
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) on: On,
}

#[derive(Debug, Args)]
pub(crate) struct EvaluateOptions {
    /// The model: its folder, or either of its files
    #[arg(value_name = "MODEL")]
    pub(crate) model: PathBuf,
    /// The data set [default: the one that the network was trained on]
    #[arg(long, value_name = "DATA")]
    pub(crate) data: Option<String>,
    /// The part, divided as for the training: `all` has the images that the network was trained on
    #[arg(long, value_name = "PART", default_value = "test")]
    pub(crate) part: PartName,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) on: On,
}

/// Parts of a data set that a network can be evaluated on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum PartName {
    /// What neither the search nor the training saw
    Test,
    /// What scored architectures
    Validation,
    /// All three
    All,
}
