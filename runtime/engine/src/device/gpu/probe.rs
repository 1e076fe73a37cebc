//! Runs a single call, to compare the device with the reference.

use std::time::{Duration, Instant};

use supernet_shaders::kernel::step_words;
use supernet_shaders::{Access, Call, Step};
use wgpu::{
    BufferDescriptor, BufferUsages, CommandEncoderDescriptor, ComputePassDescriptor,
    SubmissionIndex,
};

use super::buffers::Id;
use super::{Gpu, context, readbacks};
use crate::device::{self, DeviceError};

/// Padding after every operand that is written, to detect writes beyond the end.
const BEYOND: u32 = 0x7fc0_1234;
/// Padding after every operand that is read: a kernel that copies it is detected too, and
/// arithmetic preserves the bits of such NaNs.
const BEYOND_READ: u32 = 0x7fc0_5678;

impl Gpu {
    /// Runs one call with padding after every operand, so that a kernel that writes beyond the end
    /// is detected.
    pub(super) fn run_call(
        &mut self,
        call: &Call,
        step: &Step,
        reads: &[&[f32]],
        writes: &mut [&mut [f32]],
    ) -> Result<(), DeviceError> {
        self.context.alive()?;
        let scopes = self.context.device.clone();
        let mut ids = Vec::new();
        let done = context::scoped(&scopes, || {
            let writes: Vec<&[f32]> = writes.iter().map(|write| &**write).collect();
            self.provide_call(reads, &writes, &mut ids)?;
            self.repeat_call(call, step, 1, &ids).map(drop)
        });
        let done = self.context.check_scopes(done);
        let back = done.and_then(|()| {
            let roles = call.roles();
            let written = roles
                .iter()
                .zip(&ids)
                .filter(|(role, _)| role.access != Access::Read);
            for ((role, id), write) in written.zip(writes.iter_mut()) {
                let mut all = vec![0.0; write.len().next_multiple_of(64) + 64];
                self.download(*id, &mut all)?;
                let (inside, beyond) = all.split_at(write.len());
                write.copy_from_slice(inside);
                if beyond.iter().any(|x| x.to_bits() != BEYOND) {
                    let what = format!(
                        "the kernel of {} writes beyond the end of `{}`",
                        call.name(),
                        role.name
                    );
                    return Err(DeviceError::Gpu {
                        device: self.context.name.to_string(),
                        what,
                    });
                }
            }
            Ok(())
        });
        self.groups.clear();
        ids.into_iter().for_each(|id| self.buffers.free(id));
        back
    }

    /// Runs one call `times` times in sequence; returns the time of one.
    pub(super) fn time_call(&mut self, call: &Call, times: u32) -> Result<Duration, DeviceError> {
        self.context.alive()?;
        let (reads, writes) = device::operands(call);
        let reads: Vec<&[f32]> = reads.iter().map(|x| &x[..]).collect();
        let writes: Vec<&[f32]> = writes.iter().map(|x| &x[..]).collect();
        let scopes = self.context.device.clone();
        let mut ids = Vec::new();
        let done = context::scoped(&scopes, || {
            let step = Step {
                rate: 0.1,
                number: 1,
                update: 1,
                seed: 0,
                drop_path: 0.0,
            };
            self.provide_call(&reads, &writes, &mut ids)?;
            // The first run compiles and uploads.
            let submission = self.repeat_call(call, &step, 1, &ids)?;
            self.context.wait(&submission)?;
            let began = Instant::now();
            let submission = self.repeat_call(call, &step, times, &ids)?;
            self.context.wait(&submission)?;
            Ok(began.elapsed() / times.max(1))
        });
        let done = self.context.check_scopes(done);
        self.groups.clear();
        ids.into_iter().for_each(|id| self.buffers.free(id));
        done
    }

    /// Uploads the operands of a single call.
    fn provide_call(
        &mut self,
        reads: &[&[f32]],
        writes: &[&[f32]],
        ids: &mut Vec<Id>,
    ) -> Result<(), DeviceError> {
        let reads = reads.iter().map(|operand| (operand, BEYOND_READ));
        for (operand, beyond) in reads.chain(writes.iter().map(|operand| (operand, BEYOND))) {
            let mut bits: Vec<u32> = operand.iter().map(|x| x.to_bits()).collect();
            bits.resize(operand.len().next_multiple_of(64) + 64, beyond);
            let id = self.buffers.create(&self.context, "operand", bits.len())?;
            self.buffers.write(&self.context, id, &bits);
            ids.push(id);
        }
        Ok(())
    }

    /// Runs a call on its operands, in one submission.
    fn repeat_call(
        &mut self,
        call: &Call,
        step: &Step,
        times: u32,
        ids: &[Id],
    ) -> Result<SubmissionIndex, DeviceError> {
        let betas = if let Call::Adam { beta1, beta2, .. } = *call {
            [beta1, beta2]
        } else {
            [0.0; 2]
        };
        self.context.queue.write_buffer(
            &self.step,
            0,
            bytemuck::cast_slice(&step_words(step, betas)),
        );
        let mut operands = [None; 8];
        operands
            .iter_mut()
            .zip(ids)
            .for_each(|(span, id)| *span = Some(self.buffers.whole(*id)));
        let mut encoder = self
            .context
            .device
            .create_command_encoder(&CommandEncoderDescriptor::default());
        {
            let mut pass = encoder.begin_compute_pass(&ComputePassDescriptor::default());
            for _ in 0..times {
                self.dispatch(&mut pass, call, &operands)?;
            }
        }
        Ok(self.context.queue.submit([encoder.finish()]))
    }

    /// Downloads the first numbers of a buffer.
    pub(super) fn download(&self, id: Id, numbers: &mut [f32]) -> Result<(), DeviceError> {
        let bytes = 4 * numbers.len() as u64;
        let gone = || self.context.gone("its memory was freed");
        let mut view = None;
        self.context.guard(|| {
            let staging = self.context.device.create_buffer(&BufferDescriptor {
                label: Some("download"),
                size: bytes,
                usage: BufferUsages::MAP_READ | BufferUsages::COPY_DST,
                mapped_at_creation: false,
            });
            let mut encoder = self
                .context
                .device
                .create_command_encoder(&CommandEncoderDescriptor::default());
            encoder.copy_buffer_to_buffer(
                self.buffers.get(id).ok_or_else(gone)?,
                0,
                &staging,
                0,
                bytes,
            );
            let submission = self.context.queue.submit([encoder.finish()]);
            let mapped = readbacks::map(&staging, bytes);
            self.context.wait_for(&submission, &mapped)?;
            view = Some(staging);
            Ok(())
        })?;
        let staging = view.ok_or_else(gone)?;
        let mapped = staging
            .get_mapped_range(..)
            .map_err(|error| self.context.gone(&error.to_string()))?;
        numbers.copy_from_slice(bytemuck::cast_slice(&mapped));
        Ok(())
    }
}
