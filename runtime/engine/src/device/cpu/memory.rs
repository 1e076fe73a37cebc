//! The buffers of the CPU device, and how calls borrow them.

use std::ops::Range;

use supernet_shaders::cpu::{self, Workspace};
use supernet_shaders::{Call, Step};

use crate::device::{Minibatch, Samples};
use crate::program::{Bound, Operand, Program, Slot};
use crate::weights::Weights;

/// Buffers that outlive a program, so that the next one can reuse them.
#[derive(Default)]
pub(super) struct Memory {
    /// Buffers of every size class.
    pub(super) pool: Vec<Vec<Vec<f32>>>,
    pub(super) workspace: Workspace,
    /// States that scoring programs leave for the next window.
    pub(super) states: Vec<Vec<f32>>,
    /// Outputs of a kernel of a custom op.
    pub(super) written: Vec<Vec<f32>>,
}

/// The buffers that one call writes, taken out of the memory while it runs so that it can read all
/// others. Two operands may share one buffer: gradients of two parameters in the same page.
pub(super) type Borrowed = [Vec<f32>; 3];

/// The operands that a call reads.
pub(super) fn reads<'a>(
    pool: &'a [Vec<Vec<f32>>],
    states: &'a [Vec<f32>],
    bound: &Bound,
    program: &'a Program,
    weights: &'a Weights,
    batch: Minibatch<'a>,
) -> [&'a [f32]; 8] {
    let mut reads: [&[f32]; 8] = [&[]; 8];
    for (read, operand) in reads.iter_mut().zip(bound.reads()) {
        *read = match *operand {
            Operand::Value { slot, start, len } => {
                &pool[slot.class as usize][slot.index as usize][start as usize..][..len as usize]
            }
            Operand::Input => batch.inputs.floats(),
            Operand::Targets { start, len } => {
                bytemuck::cast_slice(&batch.targets[start as usize..][..len as usize])
            }
            Operand::Mixture { start, len } => &batch.mixture[start as usize..][..len as usize],
            Operand::State { index, len } => &states[index as usize][..len as usize],
            Operand::Weight(parameter) => weights.parameter(parameter),
            Operand::Gradient(parameter) => weights.gradient(parameter),
            Operand::WeightPage(page) => &weights.pages().values[page as usize],
            Operand::GradientPage(page) => &weights.pages().gradients[page as usize],
            Operand::StatePage { moment, page } => {
                &weights.pages().state[moment as usize][page as usize]
            }
            Operand::Touched(page) => bytemuck::cast_slice(&program.touched[page as usize]),
            Operand::Shares(page) => &program.shares[page as usize],
            Operand::Decayed(page) => {
                bytemuck::cast_slice(&weights.layout().decayed()[page as usize])
            }
        };
    }
    reads
}

/// The range of a written operand in its buffer.
pub(super) fn range(weights: &Weights, operand: Operand) -> Range<usize> {
    match operand {
        Operand::Value { start, len, .. } => start as usize..(start + len) as usize,
        Operand::State { len, .. } => 0..len as usize,
        Operand::Gradient(parameter) | Operand::Weight(parameter) => {
            let place = weights.layout().place(parameter);
            place.offset as usize..(place.offset + place.len) as usize
        }
        Operand::WeightPage(page) | Operand::StatePage { page, .. } => {
            0..weights.layout().pages()[page as usize] as usize
        }
        _ => 0..0,
    }
}

impl Memory {
    /// Prepares a run of the program: allocates a buffer for every slot.
    pub(super) fn provide(&mut self, program: &Program) {
        self.workspace.begin();
        self.provide_states(program);
        if self.pool.len() < program.slots.len() {
            self.pool.resize_with(program.slots.len(), Vec::new);
        }
        for (class, (buffers, wanted)) in self.pool.iter_mut().zip(&program.slots).enumerate() {
            while buffers.len() < *wanted as usize {
                buffers.push(vec![
                    0.0;
                    Slot {
                        class: class as u32,
                        index: 0
                    }
                    .capacity()
                ]);
            }
        }
    }

    /// Allocates a buffer for every state that the program leaves. A new one is not read before it
    /// is written.
    fn provide_states(&mut self, program: &Program) {
        self.states
            .resize_with(self.states.len().max(program.states.len()), Vec::new);
        for (state, len) in self.states.iter_mut().zip(&program.states) {
            state.resize(state.len().max(*len as usize), 0.0);
        }
    }

    pub(super) fn train(
        &mut self,
        bound: &Bound,
        program: &Program,
        weights: &mut Weights,
        batch: Minibatch<'_>,
        step: &Step,
    ) {
        let mut borrowed = self.take(bound, Some(weights));
        self.run(bound, program, weights, batch, step, &mut borrowed);
        self.put_back(bound, Some(weights), borrowed);
    }

    /// The buffer of a written operand.
    pub(super) fn home<'a>(
        &'a mut self,
        operand: Operand,
        weights: Option<&'a mut Weights>,
    ) -> Option<&'a mut Vec<f32>> {
        match (operand, weights) {
            (Operand::Value { slot, .. }, _) => {
                Some(&mut self.pool[slot.class as usize][slot.index as usize])
            }
            (Operand::Gradient(parameter), Some(weights)) => {
                let page = weights.layout().place(parameter).page;
                Some(&mut weights.pages_mut().gradients[page as usize])
            }
            (Operand::Weight(parameter), Some(weights)) => {
                let page = weights.layout().place(parameter).page;
                Some(&mut weights.pages_mut().values[page as usize])
            }
            (Operand::State { index, .. }, _) => Some(&mut self.states[index as usize]),
            (Operand::WeightPage(page), Some(weights)) => {
                Some(&mut weights.pages_mut().values[page as usize])
            }
            (Operand::StatePage { moment, page }, Some(weights)) => {
                Some(&mut weights.pages_mut().state[moment as usize][page as usize])
            }
            _ => None,
        }
    }

    pub(super) fn take(&mut self, bound: &Bound, mut weights: Option<&mut Weights>) -> Borrowed {
        let mut borrowed = Borrowed::default();
        for (place, operand) in borrowed.iter_mut().zip(bound.writes()) {
            if let Some(home) = self.home(*operand, weights.as_deref_mut()) {
                *place = std::mem::take(home);
            }
        }
        borrowed
    }

    pub(super) fn put_back(
        &mut self,
        bound: &Bound,
        mut weights: Option<&mut Weights>,
        borrowed: Borrowed,
    ) {
        for (buffer, operand) in borrowed.into_iter().zip(bound.writes()) {
            // An empty buffer belongs to a second operand that shares the buffer of an earlier one.
            if let (Some(home), false) = (
                self.home(*operand, weights.as_deref_mut()),
                buffer.is_empty(),
            ) {
                *home = buffer;
            }
        }
    }

    pub(super) fn run(
        &mut self,
        bound: &Bound,
        program: &Program,
        weights: &Weights,
        batch: Minibatch<'_>,
        step: &Step,
        borrowed: &mut Borrowed,
    ) {
        let reads = reads(&self.pool, &self.states, bound, program, weights, batch);
        let range = |operand| range(weights, operand);
        let count = bound.writes().len();
        let mut writes: [&mut [f32]; 3] = [&mut [], &mut [], &mut []];
        let [first, second, third] = borrowed;
        match *bound.writes() {
            // Two gradients in one page: the first operand holds the buffer for both.
            [a, b] if second.is_empty() => {
                if let Ok([a, b]) = first.get_disjoint_mut([range(a), range(b)]) {
                    writes = [a, b, &mut []];
                }
            }
            ref operands => {
                for ((write, buffer), operand) in
                    writes.iter_mut().zip([first, second, third]).zip(operands)
                {
                    *write = &mut buffer[range(*operand)];
                }
            }
        }
        if let (Call::Linear(_) | Call::LinearGradInput(_), [_, Operand::Weight(weight)]) =
            (&bound.call, bound.reads())
        {
            self.workspace.multiply_by(*weight);
        }
        cpu::run(
            &bound.call,
            step,
            &mut self.workspace,
            &reads[..bound.reads().len()],
            &mut writes[..count],
        );
    }

    pub(super) fn read(&self, program: &Program, samples: &mut Samples) {
        let Samples {
            loss,
            correct,
            mixture,
        } = samples;
        let mut parts = [loss, correct, mixture];
        parts.iter_mut().for_each(|part| part.clear());
        for (output, numbers) in program.outputs.iter().zip(parts) {
            numbers.extend_from_slice(self.value(*output));
        }
    }

    pub(super) fn value(&self, operand: Operand) -> &[f32] {
        match operand {
            Operand::Value { slot, start, len } => {
                &self.pool[slot.class as usize][slot.index as usize][start as usize..]
                    [..len as usize]
            }
            _ => &[],
        }
    }
}
