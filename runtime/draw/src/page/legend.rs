//! The legend below a drawing.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::column::{Column, SMALL};
use crate::diagram::Family;
use crate::graph::Graph;
use crate::text::{self, number as n};

/// Draws the legend with the entries that the drawing needs, and returns the y coordinate of its
/// end.
pub(super) fn legend(
    column: &Column,
    cells: &[Graph],
    arcs: &str,
    corner: [f64; 2],
    width: f64,
    out: &mut String,
) -> f64 {
    let blocks = &column.diagram.blocks;
    let used: BTreeSet<Family> = blocks
        .iter()
        .flat_map(|block| {
            block
                .rows
                .iter()
                .map(|row| row.family)
                .chain([block.family])
        })
        .chain(cells.iter().flat_map(Graph::families))
        .collect();
    let (has_arcs, has_cuts) = (!column.arcs.is_empty(), !column.cuts.is_empty());
    let mut items: Vec<(&str, &str)> = Family::EXPLAINED
        .iter()
        .filter(|family| used.contains(family))
        .map(|family| (family.class(), family.label()))
        .collect();
    items.extend(has_arcs.then_some(("skip", arcs)));
    items.extend(has_cuts.then_some(("dot", "reduction to a smaller image")));
    let [mut x, mut y] = corner;
    let _ = writeln!(
        out,
        r#"<path class="rule" d="M{} {}H{}"/>"#,
        n(x),
        n(y - 8.0),
        n(x + width)
    );
    y += 8.0;
    for (class, label) in items {
        let room = 24.0 + text::width(label, SMALL, false);
        if x > corner[0] && x + room > corner[0] + width {
            x = corner[0];
            y += 22.0;
        }
        let middle = y + 7.0;
        let _ = match class {
            "skip" => writeln!(
                out,
                r#"<path class="sample" d="M{} {}h18"/>"#,
                n(x),
                n(middle)
            ),
            "dot" => writeln!(
                out,
                r#"<circle class="dot" cx="{}" cy="{}" r="4"/>"#,
                n(x + 8.0),
                n(middle)
            ),
            _ => writeln!(
                out,
                r#"<rect class="box {class}" x="{}" y="{}" width="14" height="14" rx="4"/>"#,
                n(x + 1.0),
                n(y)
            ),
        };
        let _ = writeln!(
            out,
            r#"<text class="small" x="{}" y="{}">{}</text>"#,
            n(x + 24.0),
            n(middle + 4.3),
            text::escape(label)
        );
        x += room + 22.0;
    }
    y + 14.0
}
