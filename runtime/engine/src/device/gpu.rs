//! The GPU device: WGSL kernels on wgpu, on any adapter that wgpu finds.
//!
//! A run is one command buffer with one compute pass, within which wgpu orders dependent
//! dispatches. Weights stay on the device for the whole search, and values come from a pool of
//! buffers by size class. A run uploads only its minibatch, one bit for each block of weights, and
//! less than a kilobyte. Results come back through a queue of readback buffers, so that the host
//! can prepare the next run while the device works.

mod adapter;
mod buffers;
mod bind_groups;
mod context;
mod weights;
mod pipelines;
mod call_cache;
mod readbacks;
mod memory;
mod run;
mod probe;

pub use adapter::{
    Adapter, AdapterInfo, AdapterKind, adapter, adapters, first_hardware, missing_driver, noop,
};

use std::sync::Arc;
use std::time::Duration;

use supernet_shaders::kernel::{SLOT, Traits};
use supernet_shaders::{Call, Step};
use wgpu::{Buffer, BufferDescriptor, BufferUsages};

use self::bind_groups::BindGroupCache;
use self::buffers::{Buffers, Id};
use self::call_cache::CallCache;
use self::context::GpuContext;
use self::pipelines::Pipelines;
use self::readbacks::Readbacks;
use self::weights::DeviceWeights;
use super::{Counts, Device, DeviceError, Inputs, Minibatch, Probe, Samples};
use crate::program::{MemoryPlan, Program};
use crate::weights::Weights;

/// Runs that may be pending before the samples of the oldest one must be fetched.
const DEPTH: usize = 8;

/// Runs programs on a GPU.
#[derive(Debug)]
pub struct Gpu {
    context: GpuContext,
    traits: Traits,
    buffers: Buffers,
    pipelines: Pipelines,
    calls: CallCache,
    groups: BindGroupCache,
    readbacks: Readbacks,
    device_weights: Vec<DeviceWeights>,
    /// Buffers for values, by size class.
    slots: Vec<Vec<Id>>,
    /// Scratch buffers, which a call uses between its dispatches, by size class.
    scratch: Vec<Vec<Id>>,
    inputs: Option<Id>,
    targets: Option<Id>,
    /// The weights of mixtures.
    mixture: Option<Id>,
    /// States that scoring programs leave for the next window.
    states: Vec<Id>,
    step: Buffer,
    counts: Counts,
    /// How often each compiled call ran.
    ran: Vec<u64>,
}

impl Gpu {
    /// Opens a new device on `adapter`.
    ///
    /// # Errors
    /// If the adapter lacks a limit that the kernels need, or provides no device.
    pub fn new(adapter: &Adapter) -> Result<Self, DeviceError> {
        Self::on(GpuContext::open(adapter)?)
    }

    /// Uses the application's device. The application stays its owner: its error and device-lost
    /// handlers are left alone, and the device is not destroyed afterwards.
    ///
    /// # Errors
    /// If the device was created without the limits that the kernels need: eight storage buffers
    /// per stage, bindings of 128 MiB, and 256 invocations and 16 KiB of memory per workgroup.
    pub fn borrowed(device: wgpu::Device, queue: wgpu::Queue) -> Result<Self, DeviceError> {
        Self::on(GpuContext::borrowed(device, queue)?)
    }

    fn on(context: GpuContext) -> Result<Self, DeviceError> {
        let [least, most] = context.info.lanes;
        let subgroups = context.device.features().contains(wgpu::Features::SUBGROUP);
        let traits = Traits {
            lanes: (subgroups && least == most && most > 0).then_some(most),
        };
        let step = context.guard(|| {
            Ok(context.device.create_buffer(&BufferDescriptor {
                label: Some("step"),
                size: SLOT as u64,
                usage: BufferUsages::UNIFORM | BufferUsages::COPY_DST,
                mapped_at_creation: false,
            }))
        })?;
        Ok(Self {
            context,
            traits,
            buffers: Buffers::default(),
            pipelines: Pipelines::default(),
            calls: CallCache::default(),
            groups: BindGroupCache::default(),
            readbacks: Readbacks::default(),
            device_weights: Vec::new(),
            slots: Vec::new(),
            scratch: Vec::new(),
            inputs: None,
            targets: None,
            mixture: None,
            states: Vec::new(),
            step,
            counts: Counts::default(),
            ran: Vec::new(),
        })
    }

    /// The same device without kernels that exchange values within subgroups.
    #[must_use]
    pub fn without_subgroups(mut self) -> Self {
        self.traits.lanes = None;
        self
    }

    /// Invocations per subgroup, if kernels exchange values within subgroups on this device.
    pub fn subgroup_size(&self) -> Option<u32> {
        self.traits.lanes
    }

    /// Information about the adapter.
    pub fn info(&self) -> &AdapterInfo {
        &self.context.info
    }

    /// The wgpu device that executes the runs.
    pub fn wgpu(&self) -> &wgpu::Device {
        &self.context.device
    }

    /// Total size of all buffers on the device in bytes.
    pub fn bytes(&self) -> u64 {
        self.buffers.bytes()
    }
}

impl Device for Gpu {
    fn name(&self) -> String {
        self.context.name.to_string()
    }

    fn depth(&self) -> usize {
        DEPTH
    }

    fn reserve(&mut self, plan: &MemoryPlan, weights: &Weights) -> Result<u64, DeviceError> {
        self.make_room(plan, weights)
    }

    fn forget(&mut self) {
        self.readbacks.truncate(0);
    }

    fn train(
        &mut self,
        program: &Program,
        weights: &mut Weights,
        batch: Minibatch<'_>,
        step: &Step,
    ) -> Result<(), DeviceError> {
        let resident = self.run(program, weights, batch, step)?;
        weights.version += u64::from(program.updates());
        weights.mark_resident(&self.context.name);
        self.device_weights[resident].revision = weights.revision().clone();
        Ok(())
    }

    fn score(
        &mut self,
        program: &Program,
        weights: &Weights,
        batch: Minibatch<'_>,
    ) -> Result<(), DeviceError> {
        // No call of a scoring program reads the step.
        self.run(
            program,
            weights,
            batch,
            &Step {
                rate: 0.0,
                number: 0,
                update: 0,
                seed: 0,
                drop_path: 0.0,
            },
        )
        .map(drop)
    }

    fn compute(
        &mut self,
        program: &Program,
        weights: &Weights,
        inputs: Inputs<'_>,
    ) -> Result<Vec<Vec<f32>>, DeviceError> {
        // No call of such a program reads the step.
        let step = Step {
            rate: 0.0,
            number: 0,
            update: 0,
            seed: 0,
            drop_path: 0.0,
        };
        self.run(
            program,
            weights,
            Minibatch {
                inputs,
                targets: &[],
                mixture: &[],
            },
            &step,
        )?;
        let newest = self.readbacks.take_newest(&self.context)?;
        newest.ok_or_else(|| DeviceError::NothingInFlight {
            device: self.name(),
        })
    }

    fn counts(&mut self) -> Counts {
        let mut counts = std::mem::take(&mut self.counts);
        for (number, ran) in self.ran.iter_mut().enumerate().filter(|(_, ran)| **ran > 0) {
            let (kind, dispatches) = self.calls.kind(number);
            *counts.kinds.entry(kind).or_default() += std::mem::take(ran) * dispatches;
        }
        counts
    }

    fn samples(&mut self, samples: &mut Samples) -> Result<(), DeviceError> {
        if self.readbacks.take(
            &self.context,
            &mut [
                &mut samples.loss,
                &mut samples.correct,
                &mut samples.mixture,
            ],
        )? {
            return Ok(());
        }
        Err(DeviceError::NothingInFlight {
            device: self.name(),
        })
    }

    fn fetch(&mut self, weights: &mut Weights) -> Result<(), DeviceError> {
        let Some(home) = weights.resident_on().map(Arc::clone) else {
            return Ok(());
        };
        let resident = self
            .device_weights
            .iter()
            .find(|resident| resident.revision == *weights.revision());
        let resident = resident.ok_or_else(|| DeviceError::Elsewhere {
            home: home.to_string(),
        })?;
        let mut pages = weights.pages().clone();
        for (ids, pages) in resident.kept().zip(pages.kept_mut()) {
            for (id, page) in ids.iter().zip(pages) {
                self.download(*id, page)?;
            }
        }
        weights.restore(pages);
        Ok(())
    }
}

impl Probe for Gpu {
    fn about(&self) -> Vec<(&'static str, String)> {
        let AdapterInfo {
            backend,
            driver,
            kind,
            lanes: [least, most],
            binding,
            buffer,
            ..
        } = &self.context.info;
        let used = self
            .traits
            .lanes
            .map_or("no".to_owned(), |lanes| format!("of {lanes} lanes"));
        vec![
            ("backend", backend.clone()),
            ("driver", driver.clone()),
            ("kind", format!("{kind:?}").to_lowercase()),
            ("lanes", format!("{least} to {most}")),
            ("subgroups that kernels may use", used),
            ("largest binding", format!("{} MiB", binding >> 20)),
            ("largest buffer", format!("{} MiB", buffer >> 20)),
        ]
    }

    fn call(
        &mut self,
        call: &Call,
        step: &Step,
        reads: &[&[f32]],
        writes: &mut [&mut [f32]],
    ) -> Result<(), DeviceError> {
        self.run_call(call, step, reads, writes)
    }

    fn time(&mut self, call: &Call, times: u32) -> Result<Duration, DeviceError> {
        self.time_call(call, times)
    }
}
