use std::collections::BTreeMap;

use supernet_shaders::catalogue::MOST_INPUTS;
use supernet_shaders::{Access, Call, Role};

use super::custom::CustomNode;
use super::operand::{Bound, Operand, Operands};
use super::optimizer::Hidden;
use super::scan::{self, Frame};
use super::{MixtureLayout, Program, Slot, memory};
use crate::weights::Layout;

/// A program under construction: values are numbered, not yet placed in memory.
#[derive(Debug)]
pub(super) struct Tape {
    pub(super) calls: Vec<Bound>,
    /// Elements of every value so far.
    pub(super) values: Vec<u32>,
    pub(super) batch: u32,
    pub(super) inputs: usize,
    pub(super) targets: usize,
    pub(super) outputs: Vec<Operand>,
    /// The losses of auxiliary outputs.
    pub(super) auxiliary: Vec<Operand>,
    /// Nodes with custom ops, by the first value that their calls write.
    pub(super) custom: BTreeMap<u32, CustomNode>,
    /// The current step of the scan being lowered.
    pub(super) frame: Option<Frame>,
    /// Gradients that forward calls have already computed, as (value, gradient) pairs.
    pub(super) given: Vec<(Operand, Operand)>,
    /// Whether the gradient of the loss is among them.
    pub(super) differentiated: bool,
    pub(super) states: Vec<u32>,
    /// The values under penalties, in training.
    pub(super) hidden: Option<Hidden>,
    /// Where the weights of mixtures are.
    pub(super) mixture: MixtureLayout,
}

impl Tape {
    /// An empty program for `batch` samples, with the given lengths of inputs and targets.
    pub(super) fn new(batch: u32, inputs: usize, targets: usize) -> Self {
        Self {
            calls: Vec::new(),
            values: Vec::new(),
            batch,
            inputs,
            targets,
            outputs: Vec::new(),
            auxiliary: Vec::new(),
            custom: BTreeMap::new(),
            frame: None,
            given: Vec::new(),
            differentiated: false,
            states: Vec::new(),
            hidden: None,
            mixture: MixtureLayout::default(),
        }
    }

    /// Allocates a value. Within a scan it is adjacent to the values of the other steps, if each of
    /// them can be bound separately.
    pub(super) fn value(&mut self, len: usize) -> Operand {
        match self.frame.as_mut() {
            Some(frame) if (len as u32).is_multiple_of(scan::ALIGNED) => {
                frame.value(&mut self.values, len as u32)
            }
            _ => self.plain(len),
        }
    }

    /// Allocates a value outside any scan.
    pub(super) fn plain(&mut self, len: usize) -> Operand {
        self.values.push(len as u32);
        Operand::Value {
            slot: Slot::number(self.values.len() as u32 - 1),
            start: 0,
            len: len as u32,
        }
    }

    /// Appends a call with its operands in the order of its roles.
    pub(super) fn call(&mut self, call: Call, operands: &[Operand]) {
        let roles = call.roles();
        debug_assert!(fits(&roles, operands), "{call:?} does not fit {operands:?}");
        let reads = roles
            .iter()
            .filter(|role| role.access == Access::Read)
            .count();
        let mut operands = Operands::new(operands);
        for at in 0..reads {
            // No device can read and write the same buffer in one call, not even different parts of
            // it.
            let same = |written: &Operand| {
                written.number().is_some() && written.number() == operands[at].number()
            };
            if operands[reads..].iter().any(same) {
                operands[at] = self.copy(operands[at]);
            }
        }
        self.calls.push(Bound {
            call,
            operands,
            reads: reads as u8,
        });
    }

    /// Copies a value to a new one.
    pub(super) fn copy(&mut self, value: Operand) -> Operand {
        let len = value.len();
        let copy = self.plain(len as usize);
        self.call(
            Call::Sum {
                len,
                inputs: 1,
                scale: 1.0,
            },
            &[value, copy],
        );
        copy
    }

    /// Σ parts, written to `home`; nothing if it is already there.
    pub(super) fn sum_into(&mut self, parts: &[Operand], home: Operand) {
        if parts == [home] {
            return;
        }
        let len = home.len();
        let first = parts
            .len()
            .saturating_sub(MOST_INPUTS - 1)
            .min(parts.len() - 1);
        let mut operands = parts[first..].to_vec();
        if first > 0 {
            operands.insert(0, self.sum(&parts[..first], len, 1.0));
        }
        let inputs = operands.len() as u32;
        operands.push(home);
        self.call(
            Call::Sum {
                len,
                inputs,
                scale: 1.0,
            },
            &operands,
        );
    }

    /// Appends a call with one result and returns the result.
    pub(super) fn compute(&mut self, call: Call, reads: &[Operand], len: usize) -> Operand {
        let result = self.value(len);
        let mut operands = [result; 8];
        operands[..reads.len()].copy_from_slice(reads);
        self.call(call, &operands[..=reads.len()]);
        result
    }

    /// scale·Σ parts, all of `len` elements, in calls with as many inputs as one call takes. A
    /// single unscaled part is returned as it is.
    pub(super) fn sum(&mut self, parts: &[Operand], len: u32, scale: f32) -> Operand {
        let mut parts = parts.to_vec();
        loop {
            if let ([part], true) = (parts.as_slice(), scale == 1.0) {
                return *part;
            }
            let some: Vec<_> = parts.drain(..parts.len().min(MOST_INPUTS)).collect();
            let last = parts.is_empty();
            let call = Call::Sum {
                len,
                inputs: some.len() as u32,
                scale: if last { scale } else { 1.0 },
            };
            let sum = self.compute(call, &some, len as usize);
            if last {
                return sum;
            }
            parts.insert(0, sum);
        }
    }

    /// Concatenates parts along the channels; each part comes with its number of channels.
    pub(super) fn concat(&mut self, parts: &[(Operand, u32)], rows: u32) -> Operand {
        let mut parts = parts.to_vec();
        loop {
            if let [(part, _)] = *parts {
                return part;
            }
            let some: Vec<_> = parts.drain(..parts.len().min(MOST_INPUTS)).collect();
            let mut widths = [0; MOST_INPUTS];
            widths
                .iter_mut()
                .zip(&some)
                .for_each(|(width, (_, channels))| *width = *channels);
            let reads: Vec<_> = some.iter().map(|(operand, _)| *operand).collect();
            let channels: u32 = widths.iter().sum();
            let whole = self.compute(
                Call::Concat { rows, widths },
                &reads,
                rows as usize * channels as usize,
            );
            parts.insert(0, (whole, channels));
        }
    }

    /// Enables label smoothing in the loss. A gradient that is derived afterwards is that of the
    /// smoothed loss.
    pub(super) fn smooth(&mut self, share: f32) {
        for bound in &mut self.calls {
            if let Call::CrossEntropy { smoothing, .. } | Call::CrossEntropyGrad { smoothing, .. } =
                &mut bound.call
            {
                *smoothing = share;
            }
        }
    }

    /// The blocks of every parameter whose gradient the tape computes: those that an update may
    /// change.
    pub(super) fn touched(&self, layout: &Layout) -> Vec<Vec<u32>> {
        let operands = self.calls.iter().flat_map(|bound| bound.writes());
        layout.blocks_of(operands.filter_map(|operand| match operand {
            Operand::Gradient(parameter) => Some(*parameter),
            _ => None,
        }))
    }

    pub(super) fn finish(mut self, touched: Vec<Vec<u32>>) -> Program {
        let slots = memory::place(&mut self);
        let Self {
            calls,
            batch,
            inputs,
            targets,
            outputs,
            states,
            mixture,
            ..
        } = self;
        Program {
            calls,
            slots,
            batch,
            inputs,
            targets,
            outputs,
            states,
            touched,
            shares: Vec::new(),
            mixture,
        }
    }
}

fn fits(roles: &[Role], operands: &[Operand]) -> bool {
    let long_enough = |(role, operand): (&Role, &Operand)| match operand {
        Operand::Value { len, .. } => *len as usize == role.len,
        _ => true,
    };
    roles.len() == operands.len() && roles.iter().zip(operands).all(long_enough)
}
