//! The `supernet` command: parses arguments, runs a command, returns the exit code. Only this crate
//! prints.

mod arguments;
mod commands;
mod data;
mod display;
mod interrupt;
mod notation;
mod settings;

use std::process::ExitCode;

use clap::Parser;
// The linker drops a linked space unless it is named.
use {supernet_darts as _, supernet_enas as _, supernet_nasbench as _};

use arguments::{Arguments, Command};
use display::summary;

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Search(options) => commands::search::run(&options),
        Command::Predict(options) => commands::predict::run(&options),
        Command::Evaluate(options) => commands::evaluate::run(&options),
        Command::Resume(options) => commands::resume::run(&options),
        Command::Retrain(options) => commands::retrain::run(&options),
        Command::Rank(options) => commands::rank::run(&options),
        Command::Score(options) => commands::score::run(&options),
        Command::Top(options) => commands::top::run(&options),
        Command::Config(options) => commands::config::run(&options),
        Command::Spaces(options) => commands::spaces::run(&options),
        Command::Architectures(options) => commands::architectures::run(&options),
        Command::Draw(options) => commands::draw::run(&options),
        #[cfg(feature = "gpu")]
        Command::Devices(options) => commands::devices::run(&options),
        Command::CheckPlugin(options) => commands::check_plugin::run(&options),
        Command::Selftest(options) => commands::selftest::run(&options),
        Command::Bench(options) => commands::bench::run(&options),
        Command::NewPlugin(options) => commands::new_plugin::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => summary::failure(&*failure),
    }
}
