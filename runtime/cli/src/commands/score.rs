//! `supernet score`.

use std::io::Write;

use supernet::tools::trained_supernet::TrainedSupernet;

use crate::Failure;
use crate::arguments::ScoreOptions;
use crate::display::summary;
use crate::notation::{Notation, of_other_space};

pub(crate) fn run(options: &ScoreOptions) -> Result<(), Failure> {
    let mut supernet = TrainedSupernet::open(&options.from, &options.on.spaces()?)?;
    let architectures = options
        .genome
        .iter()
        .map(|given| Ok::<_, Failure>(Notation::named(given, None)?.architecture))
        .collect::<Result<Vec<_>, _>>()?;
    let carried = architectures.iter().map(|architecture| {
        let transferred = architecture.transfer_to(supernet.supergraph(), &[]);
        transferred.map_err(|error| of_other_space(error, &options.from, &options.on.plugin))
    });
    let genomes = carried.collect::<Result<Vec<_>, _>>()?;
    let mut device = options.on.open()?;
    let mut out = std::io::stdout().lock();
    for genome in genomes {
        let candidate = supernet.score(&mut *device, &genome)?;
        match options.json {
            true => writeln!(out, "{}", serde_json::to_string(&candidate)?)?,
            false => summary::candidate(&mut out, &candidate, supernet.metric())?,
        }
    }
    Ok(())
}
