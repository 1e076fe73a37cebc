//! Fixtures that several tests share.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "every test is a crate, and takes what it needs"
)]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

pub mod op;
pub mod plugin;
pub mod space;
