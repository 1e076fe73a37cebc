//! `supernet score`.

use std::io::Write;
use std::path::Path;

use supernet::device::choice::Choice;
use supernet::judge::Judge;
use supernet::retrain::Architecture;

use crate::arguments::{ScoreOptions, spaces, threads};
use crate::{Failure, summary};

pub(crate) fn run(options: &ScoreOptions) -> Result<(), Failure> {
    let mut judge = Judge::open(&options.from, &spaces(&options.plugin)?)?;
    let architectures = options.genome.iter().map(|given| architecture(given)).collect::<Result<Vec<_>, _>>()?;
    let carried = architectures.iter().map(|architecture| architecture.carry(judge.supergraph(), &[]));
    let genomes = carried.collect::<Result<Vec<_>, _>>()?;
    let mut device = options.device.parse::<Choice>()?.open(threads(options.threads.as_deref())?)?;
    let mut out = std::io::stdout().lock();
    for genome in genomes {
        let candidate = judge.score(&mut *device, &genome)?;
        match options.json {
            true => writeln!(out, "{}", serde_json::to_string(&candidate)?)?,
            false => summary::candidate(&mut out, &candidate, judge.measure())?,
        }
    }
    Ok(())
}

/// A file, or numbers.
fn architecture(given: &str) -> Result<Architecture, Failure> {
    let numbers = given.split([' ', ',']).filter(|number| !number.is_empty()).map(str::parse).collect::<Result<_, _>>();
    match numbers {
        Ok(numbers) if !Path::new(given).exists() => Ok(Architecture::Numbers(numbers)),
        _ => Ok(Architecture::read(Path::new(given))?),
    }
}
