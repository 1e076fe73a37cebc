//! The gradient of the weights of mixtures.

use std::collections::BTreeMap;

use supernet_shaders::Call;
use supernet_shaders::catalogue::WeightedSum;

use super::Sweep;
use crate::program::{Operand, Tape};

/// The gradient of the weights of mixtures, an output of the program.
#[derive(Debug, Default)]
pub(super) struct Mixtures {
    /// All of it; `None` if no part is needed.
    whole: Option<Operand>,
    /// The number of calls that read each block of weights.
    uses: BTreeMap<u32, u32>,
    /// The contributions of blocks that are read more than once, in steps of a scan, last to first.
    parts: BTreeMap<u32, Vec<Operand>>,
}

impl Mixtures {
    /// Allocates the gradient. It begins as zero, for blocks that receive no contribution.
    pub(super) fn new(tape: &mut Tape) -> Self {
        let mut mixtures = Self::default();
        if !tape.mixture.wants_any() {
            return mixtures;
        }
        for bound in &tape.calls {
            if let (Call::WeightedSum(_), Operand::Mixture { start, .. }) =
                (bound.call, bound.operands[0])
            {
                *mixtures.uses.entry(start).or_default() += 1;
            }
        }
        let len = tape.mixture.len();
        let fill = Call::Fill {
            len: len as u32,
            value: 0.0,
        };
        let whole = tape.plain(len);
        tape.call(fill, &[whole]);
        tape.outputs.push(whole);
        mixtures.whole = Some(whole);
        mixtures
    }

    /// The location of the gradient of a block, and whether it is the final one.
    fn place(&mut self, tape: &mut Tape, start: u32, len: u32) -> Option<Operand> {
        let home = self.whole?.part(start, len);
        if self.uses.get(&start) == Some(&1) {
            return Some(home);
        }
        let part = tape.plain(len as usize);
        self.parts.entry(start).or_default().push(part);
        Some(part)
    }
}

impl Sweep<'_> {
    /// The rule of a weighted sum.
    pub(super) fn weighted_sum(&mut self, sum: WeightedSum, ops: &[Operand], dy: Operand) {
        let (weights, earlier) = (ops[0], usize::from(sum.continues));
        if sum.continues {
            self.give(ops[1], dy);
        }
        let inputs = &ops[1 + earlier..][..sum.inputs as usize];
        // What the call adds to does not matter to its gradients.
        let sum = WeightedSum {
            continues: false,
            ..sum
        };
        let Operand::Mixture { start, len } = weights else {
            // Only a test of the rules has weights that are not part of a layout.
            return self.through(sum, inputs, weights, dy, &[]);
        };
        let layout = &self.tape.mixture;
        let stops: Vec<bool> = (0..sum.inputs)
            .map(|input| layout.is_forward_only(start, input))
            .collect();
        self.through(sum, inputs, weights, dy, &stops);
        if self.tape.mixture.wants_gradient(start)
            && let Some(home) = self.mixtures.place(self.tape, start, len)
        {
            let operands = [&[dy], inputs, &[home]].concat();
            self.tape.call(Call::WeightedSumGradWeights(sum), &operands);
        }
    }

    /// Passes the gradient to the inputs of a sum.
    fn through(
        &mut self,
        sum: WeightedSum,
        inputs: &[Operand],
        weights: Operand,
        dy: Operand,
        stops: &[bool],
    ) {
        for (input, x) in (0..).zip(inputs) {
            if stops.get(input as usize) != Some(&true) {
                let call = Call::WeightedSumGradInput { sum, input };
                self.input(*x, call, &[weights, dy]);
            }
        }
    }

    /// Adds up the contributions to the gradients of blocks that are read more than once.
    pub(super) fn finish_mixtures(&mut self) {
        let Some(whole) = self.mixtures.whole else {
            return;
        };
        for (start, mut parts) in std::mem::take(&mut self.mixtures.parts) {
            parts.reverse();
            let len = parts[0].len();
            self.tape.sum_into(&parts, whole.part(start, len));
        }
    }
}

/// Drops the calls whose results nothing needs.
pub(super) fn prune(tape: &mut Tape) {
    let mut needed = vec![false; tape.values.len()];
    let number = |operand: &Operand| operand.number().map(|number| number as usize);
    for at in tape.outputs.iter().filter_map(number) {
        needed[at] = true;
    }
    let mut kept: Vec<bool> = tape
        .calls
        .iter()
        .rev()
        .map(|bound| {
            let wanted = |operand: &Operand| number(operand).is_none_or(|at| needed[at]);
            let keep = bound.writes().iter().any(wanted);
            if keep {
                let reads = bound.reads().iter().filter_map(number);
                reads.for_each(|at| needed[at] = true);
            }
            keep
        })
        .collect();
    tape.calls.retain(|_| kept.pop().unwrap_or(true));
}
