//! A text whose every loop ends: all of its rounds burn fuel, and where that is out, loops are
//! left.
//!
//! A loop without an end hangs a GPU, and with it every window of the machine. So a counter is put
//! at the head of every loop's body, which `continue` passes too, since it leads to the next round.
//! When a loop is left because the fuel is out, those around it are as soon as they come to their
//! heads.
//!
//! There are several counters, all in an invocation's own memory. Were there one alone, an
//! invocation could run out of fuel in a loop of its own and later leave a loop that has a barrier
//! while others of its workgroup stay, and a barrier that not all reach hangs too, or does anything
//! else. So loops that all invocations of a workgroup go round together, as all with barriers must
//! (`flow`), have a counter of their own: nothing but such loops burns it, so it is the same in all
//! of them, and they leave together. So it is with loops that all lanes of a subgroup go round
//! together.
//!
//! The counters are put into the text, not into what naga makes of it: its writer loses sizes of
//! workgroups that are overrides, and gives another name to entry points and overrides whose name
//! ends in a digit. Lines keep their numbers.

use std::ops::ControlFlow;

use naga::{Block, Expression, Function, Span, Statement};

use super::entry::Entry;
use super::flow::Differs;
use super::{CheckError, Parsed, Violation, calls, flow, module, text};
use crate::catalogue::FUEL_CONSTANT;

/// The `override` that says how many rounds an invocation may go, over all loops.
pub const FUEL: &str = FUEL_CONSTANT;
/// The buffer that tells that fuel ran out.
pub const SPENT: &str = "supernet_spent";
/// What no name in an op's source may begin with.
pub(super) const RESERVED: &str = "supernet_";
/// Rounds in loops, by what decides who goes round these.
const COUNTERS: [(Differs, &str); 3] = [
    (Differs::Never, "supernet_rounds_of_all"),
    (Differs::BySubgroup, "supernet_rounds_of_subgroup"),
    (Differs::ByInvocation, "supernet_rounds_of_one"),
];
/// Rounds, unless [`FUEL`] is set.
const ENOUGH: u32 = 1 << 24;

/// The text of `parsed` with an end to all loops: after as many rounds as the override [`FUEL`]
/// says, for each of the counters. With a binding for `spent`, the buffer [`SPENT`], an
/// `array<u32>`, is there, and its first element becomes 1 where that happens. A text without loops
/// is left as it is.
pub fn fuelled(parsed: &Parsed, spent: Option<u32>) -> Result<String, CheckError> {
    let fail = |breach: Violation| breach.at(parsed.name(), None);
    unreserved(parsed.source()).map_err(fail)?;
    for name in parsed.entries() {
        calls::check(&Entry::named(parsed, name)?)
            .map_err(|breach| breach.at(parsed.name(), Some(name)))?;
    }
    let differs = flow::loops(parsed)?;
    let loops = text::loops(parsed.source());
    if loops.is_empty() {
        return Ok(parsed.source().into());
    }
    let mut written = String::with_capacity(parsed.source().len() + 128 * (loops.len() + 2));
    let mut done = text::directives(parsed.source());
    written += &parsed.source()[..done];
    // In front of all others: when naga gives overrides their values, it panics on one that follows
    // an array whose length is made of overrides.
    written += &format!(" override {FUEL} = {ENOUGH}u; ");
    for text::Loop { begins, body } in loops {
        written += &parsed.source()[done..body];
        written += &head(differs.get(&begins).copied(), spent);
        done = body;
    }
    written += &parsed.source()[done..];
    written += &declarations(spent);

    // Nothing is believed of the above: what naga understands must have a counter in every loop,
    // and all who have to must still meet.
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

/// What a loop's body begins with. A loop that no entry point reaches differs in nothing.
fn head(differs: Option<Differs>, spent: Option<u32>) -> String {
    let (_, counter) = COUNTERS[differs.unwrap_or_default() as usize];
    let tell = spent.map_or_else(String::new, |_| format!("{SPENT}[0] = 1u; "));
    format!(" if {counter} >= {FUEL} {{ {tell}break; }} {counter} += 1u; ")
}

/// What is declared besides. It stands at the end, so that lines keep their numbers; the first line
/// break ends a comment that the text may end with. Without names of types where that can be: a
/// text may give them another meaning.
fn declarations(spent: Option<u32>) -> String {
    let mut text = String::from("\n");
    text.extend(COUNTERS.map(|(_, counter)| format!("var<private> {counter} = 0u;\n")));
    let buffer = |binding| {
        format!("@group(0) @binding({binding}) var<storage, read_write> {SPENT}: array<u32>;\n")
    };
    text + &spent.map_or_else(String::new, buffer)
}

/// No name of the source is one that the counters have.
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

/// Whether every loop of every function burns fuel.
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

/// Whether a loop's body counts. That of `for` and `while` is, to naga, a block after the
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
