//! Buffers on the device, by id.

use wgpu::{Buffer, BufferDescriptor, BufferUsages};

use super::DeviceError;
use super::context::GpuContext;

/// The id of a buffer; ids are never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Id(u32);

/// Part of a buffer, as a kernel sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Span {
    pub(super) buffer: Id,
    /// First byte, a multiple of 256.
    pub(super) offset: u64,
    /// Length in bytes.
    pub(super) size: u64,
}

/// A span that belongs to no buffer.
pub(super) const NOWHERE: Span = Span {
    buffer: Id(u32::MAX),
    offset: 0,
    size: 0,
};

/// All buffers that kernels use.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    list: Vec<Option<Buffer>>,
    bytes: u64,
}

impl Buffers {
    /// The largest buffer that the device supports, in bytes.
    pub(super) fn limit(context: &GpuContext) -> u64 {
        // Some kernels read a buffer as vectors of four numbers.
        context
            .limits
            .max_storage_buffer_binding_size
            .min(context.limits.max_buffer_size)
            / 16
            * 16
    }

    /// Creates a buffer for `len` numbers of 32 bits.
    ///
    /// # Errors
    /// If the device cannot create a buffer of that size.
    pub(super) fn create(
        &mut self,
        context: &GpuContext,
        label: &str,
        len: usize,
    ) -> Result<Id, DeviceError> {
        let size = 4 * (len as u64).max(64);
        let limit = Self::limit(context);
        if size > limit {
            return Err(DeviceError::TooLarge {
                device: context.name.to_string(),
                bytes: size,
                limit,
            });
        }
        let usage = BufferUsages::STORAGE | BufferUsages::COPY_DST | BufferUsages::COPY_SRC;
        let descriptor = BufferDescriptor {
            label: Some(label),
            size,
            usage,
            mapped_at_creation: false,
        };
        self.list
            .push(Some(context.device.create_buffer(&descriptor)));
        self.bytes += size;
        Ok(Id(self.list.len() as u32 - 1))
    }

    /// The buffer, unless it was freed.
    pub(super) fn get(&self, id: Id) -> Option<&Buffer> {
        self.list.get(id.0 as usize)?.as_ref()
    }

    /// The whole buffer as a span.
    pub(super) fn whole(&self, id: Id) -> Span {
        Span {
            buffer: id,
            offset: 0,
            size: self.get(id).map_or(0, Buffer::size),
        }
    }

    /// Number of buffers created so far: later buffers have larger ids.
    pub(super) fn made(&self) -> usize {
        self.list.len()
    }

    /// Frees all buffers that were created after the first `made`.
    pub(super) fn undo(&mut self, made: usize) {
        (made..self.list.len()).for_each(|number| self.free(Id(number as u32)));
    }

    /// Whether a buffer is among the first `made`.
    pub(super) fn is_older(id: Id, made: usize) -> bool {
        (id.0 as usize) < made
    }

    /// Frees a buffer.
    pub(super) fn free(&mut self, id: Id) {
        if let Some(buffer) = self.list[id.0 as usize].take() {
            self.bytes -= buffer.size();
        }
    }

    /// Total size of all buffers in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Uploads numbers to the beginning of a buffer.
    pub(super) fn write(&self, context: &GpuContext, id: Id, numbers: &[u32]) {
        if let Some(buffer) = self.get(id) {
            context
                .queue
                .write_buffer(buffer, 0, bytemuck::cast_slice(numbers));
        }
    }
}
