//! A child as a list of calls that any device can run.
//!
//! [`Program::training`] and [`Program::scoring`] take a child through four passes: lower its nodes
//! to forward calls, fuse, differentiate (a training program only), plan the memory. ENAS trains
//! another child with every minibatch, so this must cost far less than running the result.
//! [`Program::calibrating`] and [`Program::inferring`] are for a child that is finished: its batch
//! normalisation is frozen.

#[cfg(test)]
mod tests;
mod custom;
mod differentiate;
mod error;
mod fuse;
mod head;
mod highway;
#[cfg(test)]
mod interpreter;
mod lower;
mod memory;
mod operand;
mod optimizer;
#[cfg(test)]
mod pytorch;
mod scan;
#[cfg(test)]
mod setup;
mod tape;

pub use custom::{CustomOps, OpError};
pub use custom::{Sizes, Variant, named};
pub use error::ProgramError;
pub use memory::{MemoryPlan, Slot, class_len, class_of};
pub use operand::{Bound, Operand, Operands};
pub use optimizer::{Method, Optimizer, Penalties};

use supernet_plugin::{Child, Supergraph};
use supernet_shaders::Call;

use crate::weights::Layout;
use tape::Tape;

/// A child's calls in order, with a plan for the memory between them.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// The calls; each may depend on all before it.
    pub calls: Vec<Bound>,
    /// How many slots of each size class the values take.
    pub slots: Vec<u32>,
    /// Samples in a minibatch.
    pub batch: u32,
    /// Numbers of all inputs of a minibatch.
    pub inputs: usize,
    /// Labels of a minibatch; none if the program reads none.
    pub targets: usize,
    /// The values that it is run for. Of training and scoring: cross-entropy of every sample, and 1
    /// for every sample that is classified rightly, else 0, `[batch]` each.
    pub outputs: Vec<Operand>,
    /// Elements of every state that it leaves on the device.
    pub states: Vec<u32>,
    /// For every page the blocks of the weights that the program updates; empty if it only scores.
    pub touched: Vec<Vec<u32>>,
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
    /// A window of tokens, as long as [`Supergraph::time`] says, each with the one that follows it
    /// as its label. In memory time comes first: `[time, batch]`.
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
    /// Loss, its gradient by every weight that the child reads, and the optimiser's update of
    /// these. Auxiliary outputs of the child have losses of their own, which enter the gradient
    /// with the optimiser's weight and no score.
    ///
    /// # Errors
    /// If a node has no kernel, inputs and outputs do not fit images and classes, or there is
    /// nothing that the optimiser's penalties are on.
    pub fn training(
        context: Context<'_>,
        child: &Child,
        optimizer: &Optimizer,
    ) -> Result<Self, ProgramError> {
        let mut tape = lower::forward(
            context,
            child,
            Purpose::Train {
                drop_path: optimizer.drop_path,
            },
        )?;
        tape.smooth(optimizer.smoothing);
        if !optimizer.penalties.append(&mut tape) {
            return Err(ProgramError::NoCell {
                space: context.supergraph.space().name.clone(),
            });
        }
        fuse::all(&mut tape);
        differentiate::backward(&mut tape, optimizer.auxiliary);
        let touched = tape.touched(context.layout);
        optimizer.append(&mut tape, context.layout);
        Ok(tape.finish(touched))
    }

    /// Loss and accuracy of every sample, with the minibatch's own statistics in batch
    /// normalisation, without dropout.
    ///
    /// # Errors
    /// As [`Program::training`].
    pub fn scoring(context: Context<'_>, child: &Child) -> Result<Self, ProgramError> {
        let mut tape = lower::forward(context, child, Purpose::Score)?;
        fuse::all(&mut tape);
        Ok(tape.finish(Vec::new()))
    }

    /// What a minibatch shows to every batch normalisation of the child, in the order of its nodes:
    /// mean and 1/√(variance \+ eps) of each channel, `[2, channels]`. Each normalises with these
    /// itself, so that the next one sees what it would see in training. The outputs are empty if
    /// there is none.
    ///
    /// # Errors
    /// As [`Program::training`].
    pub fn calibrating(context: Context<'_>, child: &Child) -> Result<Self, ProgramError> {
        let mut tape = lower::forward(context, child, Purpose::Calibrate)?;
        fuse::all(&mut tape);
        // What comes after the last of them serves nothing.
        let last = tape
            .calls
            .iter()
            .rposition(|bound| matches!(bound.call, Call::BatchNormStats { .. }));
        tape.calls.truncate(last.map_or(0, |last| last + 1));
        Ok(tape.finish(Vec::new()))
    }

    /// The logits of every sample, `[batch, classes]`, each sample for itself: the statistics of
    /// batch normalisation are constants. They stand in the layout after the space's parameters,
    /// those of the child's `k`-th batch normalisation at the number of parameters plus `k`.
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

    /// Whether every node of `network` has a kernel and fits: a child, or the network of all
    /// choices at once, of which a choice then stands for all (they have one shape).
    ///
    /// # Errors
    /// As [`Program::training`].
    pub fn rehearse(context: Context<'_>, network: &Child) -> Result<(), ProgramError> {
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
