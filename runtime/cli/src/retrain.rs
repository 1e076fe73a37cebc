//! `supernet retrain`, and going on with one.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use supernet::config::Config;
use supernet::data::Dataset;
use supernet::device::Probe;
use supernet::device::choice::Choice;
use supernet::retrain::Architecture;
use supernet::{Event, Retraining, RunFolder, Search};

use crate::arguments::{ResumeOptions, RetrainOptions, spaces, threads};
use crate::progress::Progress;
use crate::{Failure, interrupt, search, summary};

pub(crate) fn run(options: &RetrainOptions) -> Result<(), Failure> {
    let device = options.device.parse::<Choice>()?;
    let threads = threads(options.threads.as_deref())?;
    let retraining = match (&options.from, &options.genome) {
        (Some(run), _) => {
            let spaces = spaces(&options.plugin)?;
            Retraining::of_run(run, &spaces, &assignments(options, None), options.seeds, options.versus_random)?
        }
        (None, Some(file)) => of_file(file, options)?,
        (None, None) => return Err("name a run's folder, or an architecture with `--genome FILE`".into()),
    };
    let device = device.resolved();
    retraining.try_ops(&device)?;
    // Before the folder is made, so that nothing is left behind if there is no such device.
    let device = device.open(threads)?;
    let folder = match (&options.run, &options.from) {
        (Some(path), _) => retraining.folder(path)?,
        (None, Some(run)) => retraining.fresh_folder(run, "retrained")?,
        (None, None) => {
            retraining.fresh_folder(Path::new("runs"), &format!("{}-retrained", retraining.search().run_name()))?
        }
    };
    follow(retraining, folder, device, options.json, &options.plugin)
}

/// Goes on with a retraining that was stopped.
pub(crate) fn resume(options: &ResumeOptions) -> Result<(), Failure> {
    let device = options.device.parse::<Choice>()?.open(threads(options.threads.as_deref())?)?;
    let (retraining, folder) = Retraining::resume(&options.run, &spaces(&options.plugin)?)?;
    follow(retraining, folder, device, options.json, &options.plugin)
}

fn of_file(file: &Path, options: &RetrainOptions) -> Result<Retraining, Failure> {
    let architecture = Architecture::read(file)?;
    let text = options.config.as_deref().map(search::read).transpose()?.unwrap_or_default();
    // A file of settings names its space, and so may the command line; else the architecture does.
    let space = if text.is_empty() { architecture.space() } else { None };
    let config = Config::read(&text, &assignments(options, space))?;
    let data = Dataset::named_as(&config.search.data, &config.text.reading())?;
    let search = Search::with(&spaces(&options.plugin)?, data, config)?;
    let changed = options.set.iter().filter_map(|setting| setting.strip_prefix("space."));
    let genome = architecture.carry(search.supergraph(), &changed.map(str::to_owned).collect::<Vec<_>>())?;
    Ok(Retraining::new(search, &genome, options.seeds, options.versus_random)?)
}

/// Options are settings with a shorter name; `--set` has the last word.
fn assignments(options: &RetrainOptions, space: Option<&str>) -> Vec<String> {
    let space = options.space.as_deref().or(space);
    let named = [
        ("search.space", space),
        ("search.seed", options.seed.as_deref()),
        ("retrain.epochs", options.epochs.as_deref()),
    ];
    let named = named.into_iter().filter_map(|(key, value)| Some(format!("{key}={}", value?)));
    named.chain(options.data.as_deref().map(search::data)).chain(options.set.iter().cloned()).collect()
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
    let mut progress = Progress::new(json);
    // What was done before, so that the time left is right.
    let log = std::fs::read_to_string(path.join("events.jsonl")).unwrap_or_default();
    log.lines().filter_map(|line| serde_json::from_str(line).ok()).for_each(|record| progress.recall(&record));
    let (stop, mut steps) = (interrupt::flag()?, 0);
    let mut listen = |record: &supernet::Record| {
        if let Event::Stopped { steps: done } = record.event {
            steps = done;
        }
        progress.show(record);
    };
    let trained = retraining.run(&mut *device, Some(&mut folder), &mut listen, &|| stop.load(Ordering::Acquire))?;
    drop(progress);
    let Some(trained) = trained else { return Ok(summary::stopped(steps, &path, plugins)?) };
    if !json {
        let mut out = std::io::stdout().lock();
        summary::retrained(&mut out, &trained)?;
        writeln!(out, "Result in {0}/retrained.json, the first network in {0}/model", path.join("best").display())?;
    }
    Ok(())
}
