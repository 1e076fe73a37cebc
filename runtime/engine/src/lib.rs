//! Compiles a child of a search space into a program and runs it: losses and updated weights.
//!
//! [`program`] compiles a child into a list of calls, [`weights`] holds the shared weights, and a
//! [`device`] runs programs on weights: the CPU, or any GPU through wgpu.
//!
//! # Stability
//! This crate is an implementation detail of `supernet`, which re-exports what applications need.
//! Everything else is public only for the crates above it, is not designed as an interface, and
//! changes without notice.

pub mod device;
pub mod program;
pub mod weights;
