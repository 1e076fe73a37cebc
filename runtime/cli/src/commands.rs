//! One module for each command: what it asks of the library, and what it prints.

pub(crate) mod architectures;
pub(crate) mod bench;
pub(crate) mod check_plugin;
pub(crate) mod config;
#[cfg(feature = "gpu")]
pub(crate) mod devices;
pub(crate) mod draw;
pub(crate) mod evaluate;
pub(crate) mod new_plugin;
pub(crate) mod predict;
pub(crate) mod rank;
pub(crate) mod resume;
pub(crate) mod retrain;
pub(crate) mod score;
pub(crate) mod search;
pub(crate) mod selftest;
pub(crate) mod spaces;
pub(crate) mod table;
pub(crate) mod top;
