//! All the spaces that a search may name.

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

/// All the spaces that a search may name. What is loaded into one of these is in no other: a
/// program may have several.
///
/// A name that several bring may be qualified: `linked/NAME`, or `STEM/NAME` with the name of a
/// library (without its ending, and without `lib` if one likes) or of a folder, or `PATH/NAME`.
#[derive(Clone, Debug, Default)]
pub struct Spaces {
    sources: Vec<Source>,
}

/// A space that can be had.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// One line for people.
    pub summary: String,
    /// Its settings.
    pub fields: Vec<Field>,
    /// What brings it.
    pub provenance: Source,
}

/// A space that was built.
#[derive(Clone, Debug)]
pub struct Built {
    /// The space, checked.
    pub supergraph: Supergraph,
    /// Where it came from.
    pub provenance: SpaceProvenance,
    pub(crate) cpu: CpuOps,
}

impl Spaces {
    /// The spaces of crates that are linked into this program. Those of [`Spaces::default`] are
    /// none.
    pub fn linked() -> Self {
        Self {
            sources: vec![Source::Linked],
        }
    }

    /// Loads a plugin's library, or reads a folder with a `space.json`, or such a file. Loading
    /// what was loaded before changes nothing.
    ///
    /// A library's code runs in this process and may do what the process may: load only what you
    /// trust.
    ///
    /// # Errors
    /// If there is no such file, or there is no space in it.
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

    /// Adds a plugin that was loaded already.
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

    /// Every space, by name, then by what brings it: linked ones first, then by path.
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

    /// What runs a space's own op on the CPU, if anything here does.
    pub(crate) fn cpu_kernel(&self, op: &str) -> Option<&'static dyn CpuKernel> {
        self.sources
            .iter()
            .find_map(|source| source.cpu().cpu_kernel(op))
    }

    /// The spaces of a name, at least one.
    ///
    /// # Errors
    /// If nobody brings the name, or two linked crates do.
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

    /// The space that `config.search.space` names, with the settings of `config.space`, for data of
    /// which `facts` are known. What the space's defaults and the data resolve goes back into
    /// `config.space`.
    ///
    /// # Errors
    /// If there is no such space, its settings are wrong, or there are several and they differ.
    pub fn build(&self, config: &mut Config, facts: &Facts) -> Result<Built, SpaceError> {
        self.build_again(config, facts, None)
    }

    /// As [`Spaces::build`]; among spaces that differ, the one that is `wanted`, if it is there.
    pub(crate) fn build_again(
        &self,
        config: &mut Config,
        facts: &Facts,
        wanted: Option<&SpaceProvenance>,
    ) -> Result<Built, SpaceError> {
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
            // All refuse: what one says is as good as what another says.
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
        Ok(Built {
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

/// What a space is, as a number: equal for equal spaces, since nothing in its JSON depends on a
/// hash map's order.
fn blake3(space: &SearchSpace) -> Result<String, SpaceError> {
    Ok(blake3::hash(space.to_json()?.as_bytes())
        .to_hex()
        .to_string())
}

fn unknown(name: &str, all: &[Listed]) -> RegistryError {
    let mut names: Vec<&str> = all.iter().map(|listed| listed.name.as_str()).collect();
    names.dedup();
    // Of a qualified name either part may be the wrong one.
    let bare = name.rsplit_once('/').map_or(name, |(_, bare)| bare);
    let near = nearest(bare, names.iter().copied());
    let hint = near
        .map(|near| format!("; the nearest is `{near}`"))
        .unwrap_or_default();
    let known = match names.is_empty() {
        true => "none; name a crate of spaces in the application, or load a plugin".to_owned(),
        false => names.join(", "),
    };
    RegistryError::Unknown {
        name: name.to_owned(),
        hint,
        known,
    }
}

/// Several spaces of one name are not one.
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
