//! The kernels of supernet.
//!
//! A child of a supergraph is lowered to a list of [`Call`]s. The [`catalogue`] states what each
//! call reads and writes; this crate has three implementations of every call and a test that
//! compares all of them over the shapes in [`cases`]:
//!
//! * [`mod@reference`]: slow and simple, in f64. It is the ground truth for the others.
//! * [`cpu`]: the CPU kernels, multithreaded and vectorised, for machines without a GPU.
//! * [`mod@kernel`]: the GPU kernels, with the WGSL modules in `wgsl/`. [`check`] checks these
//!   against the catalogue.
//!
//! This crate does not depend on wgpu: a device decides where the buffers live, the catalogue only
//! states their contents.
//!
//! All elements have 32 bits. Images are NHWC: channels vary fastest, then width, height, batch.

pub mod cases;
pub mod catalogue;
#[cfg(feature = "check")]
pub mod check;
pub mod cpu;
pub mod kernel;
pub mod random;
pub mod reference;

pub use catalogue::{Access, Call, Element, Role, Step};
