//! The providers of spaces: this program, a plugin, a folder.

use std::collections::BTreeMap;
use std::path::Path;

use supernet_plugin::abi::{Described, Request};
use supernet_plugin::{self as api, Facts, SearchSpace, Setting};

use super::cpu::CpuOps;
use super::dynamic::Plugin;
use super::error::{PluginError, SpaceError};
use super::folder::Folder;
use super::provenance::Provider;

/// A provider of spaces.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Source {
    /// Crates that are linked into this program.
    Linked,
    /// A dynamic library.
    Plugin(Plugin),
    /// A space that is data.
    Folder(Folder),
}

impl Source {
    /// Its path.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Source::Linked => None,
            Source::Plugin(plugin) => Some(plugin.path()),
            Source::Folder(folder) => Some(folder.path()),
        }
    }

    /// Its entry in a [`SpaceProvenance`](super::SpaceProvenance).
    pub fn provider(&self) -> Provider {
        let plugin = match self {
            Source::Plugin(plugin) => {
                let description = plugin.description();
                Some(format!("{} {}", description.plugin, description.version))
            }
            Source::Linked | Source::Folder(_) => None,
        };
        Provider {
            path: self.path().map(|path| path.display().to_string()),
            plugin,
        }
    }

    /// The accepted qualifiers before a `/` and a space's name; the first is the one to display.
    pub(super) fn qualifiers(&self) -> Vec<String> {
        let (stem, path) = match self {
            Source::Linked => return vec!["linked".to_owned()],
            Source::Plugin(plugin) => {
                let stem = plugin.path().file_stem().unwrap_or_default();
                (stem.to_string_lossy().into_owned(), plugin.path())
            }
            Source::Folder(folder) => (folder.stem(), folder.path()),
        };
        let bare = match self {
            Source::Plugin(_) => stem
                .strip_prefix("lib")
                .filter(|bare| !bare.is_empty())
                .map(str::to_owned),
            Source::Linked | Source::Folder(_) => None,
        };
        let path = path.display().to_string();
        [Some(stem), bare, Some(path)]
            .into_iter()
            .flatten()
            .collect()
    }

    /// Its spaces, not yet built.
    pub(super) fn described(&self) -> Vec<Described> {
        match self {
            Source::Linked => api::spaces()
                .into_iter()
                .map(|entry| Described {
                    name: entry.name.to_owned(),
                    summary: entry.summary.to_owned(),
                    fields: (entry.fields)(),
                })
                .collect(),
            Source::Plugin(plugin) => plugin.description().spaces.clone(),
            Source::Folder(folder) => {
                let SearchSpace { name, summary, .. } = folder.space();
                vec![Described {
                    name: name.clone(),
                    summary: summary.clone(),
                    fields: Vec::new(),
                }]
            }
        }
    }

    /// Builds one of its spaces with these settings, for data with these `facts`.
    pub(super) fn build(
        &self,
        of: &Described,
        given: &BTreeMap<String, Setting>,
        facts: &Facts,
    ) -> Result<SearchSpace, SpaceError> {
        match self {
            Source::Linked => {
                let entry = api::find(&of.name)?;
                Ok(entry.space(&entry.configure(given, facts)?)?)
            }
            Source::Plugin(plugin) => {
                let config = api::Config::resolve(&of.name, &of.fields, given, facts)?
                    .values()
                    .clone();
                let request = Request {
                    space: of.name.clone(),
                    config: config.clone(),
                };
                let refused = |source| PluginError::Abi {
                    path: plugin.path().to_owned(),
                    source,
                };
                let mut space = plugin.host().build(&request).map_err(refused)?;
                // As for a linked space, regardless of how the plugin handles them.
                space.config = config;
                let omitted = |field: &&api::Field| field.omit_default;
                for field in of.fields.iter().filter(omitted) {
                    if space.config.get(&field.key) == Some(&field.default) {
                        space.config.remove(&field.key);
                    }
                }
                if space.summary.is_empty() {
                    space.summary.clone_from(&of.summary);
                }
                Ok(space)
            }
            Source::Folder(folder) => folder.build(given),
        }
    }

    /// The CPU kernels of its custom ops.
    pub(super) fn cpu(&self) -> CpuOps {
        match self {
            Source::Linked => CpuOps::Linked,
            Source::Plugin(plugin) => plugin.cpu(),
            Source::Folder(_) => CpuOps::None,
        }
    }
}
