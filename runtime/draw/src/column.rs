//! The layout of a diagram as a column: boxes below each other, names to their left, arcs to their
//! right.

use std::cmp::Reverse;

use super::arc::Arc;
use super::diagram::{Block, Diagram, Edge, Family};
use super::text;

/// Font size of a block's label.
pub(super) const LABEL: f64 = 14.5;
/// Font size of names and notes.
pub(super) const SMALL: f64 = 12.0;
/// Font size of a column's heading.
pub(super) const HEADING: f64 = 15.0;
/// Space between a box's edge and its text.
pub(super) const PAD: f64 = 13.0;
/// Height of a row in a box with several rows.
pub(super) const CHIP: f64 = 23.0;
/// Space between a box's edge and its rows.
pub(super) const INSET: f64 = 6.0;
/// Height of the pill that marks a reduction.
pub(super) const PILL: f64 = 22.0;
const ROW: f64 = 27.0;
const GAP: f64 = 26.0;
const CUT_GAP: f64 = 62.0;
/// Maximum width of a label; a longer one ends in an ellipsis.
const WIDEST: f64 = 380.0;
const NARROWEST: f64 = 190.0;

/// A rectangle.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Frame {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// A diagram with positions.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) diagram: Diagram,
    /// The bounding rectangle.
    pub(super) frame: Frame,
    /// The boxes.
    pub(super) boxes: Vec<Frame>,
    /// Steps between consecutive boxes: the index of the upper box.
    pub(super) steps: Vec<usize>,
    /// The other edges.
    pub(super) arcs: Vec<Arc>,
    /// Whether there are so many arcs that they must be thin.
    pub(super) many: bool,
    /// The reductions: the box before, and the height of the line.
    pub(super) cuts: Vec<(usize, f64)>,
}

impl Column {
    /// Lays out a diagram with its upper left corner at the given position.
    pub(super) fn new(diagram: Diagram, x: f64, y: f64) -> Self {
        let names = diagram
            .blocks
            .iter()
            .map(|block| text::width(&block.name, SMALL, false))
            .fold(0.0, f64::max);
        let gutter = if names > 0.0 {
            names.min(WIDEST) + 12.0
        } else {
            0.0
        };
        let width = diagram.blocks.iter().map(wanted).fold(NARROWEST, f64::max);
        let heading = if diagram.title.is_empty() {
            0.0
        } else {
            HEADING + 16.0
        };
        let mut boxes = Vec::new();
        let mut cuts = Vec::new();
        let mut top = y + heading;
        for (i, block) in diagram.blocks.iter().enumerate() {
            let height = match (block.rows.len(), block.family) {
                (_, Family::Data) => 28.0,
                (1, _) => 38.0,
                (rows, _) => 2.0 * INSET - (ROW - CHIP) + ROW * rows as f64,
            };
            boxes.push(Frame {
                x: x + gutter,
                y: top,
                width,
                height,
            });
            top += height;
            if i + 1 == diagram.blocks.len() {
                break;
            }
            if block.cut.is_some() {
                cuts.push((i, top + CUT_GAP / 2.0));
            }
            top += if block.cut.is_some() { CUT_GAP } else { GAP };
        }
        let is_step =
            |edge: &&Edge| edge.to == edge.from + 1 && diagram.blocks[edge.to].rows.len() == 1;
        let steps = diagram
            .edges
            .iter()
            .filter(is_step)
            .map(|edge| edge.from)
            .collect();
        let arcs = arcs(
            &diagram,
            &boxes,
            &diagram
                .edges
                .iter()
                .filter(|edge| !is_step(edge))
                .copied()
                .collect::<Vec<_>>(),
        );
        let many = arcs.len() > 24;
        let right = arcs
            .iter()
            .map(Arc::right)
            .fold(x + gutter + width, f64::max);
        let heading_right = x + gutter + text::width(&diagram.title, HEADING, true);
        let frame = Frame {
            x,
            y,
            width: right.max(heading_right) - x,
            height: top - y,
        };
        Column {
            diagram,
            frame,
            boxes,
            steps,
            arcs,
            many,
            cuts,
        }
    }

    /// The height of the middle of a row.
    pub(super) fn row(&self, block: usize, row: usize) -> f64 {
        middle(&self.boxes[block], &self.diagram.blocks[block], row)
    }
}

/// The preferred width of a block.
fn wanted(block: &Block) -> f64 {
    let inset = if block.rows.len() > 1 {
        2.0 * INSET
    } else {
        0.0
    };
    let small = |note: &str| {
        if note.is_empty() {
            0.0
        } else {
            text::width(note, SMALL, false) + PAD
        }
    };
    let rows = block.rows.iter().map(|row| {
        let note = if block.rows.len() > 1 {
            &row.note
        } else {
            &block.note
        };
        2.0 * PAD + inset + text::width(&row.label, LABEL, true) + small(note)
    });
    rows.fold(0.0, f64::max).min(WIDEST)
}

fn middle(frame: &Frame, block: &Block, row: usize) -> f64 {
    let rows = block.rows.len();
    frame.y + frame.height / 2.0 + ROW * (row as f64 - (rows as f64 - 1.0) / 2.0)
}

/// Arcs with their ends spread over the sides of the boxes, so that arcs which start or end at the
/// same box neither touch nor cross there: the longest one starts highest and ends lowest.
fn arcs(diagram: &Diagram, boxes: &[Frame], edges: &[Edge]) -> Vec<Arc> {
    let span = |edge: &Edge| edge.to.abs_diff(edge.from);
    let mut from = vec![0.0; edges.len()];
    let mut to = vec![0.0; edges.len()];
    for (b, frame) in boxes.iter().enumerate() {
        let block = &diagram.blocks[b];
        let several = block.rows.len() > 1;
        let mut leave: Vec<usize> = (0..edges.len()).filter(|&e| edges[e].from == b).collect();
        let mut enter: Vec<usize> = (0..edges.len()).filter(|&e| edges[e].to == b).collect();
        leave.sort_by_key(|&e| (Reverse(span(&edges[e])), e));
        enter.sort_by_key(|&e| (edges[e].row, span(&edges[e]), e));
        let apart = if leave.is_empty() || enter.is_empty() {
            0.0
        } else {
            0.2 * frame.height
        };
        let centre = frame.y + frame.height / 2.0;
        let low = if several {
            frame.y + frame.height - 4.0
        } else {
            centre + apart
        };
        spread(
            &leave,
            low,
            if several { 4.0 } else { 0.3 * frame.height },
            &mut from,
        );
        if several {
            for row in 0..block.rows.len() {
                let here: Vec<usize> = enter
                    .iter()
                    .copied()
                    .filter(|&e| edges[e].row == row)
                    .collect();
                spread(&here, middle(frame, block, row), 10.0, &mut to);
            }
        } else {
            spread(&enter, centre - apart, 0.3 * frame.height, &mut to);
        }
    }
    let right = |b: usize| boxes[b].x + boxes[b].width;
    let ends = edges.iter().zip(from.into_iter().zip(to));
    ends.map(|(edge, (from, to))| Arc {
        from: [right(edge.from), from],
        to: [right(edge.to), to],
    })
    .collect()
}

/// Spreads ends around a height, within a total of `room`.
fn spread(ends: &[usize], centre: f64, room: f64, heights: &mut [f64]) {
    let gaps = ends.len().saturating_sub(1) as f64;
    let gap = if gaps > 0.0 {
        (room / gaps).min(5.0)
    } else {
        0.0
    };
    for (i, &end) in ends.iter().enumerate() {
        heights[end] = centre + gap * (i as f64 - gaps / 2.0);
    }
}
