//! Memory planning: a value's slot is free again after the last call that reads it.
//!
//! Slots come in size classes, four per doubling, so that the values of another child fit the pool
//! of this one: after a few steps a device allocates nothing more.

use std::collections::HashSet;

use supernet_shaders::Call;

use super::{Operand, Program, Tape};

/// A value's location in the pool: the `index`-th buffer of its size class. Before planning, the
/// value's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slot {
    /// The size class.
    pub class: u32,
    /// Index within the class.
    pub index: u32,
}

impl Slot {
    /// Elements of this buffer.
    pub fn capacity(self) -> usize {
        class_len(self.class)
    }

    pub(super) fn number(number: u32) -> Self {
        Self {
            class: u32::MAX,
            index: number,
        }
    }
}

/// The memory that any of several programs needs; they run one at a time and share the slots.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MemoryPlan {
    /// Slots of each size class.
    pub slots: Vec<u32>,
    /// Elements of every state that programs leave on the device.
    pub states: Vec<u32>,
    /// All distinct calls: a device may need scratch memory for them.
    pub calls: HashSet<Call>,
    /// Elements of the largest value.
    pub largest: u32,
    /// Length of the inputs of the largest minibatch.
    pub inputs: usize,
    /// Samples of the largest minibatch.
    pub batch: u32,
    /// Whether passes read weights that are moved from the shared ones: a copy of these and of their
    /// gradient exists beside them.
    pub moved: bool,
}

impl MemoryPlan {
    /// Extends the plan to `program`.
    pub fn add(&mut self, program: &Program) {
        if self.slots.len() < program.slots.len() {
            self.slots.resize(program.slots.len(), 0);
        }
        self.slots
            .iter_mut()
            .zip(&program.slots)
            .for_each(|(have, want)| *have = (*have).max(*want));
        if self.states.len() < program.states.len() {
            self.states.resize(program.states.len(), 0);
        }
        self.states
            .iter_mut()
            .zip(&program.states)
            .for_each(|(have, want)| *have = (*have).max(*want));
        self.calls
            .extend(program.calls.iter().map(|bound| bound.call));
        let operands = program.calls.iter().flat_map(|bound| bound.operands.iter());
        let ends = operands.map(|operand| {
            if let Operand::Value { start, len, .. } = operand {
                start + len
            } else {
                0
            }
        });
        self.largest = ends.fold(self.largest, u32::max);
        self.inputs = self.inputs.max(program.inputs);
        self.batch = self.batch.max(program.batch);
    }

    /// Size of all slots, states and of a minibatch in bytes, without weights.
    pub fn bytes(&self) -> u64 {
        let slots = (0..)
            .zip(&self.slots)
            .map(|(class, count)| u64::from(*count) * class_len(class) as u64);
        let states = self.states.iter().copied().map(u64::from);
        4 * (slots.sum::<u64>() + states.sum::<u64>() + self.inputs as u64 + u64::from(self.batch))
    }
}

/// The smallest class that holds `len` elements.
pub fn class_of(len: usize) -> u32 {
    let len = len.max(64);
    let doubling = len.ilog2();
    let quarter = (1_usize << doubling) / 4;
    let over = (len - (1 << doubling)).div_ceil(quarter) as u32;
    4 * (doubling - 6) + over
}

/// Elements of every buffer of `class`.
pub fn class_len(class: u32) -> usize {
    let base = 1_usize << (class / 4 + 6);
    base + base / 4 * (class % 4) as usize
}

/// Assigns a slot to every value of the tape; returns the number of slots of each class.
pub(super) fn place(tape: &mut Tape) -> Vec<u32> {
    let mut last_use = vec![0; tape.values.len()];
    for (at, bound) in tape.calls.iter().enumerate() {
        for operand in bound.operands.iter() {
            if let Operand::Value { slot, .. } = operand {
                last_use[slot.index as usize] = at;
            }
        }
    }
    // The results are read after the last call.
    for result in &tape.outputs {
        if let Operand::Value { slot, .. } = result {
            last_use[slot.index as usize] = usize::MAX;
        }
    }
    let mut places: Vec<Option<Slot>> = vec![None; tape.values.len()];
    let mut free: Vec<Vec<u32>> = Vec::new();
    let mut slots: Vec<u32> = Vec::new();
    for (at, bound) in tape.calls.iter_mut().enumerate() {
        let numbers = bound.operands;
        for (operand, number) in bound.operands.iter_mut().zip(numbers.iter()) {
            if let (Operand::Value { slot, .. }, Operand::Value { slot: value, .. }) =
                (operand, number)
            {
                let place = places[value.index as usize].get_or_insert_with(|| {
                    let class = class_of(tape.values[value.index as usize] as usize);
                    if slots.len() <= class as usize {
                        slots.resize(class as usize + 1, 0);
                        free.resize(class as usize + 1, Vec::new());
                    }
                    let index = free[class as usize].pop().unwrap_or_else(|| {
                        slots[class as usize] += 1;
                        slots[class as usize] - 1
                    });
                    Slot { class, index }
                });
                *slot = *place;
            }
        }
        for (position, number) in numbers.iter().enumerate() {
            if let Operand::Value { slot: value, .. } = number {
                let same = |other: &Operand| other.number() == number.number();
                let first_mention = !numbers[..position].iter().any(same);
                let over = last_use[value.index as usize] == at && first_mention;
                if let (Some(place), true) = (places[value.index as usize], over) {
                    free[place.class as usize].push(place.index);
                }
            }
        }
    }
    for result in &mut tape.outputs {
        if let Operand::Value { slot, .. } = result
            && let Some(place) = places[slot.index as usize]
        {
            *slot = place;
        }
    }
    slots
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_hold_their_lengths_and_waste_a_quarter_at_most() {
        for len in 1..100_000 {
            let held = class_len(class_of(len));
            assert!(
                held >= len && (len < 64 || held * 4 <= len * 5 + 4),
                "{len} {held}"
            );
            assert!(
                class_of(len) == 0 || class_len(class_of(len) - 1) < len,
                "{len}"
            );
        }
    }
}
