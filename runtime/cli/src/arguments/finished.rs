//! Arguments of the commands that use the result of a search.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use super::On;
use crate::notation::WAYS;

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("architectures").args(["from", "architecture", "genome", "space", "config"]).required(true).multiple(true))]
pub(crate) struct RetrainOptions {
    /// The folder of a run: its best architecture is trained, or that of --genome, with the settings
    /// of its config.toml; RUN#3 is the third of its best/top.json
    #[arg(value_name = "RUN", conflicts_with_all = ["architecture", "space", "data", "config"])]
    pub(crate) from: Option<String>,
    /// A published architecture, in the network that it was published with; `supernet
    /// architectures` lists them
    #[arg(long, value_name = "NAME", conflicts_with_all = ["genome", "space", "config"])]
    pub(crate) architecture: Option<String>,
    #[arg(long, value_name = "ARCHITECTURE", help = WAYS)]
    pub(crate) genome: Option<String>,
    /// Its space [default: the one that the file names]; a space without decisions, such as `lstm`,
    /// is an architecture by itself
    #[arg(long, value_name = "NAME")]
    pub(crate) space: Option<String>,
    /// The data set, as for `supernet search` [default: digits]
    #[arg(long, value_name = "NAME|PATH")]
    pub(crate) data: Option<String>,
    /// Start from the settings of this file, such as a run's config.toml
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Passes over the training and validation splits [default: `retrain.epochs`]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub(crate) epochs: Option<String>,
    /// Change any setting; settings of the space are written space.KEY, for example --set
    /// space.filters=32 [repeatable]
    #[arg(long, value_name = "KEY=VALUE", allow_hyphen_values = true)]
    pub(crate) set: Vec<String>,
    /// The first seed [default: that of the settings]
    #[arg(long, value_name = "S", allow_hyphen_values = true)]
    pub(crate) seed: Option<String>,
    /// Train it this many times, each time with another seed
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) seeds: u32,
    /// Also train this many random architectures in the same way, each once with one of the seeds
    #[arg(long, value_name = "K", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub(crate) versus_random: u32,
    /// Also train this many random architectures of nearly as many parameters, which show what size
    /// alone achieves
    #[arg(long, value_name = "K", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub(crate) versus_same_size: u32,
    /// Also train the largest architecture of the space this many times
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub(crate) versus_largest: u32,
    #[command(flatten)]
    pub(crate) on: On,
    /// The folder of the result, which must not exist yet [default: a new RUN/retrained-N, or
    /// runs/SPACE-DATA-retrained-N for any other architecture]
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
    #[arg(long, value_name = "ARCHITECTURE", required = true, help = format!("{WAYS} [repeatable]"))]
    pub(crate) genome: Vec<String>,
    #[command(flatten)]
    pub(crate) on: On,
    /// Print a line of JSON per architecture
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TopOptions {
    /// The run's folder
    #[arg(value_name = "RUN")]
    pub(crate) from: PathBuf,
    /// The maximum number of architectures
    #[arg(long, short, value_name = "K", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) k: u32,
    /// The maximum number of parameters of an architecture
    #[arg(long, value_name = "N", value_parser = super::whole)]
    pub(crate) max_params: Option<u64>,
    /// The maximum number of multiply-accumulates of an architecture, for one sample
    #[arg(long, value_name = "N", value_parser = super::whole)]
    pub(crate) max_macs: Option<u64>,
    /// The number of fresh samples of the policy, besides the architectures of the final evaluation
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
    /// The model: its folder, either of its files, or the run that it is of
    #[arg(value_name = "MODEL")]
    pub(crate) model: PathBuf,
    /// PNG or JPEG files of the network's image size
    #[arg(value_name = "IMAGE", required = true)]
    pub(crate) images: Vec<PathBuf>,
    /// Resize images of any other size
    #[arg(long)]
    pub(crate) resize: bool,
    /// Print a JSON array with one object per image, with all probabilities and logits
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) on: On,
}

#[derive(Debug, Args)]
pub(crate) struct EvaluateOptions {
    /// The model: its folder, either of its files, or the run that it is of
    #[arg(value_name = "MODEL")]
    pub(crate) model: PathBuf,
    /// The data set [default: that of its training]
    #[arg(long, value_name = "DATA")]
    pub(crate) data: Option<String>,
    /// The split, the same as in training: `all` includes the images that the network was trained on
    #[arg(long, value_name = "PART", default_value = "test")]
    pub(crate) part: PartName,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) on: On,
}

/// The splits of a data set that a network can be evaluated on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum PartName {
    /// Samples that neither the search nor the training saw
    Test,
    /// Samples that scored architectures
    Validation,
    /// All samples
    All,
}
