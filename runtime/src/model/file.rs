//! A model on disk: a folder with `model.json` and `model.safetensors`.
//!
//! The first describes the network: the space, as data, the genome, the input images and the
//! standardisation of their pixels. The second contains the tensors; the first has its hash.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use supernet_engine::program::CustomOps;
use supernet_plugin::{SearchSpace, Supergraph, ValidationError};

use super::error::{ModelError, failed};
use super::network::FrozenGraph;
use super::{About, Model, tensors};
use crate::space::Spaces;
use crate::storage::atomic;

/// The format version that is written; earlier ones are read.
const FORMAT: u32 = 2;
/// Maximum length of a `model.json` that is read, in bytes.
const LONGEST: u64 = 64 << 20;

const WHAT: &str = "model.json";
const NUMBERS: &str = "model.safetensors";

/// `model.json` without the space.
#[derive(Serialize, Deserialize)]
struct Head {
    format: u32,
    /// The version of supernet that wrote it.
    supernet: String,
    /// The hash of `model.safetensors`.
    blake3: String,
    model: About,
    /// Informative only: the network itself is counted.
    parameters: u64,
    macs: u64,
}

/// `model.json` as it is read. Both parts are parsed from one text, so that neither needs to know
/// the other's fields.
#[derive(Deserialize)]
struct Tail {
    space: SearchSpace,
}

/// The part of the file that gives its version, in any version.
#[derive(Deserialize)]
struct Version {
    format: u32,
}

impl Model {
    /// Saves the model as a new folder, atomically.
    ///
    /// # Errors
    /// If the folder exists, or the file system fails.
    pub fn save(&self, folder: &Path) -> Result<(), ModelError> {
        let exists = || ModelError::Exists {
            path: folder.to_owned(),
        };
        if folder.symlink_metadata().is_ok() {
            return Err(exists());
        }
        let refused = |error: serde_json::Error| failed("write", &folder.join(WHAT))(error.into());
        let numbers = tensors::write(&self.network, &self.weights).map_err(refused)?;
        let what = self.described(&numbers).map_err(refused)?;
        if let Some(parent) = folder
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
        {
            fs::create_dir_all(parent).map_err(failed("make the folder", parent))?;
        }
        let temporary = temporary(folder);
        fs::create_dir(&temporary).map_err(failed("make the folder", &temporary))?;
        let write = || -> io::Result<()> {
            for (name, content) in [(NUMBERS, &numbers), (WHAT, &what)] {
                atomic::write_new(&temporary.join(name), content)?;
            }
            atomic::sync_folder(&temporary)?;
            atomic::rename(&temporary, folder)
        };
        write().map_err(|source| {
            // A partial model is useless. If it cannot be removed either, the first error is
            // reported.
            let _ = fs::remove_dir_all(&temporary);
            if folder.exists() {
                exists()
            } else {
                failed("write", folder)(source)
            }
        })
    }

    /// Loads a model from its folder or from either of its files. Custom ops run on the CPU device
    /// by functions that are linked into this program.
    ///
    /// # Errors
    /// If there is no model, or its files differ from what was written.
    pub fn load(path: &Path) -> Result<Self, ModelError> {
        Self::load_with(path, &Spaces::linked())
    }

    /// As [`Model::load`], with the CPU functions that `spaces` provides, including plugins.
    ///
    /// # Errors
    /// As [`Model::load`].
    pub fn load_with(path: &Path, spaces: &Spaces) -> Result<Self, ModelError> {
        let [what, numbers] = match path.is_dir() {
            true => [WHAT, NUMBERS].map(|name| path.join(name)),
            false => ["json", "safetensors"].map(|ending| path.with_extension(ending)),
        };
        if !what.exists() {
            return Err(ModelError::NoModel {
                path: path.to_owned(),
            });
        }
        let text = read(&what, LONGEST)?;
        Self::read([&what, &numbers], &text, spaces, &mut |network| {
            read(&numbers, tensors::longest(network))
        })
    }

    /// The model that `text` describes. `bytes` reads the tensors of a network; `what` and
    /// `numbers` are the paths of the two files.
    pub(super) fn read(
        [what, numbers]: [&Path; 2],
        text: &[u8],
        spaces: &Spaces,
        bytes: &mut dyn FnMut(&FrozenGraph) -> Result<Vec<u8>, ModelError>,
    ) -> Result<Self, ModelError> {
        let damaged = |reason: String| ModelError::Damaged {
            path: what.to_owned(),
            reason,
        };
        let no_json = |error: serde_json::Error| damaged(error.to_string());
        let Version { format } = serde_json::from_slice(text).map_err(no_json)?;
        if !(1..=FORMAT).contains(&format) {
            return Err(ModelError::Format {
                path: what.to_owned(),
                format,
                reads: FORMAT,
            });
        }
        let head: Head = serde_json::from_slice(text).map_err(no_json)?;
        let Tail { space } = serde_json::from_slice(text).map_err(no_json)?;
        let first = |problems: Vec<ValidationError>| {
            damaged(
                problems
                    .first()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
            )
        };
        let supergraph = Supergraph::new(space).map_err(first)?;
        let custom = CustomOps::new(supergraph.space(), |op| spaces.cpu_kernel(op))?;
        let network = FrozenGraph::new(supergraph, custom, &head.model.genome)?;
        let bytes = bytes(&network)?;
        let damaged = |reason: String| ModelError::Damaged {
            path: numbers.to_owned(),
            reason,
        };
        if blake3::hash(&bytes).to_hex().as_str() != head.blake3 {
            return Err(damaged(format!(
                "its hash is not the one that {} names",
                what.display()
            )));
        }
        let weights = tensors::read(&network, &bytes).map_err(damaged)?;
        Self::assemble(network, weights, head.model)
    }

    /// `model.json`: indented, except for the space.
    fn described(&self, numbers: &[u8]) -> serde_json::Result<Vec<u8>> {
        let head = Head {
            format: FORMAT,
            supernet: env!("CARGO_PKG_VERSION").to_owned(),
            blake3: blake3::hash(numbers).to_hex().to_string(),
            model: self.about.clone(),
            parameters: self.parameters(),
            macs: self.macs(),
        };
        let mut text = serde_json::to_string_pretty(&head)?;
        text.truncate(text.trim_end_matches(['}', '\n']).len());
        let space = serde_json::to_string(self.supergraph().space())?;
        Ok(format!("{text},\n  \"space\": {space}\n}}\n").into_bytes())
    }
}

/// The temporary path of a folder while it is written.
fn temporary(folder: &Path) -> PathBuf {
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    folder.with_file_name(name)
}

/// Reads a file of at most `longest` bytes.
fn read(path: &Path, longest: u64) -> Result<Vec<u8>, ModelError> {
    let failed = || failed("read", path);
    let file = File::open(path).map_err(|error| failed()(error))?;
    let facts = file.metadata().map_err(|error| failed()(error))?;
    let damaged = |reason: String| ModelError::Damaged {
        path: path.to_owned(),
        reason,
    };
    if !facts.is_file() {
        return Err(damaged("it is not a file".to_owned()));
    }
    let mut bytes = Vec::new();
    file.take(longest + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| failed()(error))?;
    if bytes.len() as u64 > longest {
        return Err(damaged(format!(
            "it has {} bytes, and at most {longest} are read",
            facts.len()
        )));
    }
    Ok(bytes)
}
