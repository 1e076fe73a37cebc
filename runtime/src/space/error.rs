//! What can go wrong with a space, and with what brings one.

use std::io;
use std::path::PathBuf;

use supernet_engine::program::OpError;
use supernet_plugin::abi::AbiError;
use supernet_plugin::{BuildError, ConfigError, JsonError, RegistryError, ValidationError};

/// How long a space's name may be.
pub(super) const MOST_LETTERS: usize = 100;

/// Why a space cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpaceError {
    /// No such space.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// A setting of the space is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The space cannot be built with these settings.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A plugin does not build it.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// The space has no JSON form.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A setting for a space that is data.
    #[error(
        "`space.{key}` cannot be set: the space `{space}` is read from {} as it is, {known}; leave it out",
        .path.display()
    )]
    Fixed {
        /// Which space.
        space: String,
        /// Where it is.
        path: PathBuf,
        /// The setting.
        key: String,
        /// What the space says of it, as a part of the sentence.
        known: String,
    },
    /// One name, two spaces.
    #[error("{count} spaces are called `{name}`, and they differ: {origins}; choose with {ways}")]
    Differ {
        /// The name.
        name: String,
        /// How many, in words.
        count: &'static str,
        /// Where each comes from.
        origins: String,
        /// How to name each of them.
        ways: String,
    },
    /// An op that the space brings along is refused.
    #[error(transparent)]
    Op(#[from] OpError),
    /// The space is not sound.
    #[error("the space `{space}` is not sound: {}", list(.problems))]
    Unsound {
        /// Which space.
        space: String,
        /// What is wrong with it.
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

/// Why a library or a folder brings no space.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PluginError {
    /// Nothing is there.
    #[error("there is no plugin {}: no such file; a plugin is a library or a folder with a space.json", .path.display())]
    Missing {
        /// Where.
        path: PathBuf,
    },
    /// The system refuses.
    #[error("cannot read {}: {source}", .path.display())]
    System {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A folder without a space.
    #[error(
        "the folder {} has no space.json, so there is no space in it; write one as JSON into that file, or name a \
         plugin's library",
        .path.display()
    )]
    NoSpace {
        /// The folder.
        path: PathBuf,
    },
    /// A folder where a library should be.
    #[error("{} is a folder, and a plugin's library is a file; `Spaces::load` reads folders too", .path.display())]
    NotALibrary {
        /// The folder.
        path: PathBuf,
    },
    /// Neither a file nor a folder.
    #[error("{} is no file, so it cannot be a plugin; name a library or a folder with a space.json", .path.display())]
    NoFile {
        /// Where.
        path: PathBuf,
    },
    /// The system does not load it.
    #[error(
        "{} is no library that can be loaded here: {reason}; build it with `cargo build --release` of a crate with \
         crate-type = [\"cdylib\"]",
        .path.display()
    )]
    NoLibrary {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// A library of something else.
    #[error(
        "the library {} is no plugin: it has no symbol {symbol}; add `supernet_plugin::export_plugin!();` to it",
        .path.display()
    )]
    NoSymbol {
        /// The library.
        path: PathBuf,
        /// The symbol.
        symbol: &'static str,
    },
    /// What crosses to the plugin is not as agreed.
    #[error("{}: {source}", .path.display())]
    Abi {
        /// The library.
        path: PathBuf,
        /// What is wrong.
        source: AbiError,
    },
    /// A file of a size that no space has.
    #[error("{} is larger than {most}, which is the limit for {what}", .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit, in words.
        most: &'static str,
        /// What it should be.
        what: &'static str,
    },
    /// A file of other text.
    #[error("{} is not UTF-8 text", .path.display())]
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// A file that is not a space.
    #[error("{}: {source}", .path.display())]
    NotASpace {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: JsonError,
    },
    /// A space that cannot be named.
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
    /// An op whose source has no place.
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
    /// An op without a source.
    #[error("the op `{op}` has no source: there is no file {}, and its `wgsl` is empty", .path.display())]
    NoSource {
        /// The op.
        op: String,
        /// Where the source should be.
        path: PathBuf,
    },
}
