//! A limit to the loops of a module.
//!
//! WGSL has no recursion, so a kernel runs forever only by a loop. On some drivers nothing can stop one that does, and
//! giving its device up hangs too. So every round of every loop burns fuel, and a loop is left when there is none: so are,
//! one by one, those around it.
//!
//! Loops with a barrier burn from a tank of their own. All invocations of a workgroup go through these together, as the
//! check of barriers demands, so they also run out together, and none is left waiting. All other loops may burn as much as
//! they like beside them.

use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{
    AddressSpace, ArraySize, BinaryOperator, Block, Expression, Function, GlobalVariable, Handle, Literal, Module,
    Override, Range, ResourceBinding, Scalar, Span, Statement, StorageAccess, Type, TypeInner,
};

use super::op::{calls, waits};
use super::statements::{any, anywhere, blocks, blocks_mut};
use super::{Breach, CheckError, Parsed, module};
use crate::catalogue::FUEL_CONSTANT;

/// Rounds of all loops of an invocation unless the constant says otherwise.
const FUEL: u32 = 1 << 24;
/// Calls of functions in one run of an entry point at most.
const MOST_CALLS: u64 = 1 << 16;

/// A module whose loops end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fuelled {
    /// Its text.
    pub source: String,
    /// Its entry points, as they are called in it, in the order of the original.
    pub entries: Vec<String>,
    /// Its `override` constants, as they are called in it, in the order of the original, without the limit itself,
    /// [`FUEL_CONSTANT`].
    pub constants: Vec<String>,
}

/// The module with a limit to its loops. If `spent` is a binding, the text has there an array of whole numbers, whose first
/// becomes 1 when a loop is left for want of fuel.
///
/// # Errors
/// If functions call each other too often, or the module cannot be written down again.
pub fn fuelled(parsed: &Parsed, spent: Option<u32>) -> Result<Fuelled, CheckError> {
    let fail = |breach: Breach| breach.at(parsed.name(), None);
    let mut limited = parsed.module().clone();
    for entry in &limited.entry_points {
        let got = calls(&limited, &entry.function.body);
        if got > MOST_CALLS {
            return Err(Breach::Calls { got, most: MOST_CALLS }.at(parsed.name(), Some(&entry.name)));
        }
    }
    let (entries, constants) = (limited.entry_points.len(), limited.overrides.len());
    limit(&mut limited, spent);
    let flags = ValidationFlags::all();
    let info = Validator::new(flags, Capabilities::SUBGROUP)
        .validate(&limited)
        .map_err(|error| fail(Breach::Fuel { message: error.as_inner().to_string() }))?;
    let flags = naga::back::wgsl::WriterFlags::empty();
    let source = naga::back::wgsl::write_string(&limited, &info, flags)
        .map_err(|error| fail(Breach::Fuel { message: error.to_string() }))?;
    // Names that are no good in every language come out changed.
    let again = module(&source, parsed.name())?;
    let again = again.module();
    let names = |name: &Option<String>| name.clone().unwrap_or_default();
    Ok(Fuelled {
        entries: again.entry_points.iter().take(entries).map(|entry| entry.name.clone()).collect(),
        constants: again.overrides.iter().take(constants).map(|(_, constant)| names(&constant.name)).collect(),
        source,
    })
}

/// What the module has for counting.
struct Tanks {
    limit: Handle<Override>,
    /// Rounds of loops without a barrier, and of those with one.
    burnt: [Handle<GlobalVariable>; 2],
    spent: Option<Handle<GlobalVariable>>,
}

fn limit(module: &mut Module, spent: Option<u32>) {
    let looped = |body: &Block| any(body, &mut |statement| matches!(statement, Statement::Loop { .. }));
    let functions = module.functions.iter().any(|(_, function)| looped(&function.body));
    if !functions && !module.entry_points.iter().any(|entry| looped(&entry.function.body)) {
        return;
    }
    let tanks = Tanks::new(module, spent);
    // Which functions wait is asked of the module as it was.
    let original = module.clone();
    for (_, function) in module.functions.iter_mut() {
        tanks.burn_in(&original, function);
    }
    for entry in &mut module.entry_points {
        tanks.burn_in(&original, &mut entry.function);
    }
}

impl Tanks {
    fn new(module: &mut Module, spent: Option<u32>) -> Self {
        let none = Span::UNDEFINED;
        let ty = module.types.insert(Type { name: None, inner: TypeInner::Scalar(Scalar::U32) }, none);
        let number = |module: &mut Module, number| {
            module.global_expressions.append(Expression::Literal(Literal::U32(number)), none)
        };
        let fuel = number(module, FUEL);
        let limit = Override { name: Some(FUEL_CONSTANT.into()), id: None, ty, init: Some(fuel) };
        let limit = module.overrides.append(limit, none);
        let zero = number(module, 0);
        let variable = |name: &str, space, binding, ty, init| GlobalVariable {
            name: Some(name.into()),
            space,
            binding,
            ty,
            init,
            memory_decorations: naga::MemoryDecorations::empty(),
        };
        let burnt = ["supernet_burnt", "supernet_burnt_together"].map(|name| {
            let burnt = variable(name, AddressSpace::Private, None, ty, Some(zero));
            module.global_variables.append(burnt, none)
        });
        let spent = spent.map(|binding| {
            let inner = TypeInner::Array { base: ty, size: ArraySize::Dynamic, stride: 4 };
            let list = module.types.insert(Type { name: None, inner }, none);
            let space = AddressSpace::Storage { access: StorageAccess::LOAD | StorageAccess::STORE };
            let binding = Some(ResourceBinding { group: 0, binding });
            module.global_variables.append(variable("supernet_spent", space, binding, list, None), none)
        });
        Self { limit, burnt, spent }
    }

    fn burn_in(&self, module: &Module, function: &mut Function) {
        let mut body = std::mem::take(&mut function.body);
        self.burn(module, function, &mut body);
        function.body = body;
    }

    /// Puts a limit to every loop of a block.
    fn burn(&self, module: &Module, function: &mut Function, block: &mut Block) {
        for statement in block.iter_mut() {
            let together = blocks(statement).into_iter().any(|inner| anywhere(module, inner, &waits));
            blocks_mut(statement).into_iter().for_each(|inner| self.burn(module, function, inner));
            if let Statement::Loop { body, .. } = statement {
                let mut limited = self.round(function, self.burnt[usize::from(together)]);
                limited.append(body);
                *body = limited;
            }
        }
    }

    /// What stands at the head of a round: is there fuel left, and one less of it.
    fn round(&self, function: &mut Function, burnt: Handle<GlobalVariable>) -> Block {
        let none = Span::UNDEFINED;
        let mut add = |expression| function.expressions.append(expression, none);
        let place = add(Expression::GlobalVariable(burnt));
        let limit = add(Expression::Override(self.limit));
        let one = add(Expression::Literal(Literal::U32(1)));
        let spent = self.spent.map(|spent| add(Expression::GlobalVariable(spent)));
        let so_far = add(Expression::Load { pointer: place });
        let out = add(Expression::Binary { op: BinaryOperator::GreaterEqual, left: so_far, right: limit });
        let mut leave = Block::new();
        if let Some(base) = spent {
            let first = add(Expression::AccessIndex { base, index: 0 });
            leave.push(Statement::Emit(Range::new_from_bounds(first, first)), none);
            leave.push(Statement::Store { pointer: first, value: one }, none);
        }
        leave.push(Statement::Break, none);
        let more = add(Expression::Binary { op: BinaryOperator::Add, left: so_far, right: one });
        let mut round = Block::new();
        round.push(Statement::Emit(Range::new_from_bounds(so_far, out)), none);
        round.push(Statement::If { condition: out, accept: leave, reject: Block::new() }, none);
        round.push(Statement::Emit(Range::new_from_bounds(more, more)), none);
        round.push(Statement::Store { pointer: place, value: more }, none);
        round
    }
}
