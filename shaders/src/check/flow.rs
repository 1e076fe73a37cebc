//! Whether those meet who have to: all invocations of a workgroup at every barrier, all of a
//! subgroup wherever these exchange something. Naga does not ask.
//!
//! An analysis after WGSL's rules, but coarser: a local variable is uniform if every value that it
//! ever gets is, at a place that all reach together.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use naga::{
    AddressSpace, Binding, Block, BuiltIn, CollectiveOperation, Expression, Function, GatherMode,
    Handle, Module, Span, Statement, StorageAccess, TypeInner,
};

use super::entry::Entry;
use super::fuel::counter;
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

    fn of(&self, expression: Handle<Expression>) -> Differs {
        self.values[expression.index()]
    }

    /// All expressions, each after those that it is made of.
    fn evaluate(&mut self) {
        for (handle, expression) in self.function.expressions.iter() {
            let value = self.value(expression);
            self.values[handle.index()].rise(value);
        }
    }

    fn value(&self, expression: &Expression) -> Differs {
        use Expression::*;
        let all = |list: &[Option<Handle<Expression>>]| {
            list.iter()
                .flatten()
                .map(|value| self.of(*value))
                .max()
                .unwrap_or_default()
        };
        match *expression {
            Literal(_) | Constant(_) | Override(_) | ZeroValue(_) | ArrayLength(_) => {
                Differs::Never
            }
            // Pointers; what they point to is loaded.
            GlobalVariable(_) | LocalVariable(_) => Differs::Never,
            // These come from statements.
            WorkGroupUniformLoadResult { .. } | CallResult(_) => Differs::Never,
            SubgroupBallotResult | SubgroupOperationResult { .. } => Differs::Never,
            FunctionArgument(number) => self.arguments[number as usize],
            Compose { ref components, .. } => components
                .iter()
                .map(|value| self.of(*value))
                .max()
                .unwrap_or_default(),
            Access { base, index } => all(&[Some(base), Some(index)]),
            AccessIndex { base, index } => self.input(base, index).unwrap_or_else(|| self.of(base)),
            Splat { value, .. }
            | Swizzle { vector: value, .. }
            | Unary { expr: value, .. }
            | As { expr: value, .. }
            | Relational {
                argument: value, ..
            } => self.of(value),
            Binary { left, right, .. } => all(&[Some(left), Some(right)]),
            Select {
                condition,
                accept,
                reject,
            } => all(&[Some(condition), Some(accept), Some(reject)]),
            Math {
                arg,
                arg1,
                arg2,
                arg3,
                ..
            } => all(&[Some(arg), arg1, arg2, arg3]),
            Load { pointer } => self.of(pointer).max(self.memory(pointer)),
            _ => Differs::ByInvocation,
        }
    }

    /// A member of a struct of inputs, if this is one. Elsewhere, such a struct may have been made
    /// of anything.
    fn input(&self, base: Handle<Expression>, index: u32) -> Option<Differs> {
        let Expression::FunctionArgument(number) = self.function.expressions[base] else {
            return None;
        };
        let ty = self.function.arguments[number as usize].ty;
        let TypeInner::Struct { ref members, .. } = self.module.types[ty].inner else {
            return None;
        };
        self.entry
            .then(|| Differs::of_input(&members[index as usize].binding))
    }

    /// What lies where a pointer begins.
    fn memory(&self, pointer: Handle<Expression>) -> Differs {
        match self.function.expressions[pointer] {
            Expression::Access { base, .. } | Expression::AccessIndex { base, .. } => {
                self.memory(base)
            }
            Expression::LocalVariable(local) => self.locals[local.index()],
            Expression::GlobalVariable(global) => {
                match self.module.global_variables[global].space {
                    AddressSpace::Uniform => Differs::Never,
                    AddressSpace::Storage { access } if !access.contains(StorageAccess::STORE) => {
                        Differs::Never
                    }
                    // What is written to a counter is looked at there.
                    AddressSpace::Private => self.counter(pointer).unwrap_or(Differs::ByInvocation),
                    // What others write may come before one invocation's read and after another's.
                    _ => Differs::ByInvocation,
                }
            }
            _ => Differs::ByInvocation,
        }
    }

    /// Marks the local variable that a pointer begins at.
    fn taint(&mut self, pointer: Handle<Expression>, differs: Differs) {
        match self.function.expressions[pointer] {
            Expression::Access { base, .. } | Expression::AccessIndex { base, .. } => {
                self.taint(base, differs)
            }
            Expression::LocalVariable(local) => self.locals[local.index()].rise(differs),
            _ => {}
        }
    }

    /// Statements that invocations reach together, or `apart`.
    fn block(&mut self, block: &Block, mut apart: Differs) -> Result<Exits, Fault> {
        let mut exits = Exits::default();
        for (statement, span) in block.span_iter() {
            let inner = self.statement(statement, *span, apart)?;
            exits.rise(inner);
            apart.rise(inner.any());
        }
        Ok(exits)
    }

    fn statement(
        &mut self,
        statement: &Statement,
        span: Span,
        apart: Differs,
    ) -> Result<Exits, Fault> {
        self.record.step(1)?;
        let mut exits = Exits::default();
        match *statement {
            Statement::Block(ref block) => return self.block(block, apart),
            Statement::If {
                condition,
                ref accept,
                ref reject,
            } => {
                let apart = apart.max(self.of(condition));
                exits = self.block(accept, apart)?;
                exits.rise(self.block(reject, apart)?);
            }
            Statement::Switch {
                selector,
                ref cases,
            } => {
                let apart = apart.max(self.of(selector));
                for case in cases {
                    exits.rise(self.block(&case.body, apart)?);
                }
                // A break leaves the switch alone.
                exits.from_loop = Differs::Never;
            }
            Statement::Loop { .. } => {
                exits.from_function = self.rounds(statement, span, apart)?;
            }
            Statement::Break => exits.from_loop = apart,
            Statement::Continue => exits.from_round = apart,
            Statement::Return { value } => {
                self.result
                    .rise(apart.max(value.map_or(Differs::Never, |value| self.of(value))));
                exits.from_function = apart;
            }
            Statement::ControlBarrier(_) | Statement::WorkGroupUniformLoad { .. }
                if apart > Differs::Never =>
            {
                let what = "invocations of a workgroup may reach the barrier";
                return Err(Fault::Missed {
                    what,
                    span,
                    function: self.function.name.clone(),
                });
            }
            Statement::SubgroupBallot { result, .. } => {
                self.exchange(result, Differs::BySubgroup, span, apart)?
            }
            Statement::SubgroupGather { mode, result, .. } => {
                let same = matches!(mode, GatherMode::BroadcastFirst | GatherMode::Broadcast(_));
                let differs = if same {
                    Differs::BySubgroup
                } else {
                    Differs::ByInvocation
                };
                self.exchange(result, differs, span, apart)?;
            }
            Statement::SubgroupCollectiveOperation {
                collective_op,
                result,
                ..
            } => {
                let same = collective_op == CollectiveOperation::Reduce;
                let differs = if same {
                    Differs::BySubgroup
                } else {
                    Differs::ByInvocation
                };
                self.exchange(result, differs, span, apart)?;
            }
            Statement::Store { pointer, value }
                if self
                    .counter(pointer)
                    .is_some_and(|may| apart.max(self.of(value)) > may) =>
            {
                let what = "invocations that share it may reach the count of rounds";
                return Err(Fault::Missed {
                    what,
                    span,
                    function: self.function.name.clone(),
                });
            }
            Statement::Store { pointer, value } => {
                self.taint(pointer, apart.max(self.of(pointer)).max(self.of(value)));
            }
            Statement::Call {
                function,
                ref arguments,
                result,
            } => {
                // The callee may write whatever it gets a pointer to.
                arguments
                    .iter()
                    .for_each(|argument| self.taint(*argument, Differs::ByInvocation));
                let arguments = arguments
                    .iter()
                    .map(|argument| self.of(*argument))
                    .collect();
                let callee = &self.module.functions[function];
                let callee = Walk::new(self.module, callee, arguments, false, self.record);
                let differs = callee.run(apart)?;
                if let Some(result) = result {
                    self.values[result.index()].rise(differs);
                }
            }
            _ => {}
        }
        Ok(exits)
    }

    /// Lanes of a subgroup get something from each other.
    fn exchange(
        &mut self,
        result: Handle<Expression>,
        differs: Differs,
        span: Span,
        apart: Differs,
    ) -> Result<(), Fault> {
        if apart > Differs::BySubgroup {
            let what = "lanes of a subgroup may reach the exchange";
            return Err(Fault::Missed {
                what,
                span,
                function: self.function.name.clone(),
            });
        }
        self.values[result.index()].rise(differs);
        Ok(())
    }

    /// A loop; says who leaves the function from within.
    fn rounds(
        &mut self,
        statement: &Statement,
        span: Span,
        apart: Differs,
    ) -> Result<Differs, Fault> {
        let Statement::Loop {
            body,
            continuing,
            break_if,
        } = statement
        else {
            return Ok(Differs::Never);
        };
        let inner = self.block(body, apart)?;
        let fewer = inner.from_function.max(inner.from_loop);
        let last = self.block(continuing, apart.max(fewer))?;
        let fewer = fewer
            .max(last.from_function)
            .max(break_if.map_or(Differs::Never, |value| self.of(value)));
        let begins = span.to_range().map_or(usize::MAX, |range| range.start);
        self.record
            .loops
            .borrow_mut()
            .entry(begins)
            .or_default()
            .rise(fewer.max(apart));
        let mut left = inner.from_function.max(last.from_function);
        if fewer > apart {
            // From the second round on, some have left.
            left.rise(self.block(body, fewer)?.from_function);
            self.block(continuing, fewer)?;
        }
        Ok(left)
    }

    /// If a pointer is to one of the counters of [`fuel`](super::fuel): what that may depend on.
    fn counter(&self, pointer: Handle<Expression>) -> Option<Differs> {
        let Expression::GlobalVariable(global) = self.function.expressions[pointer] else {
            return None;
        };
        let variable = &self.module.global_variables[global];
        if variable.space == AddressSpace::Private {
            counter(variable.name.as_deref()?)
        } else {
            None
        }
    }
}
