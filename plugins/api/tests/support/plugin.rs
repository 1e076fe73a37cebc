//! The test program itself as a plugin.

#![allow(unsafe_code, reason = "plugins are behind pointers")]

use supernet_plugin::abi::{self, AbiError, Buffer, Host, Request, Table};

unsafe extern "C" fn describe(out: *mut Buffer) -> i32 {
    // SAFETY: the pointer is passed on unchanged.
    unsafe { abi::describe("tests", "1.2.3", out) }
}

pub const SOUND: Table = Table::of(describe);

pub fn host(table: &Table) -> Result<Host, AbiError> {
    // SAFETY: a reference to a complete table with valid functions.
    unsafe { Host::read(table) }
}

pub fn request(width: i64) -> Request {
    Request {
        space: "line".into(),
        config: [("width".to_owned(), width.into())].into(),
    }
}
