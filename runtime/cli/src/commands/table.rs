//! `supernet search --table`.

use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

use supernet::results::thousands;
use supernet::tabular::{Columns, Repeated, RunMean, Table, TableSearch, TabularResult};

use crate::arguments::SearchOptions;
use crate::commands::spaces::{facts, fields};
use crate::{Failure, settings};

pub(crate) fn run(file: &Path, options: &SearchOptions) -> Result<(), Failure> {
    let given = &options.table;
    let mut config = settings::of_search(options)?;
    let spaces = options.on.spaces()?;
    let facts = facts(None, &config, &fields(&spaces, &config.search.space)?)?;
    let space = spaces.build(&mut config, &facts)?.supergraph;
    // The argument parser requires both.
    let reward = given
        .reward
        .clone()
        .ok_or("`--table` needs `--reward COLUMN`")?;
    let samples = given.samples.ok_or("`--table` needs `--samples N`")?;
    let columns = Columns {
        key: given.key.clone(),
        reward,
        report: given.report.clone(),
    };
    let began = Instant::now();
    let table = Table::open(file, &columns, &space)?;
    let read = began.elapsed().as_secs_f64();
    let seed = config.search.seed;
    let search = TableSearch::new(&table, config, samples)?;
    let began = Instant::now();
    let mut out = io::stdout().lock();
    match given.repeat {
        Some(seeds) => {
            let repeated = search.repeat(seed, seeds, &mut |_| {})?;
            if options.json {
                return Ok(writeln!(out, "{}", serde_json::to_string(&repeated)?)?);
            }
            head(&mut out, &table, read)?;
            means(&mut out, &table, &repeated)?;
        }
        None => {
            let found = search.run(seed, &mut |_| {})?;
            if options.json {
                return Ok(writeln!(out, "{}", serde_json::to_string(&found)?)?);
            }
            head(&mut out, &table, read)?;
            best(&mut out, &found)?;
        }
    }
    Ok(writeln!(
        out,
        "Searched in {:.2} s.",
        began.elapsed().as_secs_f64()
    )?)
}

fn head(out: &mut impl Write, table: &Table, read: f64) -> io::Result<()> {
    let unit = if table.percent() {
        "percentages"
    } else {
        "shares"
    };
    writeln!(
        out,
        "{}: {} genomes of {}, rewards `{}` ({unit}), read in {:.0} ms",
        table.name(),
        thousands(table.len() as u64),
        table.space().space().name,
        table.reward(),
        1e3 * read
    )
}

fn best(out: &mut impl Write, found: &TabularResult) -> io::Result<()> {
    let numbers = |genome: &[u32]| {
        genome
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" ")
    };
    writeln!(
        out,
        "Best of {} samples ({} different) with {}, seed {}: {} {:.4}",
        thousands(found.samples.into()),
        thousands(found.distinct.into()),
        found.strategy.word(),
        found.seed,
        found.reward_column,
        found.reward
    )?;
    writeln!(
        out,
        "  genome  {} ({})",
        numbers(&found.genome),
        found.labels.join(", ")
    )?;
    let above = 100.0 * f64::from(found.rank) / f64::from(found.rows.max(1));
    writeln!(
        out,
        "  report  {} {:.4}, place {} of {} (the first {above:.2} %; the best has {:.4})",
        found.report_column,
        found.report,
        thousands(found.rank.into()),
        thousands(found.rows.into()),
        found.best_report
    )?;
    let width = |column: &str| column.chars().count().max(10);
    let (reward, report) = (width(&found.reward_column), width(&found.report_column));
    writeln!(
        out,
        "  samples  {:>reward$}  {:>report$}",
        found.reward_column, found.report_column
    )?;
    for point in &found.curve {
        writeln!(
            out,
            "  {:>7}  {:>reward$.4}  {:>report$.4}",
            point.samples, point.reward, point.report
        )?;
    }
    Ok(())
}

fn means(out: &mut impl Write, table: &Table, repeated: &Repeated) -> io::Result<()> {
    let Some((first, last)) = repeated.runs.first().zip(repeated.runs.last()) else {
        return Ok(());
    };
    writeln!(
        out,
        "{} with seeds {} to {}: {} of the best by {}, mean and standard error over the seeds (the table's best has {:.4})",
        first.strategy.word(),
        first.seed,
        last.seed,
        table.report(),
        table.reward(),
        first.best_report
    )?;
    // The beginning of a curve tells little about a strategy.
    let end = repeated.means.last().map_or(0, |mean| mean.samples);
    let shown = |mean: &&RunMean| mean.samples >= 100 || mean.samples == end;
    for mean in repeated.means.iter().filter(shown) {
        let error = mean
            .standard_error
            .map_or_else(|| "unknown".to_owned(), |error| format!("{error:.4}"));
        writeln!(
            out,
            "  {:>7} samples  {:>10.4} ± {error}",
            mean.samples, mean.mean
        )?;
    }
    Ok(())
}
