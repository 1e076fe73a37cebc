//! Readback of results: a queue of buffers that the host can map, so that it need not wait for the
//! newest run.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, channel};

use wgpu::{
    Buffer, BufferAsyncError, BufferDescriptor, BufferUsages, CommandEncoder, MapMode,
    SubmissionIndex,
};

use super::DeviceError;
use super::context::GpuContext;

/// A requested result.
#[derive(Debug)]
struct Sent {
    buffer: Buffer,
    /// Length of every part.
    lens: Vec<usize>,
    /// The submission and the mapping, once the run is submitted.
    back: Option<(SubmissionIndex, Mapped)>,
}

/// Receives whether a buffer is mapped. The sender is the thread that polls the device, possibly
/// one of the application's.
type Mapped = Receiver<Result<(), BufferAsyncError>>;

/// Maps the first bytes of a buffer.
pub(super) fn map(buffer: &Buffer, bytes: u64) -> Mapped {
    let (send, mapped) = channel();
    // The receiver of a dropped result is gone.
    buffer.map_async(MapMode::Read, ..bytes, move |result| {
        drop(send.send(result))
    });
    mapped
}

/// Pending results, oldest first.
#[derive(Debug, Default)]
pub(super) struct Readbacks {
    sent: VecDeque<Sent>,
    spare: Vec<Buffer>,
}

impl Readbacks {
    /// Encodes the readback of the first `len` numbers of each of `parts`.
    pub(super) fn ask(
        &mut self,
        context: &GpuContext,
        encoder: &mut CommandEncoder,
        parts: &[(&Buffer, usize)],
    ) {
        let lens: Vec<usize> = parts.iter().map(|(_, len)| *len).collect();
        let size = 4 * lens.iter().sum::<usize>() as u64;
        let fits = self.spare.iter().position(|buffer| buffer.size() >= size);
        let buffer = fits
            .map(|at| self.spare.swap_remove(at))
            .unwrap_or_else(|| {
                let usage = BufferUsages::MAP_READ | BufferUsages::COPY_DST;
                let descriptor = BufferDescriptor {
                    label: Some("results"),
                    size,
                    usage,
                    mapped_at_creation: false,
                };
                context.device.create_buffer(&descriptor)
            });
        let mut at = 0;
        for (part, len) in parts {
            let bytes = 4 * *len as u64;
            encoder.copy_buffer_to_buffer(part, 0, &buffer, at, bytes);
            at += bytes;
        }
        self.sent.push_back(Sent {
            buffer,
            lens,
            back: None,
        });
    }

    /// Records the submission of the newest result.
    pub(super) fn submitted(&mut self, submission: SubmissionIndex) {
        let Some(sent) = self.sent.back_mut() else {
            return;
        };
        let size = 4 * sent.lens.iter().sum::<usize>() as u64;
        sent.back = Some((submission, map(&sent.buffer, size)));
    }

    /// Drops all results except the `most` oldest. Their buffers may still be written, so they are
    /// not reused.
    pub(super) fn truncate(&mut self, most: usize) {
        self.sent.truncate(most);
    }

    /// Waits for the oldest result and returns its parts; false if there is none.
    pub(super) fn take(
        &mut self,
        context: &GpuContext,
        parts: &mut [&mut Vec<f32>],
    ) -> Result<bool, DeviceError> {
        let Some(sent) = self.sent.pop_front() else {
            return Ok(false);
        };
        self.read(context, sent, parts)?;
        Ok(true)
    }

    /// Waits for the newest result and returns its parts; `None` if there is none. Older results
    /// stay pending.
    pub(super) fn take_newest(
        &mut self,
        context: &GpuContext,
    ) -> Result<Option<Vec<Vec<f32>>>, DeviceError> {
        let Some(sent) = self.sent.pop_back() else {
            return Ok(None);
        };
        let mut parts = vec![Vec::new(); sent.lens.len()];
        self.read(context, sent, &mut parts.iter_mut().collect::<Vec<_>>())?;
        Ok(Some(parts))
    }

    fn read(
        &mut self,
        context: &GpuContext,
        sent: Sent,
        parts: &mut [&mut Vec<f32>],
    ) -> Result<(), DeviceError> {
        let (submission, mapped) = sent
            .back
            .ok_or_else(|| context.gone("a run was never submitted"))?;
        context.wait_for(&submission, &mapped)?;
        let read = sent
            .buffer
            .get_mapped_range(..4 * sent.lens.iter().sum::<usize>() as u64);
        let view = read.map_err(|error| context.gone(&error.to_string()))?;
        let numbers: &[f32] = bytemuck::cast_slice(&view);
        let mut at = 0;
        parts.iter_mut().for_each(|part| part.clear());
        for (part, len) in parts.iter_mut().zip(&sent.lens) {
            part.extend_from_slice(&numbers[at..at + len]);
            at += len;
        }
        drop(view);
        sent.buffer.unmap();
        self.spare.push(sent.buffer);
        Ok(())
    }

    /// Number of pending results.
    pub(super) fn len(&self) -> usize {
        self.sent.len()
    }
}
