//! `supernet score`.

use std::io::Write;
use std::path::Path;

use supernet::experiment::Architecture;
use supernet::tools::trained_supernet::TrainedSupernet;

use crate::Failure;
use crate::arguments::ScoreOptions;
use crate::display::summary;

pub(crate) fn run(options: &ScoreOptions) -> Result<(), Failure> {
    let mut supernet = TrainedSupernet::open(&options.from, &options.on.spaces()?)?;
    let architectures = options
        .genome
        .iter()
        .map(|given| architecture(given))
        .collect::<Result<Vec<_>, _>>()?;
    let carried = architectures
        .iter()
        .map(|architecture| architecture.transfer_to(supernet.supergraph(), &[]));
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

/// A file, or numbers.
fn architecture(given: &str) -> Result<Architecture, Failure> {
    let numbers = given
        .split([' ', ','])
        .filter(|number| !number.is_empty())
        .map(str::parse)
        .collect::<Result<_, _>>();
    match numbers {
        Ok(numbers) if !Path::new(given).exists() => Ok(Architecture::Numbers(numbers)),
        _ => Ok(Architecture::read(Path::new(given))?),
    }
}
