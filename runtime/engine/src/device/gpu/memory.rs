//! Memory on the device: for weights, for values between calls, for scratch.

use supernet_shaders::kernel;
use wgpu::Buffer;

use super::buffers::{Buffers, Id};
use super::context::{self, GpuContext};
use super::weights::DeviceWeights;
use super::{DeviceError, Gpu, Minibatch};
use crate::program::{MemoryPlan, Program, class_len, class_of};
use crate::weights::Weights;

impl Gpu {
    /// See [`Device::reserve`](super::Device::reserve).
    pub(super) fn make_room(
        &mut self,
        plan: &MemoryPlan,
        weights: &Weights,
    ) -> Result<u64, DeviceError> {
        self.context.alive()?;
        let limit = Buffers::limit(&self.context);
        let largest = 4 * (plan.inputs as u64).max(plan.largest.into());
        if largest > limit {
            return Err(self.does_not_fit(plan, "a single value", 0, largest, limit));
        }
        // Memory of an earlier search is no longer needed.
        self.forget_orphans();
        self.groups.clear();
        let old = self.slots.drain(..).chain(self.scratch.drain(..)).flatten();
        old.chain(self.inputs.take())
            .chain(self.targets.take())
            .chain(self.mixture.take())
            .for_each(|id| self.buffers.free(id));
        let made = self.buffers.made();
        let scopes = self.context.device.clone();
        let resident = context::scoped(&scopes, || {
            self.resident(weights)?;
            self.provide_states(&plan.states)
        });
        let fixed = self.buffers.bytes();
        let scratch = self.scratch_of(plan);
        let lens = |counts: &[u32]| -> u64 {
            (0..)
                .zip(counts)
                .map(|(class, count)| u64::from(*count) * slot_len(&self.context, class) as u64)
                .sum()
        };
        let moved = if plan.moved {
            2 * weights.page_bytes()
        } else {
            0
        };
        let needed = fixed + moved + 4 * (lens(&plan.slots) + lens(&scratch));
        let mut done = self.context.check_scopes(resident);
        for (wanted, scratch) in [(&plan.slots, false), (&scratch, true)] {
            done = done.and_then(|()| self.make(wanted, scratch));
        }

        match done {
            Ok(()) => Ok(needed + 4 * (plan.inputs as u64 + u64::from(plan.batch))),
            Err(error) => {
                let had = self.buffers.bytes();
                self.undo(made);
                let memory = matches!(error, DeviceError::OutOfMemory { .. });
                Err(if memory {
                    self.does_not_fit(plan, "memory", fixed, needed, had)
                } else {
                    error
                })
            }
        }
    }

    /// Index of the device's copy of `weights`, brought up to date. Must be called within error
    /// scopes.
    pub(super) fn resident(&mut self, weights: &Weights) -> Result<usize, DeviceError> {
        if let Some(at) = self
            .device_weights
            .iter()
            .position(|resident| resident.revision == *weights.revision())
        {
            return Ok(at);
        }
        if let Some(home) = weights.resident_on() {
            return Err(DeviceError::Elsewhere {
                home: home.to_string(),
            });
        }
        let outdated = |resident: &DeviceWeights| {
            resident.revision.is_of(weights.revision()) && !resident.revision.is_wanted()
        };
        if let Some(at) = self.device_weights.iter().position(outdated) {
            let resident = &mut self.device_weights[at];
            resident.upload(&self.context, &self.buffers, weights);
            resident.revision = weights.revision().clone();
            return Ok(at);
        }
        self.forget_orphans();
        self.device_weights.push(DeviceWeights::new(
            &self.context,
            &mut self.buffers,
            weights,
        )?);
        Ok(self.device_weights.len() - 1)
    }

    /// Frees all buffers that were created after the first `made`, and drops all references to
    /// them.
    pub(super) fn undo(&mut self, made: usize) {
        let old = |id: &Id| Buffers::is_older(*id, made);
        self.slots
            .iter_mut()
            .chain(&mut self.scratch)
            .for_each(|ids| ids.retain(old));
        if !self.states.iter().all(old) {
            self.states.clear();
        }
        for held in [&mut self.inputs, &mut self.targets, &mut self.mixture] {
            *held = held.filter(old);
        }
        self.device_weights
            .retain(|resident| resident.all().all(|id| old(&id)));
        self.buffers.undo(made);
        self.groups.clear();
    }

    /// Frees the copies of weights that are no longer in use.
    fn forget_orphans(&mut self) {
        if self
            .device_weights
            .iter()
            .any(|resident| resident.revision.is_orphan())
        {
            self.groups.clear();
            let (buffers, device_weights) = (&mut self.buffers, &mut self.device_weights);
            device_weights.retain(|resident| {
                let orphan = resident.revision.is_orphan();
                if orphan {
                    resident.all().for_each(|id| buffers.free(id));
                }
                !orphan
            });
        }
    }

    /// Allocates a buffer for every slot of the program, for its states and for its minibatch.
    pub(super) fn provide(
        &mut self,
        program: &Program,
        batch: Minibatch<'_>,
    ) -> Result<(), DeviceError> {
        self.provide_states(&program.states)?;
        let Self {
            context,
            buffers,
            groups,
            slots,
            inputs,
            targets,
            mixture,
            ..
        } = self;
        provide(context, buffers, slots, &program.slots)?;
        for (place, len) in [
            (inputs, batch.inputs.len()),
            (targets, batch.targets.len()),
            (mixture, batch.mixture.len()),
        ] {
            let held = place.and_then(|id| buffers.get(id)).map_or(0, Buffer::size);
            if held < 4 * len as u64 {
                if let Some(id) = place.take() {
                    groups.clear();
                    buffers.free(id);
                }
                *place = Some(buffers.create(context, "minibatch", class_len(class_of(len)))?);
            }
        }
        Ok(())
    }

    /// Allocates a buffer of at least this length for every state. Must be called within error
    /// scopes.
    fn provide_states(&mut self, lens: &[u32]) -> Result<(), DeviceError> {
        let Self {
            context,
            buffers,
            groups,
            states,
            ..
        } = self;
        for (index, len) in lens.iter().enumerate() {
            let held = states
                .get(index)
                .and_then(|id| buffers.get(*id))
                .map_or(0, Buffer::size);
            if held < 4 * u64::from(*len) {
                let id = buffers.create(context, "state", class_len(class_of(*len as usize)))?;
                if let Some(old) = states.get_mut(index) {
                    groups.clear();
                    buffers.free(std::mem::replace(old, id));
                } else {
                    states.push(id);
                }
            }
        }
        Ok(())
    }

    /// Creates buffers of every size class one by one, so that the available memory is known when
    /// it runs out.
    fn make(&mut self, wanted: &[u32], for_scratch: bool) -> Result<(), DeviceError> {
        let Self {
            context,
            buffers,
            slots,
            scratch,
            ..
        } = self;
        let (places, label) = if for_scratch {
            (scratch, "scratch")
        } else {
            (slots, "value")
        };
        places.resize_with(places.len().max(wanted.len()), Vec::new);
        for (class, (ids, count)) in (0..).zip(places.iter_mut().zip(wanted)) {
            for _ in 0..*count {
                let made = buffers.made();
                match context.guard(|| buffers.create(context, label, slot_len(context, class))) {
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

    /// The error for a plan that needs more memory than the device has; `fixed` is the share that
    /// does not grow with the batch.
    fn does_not_fit(
        &self,
        plan: &MemoryPlan,
        what: &'static str,
        fixed: u64,
        needed: u64,
        had: u64,
    ) -> DeviceError {
        let share = had.saturating_sub(fixed) as f64 / (needed - fixed).max(1) as f64;
        let batch = (f64::from(plan.batch) * share) as u32;
        DeviceError::DoesNotFit {
            device: self.context.name.to_string(),
            what,
            needed,
            had,
            batch,
        }
    }

    /// Number of scratch buffers of every size class that the calls of `plan` need.
    fn scratch_of(&self, plan: &MemoryPlan) -> Vec<u32> {
        let mut counts: Vec<u32> = Vec::new();
        for call in &plan.calls {
            for (at, len) in (0..).zip(kernel::lower(call, self.traits).scratch) {
                let class = class_of(len) as usize;
                counts.resize(counts.len().max(class + 1), 0);
                // A scratch buffer's index within its class is its index in the call.
                counts[class] = counts[class].max(at + 1);
            }
        }
        counts
    }
}

/// Creates buffers until every size class has as many as `wanted`.
fn provide(
    context: &GpuContext,
    buffers: &mut Buffers,
    slots: &mut Vec<Vec<Id>>,
    wanted: &[u32],
) -> Result<(), DeviceError> {
    if slots.len() < wanted.len() {
        slots.resize_with(wanted.len(), Vec::new);
    }
    for (class, (ids, wanted)) in (0..).zip(slots.iter_mut().zip(wanted)) {
        while ids.len() < *wanted as usize {
            ids.push(buffers.create(context, "value", slot_len(context, class))?);
        }
    }
    Ok(())
}

/// Elements of a slot: the largest class may exceed the largest buffer of the device even if its
/// values do not.
fn slot_len(context: &GpuContext, class: u32) -> usize {
    class_len(class).min((Buffers::limit(context) / 4) as usize)
}
