//! A child as a list of calls that any device can run.
//!
//! [`Program::training`] and [`Program::scoring`] take a child through four passes: lower its nodes to forward calls,
//! fuse, differentiate (a training program only), plan the memory. ENAS trains another child with every minibatch, so
//! this must cost far less than running the result. [`Program::calibrating`] and [`Program::inferring`] are for a child
//! that is finished: its batch normalisation is frozen.

#[cfg(test)]
mod check;
mod custom;
mod differentiate;
mod fuse;
mod head;
mod highway;
mod lower;
mod memory;
mod optimizer;
#[cfg(test)]
mod pytorch;
mod scan;

pub use custom::{CustomOps, OpError};
pub(crate) use custom::{Sizes, Variant, named};
pub use memory::{Plan, Slot, class_len, class_of};
use optimizer::Hidden;
pub use optimizer::{Method, Optimizer, Penalties};
pub(crate) use scan::states;

use std::collections::BTreeMap;

use supernet_plugin::{Child, Supergraph};
use supernet_shaders::catalogue::MOST_INPUTS;
use supernet_shaders::{Access, Call, Role};

use crate::weights::Layout;
use custom::CustomNode;
use scan::Frame;

/// What an operand of a call is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operand {
    /// An intermediate value, or `len` of its elements. A number while the program is built, a place in the pool afterwards.
    Value {
        /// Its number, or its place.
        slot: Slot,
        /// The first element; a multiple of 64, the offset that any GPU can bind at.
        start: u32,
        /// Elements.
        len: u32,
    },
    /// The minibatch's images, or the bits of its tokens.
    Images,
    /// Some of the minibatch's labels.
    Labels {
        /// The first one; a multiple of 64.
        start: u32,
        /// How many.
        len: u32,
    },
    /// What a scoring program leaves on the device for the next window of the same streams.
    State {
        /// Which state.
        index: u32,
        /// Elements.
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
    /// A page of the optimiser's memory.
    StatePage {
        /// Which moment.
        moment: u32,
        /// Which page.
        page: u32,
    },
    /// The bitset of a page: which blocks the path touches.
    Touched(u32),
    /// The bitset of a page: which blocks decay.
    Decayed(u32),
}

impl Operand {
    /// The number of a value, while the program is built.
    fn number(&self) -> Option<u32> {
        if let Operand::Value { slot, .. } = self { Some(slot.index) } else { None }
    }

    /// Elements of a value, of labels or of a state; 0 of what only a layout knows.
    fn len(&self) -> u32 {
        match *self {
            Operand::Value { len, .. } | Operand::Labels { len, .. } | Operand::State { len, .. } => len,
            _ => 0,
        }
    }

    /// `len` elements of a value or of labels, `from` its `start`-th one.
    fn part(self, from: u32, len: u32) -> Self {
        match self {
            Operand::Value { slot, start, .. } => Operand::Value { slot, start: start + from, len },
            Operand::Labels { start, .. } => Operand::Labels { start: start + from, len },
            other => other,
        }
    }
}

/// A call with its operands: those it reads, then those it writes.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    /// The call.
    pub call: Call,
    /// As many as the call has roles.
    pub operands: Operands,
    /// How many of them are only read.
    pub reads: u8,
}

/// The operands of one call, at most eight of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Operands {
    items: [Operand; 8],
    len: u8,
}

impl Operands {
    fn new(operands: &[Operand]) -> Self {
        let mut items = [Operand::Images; 8];
        items[..operands.len()].copy_from_slice(operands);
        Self { items, len: operands.len() as u8 }
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

/// A child's calls in order, with a plan for the memory between them.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// The calls; each may depend on all before it.
    pub calls: Vec<Bound>,
    /// How many slots of each size class the values take.
    pub slots: Vec<u32>,
    /// Samples in a minibatch.
    pub batch: u32,
    /// Numbers of all images, or tokens, of a minibatch.
    pub images: usize,
    /// Labels of a minibatch; none if the program reads none.
    pub labels: usize,
    /// The values that it is run for. Of training and scoring: cross-entropy of every sample, and 1 for every sample that
    /// is classified rightly, else 0, `[batch]` each.
    pub outputs: Vec<Operand>,
    /// Elements of every state that it leaves on the device.
    pub states: Vec<u32>,
    /// For every page the blocks of the weights that the program updates; empty if it only scores.
    pub touched: Vec<Vec<u32>>,
}

/// Why a child cannot run.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// An op without a kernel.
    #[error(
        "node `{node}` of `{space}` needs the op {op}, for which this version has no kernel yet; \
         `supernet spaces` counts such a space, `supernet search` needs one without it"
    )]
    NoKernel {
        /// The node.
        node: String,
        /// Its space.
        space: String,
        /// The op.
        op: String,
    },
    /// Not exactly one output of logits for the classes at hand.
    #[error(
        "`{space}` must have one output of logits, and in it and in auxiliary outputs one number per class; it has {found}"
    )]
    NoLogits {
        /// The space.
        space: String,
        /// What it has.
        found: String,
    },
    /// A value that no buffer can hold.
    #[error(
        "node `{node}` of `{space}` has {elements} numbers in a batch of {batch}; at most 4294967295 fit: lower \
         `train.batch` and `score.batch`, or make the space smaller"
    )]
    TooLarge {
        /// The node.
        node: String,
        /// Its space.
        space: String,
        /// Numbers of its value over the whole batch.
        elements: u128,
        /// Samples in the batch.
        batch: u32,
    },
    /// Steps that cannot lie side by side.
    #[error(
        "a step of `{node}` of `{space}` has {numbers} numbers of each of {batch} sequences; together they must be a multiple of 64, \
         so that a GPU can read each step by itself: make the batch (`train.batch`, `score.batch`) a multiple of {multiple}"
    )]
    Unaligned {
        /// The node.
        node: String,
        /// The space.
        space: String,
        /// Numbers of a step of one sequence.
        numbers: u32,
        /// Sequences in the batch.
        batch: u32,
        /// What the batch must be a multiple of.
        multiple: u32,
    },
    /// Text for a space that wants images, or the other way round.
    #[error("node `{node}` of `{space}` wants {wanted}, but the data are {given}")]
    WrongKind {
        /// The node.
        node: String,
        /// Its space.
        space: String,
        /// What it wants.
        wanted: &'static str,
        /// What the data set has.
        given: &'static str,
    },
    /// An input that is not the images.
    #[error("node `{node}` of `{space}` wants an input of shape {wanted:?}, but the images have {given:?}")]
    WrongInput {
        /// The node.
        node: String,
        /// Its space.
        space: String,
        /// What it wants.
        wanted: Vec<u32>,
        /// What the data set has.
        given: Vec<u32>,
    },
}

/// What a program is built for.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The space.
    pub supergraph: &'a Supergraph,
    /// The space's own ops.
    pub custom: &'a CustomOps,
    /// Where its weights lie.
    pub layout: &'a Layout,
    /// What a sample is.
    pub input: Input,
    /// Classes of the labels; of text, its vocabulary.
    pub classes: u32,
    /// Samples in a minibatch; of text, streams side by side.
    pub batch: u32,
}

/// What a sample is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// An image of that height and width with so many channels.
    Image([u32; 3]),
    /// A window of tokens, as long as [`Supergraph::time`] says, each with the one that follows it as its label. In memory
    /// time comes first: `[time, batch]`.
    Tokens(Start),
}

/// What the carried states of a window start with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Zero; what they end with is forgotten.
    Alone,
    /// Zero; the next window goes on from where they end.
    First,
    /// Where the window before it ended.
    Next,
}

impl Program {
    /// Loss, its gradient by every weight that the child reads, and the optimiser's update of these. Auxiliary outputs of
    /// the child have losses of their own, which enter the gradient with the optimiser's weight and no score.
    ///
    /// # Errors
    /// If a node has no kernel, or inputs and outputs do not fit images and classes.
    pub fn training(context: Context<'_>, child: &Child, optimizer: &Optimizer) -> Result<Self, ProgramError> {
        let mut tape = lower::forward(context, child, Purpose::Train { drop_path: optimizer.drop_path })?;
        tape.smooth(optimizer.smoothing);
        optimizer.penalties.append(&mut tape);
        fuse::all(&mut tape);
        differentiate::backward(&mut tape, optimizer.auxiliary);
        let touched = tape.touched(context.layout);
        optimizer.append(&mut tape, context.layout);
        Ok(tape.finish(touched))
    }

    /// Loss and accuracy of every sample, with the minibatch's own statistics in batch normalisation, without dropout.
    ///
    /// # Errors
    /// As [`Program::training`].
    pub fn scoring(context: Context<'_>, child: &Child) -> Result<Self, ProgramError> {
        let mut tape = lower::forward(context, child, Purpose::Score)?;
        fuse::all(&mut tape);
        Ok(tape.finish(Vec::new()))
    }

    /// What a minibatch shows to every batch normalisation of the child, in the order of its nodes: mean and 1/√(variance
    /// \+ eps) of each channel, `[2, channels]`. Each normalises with these itself, so that the next one sees what it would
    /// see in training. The outputs are empty if there is none.
    ///
    /// # Errors
    /// As [`Program::training`].
    pub fn calibrating(context: Context<'_>, child: &Child) -> Result<Self, ProgramError> {
        let mut tape = lower::forward(context, child, Purpose::Calibrate)?;
        fuse::all(&mut tape);
        // What comes after the last of them serves nothing.
        let last = tape.calls.iter().rposition(|bound| matches!(bound.call, Call::BatchNormStats { .. }));
        tape.calls.truncate(last.map_or(0, |last| last + 1));
        Ok(tape.finish(Vec::new()))
    }

    /// The logits of every sample, `[batch, classes]`, each sample for itself: the statistics of batch normalisation are
    /// constants. They stand in the layout after the space's parameters, those of the child's `k`-th batch normalisation
    /// at the number of parameters plus `k`.
    ///
    /// # Errors
    /// As [`Program::training`].
    pub fn inferring(context: Context<'_>, child: &Child) -> Result<Self, ProgramError> {
        let mut tape = lower::forward(context, child, Purpose::Infer)?;
        fuse::all(&mut tape);
        Ok(tape.finish(Vec::new()))
    }

    /// Whether it changes weights.
    pub fn updates(&self) -> bool {
        !self.touched.is_empty()
    }

    /// Whether every node of `network` has a kernel and fits: a child, or the network of all choices at once, of which a
    /// choice then stands for all (they have one shape).
    ///
    /// # Errors
    /// As [`Program::training`].
    pub(crate) fn rehearse(context: Context<'_>, network: &Child) -> Result<(), ProgramError> {
        lower::forward(context, network, Purpose::Train { drop_path: true }).map(drop)
    }
}

/// What a child is lowered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// Loss and accuracy, with dropout.
    Train {
        /// And with paths dropped.
        drop_path: bool,
    },
    /// Loss and accuracy, without.
    Score,
    /// The statistics of every batch normalisation.
    Calibrate,
    /// Logits, with frozen statistics.
    Infer,
}

/// A program while it grows: values are numbered, not placed.
#[derive(Debug)]
struct Tape {
    calls: Vec<Bound>,
    /// Elements of every value so far.
    values: Vec<u32>,
    batch: u32,
    images: usize,
    labels: usize,
    outputs: Vec<Operand>,
    /// The losses of auxiliary outputs.
    auxiliary: Vec<Operand>,
    /// Nodes with ops of the space's own, by the first value that their calls write.
    custom: BTreeMap<u32, CustomNode>,
    /// The scan that is under way.
    frame: Option<Frame>,
    /// Gradients that forward calls have computed already: of what, and the gradient.
    given: Vec<(Operand, Operand)>,
    states: Vec<u32>,
    /// What a language model's decoder and cell give, in training.
    hidden: Option<Hidden>,
}

impl Tape {
    /// A value of a scan's body lies beside those of its other steps, if each of them can be bound by itself.
    fn value(&mut self, len: usize) -> Operand {
        match self.frame.as_mut() {
            Some(frame) if (len as u32).is_multiple_of(scan::ALIGNED) => frame.value(&mut self.values, len as u32),
            _ => self.plain(len),
        }
    }

    /// A value by itself.
    fn plain(&mut self, len: usize) -> Operand {
        self.values.push(len as u32);
        Operand::Value { slot: Slot::number(self.values.len() as u32 - 1), start: 0, len: len as u32 }
    }

    /// Appends a call with its operands in the order of its roles.
    fn call(&mut self, call: Call, operands: &[Operand]) {
        let roles = call.roles();
        debug_assert!(fits(&roles, operands), "{call:?} does not fit {operands:?}");
        let reads = roles.iter().filter(|role| role.access == Access::Read).count();
        let mut operands = Operands::new(operands);
        for at in 0..reads {
            // No device reads and writes one buffer in one call, not even different parts of it.
            let same = |written: &Operand| written.number().is_some() && written.number() == operands[at].number();
            if operands[reads..].iter().any(same) {
                operands[at] = self.copy(operands[at]);
            }
        }
        self.calls.push(Bound { call, operands, reads: reads as u8 });
    }

    /// The same numbers in a value by itself.
    fn copy(&mut self, value: Operand) -> Operand {
        let len = value.len();
        let copy = self.plain(len as usize);
        self.call(Call::Sum { len, inputs: 1, scale: 1.0 }, &[value, copy]);
        copy
    }

    /// Σ parts, into `home`; nothing if that is where they are.
    fn sum_into(&mut self, parts: &[Operand], home: Operand) {
        if parts == [home] {
            return;
        }
        let len = home.len();
        let first = parts.len().saturating_sub(MOST_INPUTS - 1).min(parts.len() - 1);
        let mut operands = parts[first..].to_vec();
        if first > 0 {
            operands.insert(0, self.sum(&parts[..first], len, 1.0));
        }
        let inputs = operands.len() as u32;
        operands.push(home);
        self.call(Call::Sum { len, inputs, scale: 1.0 }, &operands);
    }

    /// Appends a call with one result and returns it.
    fn compute(&mut self, call: Call, reads: &[Operand], len: usize) -> Operand {
        let result = self.value(len);
        let mut operands = [result; 8];
        operands[..reads.len()].copy_from_slice(reads);
        self.call(call, &operands[..=reads.len()]);
        result
    }

    /// scale·Σ parts, all of `len` elements, in calls of as many inputs as one takes. A single part is itself unless it
    /// is scaled.
    fn sum(&mut self, parts: &[Operand], len: u32, scale: f32) -> Operand {
        let mut parts = parts.to_vec();
        loop {
            if let ([part], true) = (parts.as_slice(), scale == 1.0) {
                return *part;
            }
            let some: Vec<_> = parts.drain(..parts.len().min(MOST_INPUTS)).collect();
            let last = parts.is_empty();
            let call = Call::Sum { len, inputs: some.len() as u32, scale: if last { scale } else { 1.0 } };
            let sum = self.compute(call, &some, len as usize);
            if last {
                return sum;
            }
            parts.insert(0, sum);
        }
    }

    /// The parts side by side, each with its channels.
    fn concat(&mut self, parts: &[(Operand, u32)], rows: u32) -> Operand {
        let mut parts = parts.to_vec();
        loop {
            if let [(part, _)] = *parts {
                return part;
            }
            let some: Vec<_> = parts.drain(..parts.len().min(MOST_INPUTS)).collect();
            let mut widths = [0; MOST_INPUTS];
            widths.iter_mut().zip(&some).for_each(|(width, (_, channels))| *width = *channels);
            let reads: Vec<_> = some.iter().map(|(operand, _)| *operand).collect();
            let channels: u32 = widths.iter().sum();
            let whole = self.compute(Call::Concat { rows, widths }, &reads, rows as usize * channels as usize);
            parts.insert(0, (whole, channels));
        }
    }

    /// Smooths the labels in the loss; its gradient is that of the smoothed one if it is taken afterwards.
    fn smooth(&mut self, share: f32) {
        for bound in &mut self.calls {
            if let Call::CrossEntropy { smoothing, .. } | Call::CrossEntropyGrad { smoothing, .. } = &mut bound.call {
                *smoothing = share;
            }
        }
    }

    /// The blocks of every parameter whose gradient the tape computes: what an update may move.
    fn touched(&self, layout: &Layout) -> Vec<Vec<u32>> {
        let operands = self.calls.iter().flat_map(|bound| bound.writes());
        layout.blocks_of(operands.filter_map(|operand| match operand {
            Operand::Gradient(parameter) => Some(*parameter),
            _ => None,
        }))
    }

    fn finish(mut self, touched: Vec<Vec<u32>>) -> Program {
        let slots = memory::place(&mut self);
        let Self { calls, batch, images, labels, outputs, states, .. } = self;
        Program { calls, slots, batch, images, labels, outputs, states, touched }
    }
}

fn fits(roles: &[Role], operands: &[Operand]) -> bool {
    let long_enough = |(role, operand): (&Role, &Operand)| match operand {
        Operand::Value { len, .. } => *len as usize == role.len,
        _ => true,
    };
    roles.len() == operands.len() && roles.iter().zip(operands).all(long_enough)
}
