//! Where a space came from, so that a run goes on with the same one.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Which space a search is about: its name, who brought it, and what it is. A run's `origin.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpaceProvenance {
    /// Its name, without saying whose.
    pub space: String,
    /// Who brought it; several if they brought the same.
    pub from: Vec<Provider>,
    /// The blake3 of the space as JSON, built with the search's settings.
    pub hash: String,
}

/// Who brought a space.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    /// The library, folder or file of JSON; nothing if the space is linked into the program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The plugin's crate and its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin: Option<String>,
}

impl SpaceProvenance {
    /// Who brought the space, in words.
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

    /// The beginning of the hash, for people.
    pub fn short(&self) -> String {
        self.hash.chars().take(12).collect()
    }

    /// How to have the space again, as the end of a sentence.
    pub(crate) fn remedy(&self) -> String {
        match self.from.iter().find_map(|provider| provider.path.as_ref()) {
            Some(path) => format!("it came from {path}; add --plugin {path}"),
            None => {
                "it was linked into the program that began the run; go on with that one".to_owned()
            }
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
