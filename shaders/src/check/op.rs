//! The contents of the source of a custom op.

use naga::{AddressSpace, Function, Override, Scalar, ScalarKind, StorageAccess, TypeInner};

use super::entry::Entry;
use super::limits::{self, MOST_OP_BUFFERS};
use super::{CheckError, Parsed, Violation, calls, flow, interface};
use crate::kernel::Constant;

/// A variable of the source that has a binding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The number in its `@binding`.
    pub binding: u32,
    /// Its name.
    pub name: String,
    /// Whether it is declared as `read_write`.
    pub written: bool,
    /// Whether it is a uniform; it is a storage buffer otherwise.
    pub uniform: bool,
}

/// What an entry point and its callees do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryFacts {
    /// The bound variables that it uses, by binding.
    pub variables: Vec<Variable>,
    /// Whether invocations synchronise: at a barrier, at a `workgroupUniformLoad`, or in a subgroup
    /// operation.
    pub barriers: bool,
    /// Whether it has loops.
    pub loops: bool,
}

/// What the entry point `entry` does, unless it does something that no op may do.
pub fn entry(parsed: &Parsed, entry: &str) -> Result<EntryFacts, CheckError> {
    let point = Entry::named(parsed, entry)?;
    facts(&point).map_err(|violation| violation.at(parsed.name(), Some(entry)))
}

fn facts(entry: &Entry) -> Result<EntryFacts, Violation> {
    named(entry.parsed)?;
    // First, since what follows recurses through calls.
    let deeds = calls::check(entry)?;
    flow::check(entry)?;
    limits::check_private(entry.parsed.module())?;
    let variables = variables(entry)?;
    let got = variables
        .iter()
        .filter(|variable| !variable.uniform)
        .count();
    if got > MOST_OP_BUFFERS {
        return Err(Violation::OpBuffers { got });
    }
    Ok(EntryFacts {
        variables,
        barriers: deeds.barriers,
        loops: deeds.loops,
    })
}

fn variables(entry: &Entry) -> Result<Vec<Variable>, Violation> {
    let variable = |bound: interface::Bound| {
        let name = bound.variable.name.clone().unwrap_or_default();
        let (written, uniform) = match bound.variable.space {
            AddressSpace::Uniform => (false, true),
            AddressSpace::Storage { access } => (access.contains(StorageAccess::STORE), false),
            _ => return Err(Violation::Space { name }),
        };
        Ok(Variable {
            binding: bound.binding,
            name,
            written,
            uniform,
        })
    };
    let mut variables: Vec<_> = interface::bound(entry)
        .into_iter()
        .map(variable)
        .collect::<Result<_, _>>()?;
    variables.sort_by_key(|variable| variable.binding);
    Ok(variables)
}

/// Checks that no override has an `@id`: such constants can be set only by number, and attributes
/// of nodes have names.
fn named(parsed: &Parsed) -> Result<(), Violation> {
    match parsed
        .module()
        .overrides
        .iter()
        .find(|(_, constant)| constant.id.is_some())
    {
        Some((_, constant)) => Err(Violation::Numbered {
            name: constant.name.clone().unwrap_or_default(),
        }),
        None => Ok(()),
    }
}

/// The names of the source's `override` constants, in order of declaration.
pub fn constants(parsed: &Parsed) -> Vec<String> {
    let overrides = &parsed.module().overrides;
    let mut constants: Vec<_> = overrides.iter().collect();
    // Naga lists those first that others refer to.
    constants.sort_by_key(|(handle, _)| {
        overrides
            .get_span(*handle)
            .to_range()
            .map(|range| range.start)
    });
    constants
        .into_iter()
        .filter_map(|(_, constant)| constant.name.clone())
        .collect()
}

/// The largest number in any `@binding` of the module.
pub fn last_binding(parsed: &Parsed) -> u32 {
    let bound = parsed
        .module()
        .global_variables
        .iter()
        .filter_map(|(_, variable)| variable.binding);
    bound.map(|at| at.binding).max().unwrap_or(0)
}

/// Whether the `override` constant `name` can take this number: whole for an integer, 0 or 1 for a
/// flag.
pub fn takes(parsed: &Parsed, name: &str, number: f64) -> bool {
    let module = parsed.module();
    let named = |constant: &&Override| constant.name.as_deref() == Some(name);
    let found = module
        .overrides
        .iter()
        .map(|(_, constant)| constant)
        .find(named);
    let Some(TypeInner::Scalar(scalar)) = found.map(|constant| &module.types[constant.ty].inner)
    else {
        return false;
    };
    match scalar.kind {
        ScalarKind::Sint => {
            number.fract() == 0.0 && (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&number)
        }
        ScalarKind::Uint => number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number),
        ScalarKind::Bool => number == 0.0 || number == 1.0,
        _ => (number as f32).is_finite(),
    }
}

/// Whether the source has a function `name`, which is not an entry point, with this number of f32
/// parameters and an f32 result.
pub fn function(parsed: &Parsed, name: &str, parameters: usize) -> bool {
    let module = parsed.module();
    let number = |ty| matches!(module.types[ty].inner, TypeInner::Scalar(Scalar::F32));
    let fits = |function: &Function| {
        function.name.as_deref() == Some(name)
            && function.arguments.len() == parameters
            && function
                .arguments
                .iter()
                .all(|argument| number(argument.ty))
            && function
                .result
                .as_ref()
                .is_some_and(|result| number(result.ty))
    };
    module.functions.iter().any(|(_, function)| fits(function))
}

/// The workgroup size of the entry point `entry` with these override values. Constants that are not
/// given keep their defaults.
pub fn workgroup(
    parsed: &Parsed,
    entry: &str,
    constants: &[(&'static str, Constant)],
) -> Result<[u32; 3], CheckError> {
    let point = Entry::named(parsed, entry)?;
    let size = || {
        named(parsed)?;
        limits::check_workgroup(&point.with(constants)?)
    };
    size().map_err(|violation: Violation| violation.at(parsed.name(), Some(entry)))
}
