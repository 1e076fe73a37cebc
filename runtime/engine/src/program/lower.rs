//! Lowers a child's nodes to forward calls.

mod layers;
mod node;
mod norm;

use supernet_plugin::{Child, Function, Node, Relaxed};
use supernet_shaders::catalogue::{self, Rows};

use super::highway::{self, Highways};
use super::{Context, Input, MixtureLayout, Operand, ProgramError, Purpose, Tape};

/// The forward calls for `purpose`.
pub(super) fn forward(
    context: Context<'_>,
    child: &Child,
    purpose: Purpose,
) -> Result<Tape, ProgramError> {
    network(context, child, MixtureLayout::default(), purpose)
}

/// The forward calls for a network that may weigh the inputs of some nodes.
pub(super) fn mixed(
    context: Context<'_>,
    relaxed: &Relaxed,
    purpose: Purpose,
) -> Result<Tape, ProgramError> {
    let layout = MixtureLayout::of(context, relaxed)?;
    network(context, relaxed.network(), layout, purpose)
}

fn network(
    context: Context<'_>,
    child: &Child,
    mixture: MixtureLayout,
    purpose: Purpose,
) -> Result<Tape, ProgramError> {
    let (numbers, samples) = match context.input {
        Input::Image(image) => (image.iter().map(|n| *n as usize).product(), 1),
        Input::Tokens(_) => (child.time() as usize, child.time() as usize),
    };
    let (batch, scored) = (context.batch as usize, purpose.has_targets());
    let targets = if scored { batch * samples } else { 0 };
    let mut tape = Tape::new(context.batch, batch * numbers, targets);
    tape.mixture = mixture;
    let highways = highway::find(child);
    let values = Vec::with_capacity(child.len());
    let mut lower = Lower {
        context,
        child,
        purpose,
        tape,
        highways,
        values,
        scans: Vec::new(),
        norms: 0,
        carried: 0,
    };
    lower.check_sizes()?;
    let head = lower.long_head();
    for i in 0..child.len() {
        // The output that the head computes in pieces is never stored as a value.
        let value = match head == Some(i) {
            true => None,
            false => lower.value_of(i)?,
        };
        lower.values.push(value);
    }
    lower.head(head)?;
    Ok(lower.tape)
}

pub(super) struct Lower<'a> {
    pub(super) context: Context<'a>,
    /// The child, or the body of the current scan.
    pub(super) child: &'a Child,
    pub(super) purpose: Purpose,
    pub(super) tape: Tape,
    /// Its highway connections.
    pub(super) highways: Highways,
    /// The values of the nodes lowered so far.
    pub(super) values: Vec<Option<Operand>>,
    /// The positions of the scans whose bodies are being lowered.
    pub(super) scans: Vec<u32>,
    /// Number of batch normalisations so far.
    norms: u32,
    /// Number of states carried from window to window so far.
    pub(super) carried: u32,
}

impl Lower<'_> {
    pub(super) fn batch(&self) -> u32 {
        self.context.batch
    }

    pub(super) fn source(&self, i: usize) -> &Node {
        self.child.op_node(i)
    }

    /// Every length must fit 32 bits, in which calls and kernels count.
    fn check_sizes(&self) -> Result<(), ProgramError> {
        for i in 0..self.child.len() {
            let sizes = self.child.shape(i).iter().map(|n| u128::from(*n));
            let elements = sizes.product::<u128>() * u128::from(self.batch());
            if elements > u128::from(u32::MAX) {
                let (node, space) = self.name(i);
                return Err(ProgramError::TooLarge {
                    node,
                    space,
                    elements,
                    batch: self.batch(),
                });
            }
        }
        Ok(())
    }

    /// The names of node `i` and of its space, for errors.
    pub(super) fn name(&self, i: usize) -> (String, String) {
        (
            self.source(i).id.clone(),
            self.context.supergraph.space().name.clone(),
        )
    }

    /// Elements of node `i`'s value over the whole batch.
    pub(super) fn len(&self, i: usize) -> usize {
        self.child
            .shape(i)
            .iter()
            .map(|n| *n as usize)
            .product::<usize>()
            * self.batch() as usize
    }

    /// Node `i`'s value as a matrix over its last axis.
    pub(super) fn rows(&self, i: usize) -> Rows {
        let channels = self.child.shape(i).last().copied().unwrap_or(1);
        Rows {
            rows: (self.len(i) / channels as usize) as u32,
            channels,
        }
    }

    pub(super) fn no_kernel(&self, i: usize, op: impl Into<String>) -> ProgramError {
        let (node, space) = self.name(i);
        ProgramError::NoKernel {
            node,
            space,
            op: op.into(),
        }
    }

    /// The parameters of node `i`, which has one other input. Computed weights are not supported:
    /// their kernels come with elastic spaces.
    fn params(&self, i: usize) -> Result<&[u32], ProgramError> {
        if self.child.inputs(i).len() != 1 {
            return Err(self.no_kernel(
                i,
                format!(
                    "{} with a weight that is computed",
                    self.source(i).op.name()
                ),
            ));
        }
        self.whole_params(i)
    }

    /// The parameters of node `i`, without slicing: kernels for slices come with elastic spaces.
    fn whole_params(&self, i: usize) -> Result<&[u32], ProgramError> {
        let params = self.child.params(i);
        if params
            .iter()
            .all(|p| self.child.param_shape(*p) == self.context.supergraph.param_shape(*p))
        {
            Ok(params)
        } else {
            Err(self.no_kernel(
                i,
                format!("{} on a slice of its weight", self.source(i).op.name()),
            ))
        }
    }

    /// The value of node `i`; `None` if it is part of the call of another node, its only reader.
    pub(super) fn value_of(&mut self, i: usize) -> Result<Option<Operand>, ProgramError> {
        match self.highways.absorbs(i) {
            true => Ok(None),
            false => self.node(i).map(Some),
        }
    }

    /// The value of a node that is already lowered.
    pub(super) fn value(&self, node: u32) -> Operand {
        self.values[node as usize].expect("a node is read by none but the call that it is part of")
    }

    /// Weight, bias and the weight's shape of a node that does not share its parameters with an
    /// input.
    pub(super) fn weight(
        &self,
        i: usize,
    ) -> Result<(Operand, Option<Operand>, Vec<u32>), ProgramError> {
        match *self.params(i)? {
            [w] => Ok((
                Operand::Weight(w),
                None,
                self.context.supergraph.param_shape(w).to_vec(),
            )),
            [w, b] => Ok((
                Operand::Weight(w),
                Some(Operand::Weight(b)),
                self.context.supergraph.param_shape(w).to_vec(),
            )),
            _ => Err(self.no_kernel(
                i,
                format!(
                    "{} with a weight that is computed",
                    self.source(i).op.name()
                ),
            )),
        }
    }

    pub(super) fn trains(&self) -> bool {
        matches!(self.purpose, Purpose::Train { .. })
    }

    /// The values of node `i`'s inputs.
    pub(super) fn operands(&self, i: usize) -> Vec<Operand> {
        self.child
            .inputs(i)
            .iter()
            .map(|x| self.value(*x))
            .collect()
    }
}

/// The kernel function of an activation.
pub(super) fn kernel_function(function: Function) -> catalogue::Function {
    match function {
        Function::Relu => catalogue::Function::Relu,
        Function::Relu6 => catalogue::Function::Relu6,
        Function::LeakyRelu => catalogue::Function::LeakyRelu,
        Function::Elu => catalogue::Function::Elu,
        Function::Tanh => catalogue::Function::Tanh,
        Function::Sigmoid => catalogue::Function::Sigmoid,
        Function::HardSigmoid => catalogue::Function::HardSigmoid,
        Function::HardSwish => catalogue::Function::HardSwish,
        Function::Swish => catalogue::Function::Swish,
        Function::Gelu => catalogue::Function::Gelu,
    }
}
