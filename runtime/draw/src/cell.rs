//! The inside of a cell: its nodes and their inputs.

use std::collections::{BTreeMap, BTreeSet};

use supernet_plugin::{Child, Op};

use super::choices::Choices;
use super::diagram::{Block, Diagram, Edge, Family, Row};
use super::words;

/// The nodes of a child that form a cell, and the names of values outside it.
pub(super) struct Inside<'a> {
    /// The child, or the body of a scan.
    pub(super) child: &'a Child,
    /// The choices of the genome.
    pub(super) choices: &'a Choices<'a>,
    /// The scope that contains the cell's scopes, with a trailing slash.
    pub(super) scope: String,
    /// The name of the value at a position outside the cell; `None` for positions inside.
    pub(super) outside: &'a dyn Fn(usize) -> Option<String>,
}

/// Nodes that are drawn as one block: a scope of the cell, a node outside all scopes, or an outside
/// value.
struct Unit {
    name: String,
    scope: Option<String>,
    positions: Vec<usize>,
    /// The units that it reads.
    sources: BTreeSet<usize>,
    passes: bool,
}

/// Draws the inside of a cell.
pub(super) fn cell(title: &str, inside: &Inside<'_>) -> Diagram {
    let (units, origin) = units(inside);
    let mut readers: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); units.len()];
    for (u, unit) in units.iter().enumerate() {
        unit.sources.iter().for_each(|&source| {
            readers[source].insert(u);
        });
    }
    let joins = |u: usize| matches!(units[u].positions.as_slice(), [p] if units[u].scope.is_none() && matches!(inside.child.op_node(*p).op, Op::Sum { .. } | Op::Mean { .. }));
    // An op of a sum of ops is a row of the sum's box.
    let absorbed = |u: usize| {
        let Some(scope) = units[u]
            .scope
            .as_ref()
            .filter(|_| units[u].sources.len() == 1)
        else {
            return false;
        };
        let adds = |r: &usize| joins(*r) && adds_choice(inside, units[*r].positions[0], scope);
        inside.choices.op_in(scope).is_some()
            && readers[u].len() == 1
            && readers[u].iter().all(adds)
    };
    // Outside units are drawn if they are read; inside units are drawn unless they are rows or only
    // adapt a value.
    let seen = |u: usize| !units[u].positions.is_empty() || !readers[u].is_empty();
    let shown: Vec<usize> = (0..units.len())
        .filter(|&u| seen(u) && !absorbed(u) && !is_carried(&units, &origin, u))
        .collect();
    let place: BTreeMap<usize, usize> = shown.iter().enumerate().map(|(at, &u)| (u, at)).collect();
    let mut diagram = Diagram {
        title: title.to_owned(),
        ..Diagram::default()
    };
    let mut edges = BTreeSet::new();
    for &u in &shown {
        let to = diagram.blocks.len();
        let (block, reads) = match units[u].positions.first() {
            None => (
                Block::new("", units[u].name.clone(), Family::Data),
                Vec::new(),
            ),
            Some(&p) if joins(u) => join(inside, &units, &origin, p),
            Some(_) => (
                plain(inside, &units[u]),
                units[u].sources.iter().map(|&source| (source, 0)).collect(),
            ),
        };
        edges.extend(reads.iter().filter_map(|&(from, row)| {
            Some(Edge {
                from: *place.get(&from)?,
                to,
                row,
            })
        }));
        diagram.blocks.push(block);
    }
    diagram.edges = edges.into_iter().collect();
    // The source of a row's input is also written out, since a cell has many arcs.
    for edge in &diagram.edges {
        let source = &diagram.blocks[edge.from];
        let name = if source.name.is_empty() {
            source.rows[0].label.clone()
        } else {
            source.name.clone()
        };
        let block = &mut diagram.blocks[edge.to];
        if block.rows.len() > 1 {
            block.rows[edge.row].note = name;
        }
    }
    diagram
}

/// Whether, in the supergraph, one of the sum's inputs is a choice made in `scope`.
fn adds_choice(inside: &Inside<'_>, sum: usize, scope: &str) -> bool {
    let chooses = |id: &String| {
        id.strip_prefix(scope)
            .is_some_and(|rest| rest.starts_with('/'))
    };
    let node = inside.child.op_node(sum);
    node.inputs
        .iter()
        .any(|id| chooses(id) && inside.choices.op_at(id).is_some())
}

/// Whether the unit has no value of its own: it only adapts the value of another one.
fn is_carried(units: &[Unit], origin: &[usize], u: usize) -> bool {
    let positions = &units[u].positions;
    !positions.is_empty() && positions.iter().all(|&p| origin[p] != u)
}

/// The units, and for every position the unit that its value belongs to.
fn units(inside: &Inside<'_>) -> (Vec<Unit>, Vec<usize>) {
    let Inside {
        child,
        choices,
        scope,
        outside,
    } = inside;
    let mut units: Vec<Unit> = Vec::new();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    let mut origin: Vec<usize> = Vec::with_capacity(child.len());
    for p in 0..child.len() {
        let foreign = outside(p);
        let id = child.op_node(p).id.as_str();
        let local = id.strip_prefix(scope.as_str()).unwrap_or(id);
        let own_scope = local
            .split_once('/')
            .map(|(first, _)| first)
            .filter(|_| foreign.is_none());
        let name = foreign
            .clone()
            .unwrap_or_else(|| own_scope.unwrap_or(local).to_owned());
        let key = format!("{}{name}", if foreign.is_some() { "outside " } else { "" });
        let u = *known.entry(key).or_insert_with(|| {
            let scope = own_scope.map(|own| format!("{scope}{own}"));
            units.push(Unit {
                name,
                scope,
                positions: Vec::new(),
                sources: BTreeSet::new(),
                passes: true,
            });
            units.len() - 1
        });
        if foreign.is_some() {
            origin.push(u);
            continue;
        }
        let unit = &mut units[u];
        unit.positions.push(p);
        // In its own scope, a sum adapts a value that comes in several parts.
        let fits = unit.scope.is_some() && matches!(child.op_node(p).op, Op::Sum { .. });
        unit.passes &= fits || words::passes(child, p);
        unit.sources.extend(
            child
                .inputs(p)
                .iter()
                .map(|&input| origin[input as usize])
                .filter(|&source| source != u),
        );
        let decides = unit
            .scope
            .as_ref()
            .is_some_and(|scope| choices.op_in(scope).is_some());
        let is_output = child.outputs().contains(&(p as u32));
        let carried = unit.passes && !decides && !is_output && unit.sources.len() == 1;
        origin.push(if carried {
            unit.sources.first().copied().unwrap_or(u)
        } else {
            u
        });
    }
    (units, origin)
}

/// A unit of one row.
fn plain(inside: &Inside<'_>, unit: &Unit) -> Block {
    let (mut label, mut family) = words::summary(inside.child, &unit.positions, 3);
    if let Some(chosen) = unit
        .scope
        .as_ref()
        .and_then(|scope| inside.choices.op_in(scope))
    {
        label = words::choice_of(chosen, family);
    } else if unit.sources.len() > 1 && unit.positions.len() > 1 {
        // A sum of one convolution per part is a convolution of the concatenated parts.
        label = format!("joined: {label}");
        family = Family::Structure;
    }
    // A node outside all scopes is named after its op, which need not be repeated.
    let name = unit
        .scope
        .as_ref()
        .map_or(String::new(), |_| words::name(&unit.name));
    Block::new(name, label, family)
}

/// A sum: a row for each op that it adds up, with the unit that the op reads.
fn join(
    inside: &Inside<'_>,
    units: &[Unit],
    origin: &[usize],
    p: usize,
) -> (Block, Vec<(usize, usize)>) {
    let node = inside.child.op_node(p);
    let inputs = inside.child.inputs(p);
    // The node's inputs in the supergraph tell which op was chosen, even if it leaves no node, as
    // an identity.
    let present: Vec<&String> = node
        .inputs
        .iter()
        .filter(|id| !inside.choices.is_zero(id))
        .collect();
    let whole = inputs.len() == present.len();
    let mut rows = Vec::new();
    let mut reads = Vec::new();
    let mut scopes: Vec<&str> = Vec::new();
    for (i, &input) in inputs.iter().enumerate() {
        let u = origin[input as usize];
        let scope = units[u]
            .scope
            .as_deref()
            .filter(|scope| adds_choice(inside, p, scope));
        let chooser = present.get(i).copied().filter(|_| whole);
        let chosen = chooser.and_then(|id| inside.choices.op_at(id));
        // The op's own scope contains its nodes; without any, the input is read directly.
        let own =
            scope.filter(|scope| chooser.is_none_or(|id| id.starts_with(&format!("{scope}/"))));
        let local = chosen
            .and(chooser)
            .and_then(|id| id.strip_prefix(inside.scope.as_str()));
        scopes.extend(local.and_then(|id| id.split('/').next()));
        match own {
            Some(scope) if units[u].sources.len() == 1 => {
                let label = inside
                    .choices
                    .op_in(scope)
                    .map(words::choice)
                    .unwrap_or_default();
                let family = words::family(inside.child, &units[u].positions);
                reads.extend(units[u].sources.iter().map(|&source| (source, rows.len())));
                rows.push(Row {
                    label,
                    note: String::new(),
                    family,
                });
            }
            _ => {
                let label = chosen.map_or_else(|| "identity".to_owned(), words::choice);
                reads.push((u, rows.len()));
                rows.push(Row {
                    label,
                    note: String::new(),
                    family: Family::Structure,
                });
            }
        }
    }
    if rows.iter().all(|row| row.label == "identity") && scopes.is_empty() {
        // A plain sum of earlier values.
        let (label, family) = words::summary(inside.child, &[p], 1);
        let reads = reads.iter().map(|&(u, _)| (u, 0)).collect();
        return (Block::new("", label, family), reads);
    }
    let name = common(&scopes).unwrap_or_default();
    let mut block = Block::new(name, "", Family::Structure);
    block.rows = rows;
    (block, reads)
}

/// The common prefix of names: `n0` of `n0.x` and `n0.y`.
fn common(scopes: &[&str]) -> Option<String> {
    let first = scopes.first()?;
    let stem = first.rsplit_once('.').map_or(*first, |(stem, _)| stem);
    scopes
        .iter()
        .all(|scope| {
            *scope == stem
                || scope
                    .strip_prefix(stem)
                    .is_some_and(|rest| rest.starts_with('.'))
        })
        .then(|| words::name(stem))
}
