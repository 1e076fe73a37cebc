//! Fusion: merges several calls into one.

use supernet_shaders::Call;
use supernet_shaders::catalogue::FactorizedReduction;

use super::custom::CustomNode;
use super::{Operand, Operands, Tape};

/// Performs all fusions. Runs before differentiation, so that the backward pass is fused too.
pub(super) fn all(tape: &mut Tape) {
    batch_norm_relu(tape);
    reductions(tape);
}

/// The writers and readers of the values of a tape.
struct Uses {
    /// The number of operands that read each value.
    reads: Vec<u32>,
    /// The call that writes each value.
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
        // The backward pass of a custom op may read operands that no forward call reads, and it is
        // not on the tape yet.
        for operand in tape.custom.values().flat_map(CustomNode::bound) {
            if let Operand::Value { slot, .. } = operand {
                uses.reads[slot.index as usize] += 1;
            }
        }
        uses
    }

    /// The call that writes a value with exactly one reader.
    fn private(&self, operand: Operand) -> Option<usize> {
        let Operand::Value { slot, .. } = operand else {
            return None;
        };
        self.producer[slot.index as usize].filter(|_| self.reads[slot.index as usize] == 1)
    }

    /// Like `private`, if the call writes exactly this operand and not a step of it.
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

/// Lets a batch normalisation apply the ReLU that is the only reader of its result: saves one pass
/// over the tensor in each direction.
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

/// Fuses a factorised reduction into one call: two strided pointwise convolutions of one image,
/// whose results are concatenated and have no other readers. Saves three calls forward, six
/// backward.
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
        // A weight shared by both halves would receive its gradient twice in one call.
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
