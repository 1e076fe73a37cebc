//! What crosses between an application and a plugin that it loads: one table, behind one symbol.
//!
//! Nothing Rust-typed crosses: numbers, pointers and JSON. So a plugin may come from another
//! compiler, another profile, another version of this crate, as long as [`VERSION`] is the same.

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
/// The first number of every table.
pub const MAGIC: u64 = u64::from_le_bytes(*b"SUPERNET");
/// Counts changes of the table's meaning.
pub const VERSION: u32 = 1;

/// All went well.
pub const OK: i32 = 0;
/// What was asked for is refused; the buffer holds a sentence.
pub const REFUSED: i32 = 1;
/// The plugin panicked; the buffer holds what it said.
pub const PANICKED: i32 = 2;

/// Bytes that the other side owns.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Slice {
    /// The first; anything if there are none.
    pub ptr: *const u8,
    /// How many.
    pub len: usize,
}

/// Bytes that the plugin allocated; only its `free` releases them.
#[repr(C)]
#[derive(Debug)]
pub struct Buffer {
    /// The first; null for none.
    pub ptr: *mut u8,
    /// How many.
    pub len: usize,
    /// How many were allocated.
    pub capacity: usize,
}

/// One operand of an op that runs on the CPU: numbers of 32 bits.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Numbers {
    /// Which operand: its kind in the upper half, its position in the lower one; see
    /// [`crate::Operand::code`].
    pub operand: u32,
    /// 1 if it is written, else 0.
    pub written: u32,
    /// The first.
    pub ptr: *mut f32,
    /// How many.
    pub len: usize,
}

/// One run of one kernel of a custom op on the CPU.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct OpCall {
    /// The op's name.
    pub op: Slice,
    /// The kernel's entry point; `forward` or `backward` in the easy form.
    pub kernel: Slice,
    /// The node's attributes, as a JSON object.
    pub attributes: Slice,
    /// As in [`crate::Operand::Dims`], in words.
    pub dims: *const u32,
    /// How many words.
    pub dims_len: usize,
    /// How many inputs the op has.
    pub inputs: u32,
    /// How many params.
    pub params: u32,
    /// The operands.
    pub operands: *const Numbers,
    /// How many.
    pub operands_len: usize,
}

/// What a plugin exports as [`SYMBOL`]. A later version may add to its end: `size` says how much of
/// it there is.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// [`MAGIC`].
    pub magic: u64,
    /// [`VERSION`].
    pub version: u32,
    /// Bytes of this table.
    pub size: u32,
    /// What the plugin has: a [`Description`] as JSON.
    pub describe: unsafe extern "C" fn(*mut Buffer) -> i32,
    /// Builds a space: a [`Request`] as JSON gives a [`SearchSpace`](crate::SearchSpace) as JSON.
    pub build: unsafe extern "C" fn(Slice, *mut Buffer) -> i32,
    /// Runs a kernel of an op on the CPU.
    pub run_op: unsafe extern "C" fn(*const OpCall, *mut Buffer) -> i32,
    /// Releases a buffer of the plugin's.
    pub free: unsafe extern "C" fn(Buffer),
}

/// What a plugin has.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// The plugin's crate.
    pub plugin: String,
    /// Its version.
    pub version: String,
    /// Its spaces.
    #[serde(deserialize_with = "offers")]
    pub spaces: Vec<Described>,
    /// The ops that it runs on the CPU.
    #[serde(default, deserialize_with = "offers")]
    pub cpu_ops: Vec<String>,
}

/// What a plugin says about one of its spaces before it builds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Described {
    /// Its name.
    pub name: String,
    /// One line for people.
    #[serde(default)]
    pub summary: String,
    /// Its settings.
    #[serde(default, deserialize_with = "offers")]
    pub fields: Vec<Field>,
}

/// Which space is to be built.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Its name.
    pub space: String,
    /// Its settings, all of them.
    pub config: BTreeMap<String, Setting>,
}
