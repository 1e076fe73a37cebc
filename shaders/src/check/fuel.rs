//! Bounds every loop of a text: each iteration burns fuel, and when the fuel is used up, loops are
//! left.
//!
//! An endless loop hangs a GPU, and with it every window of the machine. Therefore a counter is
//! inserted at the head of every loop body, where `continue` passes too, since it leads to the next
//! iteration. When a loop is left because the fuel is used up, the enclosing loops are left as soon
//! as they reach their heads.
//!
//! There are several counters, all in the private memory of an invocation. With a single counter,
//! an invocation could use up its fuel in a loop that it runs alone and later leave a loop with a
//! barrier while others of its workgroup stay, and a barrier that not all invocations reach hangs
//! or has undefined behaviour. Therefore loops that all invocations of a workgroup run together, as
//! all loops with barriers must (`flow`), have a separate counter: only such loops burn it, so it
//! is equal in all invocations, and they leave together. The same holds for loops that all lanes of
//! a subgroup run together.
//!
//! The counters are inserted into the text rather than into naga's module, since naga's WGSL writer
//! loses workgroup sizes that are overrides, and renames entry points and overrides whose name ends
//! in a digit. Line numbers are preserved.

use std::ops::ControlFlow;

use naga::{Block, Expression, Function, Span, Statement};

use super::entry::Entry;
use super::flow::Differs;
use super::{CheckError, Parsed, Violation, calls, flow, module, text};
use crate::catalogue::FUEL_CONSTANT;

/// The `override` that sets the number of iterations of an invocation, over all loops.
pub const FUEL: &str = FUEL_CONSTANT;
/// The buffer that reports that the fuel ran out.
pub const SPENT: &str = "supernet_spent";
/// The prefix that no name in an op's source may have.
pub(super) const RESERVED: &str = "supernet_";
/// The counters of iterations, by what the iteration counts of their loops depend on.
const COUNTERS: [(Differs, &str); 3] = [
    (Differs::Never, "supernet_rounds_of_all"),
    (Differs::BySubgroup, "supernet_rounds_of_subgroup"),
    (Differs::ByInvocation, "supernet_rounds_of_one"),
];
/// The number of iterations if [`FUEL`] is not set.
const ENOUGH: u32 = 1 << 24;

/// The text of `parsed` with all loops bounded: each counter allows as many iterations as the
/// override [`FUEL`] says. If `spent` gives a binding, the buffer [`SPENT`], an `array<u32>`, is
/// declared there, and its first element is set to 1 if the fuel runs out. A text without loops is
/// returned unchanged.
pub fn fuelled(parsed: &Parsed, spent: Option<u32>) -> Result<String, CheckError> {
    let fail = |violation: Violation| violation.at(parsed.name(), None);
    unreserved(parsed.source()).map_err(fail)?;
    for name in parsed.entries() {
        calls::check(&Entry::named(parsed, name)?)
            .map_err(|violation| violation.at(parsed.name(), Some(name)))?;
    }
    let differs = flow::loops(parsed)?;
    let loops = text::loops(parsed.source());
    if loops.is_empty() {
        return Ok(parsed.source().into());
    }
    let mut written = String::with_capacity(parsed.source().len() + 128 * (loops.len() + 2));
    let mut done = text::directives(parsed.source());
    written += &parsed.source()[..done];
    // Before all other declarations: when naga resolves overrides, it panics on an override that
    // follows an array whose length depends on overrides.
    written += &format!(" override {FUEL} = {ENOUGH}u; ");
    for text::Loop { begins, body } in loops {
        written += &parsed.source()[done..body];
        written += &head(differs.get(&begins).copied(), spent);
        done = body;
    }
    written += &parsed.source()[done..];
    written += &declarations(spent);

    // The insertion is not trusted: in naga's view of the result, every loop must have a counter,
    // and the uniformity requirements must still hold.
    let fuelled = module(&written, parsed.name())?;
    burning(&fuelled).map_err(fail)?;
    flow::loops(&fuelled)?;
    Ok(written)
}

/// What the counter of this name may depend on, if it is one.
pub(super) fn counter(name: &str) -> Option<Differs> {
    COUNTERS
        .iter()
        .find(|(_, counter)| *counter == name)
        .map(|(differs, _)| *differs)
}

/// The text inserted at the beginning of a loop body. A loop that no entry point reaches depends on
/// nothing.
fn head(differs: Option<Differs>, spent: Option<u32>) -> String {
    let (_, counter) = COUNTERS[differs.unwrap_or_default() as usize];
    let tell = spent.map_or_else(String::new, |_| format!("{SPENT}[0] = 1u; "));
    format!(" if {counter} >= {FUEL} {{ {tell}break; }} {counter} += 1u; ")
}

/// The additional declarations. They are appended, so that line numbers are preserved; the leading
/// line break ends a comment in which the text may end. They avoid type names where possible, since
/// a text may shadow them.
fn declarations(spent: Option<u32>) -> String {
    let mut text = String::from("\n");
    text.extend(COUNTERS.map(|(_, counter)| format!("var<private> {counter} = 0u;\n")));
    let buffer = |binding| {
        format!("@group(0) @binding({binding}) var<storage, read_write> {SPENT}: array<u32>;\n")
    };
    text + &spent.map_or_else(String::new, buffer)
}

/// Checks that no name of the source is reserved.
fn unreserved(source: &str) -> Result<(), Violation> {
    let taken = |(_, token)| match token {
        text::Token::Word(word) if word.starts_with(RESERVED) => Some(word),
        _ => None,
    };
    match text::tokens(source).find_map(taken) {
        Some(name) => Err(Violation::Reserved { name: name.into() }),
        None => Ok(()),
    }
}

/// Checks that every loop of every function burns fuel.
fn burning(parsed: &Parsed) -> Result<(), Violation> {
    let module = parsed.module();
    let functions = module.functions.iter().map(|(_, function)| function);
    for function in functions.chain(module.entry_points.iter().map(|entry| &entry.function)) {
        let idle = calls::every(&function.body, &mut |statement, span| match statement {
            Statement::Loop { body, .. } if !burns(parsed, function, body) => {
                ControlFlow::Break(span)
            }
            _ => ControlFlow::Continue(()),
        });
        if let ControlFlow::Break(span) = idle {
            let span: Span = span;
            return Err(Violation::Unfuelled {
                line: span.location(parsed.source()).line_number,
            });
        }
    }
    Ok(())
}

/// Whether a loop body counts. In naga's module, the body of `for` and `while` is a block after the
/// condition.
fn burns(parsed: &Parsed, function: &Function, body: &Block) -> bool {
    let counts = |statement: &Statement| {
        let Statement::Store { pointer, .. } = statement else {
            return false;
        };
        let Expression::GlobalVariable(variable) = function.expressions[*pointer] else {
            return false;
        };
        parsed.module().global_variables[variable]
            .name
            .as_deref()
            .and_then(counter)
            .is_some()
    };
    let inner = || match body.last() {
        Some(Statement::Block(inner)) => inner.iter().any(counts),
        _ => false,
    };
    body.iter().any(counts) || inner()
}
