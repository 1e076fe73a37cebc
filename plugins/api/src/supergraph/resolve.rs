use super::Inner;
use super::decisions::Decisions;
use super::nodes::Graph;
use super::plan::plan;
use crate::names::{Names, Places};
use crate::ragged::Ragged;
use crate::{Role, SCHEMA, SearchSpace, ValidationError};

/// The most problems reported at once: one mistake in a generated space repeats on every layer.
pub(crate) const MOST: usize = 20;

/// Checks a space and resolves its names. Each stage runs after the stages that it depends on, so
/// that one mistake gives one problem.
pub(crate) fn resolve(space: SearchSpace) -> Result<Inner, Vec<ValidationError>> {
    let mut problems = Vec::new();
    if !(1..=SCHEMA).contains(&space.schema) {
        let reason = format!(
            "it is written in schema {}, and this version reads 1 to {SCHEMA}",
            space.schema
        );
        return Err(vec![ValidationError::new("the space", reason)]);
    }
    if space.name.is_empty() {
        problems.push(ValidationError::new("the space", "it has no name"));
    }
    let decisions = Decisions::new(&space, &mut problems);
    stop(&mut problems)?;
    let (plan, order) = plan(&decisions, &mut problems);
    stop(&mut problems)?;
    let active_if = decisions.activity(&order, &mut problems);
    let require = decisions.constraints(&mut problems);
    decisions.groups(&mut problems);
    let owners = decisions.extents(&mut problems);
    repeated(
        space.blocks.iter().map(|block| &block.id),
        "block",
        &mut problems,
    );
    repeated(space.ops.iter().map(|op| &op.name), "op", &mut problems);
    for op in &space.ops {
        if problems.len() < MOST {
            problems.extend(op.problems());
        }
    }
    if !space
        .outputs
        .iter()
        .any(|output| output.role == Role::Logits)
    {
        problems.push(ValidationError::new(
            "the space",
            "no output has the role `logits`, and it needs one",
        ));
    }
    stop(&mut problems)?;

    let places = Some(Places::new(&space.extents, &owners, &space.ops));
    let names = Names {
        extents: &space.extents,
        owners: &owners,
        ops: &space.ops,
        places,
    };
    let graph = Graph::new(&decisions, names, &mut problems);
    stop(&mut problems)?;

    let Graph {
        params,
        values,
        node_params,
        extra,
        outer,
        bodies,
        ..
    } = graph;
    let values: Vec<_> = values.into_iter().flatten().collect();
    let params: Vec<_> = params.into_iter().flatten().collect();
    let mut stored = Ragged::default();
    let mut elastic = Vec::new();
    for param in &params {
        param
            .axes
            .iter()
            .for_each(|axis| stored.add(axis.largest(1)));
        stored.close();
        elastic.push(param.fixed().is_none());
    }
    let mut follows = Ragged::default();
    let mut by_node = Ragged::default();
    for (value, reads) in values.iter().zip(&node_params) {
        let mut decisions = Vec::new();
        value.decisions(&mut decisions);
        reads
            .iter()
            .for_each(|&param| params[param as usize].decisions(&mut decisions));
        follows.push(&decisions);
        by_node.push(reads);
    }
    let fixed = values.iter().map(crate::axis::Value::fixed).collect();
    let choices = decisions.choices;
    Ok(Inner {
        choices,
        active_if,
        require,
        order,
        plan,
        params,
        stored,
        elastic,
        extra,
        fixed,
        values,
        node_params: by_node,
        follows,
        outer,
        bodies,
        space,
    })
}

fn stop(problems: &mut Vec<ValidationError>) -> Result<(), Vec<ValidationError>> {
    problems.truncate(MOST);
    if problems.is_empty() {
        Ok(())
    } else {
        Err(std::mem::take(problems))
    }
}

fn repeated<'a>(
    ids: impl Iterator<Item = &'a String>,
    kind: &str,
    problems: &mut Vec<ValidationError>,
) {
    let mut seen = std::collections::BTreeSet::new();
    for id in ids {
        if problems.len() < MOST && !seen.insert(id) {
            problems.push(ValidationError::new(
                format!("{kind} `{id}`"),
                format!("two {kind}s have this name"),
            ));
        }
    }
}
