//! The examples in `examples/` are what this crate is for.
