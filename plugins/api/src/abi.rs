//! The interface between an application and a plugin that it loads: one table behind one symbol.
//!
//! No Rust types cross the boundary, only numbers, pointers and JSON. A plugin may therefore be
//! built with another compiler, another profile or another version of this crate, as long as
//! [`VERSION`] is the same.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::bounded::offers;
use crate::{Field, Setting};

mod answer;
mod description;
mod error;
mod host;
mod shim;

pub use crate::space::MOST_BYTES;
pub use error::AbiError;
pub use host::Host;
pub use shim::describe;

/// The symbol under which a plugin exports its [`Table`].
pub const SYMBOL: &str = "SUPERNET_PLUGIN";
/// The magic number at the start of every table.
pub const MAGIC: u64 = u64::from_le_bytes(*b"SUPERNET");
/// The version of the interface. It changes whenever the meaning of the table changes.
pub const VERSION: u32 = 1;

/// The call succeeded.
pub const OK: i32 = 0;
/// The request was refused; the buffer holds the reason.
pub const REFUSED: i32 = 1;
/// The plugin panicked; the buffer holds the panic message.
pub const PANICKED: i32 = 2;

/// Bytes that are owned by the other side.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Slice {
    /// The first byte; arbitrary if there are none.
    pub ptr: *const u8,
    /// The number of bytes.
    pub len: usize,
}

/// Bytes that the plugin allocated. Only the plugin's `free` may release them.
#[repr(C)]
#[derive(Debug)]
pub struct Buffer {
    /// The first byte; null if there are none.
    pub ptr: *mut u8,
    /// The number of bytes.
    pub len: usize,
    /// The number of bytes allocated.
    pub capacity: usize,
}

/// An operand of an op that runs on the CPU: 32-bit floats.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Numbers {
    /// The operand: its kind in the upper half, its position in the lower half; see
    /// [`crate::Operand::code`].
    pub operand: u32,
    /// 1 if the kernel writes it, otherwise 0.
    pub written: u32,
    /// The first number.
    pub ptr: *mut f32,
    /// The number of elements.
    pub len: usize,
}

/// One run of a kernel of a custom op on the CPU.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct OpCall {
    /// The name of the op.
    pub op: Slice,
    /// The entry point of the kernel; `forward` or `backward` in the easy form.
    pub kernel: Slice,
    /// The attributes of the node, as a JSON object.
    pub attributes: Slice,
    /// The words of [`crate::Operand::Dims`].
    pub dims: *const u32,
    /// The number of words.
    pub dims_len: usize,
    /// The number of inputs of the op.
    pub inputs: u32,
    /// The number of params of the op.
    pub params: u32,
    /// The operands.
    pub operands: *const Numbers,
    /// The number of operands.
    pub operands_len: usize,
}

/// The table that a plugin exports as [`SYMBOL`]. Later versions may append fields; `size` says how
/// many bytes are present.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// [`MAGIC`].
    pub magic: u64,
    /// [`VERSION`].
    pub version: u32,
    /// The size of this table in bytes.
    pub size: u32,
    /// Describes the plugin: writes a [`Description`] as JSON.
    pub describe: unsafe extern "C" fn(*mut Buffer) -> i32,
    /// Builds a space: takes a [`Request`] as JSON and writes a [`SearchSpace`](crate::SearchSpace)
    /// as JSON.
    pub build: unsafe extern "C" fn(Slice, *mut Buffer) -> i32,
    /// Runs a kernel of an op on the CPU.
    pub run_op: unsafe extern "C" fn(*const OpCall, *mut Buffer) -> i32,
    /// Releases a buffer that the plugin allocated.
    pub free: unsafe extern "C" fn(Buffer),
}

/// What a plugin provides.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// The name of the plugin's crate.
    pub plugin: String,
    /// The version of the plugin's crate.
    pub version: String,
    /// The search spaces of the plugin.
    #[serde(deserialize_with = "offers")]
    pub spaces: Vec<Described>,
    /// The custom ops that the plugin can run on the CPU.
    #[serde(default, deserialize_with = "offers")]
    pub cpu_ops: Vec<String>,
}

/// What a plugin says about one of its spaces before building it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Described {
    /// The name of the space.
    pub name: String,
    /// A one-line description for people.
    #[serde(default)]
    pub summary: String,
    /// The settings of the space.
    #[serde(default, deserialize_with = "offers")]
    pub fields: Vec<Field>,
}

/// A request to build a space.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The name of the space.
    pub space: String,
    /// The settings of the space, all of them.
    pub config: BTreeMap<String, Setting>,
}
