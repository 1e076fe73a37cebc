use super::{MAGIC, MOST_BYTES, SYMBOL, Table, VERSION};

/// Why a plugin cannot be used, or what it answered instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AbiError {
    /// There is no table.
    #[error(
        "the plugin's `{SYMBOL}` is a null pointer; build the plugin with `supernet_plugin::export_plugin!`."
    )]
    Null,
    /// No table can stand there.
    #[error(
        "the plugin's `{SYMBOL}` is at an address where no table can be; build the plugin with `supernet_plugin::export_plugin!`."
    )]
    Misaligned,
    /// It is no table.
    #[error(
        "the library's `{SYMBOL}` starts with {found:#018x} and not with {MAGIC:#018x}, so it is no plugin of supernet; build it with `supernet_plugin::export_plugin!`."
    )]
    NotATable {
        /// What its first number is.
        found: u64,
    },
    /// The plugin is newer than the program.
    #[error("the plugin speaks version {found} of the interface, and this program version {VERSION}; use a newer supernet, or rebuild the plugin with supernet-plugin {own}.", own = env!("CARGO_PKG_VERSION"))]
    Newer {
        /// The plugin's version of the interface.
        found: u32,
    },
    /// The plugin is older than the program.
    #[error("the plugin speaks version {found} of the interface, which this program no longer does: its own is {VERSION}; rebuild the plugin with supernet-plugin {own}.", own = env!("CARGO_PKG_VERSION"))]
    Older {
        /// The plugin's version of the interface.
        found: u32,
    },
    /// The table is too short.
    #[error("the plugin's table has {size} bytes, and one of version {VERSION} has {whole}; rebuild the plugin with supernet-plugin {own}.", whole = size_of::<Table>(), own = env!("CARGO_PKG_VERSION"))]
    Truncated {
        /// How many bytes it says it has.
        size: u32,
    },
    /// The table lacks a function.
    #[error(
        "the plugin's table has no function `{call}`; build the plugin with `supernet_plugin::export_plugin!`."
    )]
    NoFunction {
        /// Which one.
        call: &'static str,
    },
    /// The plugin refuses, in its own words.
    #[error("{sentence}")]
    Refused {
        /// What it was asked.
        call: &'static str,
        /// Its sentence.
        sentence: String,
    },
    /// The plugin panicked. It may be asked again.
    #[error(
        "the plugin panicked in `{call}`, and said: {said:?}. It is a mistake in the plugin; tell its authors."
    )]
    Panicked {
        /// What it was asked.
        call: &'static str,
        /// What it said.
        said: String,
    },
    /// The plugin gives a status that the interface does not have.
    #[error("the plugin answered `{call}` with the status {status}, and version {VERSION} of the interface has 0 to 2; rebuild the plugin with supernet-plugin {own}.", own = env!("CARGO_PKG_VERSION"))]
    Status {
        /// What it was asked.
        call: &'static str,
        /// The status.
        status: i32,
    },
    /// The answer is too long.
    #[error(
        "the plugin's answer to `{call}` has {len} bytes, and at most {MOST_BYTES} are read; make the space smaller."
    )]
    TooLong {
        /// What it was asked.
        call: &'static str,
        /// How many bytes it has.
        len: usize,
    },
    /// The answer's buffer contradicts itself.
    #[error(
        "the plugin's answer to `{call}` is said to have {len} bytes, but they are nowhere; tell the plugin's authors."
    )]
    Nowhere {
        /// What it was asked.
        call: &'static str,
        /// How many bytes it is said to have.
        len: usize,
    },
    /// The answer is no text.
    #[error(
        "the plugin's answer to `{call}` is not UTF-8 from byte {at} on; tell the plugin's authors."
    )]
    NotText {
        /// What it was asked.
        call: &'static str,
        /// The first byte that is wrong.
        at: usize,
    },
    /// The answer is not the JSON that it should be.
    #[error(
        "the plugin's answer to `{call}` is not what it should be: {reason}; tell the plugin's authors."
    )]
    NotRead {
        /// What it was asked.
        call: &'static str,
        /// Why, with the position.
        reason: String,
    },
    /// What the plugin says it has makes no sense.
    #[error("the plugin says that it has {what}; {limit}.")]
    Description {
        /// What it says.
        what: String,
        /// What would be right.
        limit: String,
    },
    /// The question cannot be written down.
    #[error("the plugin could not be asked to `{call}`: {reason}.")]
    NotAsked {
        /// What it was to be asked.
        call: &'static str,
        /// Why.
        reason: String,
    },
}
