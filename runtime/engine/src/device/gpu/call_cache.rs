//! Compiled calls: their pipelines, grids, and the location of their sizes on the device.

use std::collections::HashMap;

use supernet_shaders::Call;
use supernet_shaders::kernel::{self, BufferRef, Dispatch, SLOT, Traits};
use wgpu::{Buffer, BufferDescriptor, BufferUsages};

use super::DeviceError;
use super::context::GpuContext;
use super::pipelines::Pipelines;

/// Slots in one table of sizes: 1 MiB.
const SLOTS: usize = 4096;

/// A call that is ready to run.
#[derive(Debug)]
pub(super) struct CompiledCall {
    /// The kind of call.
    pub(super) kind: &'static str,
    /// Index of the table that holds its sizes.
    pub(super) table: u32,
    /// Offset in that table in bytes.
    pub(super) offset: u32,
    /// Elements of each scratch buffer.
    pub(super) scratch: Vec<usize>,
    /// Approximate cost in multiply-adds.
    pub(super) work: u64,
    pub(super) runs: Vec<Ready>,
}

/// A dispatch that is ready to run.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) pipeline: usize,
    pub(super) places: Vec<BufferRef>,
    pub(super) groups: [u32; 3],
}

/// Every call that has run so far. A space has a limited number of different calls, however many
/// children it has.
#[derive(Debug, Default)]
pub(super) struct CallCache {
    number_of: HashMap<Call, usize>,
    list: Vec<CompiledCall>,
    tables: Vec<Buffer>,
}

impl CallCache {
    /// Index of `call`, which is compiled the first time.
    pub(super) fn number(
        &mut self,
        context: &GpuContext,
        pipelines: &mut Pipelines,
        traits: Traits,
        call: &Call,
    ) -> Result<usize, DeviceError> {
        if let Some(number) = self.number_of.get(call) {
            return Ok(*number);
        }
        let number = self.list.len();
        if number == SLOTS * self.tables.len() {
            self.tables
                .push(context.device.create_buffer(&BufferDescriptor {
                    label: Some("sizes"),
                    size: (SLOTS * SLOT) as u64,
                    usage: BufferUsages::UNIFORM | BufferUsages::COPY_DST,
                    mapped_at_creation: false,
                }));
        }
        let lowered = kernel::lower(call, traits);
        let (table, offset) = ((number / SLOTS) as u32, (number % SLOTS * SLOT) as u32);
        context.queue.write_buffer(
            &self.tables[table as usize],
            offset.into(),
            bytemuck::cast_slice(&lowered.sizes),
        );
        let ready = |dispatch: Dispatch| -> Result<Ready, DeviceError> {
            let pipeline = pipelines.number(context, &dispatch)?;
            Ok(Ready {
                pipeline,
                groups: dispatch.groups,
                places: dispatch.places,
            })
        };
        let runs = lowered
            .dispatches
            .into_iter()
            .map(ready)
            .collect::<Result<_, _>>()?;
        self.list.push(CompiledCall {
            kind: call.name(),
            table,
            offset,
            scratch: lowered.scratch,
            work: call.work(),
            runs,
        });
        self.number_of.insert(*call, number);
        Ok(number)
    }

    /// The call with this index.
    pub(super) fn get(&self, number: usize) -> &CompiledCall {
        &self.list[number]
    }

    /// The kind of the call and its number of dispatches.
    pub(super) fn kind(&self, number: usize) -> (&'static str, u64) {
        (self.list[number].kind, self.list[number].runs.len() as u64)
    }

    /// The table with this index.
    pub(super) fn table(&self, table: u32) -> &Buffer {
        &self.tables[table as usize]
    }
}
