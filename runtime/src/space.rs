//! Search spaces as a search needs them: found, built for a data set, and measured.

pub(crate) mod cpu;
mod dynamic;
mod error;
mod extremes;
mod folder;
mod origin;
mod source;
mod spaces;
#[cfg(test)]
mod tests;

pub use dynamic::Plugin;
pub use error::{PluginError, SpaceError};
pub use extremes::{Extreme, Extremes, Size};
pub use folder::Folder;
pub use origin::{Origin, Provider};
pub use source::Source;
pub use spaces::{Built, Listed, Spaces};

use supernet_plugin::{Facts, Supergraph};

use crate::config::Config;

/// The linked space that `config.search.space` names, as [`Spaces::build`] builds it.
///
/// # Errors
/// If there is no such space, or its settings are wrong.
pub fn build(config: &mut Config, facts: &Facts) -> Result<Supergraph, SpaceError> {
    Ok(Spaces::linked().build(config, facts)?.supergraph)
}
