//! Every forward call has a differentiation rule.

use std::collections::BTreeSet;

use supernet_shaders::Access;
use supernet_shaders::cases::cases;
use supernet_shaders::catalogue::CallPhase;

use super::*;
use crate::program::Slot;

/// Whether the rule of a call does anything: appends calls of the backward pass, or passes a
/// contribution to the gradients of its reads.
fn has_rule(call: Call) -> bool {
    let mut tape = Tape::new(1, 0, 0);
    let roles = call.roles();
    let ops: Vec<Operand> = (0..)
        .zip(&roles)
        .map(|(number, role)| {
            tape.values.push(role.len as u32);
            Operand::Value {
                slot: Slot::number(number),
                start: 0,
                len: role.len as u32,
            }
        })
        .collect();
    let reads = roles
        .iter()
        .filter(|role| role.access == Access::Read)
        .count();
    let dy = tape.plain(roles[reads].len);
    let mut sweep = Sweep::new(&mut tape, 0.0, true);
    sweep.wanted.fill(true);
    let before = sweep.tape.calls.len();
    sweep.rule(call, &ops, dy);
    sweep.tape.calls.len() > before || sweep.of_value.iter().any(|shares| !shares.is_empty())
}

#[test]
fn every_forward_call_has_a_rule() {
    let mut kinds = BTreeSet::new();
    for case in cases() {
        // `Sweep::call` handles these: statistics and accuracy have no gradient, the loss begins
        // the sweep, and a custom op provides its own gradient.
        let elsewhere = matches!(
            case.call,
            Call::BatchNormStats { .. }
                | Call::Accuracy(_)
                | Call::Fill { .. }
                | Call::CrossEntropy { .. }
                | Call::Custom(_)
        );
        if case.call.phase() == CallPhase::Forward && !elsewhere {
            kinds.insert(case.call.name());
            assert!(has_rule(case.call), "{:?}", case.call);
        }
    }
    assert!(kinds.len() >= 19, "{kinds:?}");
}
