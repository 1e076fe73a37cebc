//! `supernet config`.

use std::io::{self, Write};

use supernet::Config;

use crate::Failure;
use crate::arguments::ConfigOptions;

pub(crate) fn run(options: &ConfigOptions) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match &options.name {
        Some(name) => write!(out, "{}", Config::commented(name)?)?,
        None => {
            let wide = Config::names()
                .map(|(name, _)| name.len())
                .max()
                .unwrap_or_default();
            Config::names()
                .try_for_each(|(name, purpose)| writeln!(out, "{name:wide$}  {purpose}"))?;
        }
    }
    Ok(())
}
