//! The plugin's side of the interface: the functions behind a [`Table`]. The registry that it reads
//! is the one linked into the plugin.

#![expect(unsafe_code, reason = "the host passes pointers")]

use std::any::Any;
use std::collections::BTreeMap;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::slice;

use super::{
    Buffer, Described, Description, MAGIC, Numbers, OK, OpCall, PANICKED, REFUSED, Request, Slice,
    Table, VERSION,
};
use crate::{Config, CpuCall, Operand, Setting, cpu_op, cpu_ops, find, spaces};

impl Table {
    /// The table for the registry linked into this library, for
    /// [`export_plugin!`](crate::export_plugin).
    pub const fn of(describe: unsafe extern "C" fn(*mut Buffer) -> i32) -> Table {
        Table {
            magic: MAGIC,
            version: VERSION,
            size: size_of::<Table>() as u32,
            describe,
            build,
            run_op,
            free,
        }
    }
}

impl Buffer {
    /// An empty buffer, as before it is filled.
    pub const EMPTY: Buffer = Buffer {
        ptr: std::ptr::null_mut(),
        len: 0,
        capacity: 0,
    };

    fn from_vec(bytes: Vec<u8>) -> Buffer {
        let mut bytes = ManuallyDrop::new(bytes);
        Buffer {
            ptr: bytes.as_mut_ptr(),
            len: bytes.len(),
            capacity: bytes.capacity(),
        }
    }
}

/// Writes a [`Description`] of every registered space and op.
///
/// # Safety
///
/// `out` is null or valid for writes.
pub unsafe fn describe(plugin: &str, version: &str, out: *mut Buffer) -> i32 {
    // SAFETY: guaranteed by the caller.
    unsafe { answer(out, || description(plugin, version)) }
}

fn description(plugin: &str, version: &str) -> Result<Vec<u8>, String> {
    let entries = spaces();
    if let Some(twice) = entries.windows(2).find(|pair| pair[0].name == pair[1].name) {
        return Err(format!(
            "the plugin `{plugin}` has two search spaces called `{}`; rename one of them.",
            twice[0].name
        ));
    }
    let ops = cpu_ops();
    if let Some(twice) = ops.windows(2).find(|pair| pair[0].op == pair[1].op) {
        return Err(format!(
            "the plugin `{plugin}` has two functions for the op `{}` on the CPU; rename one of the ops.",
            twice[0].op
        ));
    }
    let described = entries.into_iter().map(|entry| Described {
        name: entry.name.into(),
        summary: entry.summary.into(),
        fields: (entry.fields)(),
    });
    let description = Description {
        plugin: plugin.into(),
        version: version.into(),
        spaces: described.collect(),
        cpu_ops: ops.into_iter().map(|op| op.op.into()).collect(),
    };
    serde_json::to_vec(&description)
        .map_err(|error| format!("the description cannot be written: {error}."))
}

unsafe extern "C" fn build(request: Slice, out: *mut Buffer) -> i32 {
    let work = || {
        // SAFETY: the host passes bytes that live until this returns.
        let request = unsafe { text(request, "request")? };
        let request: Request = serde_json::from_str(request)
            .map_err(|error| format!("the request is not what it should be: {error}."))?;
        let entry = find(&request.space).map_err(|error| error.to_string())?;
        let space = entry
            .space(&Config::from_values(request.config))
            .map_err(|mistake| mistake.to_string())?;
        space
            .to_json()
            .map(String::into_bytes)
            .map_err(|error| error.to_string())
    };
    // SAFETY: the host passes null or a buffer that is valid for writes.
    unsafe { answer(out, work) }
}

unsafe extern "C" fn run_op(call: *const OpCall, out: *mut Buffer) -> i32 {
    let work = || {
        // SAFETY: the host passes null or a call that lives until this returns.
        let Some(call) = (unsafe { call.as_ref() }) else {
            return Err("the call is a null pointer.".to_owned());
        };
        // SAFETY: what the call points to lives as long as the call itself.
        unsafe { run(call) }.map(|()| Vec::new())
    };
    // SAFETY: the host passes null or a buffer that is valid for writes.
    unsafe { answer(out, work) }
}

/// # Safety
///
/// Everything that the call points to must be readable and, where it says so, writable and written
/// by nobody else, until this function returns.
unsafe fn run(call: &OpCall) -> Result<(), String> {
    // SAFETY: guaranteed by the caller; so are all blocks below.
    let [op, kernel, attributes] = unsafe {
        [
            text(call.op, "op's name")?,
            text(call.kernel, "kernel's name")?,
            text(call.attributes, "attributes")?,
        ]
    };
    let Some(function) = cpu_op(op).map_err(|error| error.to_string())? else {
        return Err(format!(
            "the plugin has no function for the op `{op}` on the CPU; run it on a GPU."
        ));
    };
    let attributes: BTreeMap<String, Setting> =
        serde_json::from_str(attributes).map_err(|error| {
            format!("the attributes of the op `{op}` are not what they should be: {error}.")
        })?;
    // SAFETY: see above.
    let dims = unsafe { items(call.dims, call.dims_len, "dims")? };
    // SAFETY: see above.
    let operands: &[Numbers] = unsafe { items(call.operands, call.operands_len, "operands")? };
    let (mut reads, mut writes) = (Vec::new(), Vec::new());
    for numbers in operands {
        let Some(operand) = Operand::from_code(numbers.operand) else {
            return Err(format!(
                "the op `{op}` is given an operand with the code {}, and no operand has it.",
                numbers.operand
            ));
        };
        if numbers.written == 0 {
            // SAFETY: see above.
            reads.push((operand, unsafe {
                items(numbers.ptr.cast_const(), numbers.len, "operand")?
            }));
        } else {
            // SAFETY: see above; each operand is written through a single entry.
            writes.push((operand, unsafe { items_mut(numbers.ptr, numbers.len)? }));
        }
    }
    let mut run = CpuCall::new(
        kernel,
        &attributes,
        dims,
        [call.inputs, call.params],
        &reads,
        writes,
    );
    (function.run)(&mut run).map_err(|reason| format!("the op `{op}` on the CPU: {reason}."))
}

unsafe extern "C" fn free(buffer: Buffer) {
    if !buffer.ptr.is_null() {
        // SAFETY: the host gives back, once, what `answer` gave it.
        drop(unsafe { Vec::from_raw_parts(buffer.ptr, buffer.len, buffer.capacity) });
    }
}

/// Does the work and writes its result. A panic is caught here: it must not unwind into the host,
/// which may have another runtime.
///
/// # Safety
///
/// `out` is null or valid for writes.
unsafe fn answer(out: *mut Buffer, work: impl FnOnce() -> Result<Vec<u8>, String>) -> i32 {
    let (status, bytes) = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(bytes)) => (OK, bytes),
        Ok(Err(sentence)) => (REFUSED, sentence.into_bytes()),
        Err(payload) => {
            let said = said(&*payload);
            // Dropping the payload may panic again.
            std::mem::forget(payload);
            (PANICKED, said.into_bytes())
        }
    };
    if !out.is_null() {
        // SAFETY: guaranteed by the caller.
        unsafe { out.write(Buffer::from_vec(bytes)) };
    }
    status
}

fn said(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().cloned();
    let text = text.or_else(|| {
        payload
            .downcast_ref::<&str>()
            .map(|said| (*said).to_owned())
    });
    text.unwrap_or_else(|| "it panicked without a message".into())
}

/// # Safety
///
/// The bytes, if there are any, live for `'a`.
unsafe fn text<'a>(bytes: Slice, name: &str) -> Result<&'a str, String> {
    // SAFETY: guaranteed by the caller.
    let bytes = unsafe { items(bytes.ptr, bytes.len, name)? };
    str::from_utf8(bytes).map_err(|error| {
        format!(
            "the {name} is not UTF-8 from byte {} on.",
            error.valid_up_to()
        )
    })
}

/// # Safety
///
/// A pointer that is not null points to `len` items that live for `'a`.
unsafe fn items<'a, T>(ptr: *const T, len: usize, name: &str) -> Result<&'a [T], String> {
    if len == 0 {
        return Ok(&[]);
    }
    if ptr.is_null() {
        return Err(format!(
            "the {name} is a null pointer with a length of {len}."
        ));
    }
    // SAFETY: guaranteed by the caller.
    Ok(unsafe { slice::from_raw_parts(ptr, len) })
}

/// # Safety
///
/// As for [`items`], and nobody else may read or write them.
unsafe fn items_mut<'a, T>(ptr: *mut T, len: usize) -> Result<&'a mut [T], String> {
    if len == 0 {
        return Ok(&mut []);
    }
    if ptr.is_null() {
        return Err(format!(
            "an operand is a null pointer with a length of {len}."
        ));
    }
    // SAFETY: guaranteed by the caller.
    Ok(unsafe { slice::from_raw_parts_mut(ptr, len) })
}

/// Makes a `cdylib` crate a plugin: exports the table of everything that the crate itself and the
/// named crates register.
///
/// ```text
/// // The whole of a plugin whose spaces are in the crate `my_spaces`.
/// supernet_plugin::export_plugin!(my_spaces);
/// ```
///
/// Every named crate is linked; without names, only the spaces and ops of the crate itself are
/// exported. Invoke the macro once per library, at its root.
#[macro_export]
macro_rules! export_plugin {
    ($($spaces:ident),* $(,)?) => {
        $(use $spaces as _;)*

        #[allow(unsafe_code, reason = "a loaded library is found by its symbol")]
        const _: () = {
            unsafe extern "C" fn describe(out: *mut $crate::abi::Buffer) -> i32 {
                let (name, version) = (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
                // SAFETY: the host passes null or a buffer that is valid for writes.
                unsafe { $crate::abi::describe(name, version, out) }
            }

            #[unsafe(no_mangle)]
            static SUPERNET_PLUGIN: $crate::abi::Table = $crate::abi::Table::of(describe);
        };
    };
}
