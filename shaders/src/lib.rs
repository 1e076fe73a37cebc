//! The kernels of supernet.
//!
//! A supergraph's child is lowered to a list of [`Call`]s. The [`catalogue`] says what each call
//! reads and writes; this crate holds three implementations of every call and a test that walks all
//! of them over the shapes in [`cases`]:
//!
//! * [`mod@reference`]: slow, obvious, in f64. It is the truth that everything else is held against.
//! * [`cpu`]: the native twin, multithreaded and vectorised, for machines without a GPU.
//! * [`mod@kernel`]: how a GPU runs it, with the WGSL modules in `wgsl/`. [`check`] holds these against the catalogue.
//!
//! This crate never names wgpu: a device decides where the buffers live, the catalogue only says
//! what is in them.
//!
//! Everything is 32 bits wide. Images are NHWC: channels vary fastest, then width, height, batch.

pub mod cases;
pub mod catalogue;
#[cfg(feature = "check")]
pub mod check;
pub mod cpu;
pub mod kernel;
pub mod random;
pub mod reference;

pub use catalogue::{Access, Call, Element, Role, Step};
