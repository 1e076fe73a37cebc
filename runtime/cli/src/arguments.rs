//! The command-line arguments.

mod finished;
mod on;
mod rank;

pub(crate) use finished::{
    EvaluateOptions, PartName, PredictOptions, RetrainOptions, ScoreOptions, TopOptions,
};
pub(crate) use on::{On, spaces};
pub(crate) use rank::RankOptions;

use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand};

use crate::misuse::Misuse;
use crate::notation::WAYS;

/// Search neural architectures with shared weights (ENAS, Pham et al. 2018).
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Search a space for the architecture that suits the data best.
    ///
    /// Without options: ENAS macro on the built-in digits, a minute on two cores. The result is
    /// written to a run folder: best/genome.json, best/architecture.svg, best/retrained.json, events.jsonl,
    /// and config.toml with every resolved setting. Ctrl-C saves and ends a search; `supernet resume`
    /// continues it.
    Search(Box<SearchOptions>),
    /// Continue a search that was stopped or that crashed, from its last checkpoint. The result is
    /// the same, bit for bit, as that of an uninterrupted search. Any device can continue any run;
    /// equal bits are promised on the same device.
    Resume(ResumeOptions),
    /// Train an architecture from scratch: the best one of a run, a published one, one from a file,
    /// or the only one of a space.
    ///
    /// It is trained with weights of its own on the training and validation splits together, and
    /// tested on the test split, which no search saw. `--set` changes any setting, including those of
    /// the space: the architecture is transferred to a wider space by the names of its decisions.
    /// Random architectures at the same budget show what the search gained. Ctrl-C saves; `supernet
    /// resume` continues.
    Retrain(Box<RetrainOptions>),
    /// Measure how well shared weights rank networks: a ranking laboratory.
    ///
    /// Trains shared weights by every strategy with several seeds, scores the same networks with all of
    /// them, and compares the scores with the truth: a published table, or a training of every network
    /// alone. Beside them stand rankings that cost nothing, such as by the number of parameters.
    Rank(Box<RankOptions>),
    /// Score architectures with a run's shared weights: accuracy or perplexity and loss on the whole
    /// validation split, parameters, multiply-accumulates.
    Score(ScoreOptions),
    /// List the best architectures of a run within limits, ranked with its shared weights: those of
    /// its final evaluation, and fresh samples of its policy.
    Top(TopOptions),
    /// Classify images with a trained network: for each the most likely class, its probability, and
    /// the next two.
    Predict(PredictOptions),
    /// Evaluate a trained network on labelled data: accuracy, cross-entropy, calibration error and
    /// confusion matrix.
    Evaluate(EvaluateOptions),
    /// List the named settings, or print those of one name as TOML with the source of each value.
    /// `supernet search --config NAME` uses them.
    Config(ConfigOptions),
    /// List the search spaces, or show one: decisions, size, parameters, smallest and largest
    /// child.
    Spaces(SpacesOptions),
    /// List the built-in published architectures, or show one: source, published error and
    /// parameters, the parameters counted here, and why the two differ.
    Architectures(ArchitecturesOptions),
    /// Draw an architecture as SVG: a published one, or one from a file.
    Draw(DrawOptions),
    #[cfg(feature = "gpu")]
    /// List the devices: GPUs with driver and limits, and the one that `auto` selects.
    Devices(DevicesOptions),
    /// Check a plugin without a search: measure, draw and run its spaces, and compare the gradients of
    /// its ops with finite differences. This happens in a second process, so that a plugin that
    /// crashes or hangs does no harm.
    CheckPlugin(CheckPluginOptions),
    /// Compare a device with the references: every kernel, ten training steps, a short benchmark;
    /// prints a report.
    Selftest(SelftestOptions),
    /// Time program building, training steps and scoring on this machine.
    Bench(BenchOptions),
    /// Create a crate with a search space of your own, which builds and passes its tests unchanged.
    NewPlugin(NewPluginOptions),
}

#[derive(Debug, Args)]
pub(crate) struct SearchOptions {
    /// The search space; `supernet spaces` lists them [default: enas-macro]
    #[arg(long, value_name = "NAME")]
    pub(crate) space: Option<String>,
    /// The data set: `digits` or `fashion`, which are built in, or the path of your own: a folder of IDX files
    /// (MNIST), of CIFAR's .bin files, of .npy files, or of folders with PNG or JPEG images, one
    /// per class, or text files [default: digits]
    #[arg(long, value_name = "NAME|PATH")]
    pub(crate) data: Option<String>,
    /// `spos` (single-path one-shot: nothing is scored before the shared weights are trained), `enas`
    /// (an LSTM controller), `evolution` (regularised evolution), `random`, at the same budget,
    /// `halving` (random networks, trained alone by successive halving; no weights are shared), `nas`
    /// (a controller whose children are trained from scratch), or one of `darts`, `snas`, `gdas`,
    /// `proxyless`, `one-shot` and `fairnas`
    /// [default: spos]
    #[arg(long, value_name = "NAME")]
    pub(crate) strategy: Option<String>,
    /// Passes over the training split [default: fitted to the data and the strategy]
    #[arg(
        long,
        value_name = "N",
        allow_hyphen_values = true,
        conflicts_with = "minutes"
    )]
    pub(crate) epochs: Option<String>,
    /// Approximate duration of everything, retraining included: a few steps are timed, and the
    /// lengths of all phases are fixed from them. If it is too short for a search that means
    /// anything, a warning says what would be needed
    #[arg(long, value_name = "M", allow_hyphen_values = true)]
    pub(crate) minutes: Option<String>,
    /// The seed of the search: equal seeds give equal results on any number of threads [default: 0]
    #[arg(long, value_name = "S", allow_hyphen_values = true)]
    pub(crate) seed: Option<String>,
    #[command(flatten)]
    pub(crate) on: On,
    /// The number of evaluators that score in parallel: they divide the threads among themselves
    /// and change no result
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub(crate) evaluators: Option<String>,
    /// Start from the settings of this name (`supernet config` lists them) or this file, such as a
    /// run's config.toml
    #[arg(long, value_name = "NAME|FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Change any setting of config.toml; settings of the space are written space.KEY [repeatable]
    #[arg(long, value_name = "KEY=VALUE", allow_hyphen_values = true)]
    pub(crate) set: Vec<String>,
    /// Skip the last phase, in which the best architecture is trained from scratch next to random
    /// ones
    #[arg(long)]
    pub(crate) no_retrain: bool,
    /// The run's folder, which must not exist yet [default: a new runs/SPACE-DATA-N]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) run: Option<PathBuf>,
    /// Print every event as a line of JSON; with --table, only the result
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) table: TableOptions,
}

/// A search of a table trains nothing, so what concerns training goes with none of these.
#[derive(Debug, Args)]
#[command(next_help_heading = "Search a table instead of training")]
pub(crate) struct TableOptions {
    /// Look rewards up in this file, CSV or JSON with one row per genome of the space; nothing is
    /// trained
    #[arg(
        long,
        value_name = "FILE",
        requires_all = ["reward", "samples"],
        conflicts_with_all = ["data", "epochs", "minutes", "device", "threads", "evaluators", "run"]
    )]
    pub(crate) table: Option<PathBuf>,
    /// The column of genomes: numbers, digits or labels, one per decision [default: the first such
    /// column]
    #[arg(long, value_name = "COLUMN", requires = "table")]
    pub(crate) key: Option<String>,
    /// The column of rewards, which the strategy sees: percentages if any is above 1, else fractions
    #[arg(long, value_name = "COLUMN", requires = "table")]
    pub(crate) reward: Option<String>,
    /// The column that is reported for the best genome by reward, and that the strategy does not see
    /// [default: the rewards]
    #[arg(long, value_name = "COLUMN", requires = "table")]
    pub(crate) report: Option<String>,
    /// The number of queries; a genome that is queried again counts again, which only `random` avoids
    #[arg(long, value_name = "N", requires = "table", value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    pub(crate) samples: Option<u32>,
    /// Search with this many seeds, starting at --seed, and print means with standard errors
    #[arg(long, value_name = "K", requires = "table", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) repeat: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct ResumeOptions {
    /// The run's folder
    #[arg(value_name = "RUN")]
    pub(crate) run: PathBuf,
    #[command(flatten)]
    pub(crate) on: On,
    /// The number of evaluators that score in parallel: they divide the threads among themselves
    /// and change no result
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub(crate) evaluators: Option<String>,
    /// Print every event as a line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ConfigOptions {
    /// Print these settings [default: list the names]
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("one").args(["name", "space"]))]
pub(crate) struct SpacesOptions {
    /// Show this space [default: list all]
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// The same, as earlier versions had it
    #[arg(long, hide = true, conflicts_with = "name")]
    pub(crate) space: Option<String>,
    /// Add the spaces of a plugin: its library, whose code then runs here, or a folder with a
    /// space.json [repeatable]
    #[arg(long, value_name = "PATH")]
    pub(crate) plugin: Vec<PathBuf>,
    /// The data set whose shape and classes the space is built for, by name or path; instead, --set
    /// can give them, for example --set image=[32,32,3] [default: digits]
    #[arg(long, value_name = "NAME|PATH", requires = "one")]
    pub(crate) data: Option<String>,
    /// Change a setting of the space, written space.KEY or KEY
    #[arg(
        long,
        value_name = "KEY=VALUE",
        allow_hyphen_values = true,
        requires = "one"
    )]
    pub(crate) set: Vec<String>,
}

#[cfg(feature = "gpu")]
#[derive(Debug, Args)]
pub(crate) struct DevicesOptions {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SelftestOptions {
    /// `auto`, `cpu`, `gpu` (any adapter, software included) or `gpu:NAME`
    #[arg(long, value_name = "DEVICE", default_value = "gpu")]
    pub(crate) device: String,
    /// Threads of the CPU device [default: one per core]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub(crate) threads: Option<String>,
    /// Print the report as JSON, ready to be pasted into an issue
    #[arg(long)]
    pub(crate) json: bool,
}

/// The names are those of the same benchmark in PyTorch.
#[derive(Debug, Args)]
pub(crate) struct BenchOptions {
    /// The network: enas-macro, enas-micro or enas-recurrent
    #[arg(long, value_name = "NAME", default_value = "enas-macro")]
    pub(crate) space: String,
    /// `auto`, `cpu`, `gpu` (any adapter, software included), `gpu:NAME`, or `gpu:noop`, which
    /// computes nothing and shows what a GPU costs its host
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub(crate) device: String,
    /// Timed repetitions, each with a fresh random child; medians are printed
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) steps: u32,
    /// Threads of the CPU device [default: one per core]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub(crate) threads: Option<String>,
    /// Layers of the network
    #[arg(long, value_name = "N", default_value_t = 6)]
    pub(crate) layers: u32,
    /// Filters of the network
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub(crate) filters: u32,
    /// Height and width of the images
    #[arg(long, value_name = "N", default_value_t = 32)]
    pub(crate) hw: u32,
    /// Channels of the images
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) cin: u32,
    /// Classes of the labels
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) classes: u32,
    /// Samples in a minibatch
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub(crate) batch: u32,
    /// Tokens of the recurrent network
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub(crate) vocab: u32,
    /// Hidden units of the recurrent network
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub(crate) hidden: u32,
    /// Tokens of a sequence of the recurrent network
    #[arg(long, value_name = "N", default_value_t = 35)]
    pub(crate) bptt: u32,
    /// Print one line of JSON for each kind of work
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CheckPluginOptions {
    /// The plugin: its library, whose code then runs in a process of its own, or a folder with a
    /// space.json
    #[arg(value_name = "PATH")]
    pub(crate) path: PathBuf,
    /// Check this space only [default: all of them]
    #[arg(long, value_name = "NAME")]
    pub(crate) space: Option<String>,
    /// Change a setting of the space, written space.KEY or KEY, for example --set image=[32,32,3]
    #[arg(long, value_name = "KEY=VALUE", allow_hyphen_values = true)]
    pub(crate) set: Vec<String>,
    /// The device on which its ops and children are checked: `cpu`, `gpu` or `gpu:NAME`
    /// [repeatable] [default: cpu and gpu]
    #[arg(long, value_name = "DEVICE")]
    pub(crate) device: Vec<String>,
    /// The folder for the drawings [default: a new checked/PLUGIN-N]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) drawings: Option<PathBuf>,
    /// Stop the check after this many seconds
    #[arg(long, value_name = "S", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) seconds: u64,
    /// The process that another one watches
    #[arg(long, hide = true)]
    pub(crate) watched: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ArchitecturesOptions {
    /// The architecture to show, with its settings and its notation
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("architectures").args(["architecture", "genome"]).required(true))]
pub(crate) struct DrawOptions {
    /// A published architecture; `supernet architectures` lists them
    #[arg(long, value_name = "NAME", conflicts_with = "space")]
    pub(crate) architecture: Option<String>,
    #[arg(long, value_name = "ARCHITECTURE", help = WAYS)]
    pub(crate) genome: Option<String>,
    /// Its space [default: the one that the file names]
    #[arg(long, value_name = "NAME")]
    pub(crate) space: Option<String>,
    /// Start from the settings of this file, such as a run's config.toml
    #[arg(long, value_name = "FILE", conflicts_with = "architecture")]
    pub(crate) config: Option<PathBuf>,
    /// Change a setting of the space, for example --set space.cells=8
    #[arg(long, value_name = "KEY=VALUE", allow_hyphen_values = true)]
    pub(crate) set: Vec<String>,
    /// Add the spaces of a plugin: its library, whose code then runs here, or a folder with a
    /// space.json [repeatable]
    #[arg(long, value_name = "PATH")]
    pub(crate) plugin: Vec<PathBuf>,
    /// The file of the drawing, which must not exist yet
    #[arg(long, short, value_name = "FILE.svg")]
    pub(crate) output: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct NewPluginOptions {
    /// The name of the crate and of its space: letters (a to z), digits, `-` and `_`
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// A checkout of supernet's repository, whose crates it then uses [default: those on crates.io]
    #[arg(long, value_name = "PATH")]
    pub(crate) supernet: Option<PathBuf>,
    /// The crate's folder, which must not exist yet [default: NAME]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) folder: Option<PathBuf>,
}

/// The number of threads; 0 is one per core.
pub(crate) fn threads(given: Option<&str>) -> Result<usize, Misuse> {
    given.map_or(Ok(0), |given| number("--threads", given, 1024))
}

/// The number of evaluators.
pub(crate) fn evaluators(given: Option<&str>) -> Result<usize, Misuse> {
    given.map_or(Ok(1), |given| number("--evaluators", given, 256))
}

fn number(option: &str, given: &str, most: usize) -> Result<usize, Misuse> {
    let number = given
        .parse()
        .ok()
        .filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| {
        Misuse(format!(
            "`{option}` must be a whole number from 1 to {most}, not `{given}`"
        ))
    })
}

/// A whole number, which may also be written as 1e6.
pub(crate) fn whole(given: &str) -> Result<u64, String> {
    let float = || {
        given
            .parse()
            .ok()
            .filter(|x: &f64| x.fract() == 0.0 && (0.0..1e15).contains(x))
    };
    let number = given.parse().ok().or_else(|| float().map(|x| x as u64));
    number.ok_or_else(|| "it must be a whole number, such as 5000 or 1e6".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn whole_numbers_have_an_exponent_or_none() {
        assert_eq!(whole("5000"), Ok(5000));
        assert_eq!(whole("1e6"), Ok(1_000_000));
        assert_eq!(whole("18446744073709551615"), Ok(u64::MAX));
        assert!(
            ["1.5", "-1", "1e99", "many", ""]
                .iter()
                .all(|given| whole(given).is_err())
        );
    }

    /// What may be given instead is named, not only one of several.
    #[test]
    fn what_is_missing_is_named_with_its_alternatives() {
        let said = |arguments: &[&str]| {
            Arguments::try_parse_from([&["supernet"], arguments].concat())
                .unwrap_err()
                .to_string()
        };
        let why = said(&["retrain"]);
        for way in [
            "RUN",
            "--architecture <NAME>",
            "--genome <ARCHITECTURE>",
            "--space <NAME>",
        ] {
            assert!(why.contains(way), "{why}");
        }
        let why = said(&["rank", "--output=lab"]);
        assert!(
            why.contains("--truth <FILE[:COLUMN]>|--alone <EPOCHS>"),
            "{why}"
        );
        let why = said(&["draw", "--output=x.svg"]);
        assert!(
            why.contains("--architecture <NAME>|--genome <ARCHITECTURE>"),
            "{why}"
        );
    }
}
