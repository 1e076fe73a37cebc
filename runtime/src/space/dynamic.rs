//! A plugin: spaces and ops in a dynamic library.

#![expect(
    unsafe_code,
    reason = "a library's code is beyond what the compiler sees"
)]

use std::path::Path;
use std::{fmt, mem};

use libloading::Library;
use supernet_plugin::abi::{AbiError, Description, Host, SYMBOL, Table};

use super::cpu::CpuOps;
use super::error::PluginError;
use super::folder::canonical;

/// A dynamic library. Its code runs in this process with all its rights: load only trusted plugins.
///
/// It is never unloaded: its code may have threads, and thread-local values whose destructors would
/// be gone.
#[derive(Clone, Copy)]
pub struct Plugin(&'static Loaded);

/// A loaded library, alive until the process ends.
pub(crate) struct Loaded {
    pub(super) path: Box<Path>,
    pub(super) host: Host,
    description: Description,
}

impl Loaded {
    /// Whether it has a CPU kernel for this op.
    pub(super) fn runs(&self, op: &str) -> bool {
        self.description.cpu_ops.iter().any(|known| known == op)
    }
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Loaded").field(&self.path).finish()
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Plugin").field(&self.0.path).finish()
    }
}

impl Plugin {
    /// Loads the library at `path`, which must be a file: the system's library folders are not
    /// searched.
    ///
    /// # Errors
    /// If there is no such file, or it is not a library, or not a plugin that this version of the
    /// runtime understands.
    pub fn load(path: &Path) -> Result<Self, PluginError> {
        let path = canonical(path)?;
        if path.is_dir() {
            return Err(PluginError::NotALibrary { path });
        }
        if !path.is_file() {
            return Err(PluginError::NoFile { path });
        }
        // SAFETY: The library's initialisers run. The caller trusts the code of the plugin, as
        // documented on the type.
        let library = unsafe { Library::new(&path) };
        let library = library.map_err(|error| PluginError::NoLibrary {
            path: path.clone(),
            reason: reason(&error, &path),
        })?;
        // SAFETY: Only the address of the symbol is taken, whatever its type.
        let table = unsafe { library.get::<*const Table>(SYMBOL.as_bytes()) }.map(|symbol| *symbol);
        // Unloading would be unsound, as documented on the type; this makes it impossible.
        mem::forget(library);
        let table = table.map_err(|_| PluginError::NoSymbol {
            path: path.clone(),
            symbol: SYMBOL,
        })?;
        let wrong = |source: AbiError| PluginError::Abi {
            path: path.clone(),
            source,
        };
        // SAFETY: A library with this symbol has a table there, or at least a number that shows
        // that it is not one. It stays loaded for as long as the process runs.
        let host = unsafe { Host::read(table) }.map_err(wrong)?;
        let description = host.describe().map_err(wrong)?;
        // Static, as the library itself.
        Ok(Self(Box::leak(Box::new(Loaded {
            path: path.into(),
            host,
            description,
        }))))
    }

    /// The path of the library.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Its spaces and ops.
    pub fn description(&self) -> &Description {
        &self.0.description
    }

    pub(super) fn host(&self) -> &Host {
        &self.0.host
    }

    /// The CPU kernels of its custom ops.
    pub(super) fn cpu(&self) -> CpuOps {
        CpuOps::Plugin(self.0)
    }
}

/// The system's error message, on one line, without the file name that the sentence already has.
fn reason(error: &libloading::Error, path: &Path) -> String {
    let said =
        std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    let said = said.replace(&format!("{}: ", path.display()), "");
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}
