//! `supernet top`.

use std::io::Write;

use supernet::tools::trained_supernet::{Limits, TrainedSupernet};

use crate::Failure;
use crate::arguments::TopOptions;
use crate::display::summary;

pub(crate) fn run(options: &TopOptions) -> Result<(), Failure> {
    let mut supernet = TrainedSupernet::open(&options.from, &options.on.spaces()?)?;
    let mut device = options.on.open()?;
    let limits = Limits {
        parameters: options.max_params,
        macs: options.max_macs,
    };
    let top = supernet.top(&mut *device, options.k, limits, options.samples)?;
    let mut out = std::io::stdout().lock();
    if options.json {
        return Ok(writeln!(out, "{}", serde_json::to_string_pretty(&top)?)?);
    }
    Ok(top
        .iter()
        .try_for_each(|candidate| summary::candidate(&mut out, candidate, supernet.metric()))?)
}
