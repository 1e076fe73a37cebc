//! A run: uploads, one pass with all dispatches, results on their way back.

use std::time::Instant;

use supernet_shaders::kernel::{Place, step_words};
use supernet_shaders::{Call, Step};
use wgpu::{CommandEncoderDescriptor, ComputePass, ComputePassDescriptor};

use super::buffers::{self, Id, Span};
use super::groups::Uniforms;
use super::pages::Resident;
use super::{DEPTH, Device, DeviceError, Gpu, Kind, Minibatch, link};
use crate::program::{Bound, Operand, Program, class_len, class_of};
use crate::weights::{Layout, Mark, Weights};

impl Gpu {
    /// Uploads what changes with every run.
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
            self.buffers.write(&self.link, id, numbers);
            self.counts.uploaded += 4 * numbers.len() as u64;
        };
        for (id, numbers) in [
            (self.images, bytemuck::cast_slice(batch.images)),
            (self.labels, batch.labels),
        ] {
            if let Some(id) = id {
                write(id, numbers);
            }
        }
        for (id, bits) in self.residents[resident]
            .touched
            .iter()
            .zip(&program.touched)
        {
            write(*id, bits);
        }
        let words = step_words(step, betas.unwrap_or([0.0; 2]));
        self.link
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
        self.link.alive()?;
        if self.ring.len() >= DEPTH {
            return Err(DeviceError::TooManyUnderWay {
                device: self.name(),
                depth: DEPTH,
            });
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
            // Part of an update may have gone through: what is on the device is nobody's weights any more.
            let updated =
                |resident: &&mut Resident| program.updates() && resident.mark == *weights.mark();
            self.residents
                .iter_mut()
                .find(updated)
                .into_iter()
                .for_each(|resident| resident.mark = Mark::of_nothing());
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
        let most = work_at_once(self.link.facts.kind);
        let mut calls = program.calls.iter();
        let mut encoder = loop {
            let mut encoder = self
                .link
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
            self.link.queue.submit([encoder.finish()]);
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
        self.ring.ask(&self.link, &mut encoder, &parts);
        let submission = self.link.queue.submit([encoder.finish()]);
        self.counts.submits += 1;
        self.ring.submitted(submission);
        Ok(())
    }

    /// Records the dispatches of one call; returns about how many multiply-adds they cost.
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

    /// Records the dispatches of one call whose operands lie in `operands`.
    pub(super) fn dispatch(
        &mut self,
        pass: &mut ComputePass<'_>,
        call: &Call,
        operands: &[Option<Span>; 8],
    ) -> Result<u64, DeviceError> {
        let Self {
            link,
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
            let uniforms = Uniforms {
                table: prepared.table,
                sizes: calls.table(prepared.table),
                step,
            };
            let group = groups.get(
                link,
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

    /// Where an operand lies.
    fn span(
        &self,
        operand: Operand,
        layout: &Layout,
        resident: usize,
    ) -> Result<Span, DeviceError> {
        let resident = &self.residents[resident];
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
                    let device = self.link.name.to_string();
                    return Err(DeviceError::TooLarge {
                        device,
                        bytes,
                        limit: span.size,
                    });
                }
                // All of what follows, so that a buffer is bound in as few ways as it can be.
                let offset = 4 * u64::from(start);
                Some(Span {
                    offset,
                    size: span.size - offset,
                    ..span
                })
            }
            Operand::Images => whole(self.images),
            Operand::Labels { start, .. } => whole(self.labels).map(|span| {
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
