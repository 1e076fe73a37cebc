//! A cache of bind groups: creating one takes the host longer than a dispatch.

use std::collections::HashMap;

use wgpu::{
    BindGroup, BindGroupDescriptor, BindGroupEntry, BindingResource, Buffer, BufferBinding,
    BufferSize,
};

use supernet_shaders::kernel::{SIZES, SLOT, STEP};

use super::buffers::{Buffers, Span};
use super::context::GpuContext;
use super::pipelines::{Pipeline, Pipelines};

/// The most bind groups that are kept; beyond that all are dropped, which costs no more than
/// creating them did.
const MOST: usize = 1 << 15;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    layout: u32,
    table: u32,
    spans: [Option<Span>; 8],
}

/// The bind groups of recent runs.
#[derive(Debug, Default)]
pub(super) struct BindGroupCache {
    kept: HashMap<Key, BindGroup>,
}

/// The uniforms of a bind group, besides the kernel's buffers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Uniforms<'a> {
    /// Index of the table of sizes.
    pub(super) table: u32,
    /// That table.
    pub(super) sizes: &'a Buffer,
    /// The values that change from step to step.
    pub(super) step: &'a Buffer,
}

impl BindGroupCache {
    /// The bind group of `pipeline` with these buffers.
    pub(super) fn get(
        &mut self,
        context: &GpuContext,
        pipelines: &Pipelines,
        buffers: &Buffers,
        pipeline: &Pipeline,
        uniforms: Uniforms<'_>,
        spans: &[Span],
    ) -> BindGroup {
        let mut key = Key {
            layout: pipeline.layout as u32,
            table: uniforms.table,
            spans: [None; 8],
        };
        key.spans
            .iter_mut()
            .zip(spans)
            .for_each(|(place, span)| *place = Some(*span));
        if let Some(group) = self.kept.get(&key) {
            return group.clone();
        }
        if self.kept.len() == MOST {
            self.kept.clear();
        }
        let entry = |binding, buffer, offset, size| BindGroupEntry {
            binding,
            resource: BindingResource::Buffer(BufferBinding {
                buffer,
                offset,
                size: BufferSize::new(size),
            }),
        };
        let mut entries = Vec::with_capacity(10);
        entries.push(entry(SIZES, uniforms.sizes, 0, SLOT as u64));
        entries.extend(
            pipeline
                .kernel
                .step
                .then(|| entry(STEP, uniforms.step, 0, SLOT as u64)),
        );
        entries.extend(
            pipeline
                .kernel
                .buffers
                .iter()
                .zip(spans)
                .filter_map(|(buffer, span)| {
                    Some(entry(
                        buffer.binding,
                        buffers.get(span.buffer)?,
                        span.offset,
                        span.size,
                    ))
                }),
        );
        let layout = pipelines.bind_group_layout(pipeline.layout);
        let descriptor = BindGroupDescriptor {
            label: None,
            layout,
            entries: &entries,
        };
        let group = context.device.create_bind_group(&descriptor);
        self.kept.insert(key, group.clone());
        group
    }

    /// Drops all bind groups, before a buffer that they refer to is freed.
    pub(super) fn clear(&mut self) {
        self.kept.clear();
    }
}
