//! Kernels of a space's own ops, by the functions that the space brings along for the CPU.

use supernet_shaders::catalogue::{CpuKernel, Custom};

use super::memory::{Memory, range, reads};
use crate::device::{DeviceError, Minibatch};
use crate::program::{Bound, Program};
use crate::weights::Weights;

/// What computes the op here.
pub(super) fn cpu_kernel(custom: &Custom) -> Result<&'static dyn CpuKernel, DeviceError> {
    custom.cpu_kernel.ok_or_else(|| DeviceError::NoCpuKernel {
        device: "the CPU device".to_owned(),
        op: custom.op.to_owned(),
    })
}

/// Runs one kernel on operands of its own.
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
    /// Runs one kernel. What it writes goes into buffers of its own first: a stranger's code sees
    /// no weights but those that it reads.
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
            // What a kernel forgets to write shall not depend on what ran before.
            buffer.clear();
            buffer.resize(range(weights, *operand).len(), f32::NAN);
            writes.push(buffer);
        }
        run(custom, &reads[..bound.reads().len()], &mut writes)
    }

    /// Brings what the last such kernel wrote to its places.
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
