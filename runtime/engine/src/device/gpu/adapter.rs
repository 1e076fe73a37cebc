//! Enumerates the GPUs, and selects the one that a search runs on.

use std::cmp::Reverse;

use serde::Serialize;
use wgpu::{Backend, Backends, DeviceType, Features, Instance, InstanceDescriptor, Limits};

use super::DeviceError;
use super::context::missing_limits;

/// A GPU or a software adapter.
#[derive(Clone, Debug)]
pub struct Adapter {
    /// Information about it.
    pub info: AdapterInfo,
    adapter: wgpu::Adapter,
}

/// Information about an adapter, for display.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AdapterInfo {
    /// Its name.
    pub name: String,
    /// `vulkan`, `metal`, `dx12` or `noop`.
    pub backend: String,
    /// The driver's name and version.
    pub driver: String,
    /// The type of its hardware.
    pub kind: AdapterKind,
    /// Smallest and largest number of lanes in a subgroup.
    pub lanes: [u32; 2],
    /// Whether kernels may exchange values within a subgroup.
    pub subgroups: bool,
    /// The largest storage binding of a kernel in bytes.
    pub binding: u64,
    /// The largest buffer in bytes.
    pub buffer: u64,
    /// Storage buffers per kernel.
    pub buffers: u32,
    /// Invocations per workgroup.
    pub invocations: u32,
    /// Memory per workgroup in bytes.
    pub workgroup_memory: u32,
}

/// The type of an adapter, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AdapterKind {
    /// A discrete GPU.
    Discrete,
    /// A GPU that is integrated in the processor.
    Integrated,
    /// A virtual GPU.
    Virtual,
    /// Unknown.
    Other,
    /// Software on the CPU.
    Software,
}

impl AdapterKind {
    fn of(kind: DeviceType) -> Self {
        match kind {
            DeviceType::DiscreteGpu => Self::Discrete,
            DeviceType::IntegratedGpu => Self::Integrated,
            DeviceType::VirtualGpu => Self::Virtual,
            DeviceType::Cpu => Self::Software,
            DeviceType::Other => Self::Other,
        }
    }
}

impl AdapterInfo {
    /// Collects the information that wgpu provides about an adapter.
    pub(super) fn of(info: &wgpu::AdapterInfo, limits: &Limits, features: Features) -> Self {
        Self {
            name: info.name.clone(),
            backend: info.backend.to_string(),
            driver: [info.driver.as_str(), info.driver_info.as_str()]
                .join(" ")
                .trim()
                .to_owned(),
            kind: if info.backend == Backend::Noop {
                AdapterKind::Software
            } else {
                AdapterKind::of(info.device_type)
            },
            lanes: [info.subgroup_min_size, info.subgroup_max_size],
            subgroups: features.contains(Features::SUBGROUP),
            binding: limits.max_storage_buffer_binding_size,
            buffer: limits.max_buffer_size,
            buffers: limits.max_storage_buffers_per_shader_stage,
            invocations: limits.max_compute_invocations_per_workgroup,
            workgroup_memory: limits.max_compute_workgroup_storage_size,
        }
    }

    /// Whether it is a hardware GPU, not a software adapter.
    pub fn is_hardware(&self) -> bool {
        self.kind != AdapterKind::Software
    }

    /// Name, backend and driver in one line.
    pub fn line(&self) -> String {
        format!("{} ({}, {})", self.name, self.backend, self.driver)
    }
}

impl Adapter {
    fn new(adapter: wgpu::Adapter) -> Self {
        Self {
            info: AdapterInfo::of(&adapter.get_info(), &adapter.limits(), adapter.features()),
            adapter,
        }
    }

    /// Whether searches can run on it.
    ///
    /// # Errors
    /// Names the missing limits.
    pub fn supports(&self) -> Result<(), DeviceError> {
        missing_limits(&format!("gpu:{}", self.info.name), &self.adapter.limits())
    }

    /// The underlying wgpu adapter.
    pub fn inner(&self) -> &wgpu::Adapter {
        &self.adapter
    }
}

/// The first hardware GPU that searches can run on.
pub fn first_hardware() -> Option<Adapter> {
    adapters()
        .into_iter()
        .find(|adapter| adapter.info.is_hardware() && adapter.supports().is_ok())
}

/// All adapters, best first: discrete GPUs, then integrated ones, software last.
pub fn adapters() -> Vec<Adapter> {
    let mut descriptor = InstanceDescriptor::new_without_display_handle();
    descriptor.backends = Backends::VULKAN | Backends::METAL | Backends::DX12;
    let found = pollster::block_on(Instance::new(descriptor).enumerate_adapters(Backends::all()));
    let mut found: Vec<_> = found.into_iter().map(Adapter::new).collect();
    // Of two software adapters, the one with more lanes is faster.
    let lanes = |info: &AdapterInfo| if info.is_hardware() { 0 } else { info.lanes[1] };
    found.sort_by_key(|adapter| (adapter.info.kind, Reverse(lanes(&adapter.info))));
    found
}

/// The adapter that computes nothing: it serves to measure the host's share of the cost.
///
/// # Errors
/// If this build does not include it.
pub fn noop() -> Result<Adapter, DeviceError> {
    let mut descriptor = InstanceDescriptor::new_without_display_handle();
    descriptor.backends = Backends::NOOP;
    descriptor.backend_options.noop.enable = true;
    let found = pollster::block_on(Instance::new(descriptor).enumerate_adapters(Backends::NOOP));
    found
        .into_iter()
        .next()
        .map(Adapter::new)
        .ok_or_else(|| no_adapter(None, &[]))
}

/// The first adapter whose name contains `name`, ignoring case, or the first of all without a name.
/// `noop` selects the adapter that computes nothing.
///
/// # Errors
/// If there is none; the error lists the available adapters.
pub fn adapter(name: Option<&str>) -> Result<Adapter, DeviceError> {
    if name == Some("noop") {
        return noop();
    }
    let found = adapters();
    let wanted = name.unwrap_or_default().to_lowercase();
    let fits = |adapter: &&Adapter| adapter.info.name.to_lowercase().contains(&wanted);
    found
        .iter()
        .find(fits)
        .cloned()
        .ok_or_else(|| no_adapter(name, &found))
}

fn no_adapter(name: Option<&str>, found: &[Adapter]) -> DeviceError {
    match name {
        Some(name) if !found.is_empty() => {
            let found = found
                .iter()
                .map(|adapter| format!("`{}`", adapter.info.name))
                .collect::<Vec<_>>()
                .join(", ");
            DeviceError::NoSuchGpu {
                name: name.to_owned(),
                found,
            }
        }
        _ => DeviceError::NoGpu {
            driver: missing_driver(),
        },
    }
}

/// The package that provides a driver.
pub fn missing_driver() -> &'static str {
    if cfg!(target_os = "linux") {
        "on Debian and Ubuntu the package mesa-vulkan-drivers brings one for AMD and Intel cards and one in software for \
         any processor, nvidia-driver one for NVIDIA cards"
    } else if cfg!(target_os = "windows") {
        "the maker of the graphics card offers one"
    } else {
        "Metal comes with the system, so this machine has no GPU that it serves"
    }
}
