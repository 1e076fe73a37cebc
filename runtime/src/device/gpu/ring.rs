//! Results on their way back: a ring of buffers that the host can read, so that it need not wait for the newest run.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use wgpu::{Buffer, BufferAsyncError, BufferDescriptor, BufferUsages, CommandEncoder, MapMode, SubmissionIndex};

use super::DeviceError;
use super::link::Link;

/// A result that was asked for.
#[derive(Debug)]
struct Sent {
    buffer: Buffer,
    /// Numbers of every part.
    lens: Vec<usize>,
    submission: Option<SubmissionIndex>,
    mapped: Arc<Mutex<Option<Result<(), BufferAsyncError>>>>,
}

/// Results on their way back, oldest first.
#[derive(Debug, Default)]
pub(super) struct Ring {
    sent: VecDeque<Sent>,
    spare: Vec<Buffer>,
}

impl Ring {
    /// Adds to `encoder` that the first `len` numbers of each of `parts` come back.
    pub(super) fn ask(&mut self, link: &Link, encoder: &mut CommandEncoder, parts: &[(&Buffer, usize)]) {
        let lens: Vec<usize> = parts.iter().map(|(_, len)| *len).collect();
        let size = 4 * lens.iter().sum::<usize>() as u64;
        let fits = self.spare.iter().position(|buffer| buffer.size() >= size);
        let buffer = fits.map(|at| self.spare.swap_remove(at)).unwrap_or_else(|| {
            let usage = BufferUsages::MAP_READ | BufferUsages::COPY_DST;
            let descriptor = BufferDescriptor { label: Some("results"), size, usage, mapped_at_creation: false };
            link.device.create_buffer(&descriptor)
        });
        let mut at = 0;
        for (part, len) in parts {
            let bytes = 4 * *len as u64;
            encoder.copy_buffer_to_buffer(part, 0, &buffer, at, bytes);
            at += bytes;
        }
        self.sent.push_back(Sent { buffer, lens, submission: None, mapped: Arc::default() });
    }

    /// Notes with which submission the newest result comes.
    pub(super) fn submitted(&mut self, submission: SubmissionIndex) {
        let Some(sent) = self.sent.back_mut() else { return };
        let size = 4 * sent.lens.iter().sum::<usize>() as u64;
        let note = Arc::clone(&sent.mapped);
        sent.buffer.map_async(MapMode::Read, ..size, move |mapped| {
            *note.lock().unwrap_or_else(PoisonError::into_inner) = Some(mapped);
        });
        sent.submission = Some(submission);
    }

    /// Takes the newest result back: its run was not submitted.
    pub(super) fn withdraw(&mut self) {
        if let Some(sent) = self.sent.pop_back_if(|sent| sent.submission.is_none()) {
            self.spare.push(sent.buffer);
        }
    }

    /// Waits for the oldest result and hands out its parts; nothing if none was asked for.
    pub(super) fn take(&mut self, link: &Link, parts: &mut [&mut Vec<f32>]) -> Result<bool, DeviceError> {
        let Some(sent) = self.sent.pop_front() else { return Ok(false) };
        if let Some(submission) = &sent.submission {
            link.wait(submission)?;
        }
        let mapped = sent.mapped.lock().unwrap_or_else(PoisonError::into_inner).take();
        match mapped {
            Some(Ok(())) => {}
            // A buffer that cannot be mapped is how a device that is not ours says that it is gone.
            Some(Err(error)) => return Err(link.gone(&error.to_string())),
            None => return Err(link.gone("a result did not come back")),
        }
        let read = sent.buffer.get_mapped_range(..4 * sent.lens.iter().sum::<usize>() as u64);
        let view = read.map_err(|error| link.gone(&error.to_string()))?;
        let numbers: &[f32] = bytemuck::cast_slice(&view);
        let mut at = 0;
        for (part, len) in parts.iter_mut().zip(&sent.lens) {
            part.clear();
            part.extend_from_slice(&numbers[at..at + len]);
            at += len;
        }
        drop(view);
        sent.buffer.unmap();
        self.spare.push(sent.buffer);
        Ok(true)
    }

    /// Results on their way.
    pub(super) fn len(&self) -> usize {
        self.sent.len()
    }
}
