//! Recurrence: lowers a scan's body for every step of the window.
//!
//! While a body is lowered for training, each of its values is adjacent to those of the other
//! steps, time first. A reader of all steps then reads one value, and the backward sweep can
//! multiply all steps of a weight's input with all steps of its output's gradient at once.

use supernet_plugin::Op;
use supernet_shaders::Call;

use super::lower::Lower;
use super::{Input, Operand, ProgramError, Purpose, Slot, Start, highway};

/// Alignment of steps and other separately bound parts, in elements: the binding offset that every
/// GPU supports.
pub(super) const ALIGNED: u32 = 64;

/// A step of a scan whose steps are adjacent in memory.
#[derive(Debug)]
pub(super) struct Frame {
    steps: u32,
    at: u32,
    /// The body's values in the order in which each step creates them.
    stacks: Vec<u32>,
    next: usize,
}

impl Frame {
    /// Index of the step.
    pub(super) fn at(&self) -> u32 {
        self.at
    }

    /// Number of steps.
    pub(super) fn steps(&self) -> u32 {
        self.steps
    }

    /// The next value of this step. Each step creates the same values in the same order, so it uses
    /// the ones that the first step allocated.
    pub(super) fn value(&mut self, values: &mut Vec<u32>, len: u32) -> Operand {
        if self.next == self.stacks.len() {
            self.stacks.push(values.len() as u32);
            values.push(self.steps * len);
        }
        let number = self.stacks[self.next];
        self.next += 1;
        debug_assert_eq!(values[number as usize], self.steps * len, "steps differ");
        Operand::Value {
            slot: Slot::number(number),
            start: self.at * len,
            len,
        }
    }
}

impl<'a> Lower<'a> {
    /// Lowers the scan at node `i`: its body once per step.
    pub(super) fn scan(&mut self, i: usize) -> Result<Operand, ProgramError> {
        let child = self.child;
        let (
            Op::Scan {
                steps: bound,
                carry,
                ..
            },
            Some(body),
        ) = (&child.op_node(i).op, child.body(i))
        else {
            return Err(self.no_kernel(i, "scan"));
        };
        let (steps, inputs) = (child.shape(i)[0], self.operands(i));
        self.check_steps(i, steps)?;
        if inputs[..bound.len()].contains(&Operand::Input) {
            return Err(self.no_kernel(i, "scan over data that no node has looked up"));
        }
        let mut states = Vec::with_capacity(carry.len());
        let first = self.carried;
        for (k, carry) in carry.iter().enumerate() {
            let at = bound.len() + k;
            let numbers: u32 = body.shape(at).iter().product();
            states.push(self.initial(numbers * self.batch(), carry.persist)?);
        }
        let highways = std::mem::replace(&mut self.highways, highway::find(body));
        let outer = std::mem::take(&mut self.values);
        self.child = body;
        self.scans.push(i as u32);
        let together = self.trains().then(|| Frame {
            steps,
            at: 0,
            stacks: Vec::new(),
            next: 0,
        });
        self.tape.frame = together;
        let mut yields = Vec::with_capacity(steps as usize);
        for step in 0..steps {
            if let Some(frame) = &mut self.tape.frame {
                (frame.at, frame.next) = (step, 0);
            }
            self.values.clear();
            for (k, input) in inputs[..bound.len()].iter().enumerate() {
                let len = self.len(k) as u32;
                self.values.push(Some(input.part(step * len, len)));
            }
            let given = states.iter().chain(&inputs[bound.len()..]);
            self.values.extend(given.copied().map(Some));
            for position in body.given()..body.len() {
                let value = self.value_of(position)?;
                self.values.push(value);
            }
            let outputs: Vec<Operand> = body.outputs().iter().map(|at| self.value(*at)).collect();
            yields.push(outputs[0]);
            states.copy_from_slice(&outputs[1..]);
        }
        self.tape.frame = None;
        self.scans.pop();
        (self.child, self.values, self.highways) = (child, outer, highways);
        let kept = carry
            .iter()
            .zip(&states)
            .filter(|(carry, _)| carry.persist)
            .map(|(_, state)| *state);
        for (index, state) in (first..).zip(kept.collect::<Vec<_>>()) {
            self.keep(index, state);
        }
        Ok(self.stacked(&yields))
    }

    /// Checks that each step can be bound separately, and that the elements of all steps fit 32
    /// bits.
    fn check_steps(&self, i: usize, steps: u32) -> Result<(), ProgramError> {
        let Some(body) = self.child.body(i) else {
            return Ok(());
        };
        let batch = self.batch();
        for position in 0..body.len() {
            let name = || {
                (
                    body.op_node(position).id.clone(),
                    self.context.supergraph.space().name.clone(),
                )
            };
            let numbers: u64 = body.shape(position).iter().map(|n| u64::from(*n)).product();
            let elements = u128::from(numbers) * u128::from(batch) * u128::from(steps);
            if elements > u128::from(u32::MAX) {
                let (node, space) = name();
                return Err(ProgramError::TooLarge {
                    node,
                    space,
                    elements,
                    batch,
                });
            }
            let numbers = numbers as u32;
            if steps > 1 && !(numbers * batch).is_multiple_of(ALIGNED) {
                let (node, space) = name();
                let multiple = ALIGNED >> numbers.trailing_zeros().min(ALIGNED.ilog2());
                return Err(ProgramError::Unaligned {
                    node,
                    space,
                    numbers,
                    batch,
                    multiple,
                });
            }
        }
        Ok(())
    }

    /// The initial value of a state with `len` elements.
    fn initial(&mut self, len: u32, persist: bool) -> Result<Operand, ProgramError> {
        let Input::Tokens(start) = self.context.input else {
            return Ok(self.zeros(len));
        };
        if !persist {
            return Ok(self.zeros(len));
        }
        let index = self.carried;
        self.carried += 1;
        if start != Start::Next {
            return Ok(self.zeros(len));
        }
        let home = self.home(index, len);
        let copy = self.tape.plain(len as usize);
        self.tape.call(
            Call::Sum {
                len,
                inputs: 1,
                scale: 1.0,
            },
            &[home, copy],
        );
        Ok(copy)
    }

    fn zeros(&mut self, len: u32) -> Operand {
        self.tape
            .compute(Call::Fill { len, value: 0.0 }, &[], len as usize)
    }

    /// The operand that holds a state until the next window. In training it is a weight in the
    /// layout after the parameters, which no update touches, so it is saved and moved along with
    /// the weights. In scoring, weights are read-only, and the state stays on the device.
    fn home(&self, index: u32, len: u32) -> Operand {
        match self.purpose {
            Purpose::Train { .. } => {
                Operand::Weight(self.context.supergraph.param_count() as u32 + index)
            }
            _ => Operand::State { index, len },
        }
    }

    /// Stores a state for the next window.
    fn keep(&mut self, index: u32, state: Operand) {
        if !matches!(
            self.context.input,
            Input::Tokens(Start::First | Start::Next)
        ) {
            return;
        }
        let len = state.len();
        let home = self.home(index, len);
        if let Operand::State { .. } = home {
            self.tape.states.push(len);
        }
        self.tape.call(
            Call::Sum {
                len,
                inputs: 1,
                scale: 1.0,
            },
            &[state, home],
        );
    }

    /// All steps as one value: the one that they are adjacent parts of, otherwise a copy.
    fn stacked(&mut self, steps: &[Operand]) -> Operand {
        let len = steps[0].len();
        let all = len * steps.len() as u32;
        if let Operand::Value { slot, start: 0, .. } = steps[0]
            && self.tape.values[slot.index as usize] == all
            && (0..)
                .zip(steps)
                .all(|(t, step)| *step == steps[0].part(t * len, len))
        {
            return Operand::Value {
                slot,
                start: 0,
                len: all,
            };
        }
        let whole = self.tape.plain(all as usize);
        for (t, step) in (0..).zip(steps) {
            self.tape.sum_into(&[*step], whole.part(t * len, len));
        }
        whole
    }
}
