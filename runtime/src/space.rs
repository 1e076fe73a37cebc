//! Search spaces as a search needs them: built for a data set, and measured.

mod extremes;

pub use extremes::{Extreme, Extremes, Size};

use supernet_plugin::{ConfigError, Facts, Mistake, Problem, RegistryError, Supergraph};

use crate::config::Config;
use crate::program::OpError;

/// Why a space cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SpaceError {
    /// No such space.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// A setting of the space is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The space cannot be built with these settings.
    #[error(transparent)]
    Build(#[from] Mistake),
    /// An op that the space brings along is refused.
    #[error(transparent)]
    Op(#[from] OpError),
    /// The space is not sound.
    #[error("the space `{space}` is not sound: {}", list(.problems))]
    Unsound {
        /// Which space.
        space: String,
        /// What is wrong with it.
        problems: Vec<Problem>,
    },
}

fn list(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// The registered space that `config.search.space` names, with the settings of `config.space`, for data of which `facts`
/// are known. What the space's defaults and the data resolve goes back into `config.space`.
///
/// # Errors
/// If there is no such space, or its settings are wrong.
pub fn build(config: &mut Config, facts: &Facts) -> Result<Supergraph, SpaceError> {
    let entry = supernet_plugin::find(&config.search.space)?;
    let resolved = entry.configure(&config.space, facts)?;
    let space = entry.space(&resolved)?;
    config.space.clone_from(&space.config);
    let name = space.name.clone();
    Supergraph::new(space).map_err(|problems| SpaceError::Unsound { space: name, problems })
}
