//! Compiled kernels.

use std::collections::HashMap;

use supernet_shaders::kernel::{Constant, Dispatch, Kernel, SIZES, SLOT, STEP};
use wgpu::{
    BindGroupLayout, BindGroupLayoutDescriptor, BindGroupLayoutEntry, BindingType,
    BufferBindingType, BufferSize, ComputePipeline, ComputePipelineDescriptor,
    PipelineCompilationOptions, PipelineLayout, PipelineLayoutDescriptor, ShaderModule,
    ShaderModuleDescriptor, ShaderSource, ShaderStages,
};

use super::DeviceError;
use super::context::GpuContext;

/// A kernel that is ready to run.
#[derive(Debug)]
pub(super) struct Pipeline {
    pub(super) kernel: &'static Kernel,
    pub(super) pipeline: ComputePipeline,
    /// Index of the kernel's layout, for which bind groups are created.
    pub(super) layout: usize,
}

/// All kernels compiled so far. Compiling one takes from 20 ms to half a second.
#[derive(Debug, Default)]
pub(super) struct Pipelines {
    modules: HashMap<&'static str, ShaderModule>,
    layouts: Vec<(BindGroupLayout, PipelineLayout)>,
    layout_of: HashMap<Name, usize>,
    list: Vec<Pipeline>,
    number_of: HashMap<Key, usize>,
}

/// A kernel's module and entry point.
type Name = (&'static str, &'static str);
/// The key of a pipeline: the kernel, and the values of its `override` constants.
type Key = (Name, Vec<(&'static str, Constant)>);

impl Pipelines {
    /// Index of the pipeline that `dispatch` needs.
    ///
    /// # Errors
    /// If the driver rejects the kernel.
    pub(super) fn number(
        &mut self,
        context: &GpuContext,
        dispatch: &Dispatch,
    ) -> Result<usize, DeviceError> {
        let kernel = dispatch.kernel;
        let name = (kernel.module, kernel.entry);
        let key = (name, dispatch.overrides.clone());
        if let Some(number) = self.number_of.get(&key) {
            return Ok(*number);
        }
        match context.guard(|| Ok(self.compile(context, dispatch))) {
            Ok(number) => {
                self.number_of.insert(key, number);
                Ok(number)
            }
            Err(error) => {
                // Another attempt gets the same error.
                self.list.pop();
                self.modules.remove(dispatch.kernel.module);
                Err(error)
            }
        }
    }

    fn compile(&mut self, context: &GpuContext, dispatch: &Dispatch) -> usize {
        let kernel = dispatch.kernel;
        let layout = self.layout(context, kernel);
        let module = self.modules.entry(kernel.module).or_insert_with(|| {
            let source = ShaderSource::Wgsl(kernel.source.into());
            context.device.create_shader_module(ShaderModuleDescriptor {
                label: Some(kernel.module),
                source,
            })
        });
        let constants: Vec<_> = dispatch
            .overrides
            .iter()
            .map(|(name, value)| (*name, value.value()))
            .collect();
        let pipeline = context
            .device
            .create_compute_pipeline(&ComputePipelineDescriptor {
                label: Some(kernel.entry),
                layout: Some(&self.layouts[layout].1),
                module,
                entry_point: Some(kernel.entry),
                // Built-in kernels write workgroup memory before they read it; custom ones may rely
                // on WGSL's zero initialisation.
                compilation_options: PipelineCompilationOptions {
                    constants: &constants,
                    zero_initialize_workgroup_memory: kernel.own,
                },
                cache: None,
            });
        self.list.push(Pipeline {
            kernel,
            pipeline,
            layout,
        });
        self.list.len() - 1
    }

    /// The pipeline with this index.
    pub(super) fn get(&self, number: usize) -> &Pipeline {
        &self.list[number]
    }

    /// The layout with this index.
    pub(super) fn bind_group_layout(&self, layout: usize) -> &BindGroupLayout {
        &self.layouts[layout].0
    }

    fn layout(&mut self, context: &GpuContext, kernel: &'static Kernel) -> usize {
        *self
            .layout_of
            .entry((kernel.module, kernel.entry))
            .or_insert_with(|| {
                let uniform = |binding, has_dynamic_offset, size| BindGroupLayoutEntry {
                    binding,
                    visibility: ShaderStages::COMPUTE,
                    ty: BindingType::Buffer {
                        ty: BufferBindingType::Uniform,
                        has_dynamic_offset,
                        min_binding_size: BufferSize::new(size),
                    },
                    count: None,
                };
                let mut entries = vec![uniform(SIZES, true, SLOT as u64)];
                entries.extend(kernel.step.then(|| uniform(STEP, false, SLOT as u64)));
                entries.extend(kernel.buffers.iter().map(|buffer| BindGroupLayoutEntry {
                    binding: buffer.binding,
                    visibility: ShaderStages::COMPUTE,
                    ty: BindingType::Buffer {
                        ty: BufferBindingType::Storage {
                            read_only: !buffer.written,
                        },
                        has_dynamic_offset: false,
                        min_binding_size: None,
                    },
                    count: None,
                }));
                let descriptor = BindGroupLayoutDescriptor {
                    label: Some(kernel.entry),
                    entries: &entries,
                };
                let groups = context.device.create_bind_group_layout(&descriptor);
                let whole = context
                    .device
                    .create_pipeline_layout(&PipelineLayoutDescriptor {
                        label: Some(kernel.entry),
                        bind_group_layouts: &[Some(&groups)],
                        immediate_size: 0,
                    });
                self.layouts.push((groups, whole));
                self.layouts.len() - 1
            })
    }
}
