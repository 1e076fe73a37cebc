//! Kernels in the languages of the drivers, as wgpu translates them.

use naga::back::{hlsl, msl, spv};
use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy};
use naga::{ResourceBinding, ShaderStage};

use super::entry::{Entry, Resolved};
use super::{CheckError, Parsed, Violation};
use crate::kernel::{Dispatch, Kernel, SIZES, STEP};

/// A kernel in the languages of the drivers.
#[derive(Clone, Debug)]
pub struct Translation {
    /// For Metal.
    pub msl: String,
    /// For Direct3D 12.
    pub hlsl: String,
    /// For Vulkan: SPIR-V 1.5, the version of Vulkan 1.2.
    pub spirv: Vec<u32>,
}

/// A binding of the kernel's layout.
enum Binding {
    Uniform(u32),
    Buffer { binding: u32, written: bool },
}

/// Translates the kernel of `dispatch`, whose module is `parsed`, with its overrides.
pub fn translate(parsed: &Parsed, dispatch: &Dispatch) -> Result<Translation, CheckError> {
    let kernel = dispatch.kernel;
    let entry = Entry::of(parsed, kernel)?;
    let translate = || {
        let resolved = entry.resolved(dispatch)?;
        let layout = layout(kernel);
        let fail = |to| move |message| Violation::Translation { to, message };
        Ok(Translation {
            msl: metal(&resolved, kernel, &layout).map_err(fail("MSL"))?,
            hlsl: direct3d(&resolved, kernel, &layout).map_err(fail("HLSL"))?,
            spirv: vulkan(&resolved, kernel, &layout).map_err(fail("SPIR-V"))?,
        })
    };
    translate().map_err(|violation: Violation| violation.at(parsed.name(), Some(kernel.entry)))
}

fn layout(kernel: &Kernel) -> Vec<Binding> {
    let mut layout = vec![Binding::Uniform(SIZES)];
    layout.extend(kernel.step.then_some(Binding::Uniform(STEP)));
    layout.extend(kernel.buffers.iter().map(|b| Binding::Buffer {
        binding: b.binding,
        written: b.written,
    }));
    layout
}

impl Binding {
    fn at(&self) -> ResourceBinding {
        let (Binding::Uniform(binding) | Binding::Buffer { binding, .. }) = *self;
        ResourceBinding { group: 0, binding }
    }
}

/// A kernel that indexes past the end of a buffer accesses another element of that buffer: wgpu
/// clamps indices.
const RESTRICT: BoundsCheckPolicies = BoundsCheckPolicies {
    index: BoundsCheckPolicy::Restrict,
    buffer: BoundsCheckPolicy::Restrict,
    image_load: BoundsCheckPolicy::Restrict,
    binding_array: BoundsCheckPolicy::Unchecked,
};

fn point(kernel: &Kernel) -> (ShaderStage, String) {
    (ShaderStage::Compute, kernel.entry.into())
}

fn metal(resolved: &Resolved, kernel: &Kernel, layout: &[Binding]) -> Result<String, String> {
    let target = |(slot, binding): (usize, &Binding)| {
        let mutable = matches!(binding, Binding::Buffer { written: true, .. });
        (
            binding.at(),
            msl::BindTarget {
                buffer: Some(slot as msl::Slot),
                mutable,
                ..Default::default()
            },
        )
    };
    let resources = msl::EntryPointResources {
        resources: layout.iter().enumerate().map(target).collect(),
        immediates_buffer: None,
        sizes_buffer: Some(layout.len() as msl::Slot),
    };
    let options = msl::Options {
        // The version of the oldest system that should be supported: macOS 12.
        lang_version: (2, 4),
        per_entry_point_map: [(kernel.entry.into(), resources)].into(),
        fake_missing_bindings: false,
        bounds_check_policies: RESTRICT,
        zero_initialize_workgroup_memory: kernel.own,
        ..Default::default()
    };
    let pipeline = msl::PipelineOptions {
        entry_point: Some(point(kernel)),
        ..Default::default()
    };
    let (text, info) = msl::write_string(&resolved.module, &resolved.info, &options, &pipeline)
        .map_err(|error| error.to_string())?;
    // An entry point that cannot be translated is left out of the text.
    match info.entry_point_names.into_iter().next() {
        Some(Err(error)) => Err(error.to_string()),
        _ => Ok(text),
    }
}

fn direct3d(resolved: &Resolved, kernel: &Kernel, layout: &[Binding]) -> Result<String, String> {
    // The registers of constants, of read-only buffers and of written buffers.
    let mut next = [0; 3];
    let mut target = |binding: &Binding| {
        let kind = match binding {
            Binding::Uniform(_) => 0,
            Binding::Buffer { written, .. } => 1 + usize::from(*written),
        };
        let register = next[kind];
        next[kind] += 1;
        (
            binding.at(),
            hlsl::BindTarget {
                register,
                restrict_indexing: true,
                ..Default::default()
            },
        )
    };
    let binding_map = layout.iter().map(&mut target).collect();
    let options = hlsl::Options {
        shader_model: if kernel.lanes.is_some() {
            hlsl::ShaderModel::V6_0
        } else {
            hlsl::ShaderModel::V5_1
        },
        binding_map,
        fake_missing_bindings: false,
        // The size of the grid, which Direct3D does not provide.
        special_constants_binding: Some(hlsl::BindTarget {
            register: next[0],
            ..Default::default()
        }),
        zero_initialize_workgroup_memory: kernel.own,
        ..Default::default()
    };
    let pipeline = hlsl::PipelineOptions {
        entry_point: Some(point(kernel)),
    };
    let mut text = String::new();
    let mut writer = hlsl::Writer::new(&mut text, &options, &pipeline);
    let info = writer
        .write(&resolved.module, &resolved.info, None)
        .map_err(|error| error.to_string())?;
    match info.entry_point_names.into_iter().next() {
        Some(Err(error)) => Err(error.to_string()),
        _ => Ok(text),
    }
}

fn vulkan(resolved: &Resolved, kernel: &Kernel, layout: &[Binding]) -> Result<Vec<u32>, String> {
    use spv::Capability::*;
    let target = |(slot, binding): (usize, &Binding)| {
        (
            binding.at(),
            spv::BindingInfo {
                descriptor_set: 0,
                binding: slot as u32,
                binding_array_size: None,
            },
        )
    };
    let mut capabilities = vec![Shader, Matrix];
    if kernel.lanes.is_some() {
        capabilities.extend([
            GroupNonUniform,
            GroupNonUniformVote,
            GroupNonUniformArithmetic,
            GroupNonUniformBallot,
        ]);
        capabilities.extend([
            GroupNonUniformShuffle,
            GroupNonUniformShuffleRelative,
            GroupNonUniformQuad,
        ]);
    }
    let options = spv::Options {
        lang_version: (1, 5),
        flags: spv::WriterFlags::empty(),
        fake_missing_bindings: false,
        binding_map: layout.iter().enumerate().map(target).collect(),
        capabilities: Some(capabilities.into_iter().collect()),
        bounds_check_policies: RESTRICT,
        zero_initialize_workgroup_memory: if kernel.own {
            spv::ZeroInitializeWorkgroupMemoryMode::Polyfill
        } else {
            spv::ZeroInitializeWorkgroupMemoryMode::None
        },
        ..Default::default()
    };
    let (shader_stage, entry_point) = point(kernel);
    let pipeline = spv::PipelineOptions {
        shader_stage,
        entry_point,
    };
    spv::write_vec(&resolved.module, &resolved.info, &options, Some(&pipeline))
        .map_err(|error| error.to_string())
}
