//! `supernet spaces`.

use std::io::Write;

use supernet::config::Config;
use supernet::data::Dataset;
use supernet::plugin::{self, Fact, Facts, FieldKind, Setting};
use supernet::search::thousands;
use supernet::space::{Extremes, Size};

use crate::Failure;
use crate::arguments::SpacesOptions;

pub(crate) fn run(options: &SpacesOptions) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let Some(name) = &options.space else {
        for entry in plugin::spaces() {
            writeln!(out, "{:16} {}", entry.name, entry.summary)?;
        }
        writeln!(out, "\n`supernet spaces --space NAME` shows one.")?;
        return Ok(());
    };
    let keyed = |set: &String| if set.starts_with("space.") { set.clone() } else { format!("space.{set}") };
    let mut config = Config::read("", &options.set.iter().map(keyed).collect::<Vec<_>>())?;
    config.search.space.clone_from(name);
    let facts = facts(options, &mut config)?;
    let supergraph = supernet::space::build(&mut config, &facts)?;
    let space = supergraph.space();
    writeln!(out, "{}: {}", space.name, space.summary)?;
    writeln!(out, "  decisions    {}", space.decisions.len())?;
    writeln!(out, "  genomes      {}", supergraph.size())?;
    writeln!(out, "  parameters   {} in the supergraph", thousands(supergraph.total_params()))?;
    let extremes = Extremes::of(&supergraph)?;
    for (name, child) in [("smallest", &extremes.smallest), ("largest", &extremes.largest)] {
        let Size { parameters, macs } = child.size;
        let mark = if extremes.exact { "" } else { " (found)" };
        writeln!(
            out,
            "  {name:12} {} parameters, {} multiply-accumulates{mark}",
            thousands(parameters),
            thousands(macs)
        )?;
    }
    writeln!(out, "  {}", extremes.how)?;
    writeln!(out, "Settings (change with --set KEY=VALUE):")?;
    let entry = plugin::find(name)?;
    for field in (entry.fields)() {
        let value = space.config.get(&field.key).map_or_else(String::new, ToString::to_string);
        writeln!(out, "  {:12} = {value:14} {}", field.key, field.help)?;
    }
    Ok(())
}

/// Tokens assumed where no text says how many there are: Penn Treebank's.
const VOCABULARY: u32 = 10_000;

/// What the space asks about data: from the data set, but without one a setting may say it instead, since describing a
/// space needs no data.
fn facts(options: &SpacesOptions, config: &mut Config) -> Result<Facts, Failure> {
    let mut facts = Dataset::named(options.data.as_deref().unwrap_or("digits"))?.facts();
    facts.vocabulary = Some(VOCABULARY);
    if options.data.is_some() {
        return Ok(facts);
    }
    for field in (plugin::find(&config.search.space)?.fields)() {
        let FieldKind::FromData(fact) = field.kind else { continue };
        let sizes = match config.space.get(&field.key) {
            Some(Setting::Int(size)) => vec![*size],
            Some(list) => list.ints().unwrap_or_default(),
            None => continue,
        };
        let sizes: Vec<u32> = sizes.into_iter().filter_map(|size| u32::try_from(size).ok()).collect();
        match (fact, sizes.as_slice()) {
            (Fact::Shape, [_, ..]) => facts.shape = sizes,
            (Fact::Classes, [classes]) => facts.classes = *classes,
            (Fact::Vocabulary, [tokens]) => facts.vocabulary = Some(*tokens),
            // Left to the space, which says what it takes.
            _ => {}
        }
    }
    Ok(facts)
}
