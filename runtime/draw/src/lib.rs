//! Drawings of architectures.
//!
//! [`svg`] draws the child of a genome: a box for each layer with its operation as text, the main
//! path as a column, skip connections as arcs next to it, reductions as marks. It makes no
//! assumptions about particular spaces. The layers are the outermost scopes of the nodes' names. An
//! op is named after the choice made in the layer, or after its nodes. Layers that choose inputs,
//! or edges of which only some are kept, are cells. Cells are drawn next to the layers as graphs
//! with an op on each edge, as in papers; so is the body of a scan, whose nodes are named after
//! their activations.

#![warn(clippy::exhaustive_enums)]

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

/// The text above a drawing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caption {
    /// The title, such as "enas-macro on digits".
    pub title: String,
    /// Further information, such as "validation accuracy 97.5 % · 31,248 parameters".
    pub subtitle: String,
}

/// Draws the architecture of a genome as an SVG document.
///
/// The document is self-contained: its fonts are those of the reader's system, its colours follow
/// the reader's light or dark setting (paper is light), and it has a title and a description for
/// accessibility. The same genome and caption give the same bytes.
///
/// # Errors
/// If the genome does not belong to the space.
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

/// The name that a cell gives to a layer before it.
fn before(groups: &Groups, cell: usize, layer: usize) -> String {
    match cell.checked_sub(layer) {
        Some(1) => "previous layer".to_owned(),
        Some(2) => "layer two back".to_owned(),
        _ => words::name(&groups.names[layer]),
    }
}

/// The scopes common to all nodes of a body, with a trailing slash; the rest of a name is unique.
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
