//! This crate exists for the examples in `examples/`.
