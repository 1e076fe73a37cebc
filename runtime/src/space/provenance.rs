//! The origin of a space, so that a run continues with the same one.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The identity of a search's space: its name, its providers, and its hash. Stored in a run's
/// `origin.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SpaceProvenance {
    /// Its unqualified name.
    pub space: String,
    /// Its provider; several if they provide the same space.
    pub from: Vec<Provider>,
    /// The blake3 of the space as JSON, built with the search's settings.
    pub hash: String,
}

/// The provider of a space.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Provider {
    /// The library, folder or JSON file; none if the space is linked into the program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The plugin's crate and its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin: Option<String>,
}

impl SpaceProvenance {
    /// The providers of the space, formatted.
    pub fn providers(&self) -> String {
        if self.from.is_empty() {
            return "an unknown program".to_owned();
        }
        self.from
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" and ")
    }

    /// A prefix of the hash for display.
    pub fn short(&self) -> String {
        self.hash.chars().take(12).collect()
    }

    /// How to provide the space again, as the end of a sentence.
    pub(crate) fn remedy(&self) -> String {
        match self.from.iter().find_map(|provider| provider.path.as_ref()) {
            Some(path) => format!("it came from {path}; add --plugin {path}"),
            None => "it was linked into the program that began the run; continue with that one"
                .to_owned(),
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.path.as_deref().unwrap_or("linked"))?;
        match &self.plugin {
            Some(plugin) => write!(f, " ({plugin})"),
            None => Ok(()),
        }
    }
}
