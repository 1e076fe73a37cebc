use super::{MAGIC, MOST_BYTES, SYMBOL, Table, VERSION};

/// Why a plugin cannot be used, or what it answered instead of a result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AbiError {
    /// There is no table.
    #[error(
        "the plugin's `{SYMBOL}` is a null pointer; build the plugin with `supernet_plugin::export_plugin!`."
    )]
    Null,
    /// The address cannot hold a table.
    #[error(
        "the plugin's `{SYMBOL}` is at an address where no table can be; build the plugin with `supernet_plugin::export_plugin!`."
    )]
    Misaligned,
    /// It is not a table.
    #[error(
        "the library's `{SYMBOL}` starts with {found:#018x} and not with {MAGIC:#018x}, so it is not a plugin of supernet; build it with `supernet_plugin::export_plugin!`."
    )]
    NotATable {
        /// The number where the magic number should be.
        found: u64,
    },
    /// The plugin is newer than this program.
    #[error("the plugin speaks version {found} of the interface, and this program version {VERSION}; use a newer supernet, or rebuild the plugin with supernet-plugin {own}.", own = env!("CARGO_PKG_VERSION"))]
    Newer {
        /// The plugin's version of the interface.
        found: u32,
    },
    /// The plugin is older than this program.
    #[error("the plugin speaks version {found} of the interface, which this program no longer does: its own is {VERSION}; rebuild the plugin with supernet-plugin {own}.", own = env!("CARGO_PKG_VERSION"))]
    Older {
        /// The plugin's version of the interface.
        found: u32,
    },
    /// The table is too short.
    #[error("the plugin's table has {size} bytes, and one of version {VERSION} has {whole}; rebuild the plugin with supernet-plugin {own}.", whole = size_of::<Table>(), own = env!("CARGO_PKG_VERSION"))]
    Truncated {
        /// The size in bytes that the table states.
        size: u32,
    },
    /// The table lacks a function.
    #[error(
        "the plugin's table has no function `{call}`; build the plugin with `supernet_plugin::export_plugin!`."
    )]
    NoFunction {
        /// The name of the function.
        call: &'static str,
    },
    /// The plugin refused the request and says why.
    #[error("{sentence}")]
    Refused {
        /// The call.
        call: &'static str,
        /// The plugin's reason.
        sentence: String,
    },
    /// The plugin panicked. It may be called again.
    #[error(
        "the plugin panicked in `{call}`, and said: {said:?}. It is a mistake in the plugin; tell its authors."
    )]
    Panicked {
        /// The call.
        call: &'static str,
        /// The panic message.
        said: String,
    },
    /// The plugin returned a status that the interface does not define.
    #[error("the plugin answered `{call}` with the status {status}, and version {VERSION} of the interface has 0 to 2; rebuild the plugin with supernet-plugin {own}.", own = env!("CARGO_PKG_VERSION"))]
    Status {
        /// The call.
        call: &'static str,
        /// The status.
        status: i32,
    },
    /// The answer is too long.
    #[error(
        "the plugin's answer to `{call}` has {len} bytes, and at most {MOST_BYTES} are read; make the space smaller."
    )]
    TooLong {
        /// The call.
        call: &'static str,
        /// The length of the answer in bytes.
        len: usize,
    },
    /// The buffer of the answer is inconsistent.
    #[error(
        "the plugin's answer to `{call}` is said to have {len} bytes, but they are nowhere; tell the plugin's authors."
    )]
    Nowhere {
        /// The call.
        call: &'static str,
        /// The length in bytes that the buffer states.
        len: usize,
    },
    /// The answer is not UTF-8.
    #[error(
        "the plugin's answer to `{call}` is not UTF-8 from byte {at} on; tell the plugin's authors."
    )]
    NotText {
        /// The call.
        call: &'static str,
        /// The position of the first invalid byte.
        at: usize,
    },
    /// The answer is not the expected JSON.
    #[error(
        "the plugin's answer to `{call}` is not what it should be: {reason}; tell the plugin's authors."
    )]
    NotRead {
        /// The call.
        call: &'static str,
        /// The reason, with the position.
        reason: String,
    },
    /// The plugin's description is invalid.
    #[error("the plugin says that it has {what}; {limit}.")]
    Description {
        /// What the description says.
        what: String,
        /// The limit that it violates.
        limit: String,
    },
    /// The request could not be serialized.
    #[error("the plugin could not be asked to `{call}`: {reason}.")]
    NotAsked {
        /// The call.
        call: &'static str,
        /// The reason.
        reason: String,
    },
}
