//! Errors of spaces and of their providers.

use std::io;
use std::path::PathBuf;

use supernet_engine::program::OpError;
use supernet_plugin::abi::AbiError;
use supernet_plugin::{BuildError, ConfigError, JsonError, RegistryError, ValidationError};

/// Maximum length of a space's name.
pub(super) const MOST_LETTERS: usize = 100;

/// Why a space is not available.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpaceError {
    /// The space does not exist.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// A setting of the space is invalid.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The space cannot be built with these settings.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The plugin cannot build it.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// The space cannot be represented in JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A setting was given for a space that is data.
    #[error(
        "`space.{key}` cannot be set: the space `{space}` is read from {} as it is, {known}; leave it out",
        .path.display()
    )]
    Fixed {
        /// The space.
        space: String,
        /// Its path.
        path: PathBuf,
        /// The setting.
        key: String,
        /// The space's objection, as a part of the sentence.
        known: String,
    },
    /// Several different spaces have one name.
    #[error("{count} spaces are called `{name}`, and they differ: {origins}; choose with {ways}")]
    Differ {
        /// The name.
        name: String,
        /// Their number, in words.
        count: &'static str,
        /// The provider of each.
        origins: String,
        /// The unambiguous names.
        ways: String,
    },
    /// A custom op is refused.
    #[error(transparent)]
    Op(#[from] OpError),
    /// The space is invalid.
    #[error("the space `{space}` is not sound: {}", list(.problems))]
    Unsound {
        /// The space.
        space: String,
        /// The defect.
        problems: Vec<ValidationError>,
    },
}

fn list(problems: &[ValidationError]) -> String {
    problems
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

/// Why a library or a folder provides no space.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PluginError {
    /// The path does not exist.
    #[error("there is no plugin {}: no such file; a plugin is a library or a folder with a space.json", .path.display())]
    Missing {
        /// The path.
        path: PathBuf,
    },
    /// The file system fails.
    #[error("cannot read {}: {source}", .path.display())]
    System {
        /// The path.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The folder contains no space.
    #[error(
        "the folder {} has no space.json, so there is no space in it; write one as JSON into that file, or name a \
         plugin's library",
        .path.display()
    )]
    NoSpace {
        /// The folder.
        path: PathBuf,
    },
    /// A folder was given where a library is expected.
    #[error("{} is a folder, and a plugin's library is a file; `Spaces::load` reads folders too", .path.display())]
    NotALibrary {
        /// The folder.
        path: PathBuf,
    },
    /// The path is neither a file nor a folder.
    #[error("{} is not a file, so it cannot be a plugin; name a library or a folder with a space.json", .path.display())]
    NoFile {
        /// The path.
        path: PathBuf,
    },
    /// The operating system cannot load it.
    #[error(
        "{} is not a library that can be loaded here: {reason}; build it with `cargo build --release` of a crate with \
         crate-type = [\"cdylib\"]",
        .path.display()
    )]
    NoLibrary {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        reason: String,
    },
    /// The library is not a plugin.
    #[error(
        "the library {} is not a plugin: it has no symbol {symbol}; add `supernet_plugin::export_plugin!();` to it",
        .path.display()
    )]
    NoSymbol {
        /// The library.
        path: PathBuf,
        /// The missing symbol.
        symbol: &'static str,
    },
    /// The plugin violates the interface.
    #[error("{}: {source}", .path.display())]
    Abi {
        /// The library.
        path: PathBuf,
        /// The violation.
        source: AbiError,
    },
    /// The file is too large for a space.
    #[error("{} is larger than {most}, which is the limit for {what}", .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit, formatted.
        most: &'static str,
        /// What the file is expected to be.
        what: &'static str,
    },
    /// The file is not text.
    #[error("{} is not UTF-8 text", .path.display())]
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// The file is not a space.
    #[error("{}: {source}", .path.display())]
    NotASpace {
        /// The file.
        path: PathBuf,
        /// The defect.
        source: JsonError,
    },
    /// The name of the space is invalid.
    #[error(
        "{}: a space cannot be called {name:?}; a name has 1 to {MOST_LETTERS} printable characters, and no `/`",
        .path.display()
    )]
    NoName {
        /// The file.
        path: PathBuf,
        /// The name, or its beginning.
        name: String,
    },
    /// The name of an op cannot be a file name.
    #[error(
        "{}: the op `{op}` has no `wgsl`, and its name cannot be a file's; use letters, digits, `_` and `-` only, or write \
         the source into `wgsl`",
        .path.display()
    )]
    NoFileName {
        /// The space.
        path: PathBuf,
        /// The op.
        op: String,
    },
    /// The source of an op is missing.
    #[error("the op `{op}` has no source: there is no file {}, and its `wgsl` is empty", .path.display())]
    NoSource {
        /// The op.
        op: String,
        /// The expected path of the source.
        path: PathBuf,
    },
}
