//! `supernet rank`.

use std::io::{self, Write};

use supernet::config::{Config, StrategyName};
use supernet::results::{Mean, thousands};
use supernet::tools::ranking_lab::{
    AloneOptions, RankingFigures, RankingLab, RankingOptions, RankingReport, TruthTable,
};

use crate::arguments::{RankOptions, spaces, threads};
use crate::{Failure, data, settings};

pub(crate) fn run(options: &RankOptions) -> Result<(), Failure> {
    let text = options.config.as_deref().map(settings::read).transpose()?;
    let text = text.unwrap_or_default();
    let config = Config::read(&text, &assignments(options))?;
    let strategies = options.strategies.iter().map(|name| strategy(name));
    let asked = RankingOptions {
        strategies: strategies.collect::<Result<_, _>>()?,
        seeds: options.seeds,
        networks: options.networks,
        table: options.truth.as_deref().map(TruthTable::parse),
        alone: options.alone.map(|epochs| AloneOptions {
            epochs,
            seeds: options.alone_seeds,
        }),
        folder: options.output.clone(),
        threads: threads(options.threads.as_deref())?,
    };
    let data = data::read(&config.search.dataset, &config.text.reading())?;
    let lab = RankingLab::new(spaces(&options.plugin)?, data, config, asked)?;
    let report = lab.run(&|sentence| {
        // A closed standard error ends the reports of progress, not the laboratory.
        let _ = writeln!(io::stderr(), "{sentence}");
    })?;
    let mut out = io::stdout().lock();
    match options.json {
        true => writeln!(out, "{}", serde_json::to_string(&report)?)?,
        false => {
            show(&mut out, &report)?;
            writeln!(
                out,
                "Report in {}/ranking.json, networks in ranking.csv, plots in scores.svg and tau.svg",
                options.output.display()
            )?;
        }
    }
    Ok(())
}

/// Options are shorthands for settings; `--set` takes precedence.
fn assignments(options: &RankOptions) -> Vec<String> {
    let space = options
        .space
        .iter()
        .map(|space| format!("search.space={space}"));
    let data = options.data.as_deref().map(settings::dataset);
    space
        .chain(data)
        .chain(options.set.iter().cloned())
        .collect()
}

/// A strategy by its name in the settings.
fn strategy(name: &str) -> Result<StrategyName, Failure> {
    let config = Config::read("", &[format!("search.strategy={name}")])?;
    Ok(config.search.strategy)
}

fn show(out: &mut impl Write, report: &RankingReport) -> io::Result<()> {
    writeln!(
        out,
        "{} networks of {} on {}; truth: {}",
        report.networks, report.space, report.data, report.truth.source
    )?;
    if let Some(tau) = report.truth.reliability {
        writeln!(
            out,
            "reliability of the networks trained alone: tau {tau:.3} between seeds"
        )?;
    }
    writeln!(
        out,
        "{:32} {:>12} {:>7} {:>9} {:>8} {:>7} {:>5} {:>9}",
        "ranked by",
        "tau",
        "sparse",
        "same size",
        "partial",
        "top 10%",
        format!("P@{}", report.k),
        format!("regret@{}", report.k)
    )?;
    for baseline in &report.baselines {
        row(out, &baseline.name, &baseline.figures)?;
    }
    for strategy in &report.strategies {
        let word = strategy.strategy.word();
        row(out, &format!("{word}, loss"), &strategy.by_loss)?;
        row(out, &format!("{word}, reward"), &strategy.by_reward)?;
    }
    for strategy in &report.strategies {
        let count = strategy.searches.len().max(1) as f64;
        let mean = |value: fn(&supernet::tools::ranking_lab::SearchOfLab) -> f64| {
            strategy.searches.iter().map(value).sum::<f64>() / count
        };
        writeln!(
            out,
            "{}: {} searches, each {:.1} processor seconds and {} forward passes (about {:.2e} multiply-adds)",
            strategy.strategy.word(),
            strategy.searches.len(),
            mean(|search| search.seconds),
            thousands(mean(|search| search.forward_passes) as u64),
            mean(|search| search.macs)
        )?;
    }
    writeln!(
        out,
        "Same size: {}. Errors are over networks and seeds. Verdict: {}.",
        report.strata, report.verdict
    )
}

fn row(out: &mut impl Write, name: &str, figures: &RankingFigures) -> io::Result<()> {
    let number = |mean: Option<Mean>, digits: usize| {
        mean.map_or_else(|| "-".to_owned(), |mean| format!("{:.digits$}", mean.mean))
    };
    let tau = match figures.tau.map(|tau| (tau.mean, tau.standard_error)) {
        Some((mean, Some(error))) => format!("{mean:.3} ±{error:.3}"),
        Some((mean, None)) => format!("{mean:.3}"),
        None => "-".to_owned(),
    };
    writeln!(
        out,
        "{name:32} {tau:>12} {:>7} {:>9} {:>8} {:>7} {:>5} {:>9}",
        number(figures.sparse_tau, 3),
        number(figures.tau_at_equal_size, 3),
        number(figures.partial_tau, 3),
        number(figures.tau_of_top, 3),
        number(figures.precision, 2),
        number(figures.regret, 2)
    )
}
