//! The `supernet` command: parses arguments, runs a command, returns the exit code. Only this crate
//! prints.

mod architectures;
mod arguments;
mod bench;
mod check_plugin;
mod config;
mod data;
#[cfg(feature = "gpu")]
mod devices;
mod draw;
mod evaluate;
mod interrupt;
mod new_plugin;
mod notation;
mod predict;
mod progress;
mod resume;
mod retrain;
mod score;
mod search;
mod selftest;
mod spaces;
mod summary;
mod table;
mod top;

use std::process::ExitCode;

use clap::Parser;
// The linker drops a linked space unless it is named.
use {supernet_darts as _, supernet_enas as _, supernet_nasbench as _};

use arguments::{Arguments, Command};

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Search(options) => search::run(&options),
        Command::Predict(options) => predict::run(&options),
        Command::Evaluate(options) => evaluate::run(&options),
        Command::Resume(options) => resume::run(&options),
        Command::Retrain(options) => retrain::run(&options),
        Command::Score(options) => score::run(&options),
        Command::Top(options) => top::run(&options),
        Command::Config(options) => config::run(&options),
        Command::Spaces(options) => spaces::run(&options),
        Command::Architectures(options) => architectures::run(&options),
        Command::Draw(options) => draw::run(&options),
        #[cfg(feature = "gpu")]
        Command::Devices(options) => devices::run(&options),
        Command::CheckPlugin(options) => check_plugin::run(&options),
        Command::Selftest(options) => selftest::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::NewPlugin(options) => new_plugin::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => summary::failure(&*failure),
    }
}
