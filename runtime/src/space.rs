//! Search spaces: look-up, construction for a data set, and measurement.

pub(crate) mod cpu;
mod dynamic;
mod error;
mod extremes;
mod folder;
mod provenance;
mod source;
mod spaces;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use dynamic::Plugin;
pub use error::{PluginError, SpaceError};
pub use extremes::{ChildSize, Extreme, Extremes};
pub use folder::Folder;
pub use provenance::{Provider, SpaceProvenance};
pub use source::Source;
pub use spaces::{BuiltSpace, Listed, Spaces};
use supernet_plugin::{Fact, Facts, Field, FieldKind, Setting, Supergraph};

use crate::config::Config;

/// The facts about data that settings may override: `otherwise`, except where `given` sets a field
/// that depends on the data.
pub fn stated(fields: &[Field], given: &BTreeMap<String, Setting>, otherwise: Facts) -> Facts {
    let mut facts = otherwise;
    for field in fields {
        let FieldKind::FromData(fact) = field.kind else {
            continue;
        };
        let sizes = match given.get(&field.key) {
            Some(Setting::Int(size)) => vec![*size],
            Some(list) => list.ints().unwrap_or_default(),
            None => continue,
        };
        let sizes: Vec<u32> = sizes
            .into_iter()
            .filter_map(|size| u32::try_from(size).ok())
            .collect();
        match (fact, sizes.as_slice()) {
            (Fact::Shape, [_, ..]) => facts.shape = sizes,
            (Fact::Classes, [classes]) => facts.classes = *classes,
            (Fact::Vocabulary, [tokens]) => facts.vocabulary = Some(*tokens),
            // Left to the space, which reports the values that it accepts.
            _ => {}
        }
    }
    facts
}

/// Builds the linked space that `config.search.space` names, as [`Spaces::build`] does.
///
/// # Errors
/// If there is no such space, or its settings are invalid.
pub fn build(config: &mut Config, facts: &Facts) -> Result<Supergraph, SpaceError> {
    Ok(Spaces::linked().build(config, facts)?.supergraph)
}
