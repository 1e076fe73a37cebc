//! Whether those meet who have to: all invocations of a workgroup at every barrier, all of a
//! subgroup wherever these exchange something. Naga does not ask.
//!
//! An analysis after WGSL's rules, but coarser: a local variable is uniform if every value that it
//! ever gets is, at a place that all reach together.

mod statements;
mod values;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use naga::{Binding, BuiltIn, Function, Module, Span};

use super::entry::Entry;
use super::{CheckError, Parsed, Violation};

/// Most expressions and statements that are looked at, over all rounds of the analysis: those of a
/// chain of functions, each of which looks at the next one twice, would take years.
const MOST_STEPS: u64 = 10_000_000;

/// Whether those meet who have to, wherever the entry point gets.
pub(super) fn check(entry: &Entry) -> Result<(), Violation> {
    walk(entry, &Record::default())
}

/// For every loop that some entry point reaches, by the offset of its keyword: what decides who
/// goes round it.
pub(super) fn loops(parsed: &Parsed) -> Result<BTreeMap<usize, Differs>, CheckError> {
    let record = Record::default();
    for name in parsed.entries() {
        walk(&Entry::named(parsed, name)?, &record)
            .map_err(|breach| breach.at(parsed.name(), Some(name)))?;
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

/// What all walks from an entry point leave behind.
#[derive(Default)]
struct Record {
    steps: Cell<u64>,
    /// What decides who goes round a loop, by where it begins in the text.
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

/// What a value may depend on beyond the workgroup, and so what may decide who reaches a statement.
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
    /// A statement that not all reach who have to, and the function it is in, if that has a name.
    Missed {
        what: &'static str,
        span: Span,
        function: Option<String>,
    },
    /// The analysis would not end in time.
    Tangled,
}

/// Who leaves a block early while others go on.
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

/// A walk through a function.
struct Walk<'a> {
    module: &'a Module,
    function: &'a Function,
    /// Whether it is the entry point itself.
    entry: bool,
    arguments: Vec<Differs>,
    record: &'a Record,
    locals: Vec<Differs>,
    /// Of expressions; those of statements' results outlive a walk.
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

    /// What the function's result depends on, if those who call it are `apart`.
    fn run(mut self, apart: Differs) -> Result<Differs, Fault> {
        // What is found only ever grows, so this ends.
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
