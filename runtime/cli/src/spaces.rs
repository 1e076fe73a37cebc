//! `supernet spaces`.
#![expect(clippy::print_stdout, reason = "the table is what the command is for")]

use supernet::config::Config;
use supernet::search::thousands;
use supernet::space::{Extremes, Size};
use supernet::{data::Dataset, plugin};

use crate::Failure;
use crate::arguments::SpacesOptions;

pub(crate) fn run(options: &SpacesOptions) -> Result<(), Failure> {
    let Some(name) = &options.space else {
        for entry in plugin::spaces() {
            println!("{:16} {}", entry.name, entry.summary);
        }
        println!("\n`supernet spaces --space NAME` shows one.");
        return Ok(());
    };
    let assignments: Vec<String> = options
        .set
        .iter()
        .map(|set| if set.starts_with("space.") { set.clone() } else { format!("space.{set}") })
        .collect();
    let mut config = Config::read("", &assignments)?;
    config.search.space.clone_from(name);
    let data = Dataset::named(&options.data)?;
    let supergraph = supernet::space::build(&mut config, &data)?;
    let space = supergraph.space();
    println!("{}: {}", space.name, space.summary);
    println!("  decisions    {}", space.decisions.len());
    println!("  genomes      {}", supergraph.size());
    println!("  parameters   {} in the supergraph", thousands(supergraph.total_params()));
    let extremes = Extremes::of(&supergraph)?;
    for (name, child) in [("smallest", &extremes.smallest), ("largest", &extremes.largest)] {
        let Size { parameters, macs } = child.size;
        let mark = if extremes.exact { "" } else { " (found)" };
        println!("  {name:12} {} parameters, {} multiply-accumulates{mark}", thousands(parameters), thousands(macs));
    }
    println!("  {}", extremes.how);
    println!("Settings (change with --set KEY=VALUE):");
    let entry = plugin::find(name)?;
    for field in (entry.fields)() {
        let value = space.config.get(&field.key).map_or_else(String::new, ToString::to_string);
        println!("  {:12} = {value:14} {}", field.key, field.help);
    }
    Ok(())
}
