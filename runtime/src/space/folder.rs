//! A space as data: `space.json`, and the sources of its custom ops in `ops/`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use supernet_plugin::{SearchSpace, Setting};

use super::error::{MOST_LETTERS, PluginError, SpaceError};

/// The name of the space's file in its folder.
const SPACE: &str = "space.json";
/// Maximum file sizes, in bytes and formatted.
type Most = (u64, &'static str, &'static str);
const JSON: Most = (64 << 20, "64 MiB", "a space");
const WGSL: Most = (1 << 20, "1 MiB", "an op's source");

/// A space that was read from a folder or a JSON file. It has no settings.
#[derive(Clone, Debug)]
pub struct Folder {
    path: Arc<Path>,
    space: Arc<SearchSpace>,
}

impl Folder {
    /// Reads the space in a folder, or in a JSON file with `ops/` next to it.
    ///
    /// # Errors
    /// If there is no space, or the source of an op is missing.
    pub fn read(path: &Path) -> Result<Self, PluginError> {
        let path = canonical(path)?;
        let file = if path.is_dir() {
            path.join(SPACE)
        } else {
            path.clone()
        };
        if !file.exists() {
            return Err(PluginError::NoSpace { path });
        }
        let space = SearchSpace::from_json(&text(&file, JSON)?);
        let mut space = space.map_err(|source| PluginError::NotASpace {
            path: file.clone(),
            source,
        })?;
        check_name(&file, &space.name)?;
        let ops = file.parent().unwrap_or(&path).join("ops");
        for op in space.ops.iter_mut().filter(|op| op.wgsl.is_empty()) {
            op.wgsl = source(&ops, &file, &op.name)?;
        }
        Ok(Self {
            path: path.into(),
            space: Arc::new(space),
        })
    }

    /// The path of the space.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The space.
    pub fn space(&self) -> &SearchSpace {
        &self.space
    }

    /// Its qualifier: the name of the folder, or of the file without its extension.
    pub(super) fn stem(&self) -> String {
        let path = match self.path.file_name() {
            Some(name) if name == SPACE => self.path.parent().unwrap_or(&self.path),
            _ => &self.path,
        };
        let stem = if path.is_dir() {
            path.file_name()
        } else {
            path.file_stem()
        };
        stem.unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The space, if it is the requested one: settings that it was built with may be repeated, as
    /// in the config.toml of a run.
    pub(super) fn build(
        &self,
        given: &BTreeMap<String, Setting>,
    ) -> Result<SearchSpace, SpaceError> {
        let space = &*self.space;
        let Some((key, other)) = given
            .iter()
            .find(|(key, value)| space.config.get(*key) != Some(value))
        else {
            return Ok(space.clone());
        };
        let known = match space.config.get(key) {
            Some(value) => format!("and there `{key}` is {value}, not {other}"),
            None => format!("and has no setting `{key}`"),
        };
        let (space, path) = (space.name.clone(), self.path.to_path_buf());
        Err(SpaceError::Fixed {
            space,
            path,
            key: key.clone(),
            known,
        })
    }
}

/// As for the spaces of a library: a name must be printable, and is qualified with a `/`.
fn check_name(file: &Path, name: &str) -> Result<(), PluginError> {
    let letters = name.chars().count();
    if (1..=MOST_LETTERS).contains(&letters) && name.chars().all(|c| !c.is_control() && c != '/') {
        return Ok(());
    }
    Err(PluginError::NoName {
        path: file.to_owned(),
        name: name.chars().take(MOST_LETTERS).collect(),
    })
}

/// The canonical path: it distinguishes the space from others, and a library is never searched for
/// elsewhere.
pub(super) fn canonical(path: &Path) -> Result<PathBuf, PluginError> {
    fs::canonicalize(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => PluginError::Missing {
            path: path.to_owned(),
        },
        _ => PluginError::System {
            path: path.to_owned(),
            source,
        },
    })
}

/// The source of an op of the space at `file`.
fn source(ops: &Path, file: &Path, op: &str) -> Result<String, PluginError> {
    // A name with a slash could point anywhere.
    let fit = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if op.is_empty() || !op.chars().all(fit) {
        return Err(PluginError::NoFileName {
            path: file.to_owned(),
            op: op.to_owned(),
        });
    }
    let path = ops.join(format!("{op}.wgsl"));
    match text(&path, WGSL) {
        Err(PluginError::Missing { path }) => Err(PluginError::NoSource {
            op: op.to_owned(),
            path,
        }),
        Ok(source) if source.trim().is_empty() => Err(PluginError::NoSource {
            op: op.to_owned(),
            path,
        }),
        other => other,
    }
}

/// Reads a text file up to a maximum size.
fn text(path: &Path, (most, words, what): Most) -> Result<String, PluginError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => PluginError::Missing {
            path: path.to_owned(),
        },
        _ => PluginError::System {
            path: path.to_owned(),
            source,
        },
    };
    // Reading from a pipe would block.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(PluginError::NoFile {
            path: path.to_owned(),
        });
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(most + 1).read_to_end(&mut bytes))
        .map_err(failed)?;
    if bytes.len() as u64 > most {
        return Err(PluginError::TooLarge {
            path: path.to_owned(),
            most: words,
            what,
        });
    }
    String::from_utf8(bytes).map_err(|_| PluginError::NotText {
        path: path.to_owned(),
    })
}
