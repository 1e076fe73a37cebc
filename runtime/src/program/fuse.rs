//! Fusion: from calls to fewer calls.

use supernet_shaders::Call;

use super::{Operand, Tape};

/// Lets a batch normalisation apply the ReLU that alone reads its result: one pass over the tensor less each way.
pub(super) fn batch_norm_relu(tape: &mut Tape) {
    let mut reads = vec![0_u32; tape.values.len()];
    let mut producer = vec![usize::MAX; tape.values.len()];
    for (at, bound) in tape.calls.iter().enumerate() {
        for operand in bound.reads() {
            if let Operand::Value { slot, .. } = operand {
                reads[slot.index as usize] += 1;
            }
        }
        for operand in bound.writes() {
            if let Operand::Value { slot, .. } = operand {
                producer[slot.index as usize] = at;
            }
        }
    }
    let mut absorbed = vec![];
    for at in 0..tape.calls.len() {
        let relu = &tape.calls[at];
        let (Call::Relu { .. }, Some(&Operand::Value { slot, .. })) = (relu.call, relu.reads().first()) else {
            continue;
        };
        let value = slot.index as usize;
        if reads[value] != 1 || producer[value] == usize::MAX {
            continue;
        }
        let result = relu.writes()[0];
        let before = &mut tape.calls[producer[value]];
        if let Call::BatchNorm(norm) = &mut before.call {
            norm.relu = true;
            let last = before.operands.len() - 1;
            before.operands[last] = result;
            absorbed.push(at);
        }
    }
    let mut at = 0;
    tape.calls.retain(|_| {
        at += 1;
        absorbed.binary_search(&(at - 1)).is_err()
    });
}
