//! Uniformity analysis: all invocations of a workgroup must reach every barrier together, and all
//! lanes of a subgroup every subgroup operation. Naga does not check this.
//!
//! The analysis follows WGSL's rules but is coarser: a local variable is uniform if every value
//! assigned to it is uniform and assigned in uniform control flow.

mod statements;
mod values;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use naga::{Binding, BuiltIn, Function, Module, Span};

use super::entry::Entry;
use super::{CheckError, Parsed, Violation};

/// The most expressions and statements that are visited, over all iterations of the analysis: a
/// chain of functions that each call the next one twice would take years.
const MOST_STEPS: u64 = 10_000_000;

/// Checks the uniformity requirements of everything that the entry point reaches.
pub(super) fn check(entry: &Entry) -> Result<(), Violation> {
    walk(entry, &Record::default())
}

/// For every loop that some entry point reaches, by the offset of its keyword: what its iteration
/// count may depend on.
pub(super) fn loops(parsed: &Parsed) -> Result<BTreeMap<usize, Differs>, CheckError> {
    let record = Record::default();
    for name in parsed.entries() {
        walk(&Entry::named(parsed, name)?, &record)
            .map_err(|violation| violation.at(parsed.name(), Some(name)))?;
    }
    Ok(record.loops.into_inner())
}

fn walk(entry: &Entry, record: &Record) -> Result<(), Violation> {
    let function = &entry.point.function;
    let arguments = function
        .arguments
        .iter()
        .map(|argument| Differs::of_input(&argument.binding))
        .collect();
    let walk = Walk::new(entry.parsed.module(), function, arguments, true, record);
    walk.run(Differs::Never)
        .map(drop)
        .map_err(|fault| match fault {
            Fault::Tangled => Violation::Tangled,
            Fault::Missed {
                what,
                span,
                function,
            } => {
                let function = function.unwrap_or_else(|| entry.point.name.clone());
                Violation::Missed {
                    what,
                    function,
                    line: span.location(entry.parsed.source()).line_number,
                }
            }
        })
}

/// State shared by all walks from an entry point.
#[derive(Default)]
struct Record {
    steps: Cell<u64>,
    /// What the iteration count of a loop depends on, by the offset of the loop in the text.
    loops: RefCell<BTreeMap<usize, Differs>>,
}

impl Record {
    fn step(&self, steps: usize) -> Result<(), Fault> {
        self.steps.set(self.steps.get() + steps as u64);
        if self.steps.get() > MOST_STEPS {
            Err(Fault::Tangled)
        } else {
            Ok(())
        }
    }
}

/// What a value, and therefore control flow, may depend on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Differs {
    #[default]
    Never,
    BySubgroup,
    ByInvocation,
}

impl Differs {
    fn of_input(binding: &Option<Binding>) -> Self {
        match binding {
            Some(Binding::BuiltIn(
                BuiltIn::WorkGroupId
                | BuiltIn::NumWorkGroups
                | BuiltIn::NumSubgroups
                | BuiltIn::SubgroupSize,
            )) => Differs::Never,
            Some(Binding::BuiltIn(BuiltIn::SubgroupId)) => Differs::BySubgroup,
            _ => Differs::ByInvocation,
        }
    }

    fn rise(&mut self, other: Self) {
        *self = (*self).max(other);
    }
}

enum Fault {
    /// A statement that requires uniform control flow and does not have it, and the function that
    /// contains it, if that has a name.
    Missed {
        what: &'static str,
        span: Span,
        function: Option<String>,
    },
    /// The analysis would take too long.
    Tangled,
}

/// What early exits from a block depend on.
#[derive(Clone, Copy, Default)]
struct Exits {
    from_function: Differs,
    from_loop: Differs,
    from_round: Differs,
}

impl Exits {
    fn rise(&mut self, other: Self) {
        self.from_function.rise(other.from_function);
        self.from_loop.rise(other.from_loop);
        self.from_round.rise(other.from_round);
    }

    fn any(self) -> Differs {
        self.from_function.max(self.from_loop).max(self.from_round)
    }
}

/// A walk through one function.
struct Walk<'a> {
    module: &'a Module,
    function: &'a Function,
    /// Whether the function is the entry point itself.
    entry: bool,
    arguments: Vec<Differs>,
    record: &'a Record,
    locals: Vec<Differs>,
    /// One per expression; those of statement results are kept between iterations.
    values: Vec<Differs>,
    result: Differs,
}

impl<'a> Walk<'a> {
    fn new(
        module: &'a Module,
        function: &'a Function,
        arguments: Vec<Differs>,
        entry: bool,
        record: &'a Record,
    ) -> Self {
        let locals = vec![Differs::Never; function.local_variables.len()];
        let values = vec![Differs::Never; function.expressions.len()];
        Walk {
            module,
            function,
            entry,
            arguments,
            record,
            locals,
            values,
            result: Differs::Never,
        }
    }

    /// What the result of the function depends on, if the control flow at the call depends on
    /// `apart`.
    fn run(mut self, apart: Differs) -> Result<Differs, Fault> {
        // The lattice is finite and values only rise, so this terminates.
        loop {
            self.record.step(self.function.expressions.len())?;
            self.evaluate();
            let before = (self.locals.clone(), self.values.clone());
            self.block(&self.function.body, apart)?;
            if before == (self.locals.clone(), self.values.clone()) {
                return Ok(self.result);
            }
        }
    }
}
