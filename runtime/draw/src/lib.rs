//! A found architecture as a drawing.
//!
//! [`svg`] draws the child of a genome for people: a box for each layer with what it does in words,
//! the main path as a column, skip connections as arcs beside it, reductions as marks. Nothing in
//! it is made for a particular space. The layers are the outermost scopes of the nodes' names; an
//! op is named after the choice that was made in the layer, or after its nodes; layers that decide
//! about their inputs, or on edges of which some are kept, are cells. Cells are drawn beside the
//! layers as graphs with an op on each edge, as papers draw them; so is the body of a scan, whose
//! nodes are named after their activations.

mod arc;
mod cell;
#[cfg(test)]
mod tests;
mod choices;
mod column;
mod diagram;
mod graph;
mod groups;
mod page;
mod ranks;
mod skeleton;
mod style;
mod text;
mod words;

use supernet_plugin::{Child, GenomeError, Kind, Op, Supergraph};

use cell::Inside;
use choices::Choices;
use diagram::Diagram;
use groups::Groups;
use skeleton::{Skeleton, skeleton};

/// What stands above a drawing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caption {
    /// What is drawn, such as "enas-macro on digits".
    pub title: String,
    /// What is known about it, such as "validation accuracy 97.5 % · 31,248 parameters".
    pub subtitle: String,
}

/// Draws the architecture that a genome picks, as an SVG document.
///
/// The document needs nothing else: its fonts are those of the reader's system, its colours follow
/// the reader's light or dark setting (paper is light), and it has a title and a description for
/// those who do not see it. The same genome and caption give the same bytes.
///
/// # Errors
/// If the genome is not one of the space's.
pub fn svg(
    supergraph: &Supergraph,
    genome: &[u32],
    caption: &Caption,
) -> Result<String, GenomeError> {
    let child = supergraph.child(genome)?;
    let longer = supergraph
        .with_time(supergraph.time().saturating_add(1))
        .child(genome)?;
    let diagrams = diagrams(supergraph, genome, &child, &longer);
    let skips = supergraph
        .space()
        .decisions
        .iter()
        .any(|decision| matches!(decision.kind, Kind::Skip { .. }));
    Ok(page::page(
        &diagrams,
        caption,
        if skips {
            "skip connection"
        } else {
            "reads an earlier value"
        },
    ))
}

/// The layers first, then a diagram for each kind of cell.
fn diagrams(
    supergraph: &Supergraph,
    genome: &[u32],
    child: &Child,
    longer: &Child,
) -> Vec<Diagram> {
    let choices = Choices::new(supergraph, genome);
    let groups = Groups::new(child);
    let Skeleton { diagram, cells } = skeleton(child, longer, &groups, &choices);
    let mut diagrams = vec![diagram];
    for found in &cells {
        let outside = |p: usize| match groups.within(p) {
            group if group == found.group => None,
            _ => Some(before(&groups, found.group, groups.held(p))),
        };
        let scope = format!("{}/", groups.names[found.group]);
        diagrams.push(cell::cell(
            &found.name,
            &Inside {
                child,
                choices: &choices,
                scope,
                outside: &outside,
            },
        ));
    }
    for position in 0..child.len() {
        let Some(body) = child.body(position) else {
            continue;
        };
        let Op::Scan { steps, carry, .. } = &child.op_node(position).op else {
            continue;
        };
        let leaf = |id: &str| words::name(id.rsplit('/').next().unwrap_or(id));
        let outside = |p: usize| {
            let id = &body.op_node(p).id;
            if steps.contains(id) {
                Some(if steps.len() == 1 {
                    "this step's input".to_owned()
                } else {
                    leaf(id)
                })
            } else if carry.iter().any(|carry| carry.id == *id) {
                Some(format!("{} of the step before", leaf(id)))
            } else {
                (p < body.given()).then(|| leaf(id))
            }
        };
        let scope = common_scope(body, body.given());
        let title = scope
            .split('/')
            .next()
            .filter(|name| !name.is_empty())
            .unwrap_or("step");
        diagrams.push(cell::cell(
            &words::name(title),
            &Inside {
                child: body,
                choices: &choices,
                scope: scope.clone(),
                outside: &outside,
            },
        ));
    }
    diagrams
}

/// What a cell calls a layer before it.
fn before(groups: &Groups, cell: usize, layer: usize) -> String {
    match cell.checked_sub(layer) {
        Some(1) => "previous layer".to_owned(),
        Some(2) => "layer two back".to_owned(),
        _ => words::name(&groups.names[layer]),
    }
}

/// The scopes that all of a body's nodes stand in, with the slash at its end, so that what comes
/// after tells them apart.
fn common_scope(body: &Child, first: usize) -> String {
    let mut ids = (first..body.len()).map(|p| body.op_node(p).id.as_str());
    let mut common = ids.next().unwrap_or_default().to_owned();
    let end = |text: &str| text.rfind('/').map_or(0, |slash| slash + 1);
    common.truncate(end(&common));
    for id in ids {
        while !id.starts_with(&common) {
            common.pop();
            common.truncate(end(&common));
        }
    }
    common
}
