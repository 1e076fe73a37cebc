//! `supernet draw`.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use supernet::config::Config;
use supernet::draw::{self, Caption};
use supernet::plugin::Count;
use supernet::results::thousands;
use supernet::tools::gallery;

use crate::arguments::{DrawOptions, spaces};
use crate::commands::spaces as listed;
use crate::notation::Notation;
use crate::{Failure, settings};

pub(crate) fn run(options: &DrawOptions) -> Result<(), Failure> {
    let svg = match (&options.architecture, &options.genome) {
        (Some(name), _) if options.set.is_empty() => {
            let counted = gallery::built(gallery::find(name)?)?;
            draw::svg(
                &counted.supergraph,
                &counted.published.genome,
                &counted.caption(),
            )?
        }
        (Some(name), _) => drawn(&Notation::published(name)?, options)?,
        (None, Some(given)) => drawn(&Notation::named(given, options.space.as_deref())?, options)?,
        (None, None) => {
            return Err(
                "name an architecture with `--architecture NAME` or `--genome ARCHITECTURE`".into(),
            );
        }
    };
    let path = &options.output;
    write_new(path, &svg)?;
    Ok(writeln!(io::stdout(), "{}", path.display())?)
}

/// Draws an architecture with the user's settings.
fn drawn(notation: &Notation, options: &DrawOptions) -> Result<String, Failure> {
    let text = match &options.config {
        Some(config) => Some(settings::read(config)?),
        None => notation.config()?,
    }
    .unwrap_or_default();
    // The space and its settings come from a file of settings if there is one, otherwise from the
    // architecture.
    let own = match text.is_empty() {
        true => notation.assignments(options.space.as_deref()),
        false => options
            .space
            .iter()
            .map(|space| format!("search.space={space}"))
            .collect(),
    };
    let mut config = Config::read(&text, &[own, options.set.clone()].concat())?;
    let spaces = spaces(&options.plugin)?;
    let fields = listed::fields(&spaces, &config.search.space)?;
    let facts = match &notation.facts {
        Some(facts) => supernet::space::stated(&fields, &config.space, facts.clone()),
        None => listed::facts(None, &config, &fields)?,
    };
    let supergraph = spaces.build(&mut config, &facts)?.supergraph;
    let changed: Vec<String> = options
        .set
        .iter()
        .filter_map(|setting| setting.strip_prefix("space."))
        .map(str::to_owned)
        .collect();
    let genome = notation.architecture.transfer_to(&supergraph, &changed)?;
    let (parameters, macs) = (
        supergraph.count(&genome, Count::Live)?,
        supergraph.macs(&genome)?,
    );
    let caption = Caption {
        title: notation
            .title
            .clone()
            .unwrap_or_else(|| config.search.space.clone()),
        subtitle: format!(
            "{} parameters · {} multiply-accumulates",
            thousands(parameters),
            thousands(macs)
        ),
    };
    Ok(draw::svg(&supergraph, &genome, &caption)?)
}

/// Writes a file that must not exist yet.
fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: io::Error| match error.kind() {
        ErrorKind::AlreadyExists => {
            format!(
                "{} is there already, and is not overwritten; name another file",
                path.display()
            )
        }
        _ => format!("cannot write {}: {error}", path.display()),
    };
    let mut file = File::create_new(path).map_err(failed)?;
    let written = file.write_all(text.as_bytes()).map_err(failed);
    if written.is_err() {
        // An incomplete drawing is removed; the original error is returned.
        let _ = std::fs::remove_file(path);
    }
    Ok(written?)
}
