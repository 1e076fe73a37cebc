use supernet_shaders::Call;

use super::Slot;

/// The operand of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operand {
    /// An intermediate value, or `len` of its elements. Identified by a number while the program is
    /// built, and by its slot in the pool afterwards.
    Value {
        /// Its number or slot.
        slot: Slot,
        /// The first element; a multiple of 64, the binding offset alignment that every GPU
        /// supports.
        start: u32,
        /// Number of elements.
        len: u32,
    },
    /// The inputs of the minibatch: pixels or tokens.
    Input,
    /// A range of the targets of the minibatch.
    Targets {
        /// The first one; a multiple of 64.
        start: u32,
        /// Number of targets.
        len: u32,
    },
    /// A state that a program leaves on the device for the next one: for the next window of the same
    /// streams, or the sums of gradients for the next pass of an update.
    State {
        /// Index of the state.
        index: u32,
        /// Number of elements.
        len: u32,
    },
    /// A range of the weights of mixtures, which come with the minibatch.
    Mixture {
        /// The first one; a multiple of 64.
        start: u32,
        /// Number of weights.
        len: u32,
    },
    /// A parameter.
    Weight(u32),
    /// A parameter's gradient.
    Gradient(u32),
    /// A page of weights.
    WeightPage(u32),
    /// A page of gradients.
    GradientPage(u32),
    /// A page of the optimiser state.
    StatePage {
        /// Index of the moment.
        moment: u32,
        /// Index of the page.
        page: u32,
    },
    /// The bitset of a page: the blocks that the path touches.
    Touched(u32),
    /// For every block of a page its share of the gradient in an update of several passes.
    Shares(u32),
    /// The bitset of a page: the blocks that decay.
    Decayed(u32),
}

impl Operand {
    /// The number of a value, while the program is built.
    pub(super) fn number(&self) -> Option<u32> {
        if let Operand::Value { slot, .. } = self {
            Some(slot.index)
        } else {
            None
        }
    }

    /// Elements of a value, of targets, of a state or of weights of mixtures; 0 for operands whose length only a layout
    /// knows.
    pub(super) fn len(&self) -> u32 {
        match *self {
            Operand::Value { len, .. }
            | Operand::Targets { len, .. }
            | Operand::Mixture { len, .. }
            | Operand::State { len, .. } => len,
            _ => 0,
        }
    }

    /// `len` elements of a value or of targets, from its element `start`.
    pub(super) fn part(self, from: u32, len: u32) -> Self {
        match self {
            Operand::Value { slot, start, .. } => Operand::Value {
                slot,
                start: start + from,
                len,
            },
            Operand::Targets { start, .. } => Operand::Targets {
                start: start + from,
                len,
            },
            other => other,
        }
    }
}

/// A call with its operands: those that it reads, then those that it writes.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    /// The call.
    pub call: Call,
    /// One operand per role of the call.
    pub operands: Operands,
    /// How many of them are only read.
    pub reads: u8,
}

/// The operands of one call, at most eight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Operands {
    items: [Operand; 8],
    len: u8,
}

impl Operands {
    pub(super) fn new(operands: &[Operand]) -> Self {
        let mut items = [Operand::Input; 8];
        items[..operands.len()].copy_from_slice(operands);
        Self {
            items,
            len: operands.len() as u8,
        }
    }
}

impl std::ops::Deref for Operands {
    type Target = [Operand];

    fn deref(&self) -> &[Operand] {
        &self.items[..self.len as usize]
    }
}

impl std::ops::DerefMut for Operands {
    fn deref_mut(&mut self) -> &mut [Operand] {
        &mut self.items[..self.len as usize]
    }
}

impl Bound {
    /// The operands that are only read.
    pub fn reads(&self) -> &[Operand] {
        &self.operands[..self.reads as usize]
    }

    /// The operands that are written or updated.
    pub fn writes(&self) -> &[Operand] {
        &self.operands[self.reads as usize..]
    }
}
