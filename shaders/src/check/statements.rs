//! Walks over the statements of a function.

use naga::{Block, Module, Statement};

/// Whether `is` holds for a statement of the block, or of the blocks in it.
pub(super) fn any(block: &Block, is: &mut dyn FnMut(&Statement) -> bool) -> bool {
    block.iter().any(|statement| is(statement) || blocks(statement).into_iter().any(|inner| any(inner, is)))
}

/// The same, functions that are called included.
pub(super) fn anywhere(module: &Module, block: &Block, is: &dyn Fn(&Statement) -> bool) -> bool {
    // A function stands after those that it calls, so each is looked at once.
    let mut found = vec![false; module.functions.len()];
    let here = |block: &Block, found: &[bool]| {
        any(block, &mut |statement| match statement {
            Statement::Call { function, .. } => found[function.index()] || is(statement),
            _ => is(statement),
        })
    };
    for (handle, function) in module.functions.iter() {
        found[handle.index()] = here(&function.body, &found);
    }
    here(block, &found)
}

/// The blocks that stand in a statement.
pub(super) fn blocks(statement: &Statement) -> Vec<&Block> {
    match statement {
        Statement::Block(block) => vec![block],
        Statement::If { accept, reject, .. } => vec![accept, reject],
        Statement::Switch { cases, .. } => cases.iter().map(|case| &case.body).collect(),
        Statement::Loop { body, continuing, .. } => vec![body, continuing],
        _ => Vec::new(),
    }
}

/// The same, to be changed.
pub(super) fn blocks_mut(statement: &mut Statement) -> Vec<&mut Block> {
    match statement {
        Statement::Block(block) => vec![block],
        Statement::If { accept, reject, .. } => vec![accept, reject],
        Statement::Switch { cases, .. } => cases.iter_mut().map(|case| &mut case.body).collect(),
        Statement::Loop { body, continuing, .. } => vec![body, continuing],
        _ => Vec::new(),
    }
}
