//! The GPU device: WGSL kernels on wgpu, on any adapter that wgpu finds.
//!
//! A run is one command buffer with one compute pass; wgpu orders what depends on each other within it. Weights stay on
//! the device for the whole search, values lie in a pool of buffers by size class, and what a run uploads is its
//! minibatch, one bit for each block of weights, and less than a kilobyte. Results come back through a ring, so that the host can
//! prepare the next run while the device works.

mod adapter;
mod buffers;
#[cfg(test)]
mod check;
mod groups;
mod link;
mod pages;
mod pipelines;
mod prepared;
mod ring;
mod trial;

pub use adapter::{Adapter, Facts, Kind, adapter, adapters, missing_driver, noop, real};

use std::sync::Arc;
use std::time::{Duration, Instant};

use supernet_shaders::kernel::{self, Place, SLOT, Traits, step_words};
use supernet_shaders::{Call, Step};
use wgpu::{Buffer, BufferDescriptor, BufferUsages, CommandEncoderDescriptor, ComputePassDescriptor};

use self::buffers::{Buffers, Id, Span};
use self::groups::{Groups, Uniforms};
use self::link::Link;
use self::pages::Resident;
use self::pipelines::Pipelines;
use self::prepared::Calls;
use self::ring::Ring;
use super::{Counts, Device, DeviceError, Minibatch, Probe, Samples};
use crate::program::{Bound, Operand, Plan, Program, class_len, class_of};
use crate::weights::{Layout, Mark, Weights};

/// Runs under way before the oldest one's samples must be asked for.
const DEPTH: usize = 8;

/// Runs programs on a GPU.
#[derive(Debug)]
pub struct Gpu {
    link: Link,
    traits: Traits,
    buffers: Buffers,
    pipelines: Pipelines,
    calls: Calls,
    groups: Groups,
    ring: Ring,
    residents: Vec<Resident>,
    /// Buffers for values, by size class.
    slots: Vec<Vec<Id>>,
    /// Buffers for what a call keeps between its dispatches, by size class.
    scratch: Vec<Vec<Id>>,
    images: Option<Id>,
    labels: Option<Id>,
    step: Buffer,
    counts: Counts,
    /// How often each prepared call ran.
    ran: Vec<u64>,
}

impl Gpu {
    /// A device of its own on `adapter`.
    ///
    /// # Errors
    /// If the adapter lacks what kernels rely on, or gives no device.
    pub fn new(adapter: &Adapter) -> Result<Self, DeviceError> {
        Self::on(Link::open(adapter)?)
    }

    /// The application's own device. It stays the application's: its handlers for errors and for its loss are left
    /// alone, and it is not destroyed afterwards.
    ///
    /// # Errors
    /// If the device was made without what kernels rely on: eight storage buffers a stage, bindings of 128 MiB, 256
    /// invocations and 16 KiB of memory a workgroup.
    pub fn borrowed(device: wgpu::Device, queue: wgpu::Queue) -> Result<Self, DeviceError> {
        Self::on(Link::borrowed(device, queue)?)
    }

    fn on(link: Link) -> Result<Self, DeviceError> {
        let [least, most] = link.facts.lanes;
        let subgroups = link.device.features().contains(wgpu::Features::SUBGROUP);
        let traits = Traits { lanes: (subgroups && least == most && most > 0).then_some(most) };
        let step = link.guard(|| {
            Ok(link.device.create_buffer(&BufferDescriptor {
                label: Some("step"),
                size: SLOT as u64,
                usage: BufferUsages::UNIFORM | BufferUsages::COPY_DST,
                mapped_at_creation: false,
            }))
        })?;
        Ok(Self {
            link,
            traits,
            buffers: Buffers::default(),
            pipelines: Pipelines::default(),
            calls: Calls::default(),
            groups: Groups::default(),
            ring: Ring::default(),
            residents: Vec::new(),
            slots: Vec::new(),
            scratch: Vec::new(),
            images: None,
            labels: None,
            step,
            counts: Counts::default(),
            ran: Vec::new(),
        })
    }

    /// The same device without kernels that exchange numbers within subgroups.
    #[must_use]
    pub fn without_subgroups(mut self) -> Self {
        self.traits.lanes = None;
        self
    }

    /// What is known of the adapter.
    pub fn facts(&self) -> &Facts {
        &self.link.facts
    }

    /// The wgpu device that runs go to.
    pub fn wgpu(&self) -> &wgpu::Device {
        &self.link.device
    }

    /// Bytes of all buffers on the device.
    pub fn bytes(&self) -> u64 {
        self.buffers.bytes()
    }

    /// Pipelines that were compiled, and different calls that were made ready.
    pub fn compiled(&self) -> (usize, usize) {
        (self.pipelines.len(), self.calls.len())
    }

    /// The copy of `weights` on the device, brought up to date. To be called within error scopes.
    fn resident(&mut self, weights: &Weights) -> Result<usize, DeviceError> {
        if let Some(at) = self.residents.iter().position(|resident| resident.mark == *weights.mark()) {
            return Ok(at);
        }
        if let Some(home) = weights.away() {
            return Err(DeviceError::Elsewhere { home: home.to_string() });
        }
        let outdated = |resident: &Resident| resident.mark.is_of(weights.mark()) && !resident.mark.is_wanted();
        if let Some(at) = self.residents.iter().position(outdated) {
            let resident = &mut self.residents[at];
            resident.upload(&self.link, &self.buffers, weights);
            resident.mark = weights.mark().clone();
            return Ok(at);
        }
        self.forget_orphans();
        self.residents.push(Resident::new(&self.link, &mut self.buffers, weights)?);
        Ok(self.residents.len() - 1)
    }

    /// Frees all buffers that were made after the first `made`, and forgets where they were used.
    fn undo(&mut self, made: usize) {
        let old = |id: &Id| Buffers::is_older(*id, made);
        self.slots.iter_mut().chain(&mut self.scratch).for_each(|ids| ids.retain(old));
        for held in [&mut self.images, &mut self.labels] {
            *held = held.filter(old);
        }
        self.residents.retain(|resident| resident.all().all(|id| old(&id)));
        self.buffers.undo(made);
        self.groups.clear();
    }

    /// Frees the copies of weights that nobody holds any more.
    fn forget_orphans(&mut self) {
        if self.residents.iter().any(|resident| resident.mark.is_orphan()) {
            self.groups.clear();
            let (buffers, residents) = (&mut self.buffers, &mut self.residents);
            residents.retain(|resident| {
                let orphan = resident.mark.is_orphan();
                if orphan {
                    resident.all().for_each(|id| buffers.free(id));
                }
                !orphan
            });
        }
    }

    /// Sees to it that every slot of the program, and what goes into it, has its buffer.
    fn provide(&mut self, program: &Program, batch: Minibatch<'_>) -> Result<(), DeviceError> {
        let Self { link, buffers, groups, slots, images, labels, .. } = self;
        provide(link, buffers, slots, &program.slots)?;
        for (place, len) in [(images, batch.images.len()), (labels, batch.labels.len())] {
            let held = place.and_then(|id| buffers.get(id)).map_or(0, Buffer::size);
            if held < 4 * len as u64 {
                if let Some(id) = place.take() {
                    groups.clear();
                    buffers.free(id);
                }
                *place = Some(buffers.create(link, "minibatch", class_len(class_of(len)))?);
            }
        }
        Ok(())
    }

    /// Uploads what changes with every run.
    fn upload(&mut self, program: &Program, batch: Minibatch<'_>, step: &Step, resident: usize) {
        let betas = program.calls.iter().rev().find_map(|bound| match bound.call {
            Call::Adam { beta1, beta2, .. } => Some([beta1, beta2]),
            _ => None,
        });
        let mut write = |id: Id, numbers: &[u32]| {
            self.buffers.write(&self.link, id, numbers);
            self.counts.uploaded += 4 * numbers.len() as u64;
        };
        for (id, numbers) in [(self.images, bytemuck::cast_slice(batch.images)), (self.labels, batch.labels)] {
            if let Some(id) = id {
                write(id, numbers);
            }
        }
        for (id, bits) in self.residents[resident].touched.iter().zip(&program.touched) {
            write(*id, bits);
        }
        let words = step_words(step, betas.unwrap_or([0.0; 2]));
        self.link.queue.write_buffer(&self.step, 0, bytemuck::cast_slice(&words));
        self.counts.uploaded += 4 * words.len() as u64;
    }

    /// Encodes and submits a program.
    fn run(
        &mut self,
        program: &Program,
        weights: &Weights,
        batch: Minibatch<'_>,
        step: &Step,
    ) -> Result<usize, DeviceError> {
        self.link.alive()?;
        if self.ring.len() >= DEPTH {
            return Err(DeviceError::TooManyUnderWay { device: self.name(), depth: DEPTH });
        }
        batch.fits(program)?;
        let began = Instant::now();
        let (made, under_way) = (self.buffers.made(), self.ring.len());
        let scopes = self.link.device.clone();
        let done = link::scoped(&scopes, || {
            let resident = self.resident(weights)?;
            self.provide(program, batch)?;
            self.upload(program, batch, step, resident);
            self.submit(program, weights.layout(), resident)?;
            Ok(resident)
        });
        let done = self.link.judge(done);
        if done.is_err() {
            self.ring.truncate(under_way);
            // Part of the run may have gone through: what is on the device is nobody's weights any more.
            let resident = self.residents.iter_mut().find(|resident| resident.mark == *weights.mark());
            resident.into_iter().for_each(|resident| resident.mark = Mark::of_nothing());
            self.undo(made);
        }
        self.counts.runs += 1;
        self.counts.encoding += began.elapsed();
        done
    }

    fn submit(&mut self, program: &Program, layout: &Layout, resident: usize) -> Result<(), DeviceError> {
        let most = work_at_once(self.link.facts.kind);
        let mut calls = program.calls.iter();
        let mut encoder = loop {
            let mut encoder = self.link.device.create_command_encoder(&CommandEncoderDescriptor::default());
            let mut work = 0;
            {
                let mut pass = encoder.begin_compute_pass(&ComputePassDescriptor::default());
                for bound in calls.by_ref() {
                    work += self.record(&mut pass, bound, layout, resident)?;
                    if work >= most {
                        break;
                    }
                }
            }
            if work < most {
                break encoder;
            }
            self.link.queue.submit([encoder.finish()]);
            self.counts.submits += 1;
        };
        let parts = [program.loss, program.right].map(|operand| match operand {
            Operand::Value { slot, len } => Some((self.slots[slot.class as usize][slot.index as usize], len as usize)),
            _ => None,
        });
        let parts = parts.into_iter().flatten().filter_map(|(id, len)| Some((self.buffers.get(id)?, len)));
        let parts: Vec<_> = parts.collect();
        self.ring.ask(&self.link, &mut encoder, &parts);
        let submission = self.link.queue.submit([encoder.finish()]);
        self.counts.submits += 1;
        self.ring.submitted(submission);
        Ok(())
    }

    /// Makes buffers of every size class, one by one, so that what the device has is known when it has no more.
    fn make(&mut self, wanted: &[u32], for_scratch: bool) -> Result<(), DeviceError> {
        let Self { link, buffers, slots, scratch, .. } = self;
        let (places, label) = if for_scratch { (scratch, "scratch") } else { (slots, "value") };
        places.resize_with(places.len().max(wanted.len()), Vec::new);
        for (class, (ids, count)) in (0..).zip(places.iter_mut().zip(wanted)) {
            for _ in 0..*count {
                let made = buffers.made();
                match link.guard(|| buffers.create(link, label, slot_len(link, class))) {
                    Ok(id) => ids.push(id),
                    Err(error) => {
                        buffers.undo(made);
                        return Err(error);
                    }
                }
            }
        }
        Ok(())
    }

    /// The error of a plan that needs more than the device has; `fixed` is what does not grow with the batch.
    fn does_not_fit(&self, plan: &Plan, what: &'static str, fixed: u64, needed: u64, had: u64) -> DeviceError {
        let share = had.saturating_sub(fixed) as f64 / (needed - fixed).max(1) as f64;
        let batch = (f64::from(plan.batch) * share) as u32;
        DeviceError::DoesNotFit { device: self.name(), what, needed, had, batch }
    }

    /// Pieces of scratch of every size class that the calls of `plan` need.
    fn scratch_of(&self, plan: &Plan) -> Vec<u32> {
        let mut counts: Vec<u32> = Vec::new();
        for call in &plan.calls {
            for (at, len) in (0..).zip(kernel::lower(call, self.traits).scratch) {
                let class = class_of(len) as usize;
                counts.resize(counts.len().max(class + 1), 0);
                // A piece's place among those of its class is its number in the call.
                counts[class] = counts[class].max(at + 1);
            }
        }
        counts
    }

    /// Records the dispatches of one call; returns about how many multiply-adds they cost.
    fn record(
        &mut self,
        pass: &mut wgpu::ComputePass<'_>,
        bound: &Bound,
        layout: &Layout,
        resident: usize,
    ) -> Result<u64, DeviceError> {
        let mut operands = [None; 8];
        for (span, operand) in operands.iter_mut().zip(bound.operands.iter()) {
            *span = Some(self.span(*operand, layout, resident)?);
        }
        self.dispatch(pass, &bound.call, &operands)
    }

    /// Records the dispatches of one call whose operands lie in `operands`.
    fn dispatch(
        &mut self,
        pass: &mut wgpu::ComputePass<'_>,
        call: &Call,
        operands: &[Option<Span>; 8],
    ) -> Result<u64, DeviceError> {
        let Self { link, traits, buffers, pipelines, calls, groups, scratch, step, counts, ran, .. } = self;
        let number = calls.number(link, pipelines, *traits, call)?;
        if ran.len() <= number {
            ran.resize(number + 1, 0);
        }
        ran[number] += 1;
        let prepared = calls.get(number);
        let mut pieces = [None; 4];
        for (at, (piece, len)) in pieces.iter_mut().zip(&prepared.scratch).enumerate() {
            let class = class_of(*len) as usize;
            if scratch.len() <= class {
                scratch.resize_with(class + 1, Vec::new);
            }
            while scratch[class].len() <= at {
                scratch[class].push(buffers.create(link, "scratch", class_len(class as u32))?);
            }
            *piece = Some(buffers.whole(scratch[class][at]));
        }
        for ready in &prepared.runs {
            let pipeline = pipelines.get(ready.pipeline);
            let mut spans = [buffers::NOWHERE; 8];
            for (span, place) in spans.iter_mut().zip(&ready.places) {
                let found = match *place {
                    Place::Operand(at) => operands[at],
                    Place::Scratch(at) => pieces[at],
                };
                *span = found.unwrap_or(buffers::NOWHERE);
            }
            let uniforms = Uniforms { table: prepared.table, sizes: calls.table(prepared.table), step };
            let group = groups.get(link, pipelines, buffers, pipeline, uniforms, &spans[..ready.places.len()]);
            pass.set_pipeline(&pipeline.pipeline);
            pass.set_bind_group(0, &group, &[prepared.offset]);
            let [x, y, z] = ready.groups;
            pass.dispatch_workgroups(x, y, z);
            counts.dispatches += 1;
        }
        Ok(prepared.work)
    }

    /// Where an operand lies.
    fn span(&self, operand: Operand, layout: &Layout, resident: usize) -> Result<Span, DeviceError> {
        let resident = &self.residents[resident];
        let parameter = |pages: &[Id], parameter: u32| {
            let place = layout.place(parameter);
            let size = 4 * u64::from(place.len.next_multiple_of(64));
            Span { buffer: pages[place.page as usize], offset: 4 * u64::from(place.offset), size }
        };
        let whole = |id: Option<Id>| id.map(|id| self.buffers.whole(id));
        let found = match operand {
            Operand::Value { slot, len } => {
                let span = self.buffers.whole(self.slots[slot.class as usize][slot.index as usize]);
                let bytes = 4 * u64::from(len);
                if span.size < bytes {
                    let device = self.link.name.to_string();
                    return Err(DeviceError::TooLarge { device, bytes, limit: span.size });
                }
                Some(span)
            }
            Operand::Images => whole(self.images),
            Operand::Labels => whole(self.labels),
            Operand::Weight(index) => Some(parameter(&resident.values, index)),
            Operand::Gradient(index) => Some(parameter(&resident.gradients, index)),
            Operand::WeightPage(page) => whole(Some(resident.values[page as usize])),
            Operand::GradientPage(page) => whole(Some(resident.gradients[page as usize])),
            Operand::StatePage { moment, page } => whole(Some(resident.state[moment as usize][page as usize])),
            Operand::Touched(page) => whole(Some(resident.touched[page as usize])),
            Operand::Decayed(page) => whole(Some(resident.decayed[page as usize])),
        };
        found.ok_or_else(|| self.link.gone("it has no minibatch"))
    }
}

/// Multiply-adds in one submit at most: what such a device does in 200 ms even if it is a slow one of its kind, since
/// systems take a device away that shows no sign of life for long. Nobody watches a program.
fn work_at_once(kind: Kind) -> u64 {
    match kind {
        Kind::Discrete => 40_000_000_000,
        Kind::Integrated | Kind::Virtual | Kind::Other => 4_000_000_000,
        Kind::Software => u64::MAX,
    }
}

/// Sees to it that there are as many buffers of every size class as `wanted`.
fn provide(link: &Link, buffers: &mut Buffers, slots: &mut Vec<Vec<Id>>, wanted: &[u32]) -> Result<(), DeviceError> {
    if slots.len() < wanted.len() {
        slots.resize_with(wanted.len(), Vec::new);
    }
    for (class, (ids, wanted)) in (0..).zip(slots.iter_mut().zip(wanted)) {
        while ids.len() < *wanted as usize {
            ids.push(buffers.create(link, "value", slot_len(link, class))?);
        }
    }
    Ok(())
}

/// Numbers of a slot: the largest class may be larger than what the device takes, and its values not.
fn slot_len(link: &Link, class: u32) -> usize {
    class_len(class).min((Buffers::limit(link) / 4) as usize)
}

impl Device for Gpu {
    fn name(&self) -> String {
        self.link.name.to_string()
    }

    fn depth(&self) -> usize {
        DEPTH
    }

    fn reserve(&mut self, plan: &Plan, weights: &Weights) -> Result<u64, DeviceError> {
        self.link.alive()?;
        let limit = Buffers::limit(&self.link);
        let largest = 4 * (plan.images as u64).max(plan.largest.into());
        if largest > limit {
            return Err(self.does_not_fit(plan, "a single value", 0, largest, limit));
        }
        // What an earlier search left is not this one's.
        self.forget_orphans();
        self.groups.clear();
        let old = self.slots.drain(..).chain(self.scratch.drain(..)).flatten();
        old.chain(self.images.take()).chain(self.labels.take()).for_each(|id| self.buffers.free(id));
        let made = self.buffers.made();
        let scopes = self.link.device.clone();
        let resident = link::scoped(&scopes, || self.resident(weights).map(drop));
        let fixed = self.buffers.bytes();
        let scratch = self.scratch_of(plan);
        let lens = |counts: &[u32]| -> u64 {
            (0..).zip(counts).map(|(class, count)| u64::from(*count) * slot_len(&self.link, class) as u64).sum()
        };
        let needed = fixed + 4 * (lens(&plan.slots) + lens(&scratch));
        let mut done = self.link.judge(resident);
        for (wanted, scratch) in [(&plan.slots, false), (&scratch, true)] {
            done = done.and_then(|()| self.make(wanted, scratch));
        }
        match done {
            Ok(()) => Ok(needed + 4 * (plan.images as u64 + u64::from(plan.batch))),
            Err(error) => {
                let had = self.buffers.bytes();
                self.undo(made);
                let memory = matches!(error, DeviceError::OutOfMemory { .. });
                Err(if memory { self.does_not_fit(plan, "memory", fixed, needed, had) } else { error })
            }
        }
    }

    fn forget(&mut self) {
        self.ring.truncate(0);
    }

    fn train(
        &mut self,
        program: &Program,
        weights: &mut Weights,
        batch: Minibatch<'_>,
        step: &Step,
    ) -> Result<(), DeviceError> {
        let resident = self.run(program, weights, batch, step)?;
        weights.version += 1;
        weights.leave(&self.link.name);
        self.residents[resident].mark = weights.mark().clone();
        Ok(())
    }

    fn score(&mut self, program: &Program, weights: &Weights, batch: Minibatch<'_>) -> Result<(), DeviceError> {
        // A scoring program holds no call that reads the step.
        self.run(program, weights, batch, &Step { rate: 0.0, number: 0, seed: 0 }).map(drop)
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
        if self.ring.take(&self.link, &mut [&mut samples.loss, &mut samples.right])? {
            return Ok(());
        }
        Err(DeviceError::NothingUnderWay { device: self.name() })
    }

    fn fetch(&mut self, weights: &mut Weights) -> Result<(), DeviceError> {
        let Some(home) = weights.away().map(Arc::clone) else { return Ok(()) };
        let resident = self.residents.iter().find(|resident| resident.mark == *weights.mark());
        let resident = resident.ok_or_else(|| DeviceError::Elsewhere { home: home.to_string() })?;
        let mut pages = weights.pages().clone();
        for (ids, pages) in resident.kept().zip(pages.kept_mut()) {
            for (id, page) in ids.iter().zip(pages) {
                self.download(*id, page)?;
            }
        }
        weights.come_back(pages);
        Ok(())
    }
}

impl Probe for Gpu {
    fn about(&self) -> Vec<(&'static str, String)> {
        let Facts { backend, driver, kind, lanes: [least, most], binding, buffer, .. } = &self.link.facts;
        let used = self.traits.lanes.map_or("no".to_owned(), |lanes| format!("of {lanes} lanes"));
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
