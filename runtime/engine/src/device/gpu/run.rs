//! A run: uploads, one pass with all dispatches, and readback of the results.

use std::time::Instant;

use supernet_shaders::kernel::{BufferRef, step_words};
use supernet_shaders::{Call, Step};
use wgpu::{CommandEncoderDescriptor, ComputePass, ComputePassDescriptor};

use super::bind_groups::Uniforms;
use super::buffers::{self, Id, Span};
use super::weights::DeviceWeights;
use super::{AdapterKind, DEPTH, Device, DeviceError, Gpu, Minibatch, context};
use crate::program::{Bound, Operand, Program, class_len, class_of};
use crate::weights::{Layout, Revision, Weights};

impl Gpu {
    /// Uploads the data that changes with every run.
    fn upload(&mut self, program: &Program, batch: Minibatch<'_>, step: &Step, resident: usize) {
        let betas = program
            .calls
            .iter()
            .rev()
            .find_map(|bound| match bound.call {
                Call::Adam { beta1, beta2, .. } => Some([beta1, beta2]),
                _ => None,
            });
        let mut write = |id: Id, numbers: &[u32]| {
            self.buffers.write(&self.context, id, numbers);
            self.counts.uploaded += 4 * numbers.len() as u64;
        };
        for (id, numbers) in [
            (self.inputs, batch.inputs.bits()),
            (self.targets, batch.targets),
            (self.mixture, bytemuck::cast_slice(batch.mixture)),
        ] {
            if let Some(id) = id {
                write(id, numbers);
            }
        }
        for (id, bits) in self.device_weights[resident]
            .touched
            .iter()
            .zip(&program.touched)
        {
            write(*id, bits);
        }
        for (id, shares) in self.device_weights[resident]
            .shares
            .iter()
            .zip(&program.shares)
        {
            write(*id, bytemuck::cast_slice(shares));
        }
        let words = step_words(step, betas.unwrap_or([0.0; 2]));
        self.context
            .queue
            .write_buffer(&self.step, 0, bytemuck::cast_slice(&words));
        self.counts.uploaded += 4 * words.len() as u64;
    }

    /// Encodes and submits a program.
    pub(super) fn run(
        &mut self,
        program: &Program,
        weights: &Weights,
        batch: Minibatch<'_>,
        step: &Step,
    ) -> Result<usize, DeviceError> {
        self.context.alive()?;
        if self.readbacks.len() >= DEPTH {
            return Err(DeviceError::TooManyUnderWay {
                device: self.name(),
                depth: DEPTH,
            });
        }
        batch.fits(program)?;
        let began = Instant::now();
        let (made, in_flight) = (self.buffers.made(), self.readbacks.len());
        let scopes = self.context.device.clone();
        let done = context::scoped(&scopes, || {
            let resident = self.resident(weights)?;
            self.provide(program, batch)?;
            self.upload(program, batch, step, resident);
            self.submit(program, weights.layout(), resident)?;
            Ok(resident)
        });
        let done = self.context.check_scopes(done);
        if done.is_err() {
            self.readbacks.truncate(in_flight);
            // Part of an update may have been executed: the copy on the device no longer matches
            // any weights.
            let updated = |resident: &&mut DeviceWeights| {
                program.updates() && resident.revision == *weights.revision()
            };
            self.device_weights
                .iter_mut()
                .find(updated)
                .into_iter()
                .for_each(|resident| resident.revision = Revision::of_nothing());
            self.undo(made);
        }
        self.counts.runs += 1;
        self.counts.encoding += began.elapsed();
        done
    }

    fn submit(
        &mut self,
        program: &Program,
        layout: &Layout,
        resident: usize,
    ) -> Result<(), DeviceError> {
        let most = work_at_once(self.context.info.kind);
        let mut calls = program.calls.iter();
        let mut encoder = loop {
            let mut encoder = self
                .context
                .device
                .create_command_encoder(&CommandEncoderDescriptor::default());
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
            self.context.queue.submit([encoder.finish()]);
            self.counts.submits += 1;
        };
        let parts = program.outputs.iter().filter_map(|operand| match *operand {
            Operand::Value { slot, len, .. } => Some((
                self.slots[slot.class as usize][slot.index as usize],
                len as usize,
            )),
            _ => None,
        });
        let parts: Vec<_> = parts
            .filter_map(|(id, len)| Some((self.buffers.get(id)?, len)))
            .collect();
        self.readbacks.ask(&self.context, &mut encoder, &parts);
        let submission = self.context.queue.submit([encoder.finish()]);
        self.counts.submits += 1;
        self.readbacks.submitted(submission);
        Ok(())
    }

    /// Records the dispatches of one call; returns their approximate cost in multiply-adds.
    fn record(
        &mut self,
        pass: &mut ComputePass<'_>,
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

    /// Records the dispatches of one call whose operands are in `operands`.
    pub(super) fn dispatch(
        &mut self,
        pass: &mut ComputePass<'_>,
        call: &Call,
        operands: &[Option<Span>; 8],
    ) -> Result<u64, DeviceError> {
        let Self {
            context,
            traits,
            buffers,
            pipelines,
            calls,
            groups,
            scratch,
            step,
            counts,
            ran,
            ..
        } = self;
        let number = calls.number(context, pipelines, *traits, call)?;
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
                scratch[class].push(buffers.create(context, "scratch", class_len(class as u32))?);
            }
            *piece = Some(buffers.whole(scratch[class][at]));
        }
        for ready in &prepared.runs {
            let pipeline = pipelines.get(ready.pipeline);
            let mut spans = [buffers::NOWHERE; 8];
            for (span, place) in spans.iter_mut().zip(&ready.places) {
                let found = match *place {
                    BufferRef::Operand(at) => operands[at],
                    BufferRef::Scratch(at) => pieces[at],
                };
                *span = found.unwrap_or(buffers::NOWHERE);
            }
            let uniforms = Uniforms {
                table: prepared.table,
                sizes: calls.table(prepared.table),
                step,
            };
            let group = groups.get(
                context,
                pipelines,
                buffers,
                pipeline,
                uniforms,
                &spans[..ready.places.len()],
            );
            pass.set_pipeline(&pipeline.pipeline);
            pass.set_bind_group(0, &group, &[prepared.offset]);
            let [x, y, z] = ready.groups;
            pass.dispatch_workgroups(x, y, z);
            counts.dispatches += 1;
        }
        Ok(prepared.work)
    }

    /// The location of an operand.
    fn span(
        &self,
        operand: Operand,
        layout: &Layout,
        resident: usize,
    ) -> Result<Span, DeviceError> {
        let resident = &self.device_weights[resident];
        let parameter = |pages: &[Id], parameter: u32| {
            let place = layout.place(parameter);
            let size = 4 * u64::from(place.len.next_multiple_of(64));
            Span {
                buffer: pages[place.page as usize],
                offset: 4 * u64::from(place.offset),
                size,
            }
        };
        let whole = |id: Option<Id>| id.map(|id| self.buffers.whole(id));
        let found = match operand {
            Operand::Value { slot, start, len } => {
                let span = self
                    .buffers
                    .whole(self.slots[slot.class as usize][slot.index as usize]);
                let bytes = 4 * (u64::from(start) + u64::from(len));
                if span.size < bytes {
                    let device = self.context.name.to_string();
                    return Err(DeviceError::TooLarge {
                        device,
                        bytes,
                        limit: span.size,
                    });
                }
                // All of the remaining buffer, so that it is bound in as few ways as possible.
                let offset = 4 * u64::from(start);
                Some(Span {
                    offset,
                    size: span.size - offset,
                    ..span
                })
            }
            Operand::Input => whole(self.inputs),
            Operand::Targets { start, .. } => whole(self.targets).map(|span| {
                let offset = 4 * u64::from(start);
                Span {
                    offset,
                    size: span.size - offset,
                    ..span
                }
            }),
            Operand::Mixture { start, .. } => whole(self.mixture).map(|span| {
                let offset = 4 * u64::from(start);
                Span {
                    offset,
                    size: span.size - offset,
                    ..span
                }
            }),
            Operand::State { index, .. } => whole(self.states.get(index as usize).copied()),
            Operand::Weight(index) => Some(parameter(&resident.values, index)),
            Operand::Gradient(index) => Some(parameter(&resident.gradients, index)),
            Operand::WeightPage(page) => whole(Some(resident.values[page as usize])),
            Operand::GradientPage(page) => whole(Some(resident.gradients[page as usize])),
            Operand::StatePage { moment, page } => {
                whole(Some(resident.state[moment as usize][page as usize]))
            }
            Operand::Touched(page) => whole(Some(resident.touched[page as usize])),
            Operand::Shares(page) => whole(Some(resident.shares[page as usize])),
            Operand::Decayed(page) => whole(Some(resident.decayed[page as usize])),
        };
        found.ok_or_else(|| self.context.gone("it has no minibatch"))
    }
}

/// The most multiply-adds in one submission: what a slow device of its kind does in 200 ms, since
/// operating systems reset a device that does not respond for long. Software adapters have no such
/// limit.
fn work_at_once(kind: AdapterKind) -> u64 {
    match kind {
        AdapterKind::Discrete => 40_000_000_000,
        AdapterKind::Integrated | AdapterKind::Virtual | AdapterKind::Other => 4_000_000_000,
        AdapterKind::Software => u64::MAX,
    }
}
