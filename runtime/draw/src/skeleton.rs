//! The network as a column of layers.

use std::collections::BTreeSet;

use supernet_plugin::{Child, Op};

use super::choices::Choices;
use super::diagram::{Block, Diagram, Edge, Family};
use super::groups::Groups;
use super::words;

/// The network and its kinds of cells.
pub(super) struct Skeleton {
    /// The layers of the network.
    pub(super) diagram: Diagram,
    /// The kinds of cells, each with a representative group.
    pub(super) cells: Vec<Cell>,
}

/// A kind of cell: layers with the same decisions.
pub(super) struct Cell {
    /// Its name.
    pub(super) name: String,
    /// The representative layer of this kind, as a group: the last one, because the first ones may
    /// read the same value twice.
    pub(super) group: usize,
    decisions: BTreeSet<usize>,
}

/// Lays a child out as layers.
///
/// `longer` is the same child for a longer window: the axis that grows is time.
pub(super) fn skeleton(
    child: &Child,
    longer: &Child,
    groups: &Groups,
    choices: &Choices<'_>,
) -> Skeleton {
    let cells = cells(groups, choices);
    // A group is placed by its first own value. A group without any is not part of this network.
    let mut order: Vec<(usize, usize)> = (0..groups.names.len())
        .filter_map(|g| Some((*groups.own(g).first()?, g)))
        .collect();
    order.sort_unstable();
    let title = if cells.is_empty() && (0..child.len()).all(|p| child.body(p).is_none()) {
        ""
    } else {
        "layers"
    };
    let mut diagram = Diagram {
        title: title.to_owned(),
        ..Diagram::default()
    };
    let mut place = vec![0; groups.names.len()];
    let mut before: Option<Run> = None;
    for &(_, group) in &order {
        let own = groups.own(group);
        let kind = cells.iter().position(|cell| {
            choices.cell_in(&groups.names[group]).as_ref() == Some(&cell.decisions)
        });
        let mut block = block([child, longer], groups, choices, group, &own);
        if let Some(kind) = kind {
            block.rows[0].label = cells[kind].name.clone();
            block.rows[0].family = Family::Structure;
            block.family = Family::Structure;
            // Consecutive equal cells are drawn once.
            if let (Some(run), Some(last)) = (&mut before, diagram.blocks.last_mut())
                && run.kind == kind
                && last.note == block.note
                && last.cut.is_none()
            {
                run.count += 1;
                last.rows[0].label = format!("{} × {}", cells[kind].name, run.count);
                last.name = format!("{} – {}", run.first, words::name(&groups.names[group]));
                last.cut = block.cut;
                place[group] = diagram.blocks.len() - 1;
                continue;
            }
        }
        before = kind.map(|kind| Run {
            kind,
            first: block.name.clone(),
            count: 1,
        });
        place[group] = diagram.blocks.len();
        diagram.blocks.push(block);
    }
    let edges: BTreeSet<Edge> = groups
        .edges(child)
        .iter()
        .map(|&(from, to)| Edge {
            from: place[from],
            to: place[to],
            row: 0,
        })
        .filter(|edge| edge.from != edge.to)
        .collect();
    diagram.edges = edges.into_iter().collect();
    Skeleton { diagram, cells }
}

/// A run of consecutive equal cells.
struct Run {
    kind: usize,
    first: String,
    count: u32,
}

fn cells(groups: &Groups, choices: &Choices<'_>) -> Vec<Cell> {
    let mut cells: Vec<Cell> = Vec::new();
    for (group, scope) in groups.names.iter().enumerate() {
        let Some(decisions) = choices.cell_in(scope) else {
            continue;
        };
        match cells.iter_mut().find(|cell| cell.decisions == decisions) {
            Some(cell) => cell.group = group,
            None => cells.push(Cell {
                name: cell_name(&decisions, choices),
                group,
                decisions,
            }),
        }
    }
    cells
}

/// The common prefix of a cell's decisions, up to a dot: `normal` of `normal.n0.x.op`.
fn cell_name(decisions: &BTreeSet<usize>, choices: &Choices<'_>) -> String {
    let mut first = decisions
        .iter()
        .map(|&d| choices.id(d).split(['.', '/']).next().unwrap_or_default());
    let name = first.next().unwrap_or_default();
    if name.is_empty() || first.any(|other| other != name) {
        "cell".to_owned()
    } else {
        format!("{} cell", words::name(name))
    }
}

fn block(
    [child, longer]: [&Child; 2],
    groups: &Groups,
    choices: &Choices<'_>,
    group: usize,
    own: &[usize],
) -> Block {
    let scope = &groups.names[group];
    let (body, cut) = cut(child, groups, own);
    let last = body.last().or(own.last()).copied().unwrap_or(0);
    if let [only] = *own
        && matches!(child.op_node(only).op, Op::Input { .. })
    {
        let leaf = scope.rsplit('/').next().unwrap_or(scope);
        let mut block = Block::new("", words::name(leaf), Family::Data);
        block.note = words::shape_over_time(child.shape(only), longer.shape(only));
        return block;
    }
    let (mut label, family) = words::summary(child, body, 3);
    if let Some(chosen) = choices.op_in(scope) {
        let branch = format!("{scope}/{chosen}/");
        // The choice of a detail, such as the activation, does not name the layer.
        if body
            .iter()
            .any(|&p| child.op_node(p).id.starts_with(&branch))
            || matches!(family, Family::Structure)
        {
            label = words::choice_of(chosen, family);
        }
    }
    let name = words::name(scope);
    // A node outside all scopes is named after its op, which need not be repeated.
    let mut block = Block::new(
        if name == label { String::new() } else { name },
        label,
        family,
    );
    block.note = words::shape_over_time(child.shape(last), longer.shape(last));
    block.cut = cut;
    block
}

/// The reduction that ends a group, as text, and the group's nodes before it.
///
/// A group ends in a reduction if its last nodes are spatially smaller than the one before them and
/// of kinds that occur in reductions. A strided convolution is not a reduction: it is the layer's
/// operation.
fn cut<'p>(child: &Child, groups: &Groups, own: &'p [usize]) -> (&'p [usize], Option<String>) {
    let read_outside = |&&p: &&usize| {
        let outside = |q: usize| groups.within(q) != groups.within(p) || !groups.is_own(q);
        (0..child.len()).any(|q| outside(q) && child.inputs(q).contains(&(p as u32)))
    };
    let exit = own.iter().rev().find(read_outside).or(own.last());
    let Some(small) = exit.and_then(|&exit| words::space(child.shape(exit))) else {
        return (own, None);
    };
    let larger = own.iter().rposition(|&p| {
        words::space(child.shape(p)).is_some_and(|[h, w]| h > small[0] || w > small[1])
    });
    let Some(at) = larger.filter(|&at| !matches!(child.op_node(own[at]).op, Op::Input { .. }))
    else {
        return (own, None);
    };
    let (body, tail) = own.split_at(at + 1);
    if tail.is_empty() || !tail.iter().all(|&p| words::passes(child, p)) {
        return (own, None);
    }
    let large = words::space(child.shape(own[at])).unwrap_or(small);
    (
        body,
        Some(format!(
            "{} → {}",
            words::shape(&large),
            words::shape(&small)
        )),
    )
}
