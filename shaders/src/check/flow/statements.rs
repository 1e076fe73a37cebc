//! The control flow in which statements are reached.

use naga::{Block, CollectiveOperation, Expression, GatherMode, Handle, Span, Statement};

use super::{Differs, Exits, Fault, Walk};

impl Walk<'_> {
    /// Analyses a block in control flow that depends on `apart`.
    pub(super) fn block(&mut self, block: &Block, mut apart: Differs) -> Result<Exits, Fault> {
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
                // A break leaves only the switch.
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
                // The callee may write through any pointer that it receives.
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

    /// Lanes of a subgroup exchange values.
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

    /// A loop; returns what exits from the function inside it depend on.
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
            // From the second iteration on, some invocations may have left.
            left.rise(self.block(body, fewer)?.from_function);
            self.block(continuing, fewer)?;
        }
        Ok(left)
    }
}
