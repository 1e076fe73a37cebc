//! Programs of networks in which nodes weigh their inputs.

use supernet_plugin::Relaxed;
use supernet_shaders::Call;
use supernet_shaders::catalogue::WeightedSum;

use super::MixedNode;
use crate::program::lower::{self, Lower};
use crate::program::{
    Context, Operand, Optimizer, Program, ProgramError, Purpose, differentiate, fuse,
};

impl Lower<'_> {
    /// The weighted sum that node `i` computes; `None` if it does not weigh its inputs.
    pub(in crate::program) fn mixture(&mut self, i: usize) -> Option<Operand> {
        let mixture = &self.tape.mixture;
        let is_here = |node: &MixedNode| {
            node.place
                .split_last()
                .is_some_and(|(at, scans)| *at as usize == i && scans == self.scans)
        };
        let at = mixture.nodes.iter().position(is_here)? as u32;
        let own = mixture.blocks.iter().filter(|block| block.node == at);
        let (blocks, rows) = (own.copied().collect::<Vec<_>>(), mixture.rows);
        let (inputs, len) = (self.operands(i), self.len(i));
        let mut sum: Option<Operand> = None;
        for block in blocks {
            let call = WeightedSum {
                rows,
                len: len as u32 / rows,
                inputs: block.inputs,
                continues: sum.is_some(),
            };
            let mut reads = vec![Operand::Mixture {
                start: block.start,
                len: call.len_w() as u32,
            }];
            reads.extend(sum);
            reads.extend(&inputs[block.first as usize..][..block.inputs as usize]);
            sum = Some(self.tape.compute(Call::WeightedSum(call), &reads, len));
        }
        sum
    }
}

impl Program {
    /// A training program of a network that may weigh the inputs of some nodes: loss, gradients and
    /// update, as in [`Program::training`], of every weight that any branch reads. Where the path
    /// asks for it, it also computes the gradient of the mixtures' weights, from the same pass.
    ///
    /// The program depends on what the path lists, not on its weights: those of a step are in
    /// [`Minibatch::mixture`](crate::device::Minibatch::mixture). A listed branch costs a forward
    /// and a backward pass whatever its weight is, unless the network runs it
    /// [forward only](Relaxed::zeros_forward_only). If the path divides the batch into slices, batch
    /// normalisation treats each as a batch of its own.
    ///
    /// # Errors
    /// The same as for [`Program::training`], and if the batch cannot be divided into the path's
    /// slices.
    pub fn mixed(
        context: Context<'_>,
        relaxed: &Relaxed,
        optimizer: &Optimizer,
    ) -> Result<Self, ProgramError> {
        let drop_path = optimizer.drop_path;
        let tape = lower::mixed(context, relaxed, Purpose::Train { drop_path })?;
        Self::trained(context, tape, optimizer)
    }

    /// The gradients of the mean loss with respect to the weights, without an update. As in
    /// [`Program::path_gradient`] there is no dropout, and nothing is added to the loss. They remain
    /// in [`Pages::gradients`](crate::weights::Pages::gradients) of the weights that
    /// [`Device::train`](crate::device::Device::train) is given, where every parameter that no
    /// branch reads keeps what it had. Also computes the gradient of the mixtures' weights, where
    /// the path asks for it.
    ///
    /// # Errors
    /// The same as for [`Program::mixed`].
    pub fn weight_gradient(context: Context<'_>, relaxed: &Relaxed) -> Result<Self, ProgramError> {
        let mut tape = lower::mixed(context, relaxed, Purpose::Path)?;
        fuse::all(&mut tape);
        differentiate::backward(&mut tape, 0.0);
        Ok(tape.finish(Vec::new()))
    }

    /// Loss and accuracy of every sample, as in [`Program::scoring`].
    ///
    /// # Errors
    /// The same as for [`Program::mixed`].
    pub fn mixed_scoring(context: Context<'_>, relaxed: &Relaxed) -> Result<Self, ProgramError> {
        let mut tape = lower::mixed(context, relaxed, Purpose::Score)?;
        fuse::all(&mut tape);
        Ok(tape.finish(Vec::new()))
    }

    /// A scoring program that also computes the gradient of the mean loss with respect to the
    /// mixtures' weights, where the path asks for it. It changes no weights and computes no
    /// gradient of them; there is no dropout. Run it with
    /// [`Device::score`](crate::device::Device::score).
    ///
    /// # Errors
    /// The same as for [`Program::mixed`].
    pub fn path_gradient(context: Context<'_>, relaxed: &Relaxed) -> Result<Self, ProgramError> {
        let mut tape = lower::mixed(context, relaxed, Purpose::Path)?;
        fuse::all(&mut tape);
        differentiate::of_mixtures(&mut tape);
        Ok(tape.finish(Vec::new()))
    }
}
