//! The application's side of the interface: reads the table of a plugin and calls it, trusting
//! neither the content nor the form of its answers.

#![expect(unsafe_code, reason = "the plugin is behind pointers")]

use super::answer::Answer;
use super::{
    AbiError, Buffer, Description, MAGIC, Numbers, OpCall, Request, Slice, Table, VERSION,
};
use crate::{Operand, SearchSpace};

/// A loaded plugin, accessed through its table.
#[derive(Clone, Copy, Debug)]
pub struct Host {
    table: Table,
}

/// The first part of a table, the same in every version.
#[repr(C)]
#[derive(Clone, Copy)]
struct Header {
    magic: u64,
    version: u32,
    size: u32,
}

/// A [`Table`] whose functions may be missing.
#[repr(C)]
#[derive(Clone, Copy)]
struct Unread {
    header: Header,
    describe: Option<unsafe extern "C" fn(*mut Buffer) -> i32>,
    build: Option<unsafe extern "C" fn(Slice, *mut Buffer) -> i32>,
    run_op: Option<unsafe extern "C" fn(*const OpCall, *mut Buffer) -> i32>,
    free: Option<unsafe extern "C" fn(Buffer)>,
}

const _: () = assert!(
    size_of::<Unread>() == size_of::<Table>(),
    "a table and its unread form are one layout"
);

impl Host {
    /// Reads the table that a plugin exports: first its leading 16 bytes, then the rest if they are
    /// those of a table of this version.
    ///
    /// # Safety
    ///
    /// A pointer that is not null must point to 16 readable bytes and, if these are the header of a
    /// table, to as many as the header states. The functions of such a table must have the declared
    /// signatures and stay valid for as long as the host.
    pub unsafe fn read(table: *const Table) -> Result<Host, AbiError> {
        if table.is_null() {
            return Err(AbiError::Null);
        }
        if !table.is_aligned() {
            return Err(AbiError::Misaligned);
        }
        // SAFETY: the caller promises 16 bytes.
        let header = unsafe { table.cast::<Header>().read() };
        if header.magic != MAGIC {
            return Err(AbiError::NotATable {
                found: header.magic,
            });
        }
        if header.version > VERSION {
            return Err(AbiError::Newer {
                found: header.version,
            });
        }
        if header.version < VERSION {
            return Err(AbiError::Older {
                found: header.version,
            });
        }
        if (header.size as usize) < size_of::<Table>() {
            return Err(AbiError::Truncated { size: header.size });
        }
        // SAFETY: the header states that the whole table is there, and the caller guarantees that
        // the header is right.
        let Unread {
            describe,
            build,
            run_op,
            free,
            ..
        } = unsafe { table.cast::<Unread>().read() };
        let lacks = |call| AbiError::NoFunction { call };
        let table = Table {
            magic: header.magic,
            version: header.version,
            size: header.size,
            describe: describe.ok_or(lacks("describe"))?,
            build: build.ok_or(lacks("build"))?,
            run_op: run_op.ok_or(lacks("run_op"))?,
            free: free.ok_or(lacks("free"))?,
        };
        Ok(Host { table })
    }

    /// Asks the plugin what it provides.
    pub fn describe(&self) -> Result<Description, AbiError> {
        // SAFETY: the buffer is valid for writes.
        let ask = |out: *mut Buffer| unsafe { (self.table.describe)(out) };
        let answer = Answer::get("describe", self.table.free, ask)?;
        let description: Description = answer.json()?;
        description.check()?;
        Ok(description)
    }

    /// Builds a space. The result is not yet checked: see
    /// [`Supergraph::new`](crate::Supergraph::new).
    pub fn build(&self, request: &Request) -> Result<SearchSpace, AbiError> {
        let json = serde_json::to_string(request).map_err(|error| AbiError::NotAsked {
            call: "build",
            reason: error.to_string(),
        })?;
        // SAFETY: the bytes live until the call returns, and the buffer is valid for writes.
        let ask = |out: *mut Buffer| unsafe { (self.table.build)(Slice::of(json.as_bytes()), out) };
        let answer = Answer::get("build", self.table.free, ask)?;
        let space = SearchSpace::from_json(answer.text()?);
        space.map_err(|error| AbiError::NotRead {
            call: "build",
            reason: error.to_string(),
        })
    }

    /// Runs one kernel of an op on the CPU. `attributes` are those of the node as a JSON object,
    /// `dims` the words of [`Operand::Dims`], and `counts` the numbers of inputs and params of the
    /// op.
    #[expect(
        clippy::too_many_arguments,
        reason = "a kernel's run has so many parts, and each stands for itself"
    )]
    pub fn run_op(
        &self,
        op: &str,
        kernel: &str,
        attributes: &str,
        dims: &[u32],
        counts: [u32; 2],
        reads: &[(Operand, &[f32])],
        writes: &mut [(Operand, &mut [f32])],
    ) -> Result<(), AbiError> {
        // A plugin writes only to operands marked `written`.
        let read = |(operand, values): &(Operand, &[f32])| Numbers {
            operand: operand.code(),
            written: 0,
            ptr: values.as_ptr().cast_mut(),
            len: values.len(),
        };
        let mut operands: Vec<Numbers> = reads.iter().map(read).collect();
        operands.extend(writes.iter_mut().map(|(operand, values)| Numbers {
            operand: operand.code(),
            written: 1,
            ptr: values.as_mut_ptr(),
            len: values.len(),
        }));
        let call = OpCall {
            op: Slice::of(op.as_bytes()),
            kernel: Slice::of(kernel.as_bytes()),
            attributes: Slice::of(attributes.as_bytes()),
            dims: dims.as_ptr(),
            dims_len: dims.len(),
            inputs: counts[0],
            params: counts[1],
            operands: operands.as_ptr(),
            operands_len: operands.len(),
        };
        // SAFETY: everything that the call points to lives until it returns, and the buffer is
        // valid for writes.
        let ask = |out: *mut Buffer| unsafe { (self.table.run_op)(&raw const call, out) };
        Answer::get("run_op", self.table.free, ask).map(drop)
    }
}

impl Slice {
    /// A view of bytes of this side, valid for as long as they live.
    pub fn of(bytes: &[u8]) -> Slice {
        Slice {
            ptr: bytes.as_ptr(),
            len: bytes.len(),
        }
    }
}
