//! `supernet score`.

use std::io::Write;

use supernet::experiment::TransferError;
use supernet::tools::trained_supernet::TrainedSupernet;

use crate::Failure;
use crate::arguments::ScoreOptions;
use crate::display::summary;
use crate::notation::Notation;

pub(crate) fn run(options: &ScoreOptions) -> Result<(), Failure> {
    let mut supernet = TrainedSupernet::open(&options.from, &options.on.spaces()?)?;
    let architectures = options
        .genome
        .iter()
        .map(|given| Ok::<_, Failure>(Notation::named(given, None)?.architecture))
        .collect::<Result<Vec<_>, _>>()?;
    let carried = architectures.iter().map(|architecture| {
        let transferred = architecture.transfer_to(supernet.supergraph(), &[]);
        transferred.map_err(|error| others(error, options))
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

/// Shared weights belong to one space with its settings, so there are no others to give.
fn others(error: TransferError, options: &ScoreOptions) -> Failure {
    match error {
        TransferError::Numbers { given, asked, .. } | TransferError::Decisions { given, asked, .. } => format!(
            "the architecture has {given} decisions, and the space of this run has {asked}: its shared weights score the \
             architectures of that space, as `{}` lists them",
            summary::command("top", &options.from, &options.on.plugin)
        )
        .into(),
        error => error.into(),
    }
}
