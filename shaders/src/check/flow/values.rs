//! What values depend on.

use naga::{AddressSpace, Expression, Handle, StorageAccess, TypeInner};

use super::{Differs, Walk};
use crate::check::fuel::counter;

impl Walk<'_> {
    pub(super) fn of(&self, expression: Handle<Expression>) -> Differs {
        self.values[expression.index()]
    }

    /// Evaluates all expressions, each after its operands.
    pub(super) fn evaluate(&mut self) {
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
            // These are pointers; loads are handled below.
            GlobalVariable(_) | LocalVariable(_) => Differs::Never,
            // These are set by statements.
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

    /// A member of a struct of entry point inputs, if this is one. In other functions, such a
    /// struct may have any origin.
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

    /// What the memory behind a pointer depends on.
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
                    // Stores to a counter are checked where they occur.
                    AddressSpace::Private => self.counter(pointer).unwrap_or(Differs::ByInvocation),
                    // A write by another invocation may come before the read of one and after that
                    // of another.
                    _ => Differs::ByInvocation,
                }
            }
            _ => Differs::ByInvocation,
        }
    }

    /// Marks the local variable at the root of a pointer.
    pub(super) fn taint(&mut self, pointer: Handle<Expression>, differs: Differs) {
        match self.function.expressions[pointer] {
            Expression::Access { base, .. } | Expression::AccessIndex { base, .. } => {
                self.taint(base, differs)
            }
            Expression::LocalVariable(local) => self.locals[local.index()].rise(differs),
            _ => {}
        }
    }

    /// If a pointer is to one of the counters of [`fuel`](crate::check::fuel), what the counter may
    /// depend on.
    pub(super) fn counter(&self, pointer: Handle<Expression>) -> Option<Differs> {
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
