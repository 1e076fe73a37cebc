//! Compiles a child into a list of calls that any device can run.
//!
//! [`Program::training`] and [`Program::scoring`] take a child through four passes: lower its nodes
//! to forward calls, fuse them, differentiate (a training program only), plan the memory. ENAS
//! trains another child with every minibatch, so compiling must cost far less than running the
//! result. [`Program::calibrating`] and [`Program::inferring`] are for finished children, whose
//! batch normalisation is frozen.

#[cfg(test)]
mod tests;
mod accumulate;
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
mod mixture;
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
pub use mixture::{MixedNode, MixtureError, MixtureLayout};
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
    /// Number of slots of each size class for the values.
    pub slots: Vec<u32>,
    /// Samples in a minibatch.
    pub batch: u32,
    /// Length of the inputs of a minibatch: pixels or tokens.
    pub inputs: usize,
    /// Number of targets of a minibatch; 0 if the program reads none.
    pub targets: usize,
    /// The results. For training and scoring: the cross-entropy for every target, and 1 for every
    /// target that is predicted correctly, otherwise 0, `[targets]` each; then the gradient of the
    /// mixture's weights, if it is needed.
    pub outputs: Vec<Operand>,
    /// Elements of every state that it leaves on the device.
    pub states: Vec<u32>,
    /// For every page a bitset of the blocks that the program updates; empty if it does not update
    /// weights.
    pub touched: Vec<Vec<u32>>,
    /// For every page and block the factor of its gradients, if the program is one of several
    /// passes that make one update; else empty.
    pub shares: Vec<Vec<f32>>,
    /// The weights that it reads with a minibatch, and the gradient that it returns of them: empty
    /// for a child.
    pub mixture: MixtureLayout,
}

/// The context in which a program is built.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The space.
    pub supergraph: &'a Supergraph,
    /// The custom ops of the space.
    pub custom: &'a CustomOps,
    /// The layout of its weights.
    pub layout: &'a Layout,
    /// The kind of input.
    pub input: Input,
    /// Number of classes; for text, the size of the vocabulary.
    pub classes: u32,
    /// Samples in a minibatch; for text, parallel streams.
    pub batch: u32,
}

/// The kind of input of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// An image with this height, width and number of channels.
    Image([u32; 3]),
    /// A window of tokens whose length is [`Supergraph::time`], each with its successor as its
    /// target. In memory time comes first: `[time, batch]`.
    Tokens(Start),
}

/// The initial values of carried states in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Zero; the final states are dropped.
    Alone,
    /// Zero; the next window continues from the final states.
    First,
    /// The final states of the previous window.
    Next,
}

impl Program {
    /// Computes the loss, its gradient with respect to every weight that the child reads, and the
    /// optimiser's update of these weights. Auxiliary outputs of the child have their own losses,
    /// which enter the gradient with the optimiser's weight, but not the score.
    ///
    /// # Errors
    /// If a node has no kernel, inputs and outputs do not match the data, or the optimiser has
    /// penalties but the network has no recurrent cell.
    pub fn training(
        context: Context<'_>,
        child: &Child,
        optimizer: &Optimizer,
    ) -> Result<Self, ProgramError> {
        let drop_path = optimizer.drop_path;
        let tape = lower::forward(context, child, Purpose::Train { drop_path })?;
        Self::trained(context, tape, optimizer)
    }

    /// Loss, gradients and update of a network that is lowered for training.
    fn trained(
        context: Context<'_>,
        tape: Tape,
        optimizer: &Optimizer,
    ) -> Result<Self, ProgramError> {
        let mut tape = gradient(context, tape, optimizer)?;
        let touched = tape.touched(context.layout);
        optimizer.append(&mut tape, context.layout, Operand::GradientPage);
        Ok(tape.finish(touched))
    }

    /// The passes of one update, in the order in which they run: each computes the loss of a child
    /// on a minibatch of its own and its gradient; the last one updates the weights. Every weight
    /// moves by the mean of its gradients over the passes that read it, so that a weight that one
    /// of four children reads learns as fast as one that all read. A single pass is
    /// [`Program::training`].
    ///
    /// # Errors
    /// The same as for [`Program::training`].
    pub fn passes(
        passes: &[(Context<'_>, Child)],
        optimizer: &Optimizer,
    ) -> Result<Vec<Self>, ProgramError> {
        if let [(context, child)] = passes {
            return Ok(vec![Self::training(*context, child, optimizer)?]);
        }
        let tapes = passes
            .iter()
            .map(|(context, child)| {
                let drop_path = optimizer.drop_path;
                let tape = lower::forward(*context, child, Purpose::Train { drop_path })?;
                gradient(*context, tape, optimizer)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let Some((Context { layout, .. }, _)) = passes.first() else {
            return Ok(Vec::new());
        };
        let (touched, shares) = accumulate::shares(&tapes, layout);
        let last = tapes.len() - 1;
        let programs = tapes.into_iter().zip(shares).enumerate();
        Ok(programs
            .map(|(at, (mut tape, shares))| {
                accumulate::append(&mut tape, layout, at == 0);
                let mut updated = Vec::new();
                if at == last {
                    optimizer.append(&mut tape, layout, |page| accumulate::sum(layout, page));
                    updated.clone_from(&touched);
                }
                Self {
                    shares,
                    ..tape.finish(updated)
                }
            })
            .collect())
    }

    /// Computes loss and accuracy of every sample, without dropout; batch normalisation uses the
    /// statistics of the minibatch.
    ///
    /// # Errors
    /// The same as for [`Program::training`].
    pub fn scoring(context: Context<'_>, child: &Child) -> Result<Self, ProgramError> {
        let mut tape = lower::forward(context, child, Purpose::Score)?;
        fuse::all(&mut tape);
        Ok(tape.finish(Vec::new()))
    }

    /// Computes the statistics of a minibatch in every batch normalisation of the child, in the
    /// order of its nodes: mean and 1/√(variance \+ eps) of each channel, `[2, channels]`. Each
    /// normalises with its own statistics, so that the next one sees the same input as in training.
    /// The outputs are empty if there is no batch normalisation.
    ///
    /// # Errors
    /// The same as for [`Program::training`].
    pub fn calibrating(context: Context<'_>, child: &Child) -> Result<Self, ProgramError> {
        let mut tape = lower::forward(context, child, Purpose::Calibrate)?;
        fuse::all(&mut tape);
        // Calls after the last statistics are not needed.
        let last = tape
            .calls
            .iter()
            .rposition(|bound| matches!(bound.call, Call::BatchNormStats { .. }));
        tape.calls.truncate(last.map_or(0, |last| last + 1));
        Ok(tape.finish(Vec::new()))
    }

    /// Computes the logits of every sample, `[batch, classes]`, independently of each other: the
    /// statistics of batch normalisation are constants. They follow the space's parameters in the
    /// layout: those of the child's `k`-th batch normalisation have the index number of parameters
    /// plus `k`.
    ///
    /// # Errors
    /// The same as for [`Program::training`].
    pub fn inferring(context: Context<'_>, child: &Child) -> Result<Self, ProgramError> {
        let mut tape = lower::forward(context, child, Purpose::Infer)?;
        fuse::all(&mut tape);
        Ok(tape.finish(Vec::new()))
    }

    /// Whether it changes weights.
    pub fn updates(&self) -> bool {
        !self.touched.is_empty()
    }

    /// Checks that every node of `network` has a kernel and fits: a child, or the network with all
    /// choices at once, in which one option of each choice represents all (they have the same
    /// shape).
    ///
    /// # Errors
    /// The same as for [`Program::training`].
    pub fn rehearse(context: Context<'_>, network: &Child) -> Result<(), ProgramError> {
        lower::forward(context, network, Purpose::Train { drop_path: true }).map(drop)
    }
}

/// Appends the backward calls to a network that is lowered for training.
fn gradient(
    context: Context<'_>,
    mut tape: Tape,
    optimizer: &Optimizer,
) -> Result<Tape, ProgramError> {
    tape.smooth(optimizer.smoothing);
    if !optimizer.penalties.append(&mut tape) {
        return Err(ProgramError::NoCell {
            space: context.supergraph.space().name.clone(),
        });
    }
    fuse::all(&mut tape);
    differentiate::backward(&mut tape, optimizer.auxiliary);
    Ok(tape)
}

/// The purpose of lowering a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// Loss and accuracy, with dropout.
    Train {
        /// Whether paths are dropped too.
        drop_path: bool,
    },
    /// Loss and accuracy, without dropout.
    Score,
    /// The statistics of every batch normalisation.
    Calibrate,
    /// Logits, with frozen statistics.
    Infer,
    /// Loss and accuracy, without dropout, and the gradient of the weights of mixtures.
    Path,
}

impl Purpose {
    /// Whether the program computes loss and accuracy.
    fn has_targets(self) -> bool {
        matches!(self, Purpose::Train { .. } | Purpose::Score | Purpose::Path)
    }
}
