//! A plugin: spaces and ops in a library that is loaded while the program runs.

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

/// A library that was loaded. Its code runs in this process and may do what the process may: load
/// only what you trust.
///
/// It is never unloaded: its code may have threads, and thread-local values whose destructors would
/// be gone.
#[derive(Clone, Copy)]
pub struct Plugin(&'static Loaded);

/// A library that was loaded, for as long as the process lives.
pub(crate) struct Loaded {
    pub(super) path: Box<Path>,
    pub(super) host: Host,
    description: Description,
}

impl Loaded {
    /// Whether it runs this op on the CPU.
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
    /// Loads the library at `path`. It is a file: the system's folders of libraries are not
    /// searched.
    ///
    /// # Errors
    /// If there is no such file, it is no library, or no plugin that this version of the runtime
    /// understands.
    pub fn load(path: &Path) -> Result<Self, PluginError> {
        let path = canonical(path)?;
        if path.is_dir() {
            return Err(PluginError::NotALibrary { path });
        }
        if !path.is_file() {
            return Err(PluginError::NoFile { path });
        }
        // SAFETY: The library's initialisers run. Whoever names a plugin trusts its code, as the
        // type says.
        let library = unsafe { Library::new(&path) };
        let library = library.map_err(|error| PluginError::NoLibrary {
            path: path.clone(),
            reason: reason(&error, &path),
        })?;
        // SAFETY: Nothing but the symbol's address is taken, whatever is there.
        let table = unsafe { library.get::<*const Table>(SYMBOL.as_bytes()) }.map(|symbol| *symbol);
        // Unloading would be unsound, as the type says; so nobody can.
        mem::forget(library);
        let table = table.map_err(|_| PluginError::NoSymbol {
            path: path.clone(),
            symbol: SYMBOL,
        })?;
        let wrong = |source: AbiError| PluginError::Abi {
            path: path.clone(),
            source,
        };
        // SAFETY: A library that has this symbol has a table there, or else at least a number that
        // says that it is none. It stays for as long as the process does.
        let host = unsafe { Host::read(table) }.map_err(wrong)?;
        let description = host.describe().map_err(wrong)?;
        // As the library itself.
        Ok(Self(Box::leak(Box::new(Loaded {
            path: path.into(),
            host,
            description,
        }))))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// What it has.
    pub fn description(&self) -> &Description {
        &self.0.description
    }

    pub(super) fn host(&self) -> &Host {
        &self.0.host
    }

    /// What runs its spaces' own ops on the CPU.
    pub(super) fn cpu(&self) -> CpuOps {
        CpuOps::Plugin(self.0)
    }
}

/// What the system said, on one line, without the file that the sentence names already.
fn reason(error: &libloading::Error, path: &Path) -> String {
    let said =
        std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    let said = said.replace(&format!("{}: ", path.display()), "");
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}
