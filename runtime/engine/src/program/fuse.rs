//! Fusion: from calls to fewer calls.

use supernet_shaders::Call;
use supernet_shaders::catalogue::FactorizedReduction;

use super::custom::CustomNode;
use super::{Operand, Operands, Tape};

/// All fusions, before differentiation, so that the backward pass is fused too.
pub(super) fn all(tape: &mut Tape) {
    batch_norm_relu(tape);
    reductions(tape);
}

/// Who writes and who reads the values of a tape.
struct Uses {
    /// For every value how many operands read it.
    reads: Vec<u32>,
    /// For every value the call that writes it.
    producer: Vec<Option<usize>>,
}

impl Uses {
    fn of(tape: &Tape) -> Self {
        let mut uses = Self {
            reads: vec![0; tape.values.len()],
            producer: vec![None; tape.values.len()],
        };
        for (at, bound) in tape.calls.iter().enumerate() {
            for operand in bound.reads() {
                if let Operand::Value { slot, .. } = operand {
                    uses.reads[slot.index as usize] += 1;
                }
            }
            for operand in bound.writes() {
                if let Operand::Value { slot, .. } = operand {
                    uses.producer[slot.index as usize] = Some(at);
                }
            }
        }
        for operand in &tape.outputs {
            if let Operand::Value { slot, .. } = operand {
                uses.reads[slot.index as usize] += 1;
            }
        }
        // What a space's own op is bound to may be read by its backward pass alone, which is not
        // there yet.
        for operand in tape.custom.values().flat_map(CustomNode::bound) {
            if let Operand::Value { slot, .. } = operand {
                uses.reads[slot.index as usize] += 1;
            }
        }
        uses
    }

    /// The call that writes a value which just one operand reads.
    fn private(&self, operand: Operand) -> Option<usize> {
        let Operand::Value { slot, .. } = operand else {
            return None;
        };
        self.producer[slot.index as usize].filter(|_| self.reads[slot.index as usize] == 1)
    }

    /// The same, if that call writes all of it and not a step.
    fn whole(&self, tape: &Tape, operand: Operand) -> Option<usize> {
        self.private(operand)
            .filter(|at| tape.calls[*at].writes().contains(&operand))
    }
}

fn remove(tape: &mut Tape, mut absorbed: Vec<usize>) {
    absorbed.sort_unstable();
    let mut at = 0;
    tape.calls.retain(|_| {
        at += 1;
        absorbed.binary_search(&(at - 1)).is_err()
    });
}

/// Lets a batch normalisation apply the ReLU that alone reads its result: one pass over the tensor
/// less each way.
fn batch_norm_relu(tape: &mut Tape) {
    let uses = Uses::of(tape);
    let mut absorbed = vec![];
    for at in 0..tape.calls.len() {
        let relu = &tape.calls[at];
        if !matches!(relu.call, Call::Relu { .. }) {
            continue;
        }
        let Some(before) = uses.whole(tape, relu.reads()[0]) else {
            continue;
        };
        let result = relu.writes()[0];
        let before = &mut tape.calls[before];
        if let Call::BatchNorm(norm) = &mut before.call {
            norm.relu = true;
            let last = before.operands.len() - 1;
            before.operands[last] = result;
            absorbed.push(at);
        }
    }
    remove(tape, absorbed);
}

/// Makes one call of a factorised reduction: two strided pointwise convolutions of one image, their
/// results side by side and read by nobody else. Three calls less forward, six less backward.
fn reductions(tape: &mut Tape) {
    let uses = Uses::of(tape);
    let mut absorbed = vec![];
    for at in 0..tape.calls.len() {
        let concat = &tape.calls[at];
        let (Call::Concat { .. }, [a, b]) = (concat.call, concat.reads()) else {
            continue;
        };
        let (Some(first), Some(second)) = (uses.whole(tape, *a), uses.whole(tape, *b)) else {
            continue;
        };
        let (a, b, y) = (&tape.calls[first], &tape.calls[second], concat.writes()[0]);
        let (Call::Conv2d(left), Call::Conv2d(right)) = (a.call, b.call) else {
            continue;
        };
        let (x, same) = (a.operands[0], a.operands[0] == b.operands[0]);
        // One weight in both halves would get its gradient twice in one call.
        let (Some(reduction), true, true) = (
            FactorizedReduction::of(left, right),
            same,
            a.operands[1] != b.operands[1],
        ) else {
            continue;
        };
        let operands = [x, a.operands[1], b.operands[1], y];
        let bound = &mut tape.calls[at];
        (bound.call, bound.operands, bound.reads) = (
            Call::FactorizedReduction(reduction),
            Operands::new(&operands),
            3,
        );
        absorbed.extend([first, second]);
    }
    remove(tape, absorbed);
}
