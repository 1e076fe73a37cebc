//! The answer of a plugin: bytes that the plugin owns and that are given back once.

#![expect(unsafe_code, reason = "the bytes are the plugin's")]

use serde::de::DeserializeOwned;

use super::{AbiError, Buffer, MOST_BYTES, OK, PANICKED, REFUSED};

/// The most bytes of a message that are shown.
const MOST_SAID: usize = 4096;

/// A buffer of the plugin, given back when this is dropped.
pub(crate) struct Answer {
    call: &'static str,
    buffer: Buffer,
    free: unsafe extern "C" fn(Buffer),
}

impl Answer {
    /// Calls the plugin and returns its answer if the call succeeded.
    pub(crate) fn get(
        call: &'static str,
        free: unsafe extern "C" fn(Buffer),
        ask: impl FnOnce(*mut Buffer) -> i32,
    ) -> Result<Answer, AbiError> {
        let mut answer = Answer {
            call,
            buffer: Buffer::EMPTY,
            free,
        };
        let status = ask(&raw mut answer.buffer);
        match status {
            OK => {
                answer.bytes()?;
                Ok(answer)
            }
            REFUSED => Err(AbiError::Refused {
                call,
                sentence: answer.said()?,
            }),
            PANICKED => Err(AbiError::Panicked {
                call,
                said: answer.said()?,
            }),
            _ => Err(AbiError::Status { call, status }),
        }
    }

    fn bytes(&self) -> Result<&[u8], AbiError> {
        let Buffer { ptr, len, capacity } = self.buffer;
        // Checked before any byte is touched: the pages of a long answer may not be mapped yet.
        if len > MOST_BYTES {
            return Err(AbiError::TooLong {
                call: self.call,
                len,
            });
        }
        if len == 0 {
            return Ok(&[]);
        }
        if ptr.is_null() || capacity < len {
            return Err(AbiError::Nowhere {
                call: self.call,
                len,
            });
        }
        // SAFETY: the plugin says that `len` bytes are there, and they stay valid until the answer
        // is given back.
        Ok(unsafe { std::slice::from_raw_parts(ptr, len) })
    }

    pub(crate) fn text(&self) -> Result<&str, AbiError> {
        let not_text = |error: std::str::Utf8Error| AbiError::NotText {
            call: self.call,
            at: error.valid_up_to(),
        };
        str::from_utf8(self.bytes()?).map_err(not_text)
    }

    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, AbiError> {
        let not_read = |error: serde_json::Error| AbiError::NotRead {
            call: self.call,
            reason: error.to_string(),
        };
        serde_json::from_str(self.text()?).map_err(not_read)
    }

    /// The message as text for people: truncated if it is too long, whatever its bytes are.
    fn said(&self) -> Result<String, AbiError> {
        let bytes = self.bytes()?;
        let mut said = String::from_utf8_lossy(&bytes[..bytes.len().min(MOST_SAID)]).into_owned();
        if bytes.len() > MOST_SAID {
            said.push('…');
        }
        if said.is_empty() {
            said = format!(
                "the plugin refuses to `{}` and does not say why; tell its authors.",
                self.call
            );
        }
        Ok(said)
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        let buffer = std::mem::replace(&mut self.buffer, Buffer::EMPTY);
        if !buffer.ptr.is_null() {
            // SAFETY: the buffer belongs to the plugin and is given back once.
            unsafe { (self.free)(buffer) };
        }
    }
}
