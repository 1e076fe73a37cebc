//! Where a search runs: the CPU, or any GPU through wgpu.
//!
//! Programs and weights, which a custom device needs, are in the crate `supernet-engine`, whose
//! interface is unstable.

pub use supernet_engine::device::conformance::Conformance;
pub use supernet_engine::device::cpu::Cpu;
#[cfg(feature = "gpu")]
pub use supernet_engine::device::gpu::{self, Gpu};
pub use supernet_engine::device::spec::{DeviceSpec, DeviceSpecError};
pub use supernet_engine::device::{Counts, Device, DeviceError, Inputs, Minibatch, Probe, Samples};
/// Errors of programs and weights, which errors of this crate contain.
pub use supernet_engine::program::{OpError, ProgramError};
pub use supernet_engine::weights::ParameterTooLarge;
