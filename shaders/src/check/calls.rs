//! The call graph: which functions call which, how often, and what they do.

use std::ops::ControlFlow;

use naga::{Block, Function, Module, Span, Statement};

use super::Violation;
use super::entry::Entry;

/// The most calls of an entry point, counting the calls inside called functions each time. GPU
/// compilers inline every call, and a short text of forty functions that each call the next one
/// twice would expand without limit.
pub const MOST_CALLS: u64 = 1 << 16;
/// The maximum nesting depth of calls: the code that inspects them is recursive.
pub(super) const MOST_CALL_DEPTH: u32 = 64;

/// What a function and its callees do.
#[derive(Clone, Copy, Default)]
pub(super) struct Deeds {
    pub(super) calls: u64,
    pub(super) depth: u32,
    /// Whether invocations synchronise.
    pub(super) barriers: bool,
    pub(super) loops: bool,
}

/// What the entry point does, if it does not make too many calls.
pub(super) fn check(entry: &Entry) -> Result<Deeds, Violation> {
    let deeds = entry_deeds(entry.parsed.module(), &entry.point.function);
    if deeds.depth > MOST_CALL_DEPTH {
        return Err(Violation::CallDepth { got: deeds.depth });
    }
    if deeds.calls > MOST_CALLS {
        Err(Violation::Calls { got: deeds.calls })
    } else {
        Ok(deeds)
    }
}

fn entry_deeds(module: &Module, function: &Function) -> Deeds {
    // Functions come after their callees.
    let mut known: Vec<Deeds> = Vec::with_capacity(module.functions.len());
    for (_, function) in module.functions.iter() {
        known.push(deeds(&function.body, &known));
    }
    deeds(&function.body, &known)
}

fn deeds(body: &Block, known: &[Deeds]) -> Deeds {
    let mut deeds = Deeds::default();
    let _: ControlFlow<()> = every(body, &mut |statement, _| {
        match statement {
            Statement::Call { function, .. } => {
                let callee = known[function.index()];
                deeds.calls = deeds.calls.saturating_add(callee.calls.saturating_add(1));
                deeds.depth = deeds.depth.max(callee.depth.saturating_add(1));
                deeds.barriers |= callee.barriers;
                deeds.loops |= callee.loops;
            }
            Statement::ControlBarrier(_)
            | Statement::WorkGroupUniformLoad { .. }
            | Statement::SubgroupBallot { .. }
            | Statement::SubgroupGather { .. }
            | Statement::SubgroupCollectiveOperation { .. } => deeds.barriers = true,
            Statement::Loop { .. } => deeds.loops = true,
            _ => {}
        }
        ControlFlow::Continue(())
    });
    deeds
}

/// Visits every statement of a block and of nested blocks, until `see` breaks.
pub(super) fn every<B>(
    block: &Block,
    see: &mut impl FnMut(&Statement, Span) -> ControlFlow<B>,
) -> ControlFlow<B> {
    for (statement, span) in block.span_iter() {
        see(statement, *span)?;
        match statement {
            Statement::Block(inner) => every(inner, see)?,
            Statement::If { accept, reject, .. } => {
                every(accept, see)?;
                every(reject, see)?;
            }
            Statement::Switch { cases, .. } => {
                cases.iter().try_for_each(|case| every(&case.body, see))?
            }
            Statement::Loop {
                body, continuing, ..
            } => {
                every(body, see)?;
                every(continuing, see)?;
            }
            _ => {}
        }
    }
    ControlFlow::Continue(())
}
