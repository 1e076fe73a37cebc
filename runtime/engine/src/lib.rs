//! A child of a search space in, losses and updated weights out.
//!
//! [`program`] turns a child into a list of calls, [`weights`] holds the shared weights, and a
//! [`device`] runs programs on weights: the CPU, or any GPU through wgpu.
//!
//! # Stability
//! This crate is an implementation detail of `supernet`. What applications need of it is
//! re-exported there; everything else is public for the sake of the crates above it, has not been
//! designed as an interface, and changes without notice.

pub mod device;
pub mod program;
pub mod weights;
