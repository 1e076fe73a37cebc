//! The `supernet` command: parse, run, exit code. Only this crate prints.

mod arguments;
mod bench;
mod check_plugin;
mod config;
#[cfg(feature = "gpu")]
mod devices;
mod interrupt;
mod new_plugin;
mod progress;
mod resume;
mod search;
mod selftest;
mod spaces;
mod summary;
mod table;

use std::process::ExitCode;

use clap::Parser;
// A linked space that nobody names is left out by the linker.
use {supernet_enas as _, supernet_nasbench as _};

use arguments::{Arguments, Command};

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Search(options) => search::run(&options),
        Command::Resume(options) => resume::run(&options),
        Command::Config(options) => config::run(&options),
        Command::Spaces(options) => spaces::run(&options),
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
