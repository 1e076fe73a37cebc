//! `supernet retrain`, and resuming a retraining.

use std::io::Write;
use std::path::{Path, PathBuf};

use supernet::config::Config;
use supernet::device::Probe;
use supernet::experiment::{Architecture, TransferError};
use supernet::retrain::RetrainError;
use supernet::storage::read_events;
use supernet::{Event, Experiment, Retraining, RunFolder};

use crate::arguments::{ResumeOptions, RetrainOptions};
use crate::display::LiveLine;
use crate::display::summary;
use crate::interrupt::Interruption;
use crate::notation::{Notation, of_other_space};
use crate::{Failure, data, settings};

pub(crate) fn run(options: &RetrainOptions) -> Result<(), Failure> {
    let device = options.on.choice()?;
    let threads = options.on.threads()?;
    let space = options.space.as_deref();
    let genome = options.genome.as_deref();
    let notation = match (&options.architecture, genome) {
        (Some(name), _) => Some(Notation::published(name)?),
        (None, Some(given)) => Some(Notation::named(given, space)?),
        (None, None) => None,
    };
    let run = match &options.from {
        Some(given) => Some(run_named(given)?),
        // An architecture of a run is trained with the run's settings, unless others are given.
        None if space.is_none() && options.config.is_none() => notation
            .as_ref()
            .and_then(|notation| Some((notation.run.clone()?, None))),
        None => None,
    };
    let retraining = match &run {
        Some((run, entry)) => {
            let (spaces, settings) = (options.on.spaces()?, assignments(options));
            let (seeds, random) = (options.seeds, options.versus_random);
            match notation
                .map(|notation| notation.architecture)
                .or(entry.clone())
            {
                Some(architecture) => {
                    Retraining::of_run_as(&architecture, run, &spaces, &settings, seeds, random)
                        .map_err(|error| match error {
                            // With other settings, keeping them is the remedy.
                            RetrainError::Transfer(error @ TransferError::Numbers { .. }) => {
                                of_other_space(error, run, &options.on.plugin)
                            }
                            error => error.into(),
                        })?
                }
                None => Retraining::of_run(run, &spaces, &settings, seeds, random)?,
            }
        }
        None => of_notation(notation, options)?,
    };
    let retraining = retraining.versus(options.versus_same_size, options.versus_largest)?;
    let device = device.resolved();
    retraining.try_ops(&device)?;
    // Before the folder is created, so that nothing is left behind if there is no such device.
    let device = device.open(threads)?;
    let folder = match (&options.run, &run) {
        (Some(path), _) => retraining.folder(path)?,
        (None, Some((run, _))) => retraining.fresh_folder(run, "retrained")?,
        (None, None) => retraining.fresh_folder(
            Path::new("runs"),
            &format!("{}-retrained", retraining.experiment().run_name()),
        )?,
    };
    follow(retraining, folder, device, options.json, &options.on.plugin)
}

/// The run of RUN or RUN#3, and the architecture of the latter.
fn run_named(given: &str) -> Result<(PathBuf, Option<Architecture>), Failure> {
    if Path::new(given).exists() {
        return Ok((given.into(), None));
    }
    let entry = Notation::of_run(given)?;
    let entry = entry.and_then(|notation| Some((notation.run?, Some(notation.architecture))));
    Ok(entry.unwrap_or_else(|| (given.into(), None)))
}

/// Resumes a retraining that was stopped.
pub(crate) fn resume(options: &ResumeOptions) -> Result<(), Failure> {
    let device = options.on.open()?;
    let (retraining, folder) = Retraining::resume(&options.run, &options.on.spaces()?)?;
    follow(retraining, folder, device, options.json, &options.on.plugin)
}

/// An architecture, or the only one of its space.
fn of_notation(
    notation: Option<Notation>,
    options: &RetrainOptions,
) -> Result<Retraining, Failure> {
    let text = options
        .config
        .as_deref()
        .map(settings::read)
        .transpose()?
        .unwrap_or_default();
    // The space and its settings come from a file of settings or the command line if these name a
    // space, otherwise from the architecture.
    let own = notation
        .as_ref()
        .filter(|_| text.is_empty())
        .map(|one| one.assignments(options.space.as_deref()));
    let own = own.unwrap_or_default();
    let config = Config::read(&text, &[own, assignments(options)].concat())?;
    let data = data::read(&config.search.dataset, &config.text.reading())?;
    let experiment = Experiment::with(&options.on.spaces()?, data, config)?;
    let changed = options
        .set
        .iter()
        .filter_map(|setting| setting.strip_prefix("space."));
    let changed: Vec<String> = changed.map(str::to_owned).collect();
    let genome = match notation {
        Some(notation) => notation
            .architecture
            .transfer_to(experiment.supergraph(), &changed)?,
        None if experiment.supergraph().genome_len() == 0 => Vec::new(),
        None => {
            let space = &experiment.supergraph().space().name;
            return Err(format!(
                "the space `{space}` has more than one architecture: name one with `--genome ARCHITECTURE`, or a published one with \
                 `--architecture NAME` and no `--space` or `--config`"
            )
            .into());
        }
    };
    Ok(Retraining::new(
        experiment,
        &genome,
        options.seeds,
        options.versus_random,
    )?)
}

/// Options are shorthands for settings; `--set` takes precedence.
fn assignments(options: &RetrainOptions) -> Vec<String> {
    let named = [
        ("search.space", options.space.as_deref()),
        ("search.seed", options.seed.as_deref()),
        ("retrain.epochs", options.epochs.as_deref()),
    ];
    let named = named
        .into_iter()
        .filter_map(|(key, value)| Some(format!("{key}={}", value?)));
    named
        .chain(options.data.as_deref().map(settings::dataset))
        .chain(options.set.iter().cloned())
        .collect()
}

/// Trains to the end, or until it is interrupted.
fn follow(
    retraining: Retraining,
    mut folder: RunFolder,
    mut device: Box<dyn Probe>,
    json: bool,
    plugins: &[PathBuf],
) -> Result<(), Failure> {
    let path = folder.path().to_owned();
    if json {
        writeln!(std::io::stderr(), "run folder: {}", path.display())?;
    }
    let mut progress = LiveLine::new(json);
    // Earlier events, so that the remaining time is correct.
    for record in read_events(&path).unwrap_or_default() {
        progress.recall(&record);
    }
    progress.set_metric(retraining.experiment().metric());
    let (interruption, mut steps) = (Interruption::watch(|| {})?, 0);
    let mut listen = |record: &supernet::Record| {
        if let Event::Stopped { steps: done, .. } = record.event {
            steps = done;
        }
        progress.show(record);
    };
    let trained = retraining.run(&mut *device, Some(&mut folder), &mut listen, &|| {
        interruption.came()
    })?;
    drop(progress);
    let Some(trained) = trained else {
        return Err(interruption.stopped(steps, &path, plugins).into());
    };
    if !json {
        let mut out = std::io::stdout().lock();
        summary::retrained(&mut out, &trained)?;
        let best = path.join("best");
        let model = if best.join("model").exists() {
            format!(", the first network in {0}/model", best.display())
        } else {
            String::new()
        };
        writeln!(out, "Result in {}/retrained.json{model}", best.display())?;
    }
    if trained.comparison.found.count == 0 {
        return Err(format!("nothing was trained: {}", trained.summary()).into());
    }
    Ok(())
}
