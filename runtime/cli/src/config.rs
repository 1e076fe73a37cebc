//! `supernet config`.

use std::io::{self, Write};

use supernet::Config;

use crate::Failure;
use crate::arguments::ConfigOptions;

pub(crate) fn run(options: &ConfigOptions) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match &options.name {
        Some(name) => write!(out, "{}", Config::commented(name)?)?,
        None => Config::names().try_for_each(|(name, purpose)| writeln!(out, "{name:8} {purpose}"))?,
    }
    Ok(())
}
