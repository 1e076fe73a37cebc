//! `supernet spaces`.

use std::collections::BTreeMap;
use std::io::Write;

use supernet::config::Config;
use supernet::data::text::TextSettings;
use supernet::plugin::{Facts, Field};
use supernet::results::thousands;
use supernet::space::{BuiltSpace, ChildSize, Extremes, Listed, Spaces};

use crate::arguments::{SpacesOptions, spaces};
use crate::{Failure, data};

pub(crate) fn run(options: &SpacesOptions) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let spaces = spaces(&options.plugin)?;
    let Some(name) = options.name.as_ref().or(options.space.as_ref()) else {
        return list(&mut out, &spaces);
    };
    let keyed = |set: &String| {
        if set.starts_with("space.") {
            set.clone()
        } else {
            format!("space.{set}")
        }
    };
    let mut config = Config::read("", &options.set.iter().map(keyed).collect::<Vec<_>>())?;
    config.search.space.clone_from(name);
    let fields = fields(&spaces, name)?;
    let facts = facts(options.data.as_deref(), &config, &fields)?;
    let BuiltSpace {
        supergraph,
        provenance,
        ..
    } = spaces.build(&mut config, &facts)?;
    let space = supergraph.space();
    writeln!(out, "{}: {}", provenance.space, space.summary)?;
    writeln!(out, "  from         {}", provenance.providers())?;
    writeln!(out, "  hash         {}", provenance.hash)?;
    writeln!(out, "  decisions    {}", space.decisions.len())?;
    writeln!(out, "  genomes      {}", supergraph.size())?;
    writeln!(
        out,
        "  parameters   {} in the supergraph",
        thousands(supergraph.total_params())
    )?;
    let extremes = Extremes::of(&supergraph)?;
    for (name, child) in [
        ("smallest", &extremes.smallest),
        ("largest", &extremes.largest),
    ] {
        let ChildSize {
            parameters, macs, ..
        } = child.size;
        let mark = if extremes.exact { "" } else { " (found)" };
        writeln!(
            out,
            "  {name:12} {} parameters, {} multiply-accumulates{mark}",
            thousands(parameters),
            thousands(macs)
        )?;
    }
    writeln!(out, "  {}", extremes.how)?;
    if fields.is_empty() {
        return Ok(writeln!(out, "It has no settings.")?);
    }
    writeln!(out, "Settings (change with --set KEY=VALUE):")?;
    for field in fields {
        let value = space
            .config
            .get(&field.key)
            .map_or_else(String::new, ToString::to_string);
        writeln!(out, "  {:12} = {value:14} {}", field.key, field.help)?;
    }
    Ok(())
}

/// A line for each space; if there are plugins, with its source.
fn list(out: &mut impl Write, spaces: &Spaces) -> Result<(), Failure> {
    let all = spaces.list();
    let several = all.iter().any(|listed| listed.provenance.path().is_some());
    for Listed {
        name,
        summary,
        provenance,
        ..
    } in all
    {
        match several {
            true => writeln!(
                out,
                "{name:16} {:40} {summary}",
                provenance.provider().to_string()
            )?,
            false => writeln!(out, "{name:16} {summary}")?,
        }
    }
    Ok(writeln!(out, "\n`supernet spaces NAME` shows one.")?)
}

/// The settings of a space. If several spaces share the name, building it reports an error.
pub(crate) fn fields(spaces: &Spaces, name: &str) -> Result<Vec<Field>, Failure> {
    Ok(spaces
        .find(name)?
        .into_iter()
        .next()
        .map(|listed| listed.fields)
        .unwrap_or_default())
}

/// The vocabulary size if no text determines it: that of Penn Treebank.
const VOCABULARY: u32 = 10_000;

/// The facts that the space asks for: from the data set, but without one a setting may provide
/// them, since describing a space needs no data.
pub(crate) fn facts(
    given: Option<&str>,
    config: &Config,
    fields: &[Field],
) -> Result<Facts, Failure> {
    let mut facts = data::read(given.unwrap_or("digits"), &TextSettings::default())?.facts();
    facts.vocabulary = Some(VOCABULARY);
    let stated = if given.is_some() {
        &BTreeMap::new()
    } else {
        &config.space
    };
    Ok(supernet::space::stated(fields, stated, facts))
}
