//! Modules of ops that a search space brings along: what they have, and a limit to their loops.

use std::panic::{AssertUnwindSafe, catch_unwind};

use naga::{AddressSpace, Scalar, Statement, StorageAccess, TypeInner};

pub use super::fuel::{Fuelled, fuelled};
pub use super::text::MOST_SOURCE;

use super::entry::Entry;
use super::interface::bound;
use super::statements::{any, anywhere};
use super::{Breach, CheckError, Parsed, text};

/// Storage buffers of one entry point at most: one of WebGPU's eight is kept, to hear of endless loops.
pub const MOST_OP_BUFFERS: usize = 7;

/// A variable with a binding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The number in `@binding`.
    pub binding: u32,
    /// Its name.
    pub name: String,
    /// Whether it is declared as read_write.
    pub written: bool,
    /// Whether it is a uniform.
    pub uniform: bool,
}

/// What an entry point has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryFacts {
    /// The variables with a binding that it or a function that it calls uses, by binding.
    pub variables: Vec<Variable>,
    /// Whether its invocations wait for each other somewhere.
    pub barriers: bool,
    /// Whether there are loops in it or in functions that it calls.
    pub loops: bool,
    /// Invocations of a workgroup.
    pub group: u32,
}

/// Parses and validates a stranger's module, which errors call `name`.
///
/// # Errors
/// If it is not WGSL, with the lines in question; or if it is so deeply nested that reading it would not be safe.
pub fn read(source: &str, name: &str) -> Result<Parsed, CheckError> {
    text::check(source).map_err(|breach| breach.at(name, None))?;
    // Whatever a stranger's text makes naga stumble over must not end the application.
    let parsed = catch_unwind(AssertUnwindSafe(|| super::module(source, name)));
    parsed.unwrap_or_else(|_| Err(Breach::Panic.at(name, None)))
}

/// What the entry point of that name has.
///
/// # Errors
/// If there is none, or it is not one of an op.
pub fn entry(parsed: &Parsed, name: &str) -> Result<EntryFacts, CheckError> {
    let found = Entry::named(parsed, name)?;
    let fail = |breach: Breach| breach.at(parsed.name(), Some(name));
    if found.point.workgroup_size_overrides.is_some() {
        return Err(fail(Breach::OverriddenGroup));
    }
    let mut variables = Vec::new();
    for used in bound(&found) {
        let name = used.variable.name.clone().unwrap_or_default();
        let (written, uniform) = match used.variable.space {
            AddressSpace::Uniform => (false, true),
            AddressSpace::Storage { access } => (access.contains(StorageAccess::STORE), false),
            _ => return Err(fail(Breach::Space { name })),
        };
        variables.push(Variable { binding: used.binding, name, written, uniform });
    }
    let buffers = variables.iter().filter(|variable| !variable.uniform).count();
    if buffers > MOST_OP_BUFFERS {
        return Err(fail(Breach::OpBuffers { got: buffers }));
    }
    variables.sort_by_key(|variable| variable.binding);
    let body = &found.point.function.body;
    let barriers = anywhere(parsed.module(), body, &waits);
    let loops = anywhere(parsed.module(), body, &|statement| matches!(statement, Statement::Loop { .. }));
    let group = found.point.workgroup_size.iter().fold(1, |all: u32, axis| all.saturating_mul(*axis));
    Ok(EntryFacts { variables, barriers, loops, group })
}

/// Whether invocations wait for each other at this statement.
pub(super) fn waits(statement: &Statement) -> bool {
    matches!(
        statement,
        Statement::ControlBarrier(_)
            | Statement::MemoryBarrier(_)
            | Statement::WorkGroupUniformLoad { .. }
            | Statement::SubgroupBallot { .. }
            | Statement::SubgroupGather { .. }
            | Statement::SubgroupCollectiveOperation { .. }
    )
}

/// The names of the module's `override` constants, in their order.
pub fn constants(parsed: &Parsed) -> Vec<String> {
    parsed.module().overrides.iter().filter_map(|(_, constant)| constant.name.clone()).collect()
}

/// Whether the module has a function `name` from so many numbers to a number.
pub fn function(parsed: &Parsed, name: &str, parameters: usize) -> bool {
    let module = parsed.module();
    let number = |ty| module.types[ty].inner == TypeInner::Scalar(Scalar::F32);
    module.functions.iter().any(|(_, function)| {
        function.name.as_deref() == Some(name)
            && function.arguments.len() == parameters
            && function.arguments.iter().all(|argument| number(argument.ty))
            && function.result.as_ref().is_some_and(|result| number(result.ty))
    })
}

/// How many calls one run of a body makes, those of called functions included; without recursion it is a number, but it can
/// double with every function.
pub(super) fn calls(module: &naga::Module, body: &naga::Block) -> u64 {
    let mut of = vec![0_u64; module.functions.len()];
    let count = |body: &naga::Block, of: &[u64]| {
        let mut calls = 0_u64;
        any(body, &mut |statement| {
            if let Statement::Call { function, .. } = statement {
                calls = calls.saturating_add(of[function.index()].saturating_add(1));
            }
            false
        });
        calls
    };
    // A function stands after those that it calls.
    for (handle, function) in module.functions.iter() {
        of[handle.index()] = count(&function.body, &of);
    }
    count(body, &of)
}
