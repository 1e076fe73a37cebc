//! The `supernet` command: parses arguments, runs a command, returns the exit code. Only this crate
//! prints.

mod arguments;
mod commands;
mod data;
mod display;
mod interrupt;
mod misuse;
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
    #[cfg(all(feature = "gpu", target_os = "linux"))]
    without_desktop();
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

/// Starts the command over without a layer of Mesa that picks a GPU for a desktop, if there is no
/// desktop: in a container or on a server it only writes an error, twice, that reads as if it were
/// this command's. The environment is read when the process starts, so this replaces the process.
#[cfg(all(feature = "gpu", target_os = "linux"))]
fn without_desktop() {
    use std::os::unix::process::CommandExt;
    use std::{env, process};

    const OFF: &str = "NODEVICE_SELECT";
    let set = |name| env::var_os(name).is_some();
    if set("XDG_RUNTIME_DIR") || set(OFF) || set("MESA_VK_DEVICE_SELECT") {
        return;
    }
    if let Ok(this) = env::current_exe() {
        let mut arguments = env::args_os();
        let mut again = process::Command::new(this);
        again.arg0(arguments.next().unwrap_or_default());
        // It returns only if it fails, and then the error stays as it is.
        let _ = again.args(arguments).env(OFF, "1").exec();
    }
}
