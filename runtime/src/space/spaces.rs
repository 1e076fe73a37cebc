//! The registry of spaces.

use std::path::Path;

use supernet_plugin::abi::Described;
use supernet_plugin::{Facts, Field, RegistryError, SearchSpace, Supergraph, nearest};
use supernet_shaders::catalogue::CpuKernel;

use super::cpu::CpuOps;
use super::dynamic::Plugin;
use super::error::{PluginError, SpaceError};
use super::folder::{Folder, canonical};
use super::provenance::SpaceProvenance;
use super::source::Source;
use crate::config::Config;

/// The spaces that a search may name. Every registry is independent: a program may have several.
///
/// A name with several providers may be qualified: `linked/NAME`, or `STEM/NAME` with the name of a
/// library (without its extension, and optionally without `lib`) or of a folder, or `PATH/NAME`.
#[derive(Clone, Debug, Default)]
pub struct Spaces {
    sources: Vec<Source>,
}

/// An available space.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// A one-line summary.
    pub summary: String,
    /// Its settings.
    pub fields: Vec<Field>,
    /// Its provider.
    pub provenance: Source,
}

/// A built space.
#[derive(Clone, Debug)]
pub struct BuiltSpace {
    /// The space, validated.
    pub supergraph: Supergraph,
    /// Its origin.
    pub provenance: SpaceProvenance,
    pub(crate) cpu: CpuOps,
}

impl Spaces {
    /// The spaces of crates that are linked into this program. ([`Spaces::default`] is empty.)
    pub fn linked() -> Self {
        Self {
            sources: vec![Source::Linked],
        }
    }

    /// Loads a plugin library, a folder with a `space.json`, or such a file. Loading it again has
    /// no effect.
    ///
    /// The code of a library runs in this process with all its rights: load only trusted plugins.
    ///
    /// # Errors
    /// If there is no such file, or it provides no space.
    pub fn load(&mut self, path: &Path) -> Result<(), PluginError> {
        let path = canonical(path)?;
        let json = path
            .extension()
            .is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
        let source = if path.is_dir() || json {
            Source::Folder(Folder::read(&path)?)
        } else {
            Source::Plugin(Plugin::load(&path)?)
        };
        self.insert(source);
        Ok(())
    }

    /// Adds a loaded plugin.
    pub fn add(&mut self, plugin: Plugin) {
        self.insert(Source::Plugin(plugin));
    }

    fn insert(&mut self, source: Source) {
        if self
            .sources
            .iter()
            .all(|known| known.path() != source.path())
        {
            self.sources.push(source);
        }
    }

    /// Every space, sorted by name, then by provider: linked ones first, then by path.
    pub fn list(&self) -> Vec<Listed> {
        let listed = |source: &Source| {
            let provenance = source.clone();
            source.described().into_iter().map(
                move |Described {
                          name,
                          summary,
                          fields,
                      }| Listed {
                    name,
                    summary,
                    fields,
                    provenance: provenance.clone(),
                },
            )
        };
        let mut all: Vec<Listed> = self.sources.iter().flat_map(listed).collect();
        all.sort_by(|a, b| (&a.name, a.provenance.path()).cmp(&(&b.name, b.provenance.path())));
        all
    }

    /// The CPU kernel of a custom op, if a provider here has one.
    pub(crate) fn cpu_kernel(&self, op: &str) -> Option<&'static dyn CpuKernel> {
        self.sources
            .iter()
            .find_map(|source| source.cpu().cpu_kernel(op))
    }

    /// The spaces with a name, at least one.
    ///
    /// # Errors
    /// If no provider has the name, or two linked crates have it.
    pub fn find(&self, name: &str) -> Result<Vec<Listed>, RegistryError> {
        let all = self.list();
        let (found, others): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|listed| listed.is_called(name));
        if found.is_empty() {
            return Err(unknown(name, &others));
        }
        let linked = found
            .iter()
            .filter(|listed| matches!(listed.provenance, Source::Linked));
        match linked.count() {
            0 | 1 => Ok(found),
            _ => Err(RegistryError::Twice {
                name: name.to_owned(),
            }),
        }
    }

    /// Builds the space that `config.search.space` names, with the settings of `config.space`, for
    /// data with these `facts`. The values resolved from the space's defaults and the data are
    /// written back to `config.space`.
    ///
    /// # Errors
    /// If there is no such space, its settings are invalid, or there are several and they differ.
    pub fn build(&self, config: &mut Config, facts: &Facts) -> Result<BuiltSpace, SpaceError> {
        self.build_again(config, facts, None)
    }

    /// As [`Spaces::build`]; among different spaces, takes the one that is `wanted`, if it is
    /// available.
    pub(crate) fn build_again(
        &self,
        config: &mut Config,
        facts: &Facts,
        wanted: Option<&SpaceProvenance>,
    ) -> Result<BuiltSpace, SpaceError> {
        let found = self.find(&config.search.space)?;
        let mut built = Vec::new();
        let mut refused = Vec::new();
        for listed in &found {
            let build = |space: SearchSpace| Ok((blake3(&space)?, space));
            match listed.build(config, facts).and_then(build) {
                Ok((hash, space)) => built.push((listed, hash, space)),
                Err(error) => refused.push(error),
            }
        }
        let same = |hash: &String| built.iter().all(|(_, other, _)| other == hash);
        let chosen = wanted
            .map(|provenance| &provenance.hash)
            .filter(|hash| built.iter().any(|(_, other, _)| other == *hash));
        let hash = match (chosen, built.first()) {
            (Some(hash), _) => hash.clone(),
            // All refuse: any of the errors will do.
            (None, None) => return Err(refused.swap_remove(0)),
            (None, Some((_, hash, _))) if refused.is_empty() && same(hash) => hash.clone(),
            (None, Some(_)) => return Err(differ(&found)),
        };
        let alike: Vec<_> = built
            .into_iter()
            .filter(|(_, other, _)| *other == hash)
            .collect();
        let from = alike
            .iter()
            .map(|(listed, ..)| listed.provenance.provider())
            .collect();
        let Some((listed, _, space)) = alike.into_iter().next() else {
            return Err(differ(&found));
        };
        config.space.clone_from(&space.config);
        let (name, cpu) = (listed.name.clone(), listed.provenance.cpu());
        let checked = Supergraph::new(space);
        let supergraph = checked.map_err(|problems| SpaceError::Unsound {
            space: name.clone(),
            problems,
        })?;
        Ok(BuiltSpace {
            supergraph,
            provenance: SpaceProvenance {
                space: name,
                from,
                hash,
            },
            cpu,
        })
    }
}

impl Listed {
    fn is_called(&self, name: &str) -> bool {
        let qualified = |qualifier: &String| {
            let rest = name
                .strip_prefix(qualifier.as_str())
                .and_then(|rest| rest.strip_prefix('/'));
            rest == Some(&self.name)
        };
        self.name == name || self.provenance.qualifiers().iter().any(qualified)
    }

    fn build(&self, config: &Config, facts: &Facts) -> Result<SearchSpace, SpaceError> {
        let Self {
            name,
            summary,
            fields,
            provenance,
        } = self;
        let described = Described {
            name: name.clone(),
            summary: summary.clone(),
            fields: fields.clone(),
        };
        provenance.build(&described, &config.space, facts)
    }
}

/// The hash of a space: equal for equal spaces, since its JSON does not depend on the order of a
/// hash map.
fn blake3(space: &SearchSpace) -> Result<String, SpaceError> {
    Ok(blake3::hash(space.to_json()?.as_bytes())
        .to_hex()
        .to_string())
}

fn unknown(name: &str, all: &[Listed]) -> RegistryError {
    let mut names: Vec<&str> = all.iter().map(|listed| listed.name.as_str()).collect();
    names.dedup();
    // Either part of a qualified name may be wrong.
    let bare = name.rsplit_once('/').map_or(name, |(_, bare)| bare);
    let near = nearest(bare, names.iter().copied());
    let hint = near
        .map(|near| format!("; the nearest is `{near}`"))
        .unwrap_or_default();
    let known = match names.is_empty() {
        true => "none; a program has the spaces of the crates that it uses, as after `use supernet_enas as _;`, and of the \
                 plugins that it loads"
            .to_owned(),
        false => names.join(", "),
    };
    RegistryError::Unknown {
        name: name.to_owned(),
        hint,
        known,
    }
}

/// Combines several spaces of one name, which must be equal.
fn differ(found: &[Listed]) -> SpaceError {
    let stems: Vec<String> = found
        .iter()
        .filter_map(|listed| listed.provenance.qualifiers().into_iter().next())
        .collect();
    let way = |listed: &Listed| {
        let qualifiers = listed.provenance.qualifiers();
        let unique = |way: &&String| stems.iter().filter(|stem| stem == way).count() < 2;
        let way = qualifiers
            .iter()
            .find(unique)
            .or(qualifiers.last())
            .cloned()
            .unwrap_or_default();
        format!("--space {way}/{}", listed.name)
    };
    let provenance = |listed: &Listed| match listed.provenance.path() {
        None => "one is linked into this program".to_owned(),
        Some(path) => format!("one comes from {}", path.display()),
    };
    SpaceError::Differ {
        name: found
            .first()
            .map(|listed| listed.name.clone())
            .unwrap_or_default(),
        count: if found.len() == 2 { "two" } else { "several" },
        origins: found.iter().map(provenance).collect::<Vec<_>>().join(", "),
        ways: found.iter().map(way).collect::<Vec<_>>().join(" or "),
    }
}
