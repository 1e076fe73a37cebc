//! Kernels of custom ops, computed by the CPU functions that the space provides.

use supernet_shaders::catalogue::{CpuKernel, Custom};

use super::memory::{Memory, range, reads};
use crate::device::{DeviceError, Minibatch};
use crate::program::{Bound, Program};
use crate::weights::Weights;

/// The CPU kernel of the op.
pub(super) fn cpu_kernel(custom: &Custom) -> Result<&'static dyn CpuKernel, DeviceError> {
    custom.cpu_kernel.ok_or_else(|| DeviceError::NoCpuKernel {
        device: "the CPU device".to_owned(),
        op: custom.op.to_owned(),
    })
}

/// Runs one kernel on the given operands.
pub(super) fn run(
    custom: &Custom,
    reads: &[&[f32]],
    writes: &mut [&mut [f32]],
) -> Result<(), DeviceError> {
    cpu_kernel(custom)?
        .run(custom, reads, writes)
        .map_err(|reason| DeviceError::CpuKernel {
            op: custom.op.to_owned(),
            kernel: custom.name.to_owned(),
            reason,
        })
}

impl Memory {
    /// Runs one kernel. Its outputs go into separate buffers first, so that third-party code sees
    /// no weights except those that it reads.
    pub(super) fn custom(
        &mut self,
        custom: &Custom,
        bound: &Bound,
        program: &Program,
        weights: &Weights,
        batch: Minibatch<'_>,
    ) -> Result<(), DeviceError> {
        let reads = reads(&self.pool, &self.states, bound, program, weights, batch);
        self.written
            .resize_with(bound.writes().len().max(self.written.len()), Vec::new);
        let mut writes: Vec<&mut [f32]> = Vec::with_capacity(bound.writes().len());
        for (buffer, operand) in self.written.iter_mut().zip(bound.writes()) {
            // Elements that a kernel does not write must not depend on earlier runs.
            buffer.clear();
            buffer.resize(range(weights, *operand).len(), f32::NAN);
            writes.push(buffer);
        }
        run(custom, &reads[..bound.reads().len()], &mut writes)
    }

    /// Copies the outputs of the last custom kernel to their places.
    pub(super) fn keep(&mut self, bound: &Bound, mut weights: Option<&mut Weights>) {
        let written = std::mem::take(&mut self.written);
        for (buffer, operand) in written.iter().zip(bound.writes()) {
            let range = weights
                .as_deref()
                .map_or(0..buffer.len(), |weights| range(weights, *operand));
            if let Some(home) = self.home(*operand, weights.as_deref_mut()) {
                home[range].copy_from_slice(buffer);
            }
        }
        self.written = written;
    }
}
