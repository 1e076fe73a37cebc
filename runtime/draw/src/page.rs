//! Columns and title as one SVG document.

mod legend;

use std::collections::BTreeSet;
use std::fmt::Write;

use super::Caption;
use super::arc::HEAD;
use super::column::{CHIP, Column, HEADING, INSET, LABEL, PAD, PILL, SMALL};
use super::diagram::{Diagram, Family};
use super::graph::Graph;
use super::style;
use super::text::{self, number as n};
use legend::legend;

const MARGIN: f64 = 30.0;
const TITLE: f64 = 21.0;
const SUBTITLE: f64 = 13.5;
/// The minimum width for the text next to a narrow drawing.
const LEAST: f64 = 420.0;
const BETWEEN: f64 = 48.0;

/// Draws the network as a column, and its cells to the right of it, one below the other.
pub(super) fn page(diagrams: &[Diagram], caption: &Caption, arcs: &str) -> String {
    let place = |top: f64, left: f64| {
        let network = diagrams.first().cloned().unwrap_or_default();
        let column = Column::new(network, MARGIN + left, top);
        let x = column.frame.x + column.frame.width + BETWEEN;
        let (mut y, mut cells) = (top, Vec::new());
        for diagram in diagrams.iter().skip(1) {
            let cell = Graph::new(diagram, x, y);
            y += cell.frame.height + BETWEEN;
            cells.push(cell);
        }
        let right = cells.iter().map(|cell| cell.frame.x + cell.frame.width);
        let right = right.fold(column.frame.x + column.frame.width, f64::max);
        (column, cells, right - MARGIN - left)
    };
    // The width must be known before the height, because the title wraps to the width.
    let (.., drawn) = place(0.0, 0.0);
    let width = drawn.max(LEAST);
    let titles = text::wrap(&caption.title, TITLE, true, width);
    let subtitles = text::wrap(&caption.subtitle, SUBTITLE, false, width);
    let head = MARGIN + 27.0 * titles.len() as f64 + 20.0 * subtitles.len() as f64 + 14.0;
    let (column, cells, _) = place(head, ((width - drawn) / 2.0).floor());
    let frames = cells.iter().map(|cell| cell.frame).chain([column.frame]);
    let bottom = frames
        .map(|frame| frame.y + frame.height)
        .fold(head, f64::max);

    let mut body = String::new();
    let mut y = MARGIN;
    for line in &titles {
        let _ = writeln!(
            body,
            r#"<text class="title" x="{}" y="{}">{}</text>"#,
            n(MARGIN),
            n(y + 18.0),
            text::escape(line)
        );
        y += 27.0;
    }
    for line in &subtitles {
        let _ = writeln!(
            body,
            r#"<text class="small subtitle" x="{}" y="{}">{}</text>"#,
            n(MARGIN),
            n(y + 13.0),
            text::escape(line)
        );
        y += 20.0;
    }
    draw(&column, &mut body);
    cells.iter().for_each(|cell| cell.draw(&mut body));
    let height = legend(
        &column,
        &cells,
        arcs,
        [MARGIN, bottom + 26.0],
        width,
        &mut body,
    ) + MARGIN;
    let width = width + 2.0 * MARGIN;
    let (w, h) = (n(width.ceil()), n(height.ceil()));
    let mut out = String::new();
    let root = style::ROOT;
    let _ = writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" class="{root}" role="img" viewBox="0 0 {w} {h}" width="{w}" height="{h}">"#
    );
    let about: Vec<&str> = [&caption.title, &caption.subtitle]
        .into_iter()
        .map(String::as_str)
        .filter(|part| !part.is_empty())
        .collect();
    let _ = writeln!(out, "<title>{}</title>", text::escape(&about.join(": ")));
    let _ = writeln!(out, "<desc>{}</desc>", text::escape(&sentences(diagrams)));
    let _ = writeln!(out, "<style>\n{}</style>", style::sheet());
    let _ = writeln!(
        out,
        r#"<rect class="paper" width="{w}" height="{h}" rx="12"/>"#
    );
    out.push_str(&body);
    out.push_str("</svg>\n");
    out
}

/// Draws a column: lines first, so that boxes cover them.
fn draw(column: &Column, out: &mut String) {
    let Column {
        diagram,
        frame,
        boxes,
        ..
    } = column;
    if let Some(first) = boxes.first().filter(|_| !diagram.title.is_empty()) {
        let at = [first.x, frame.y + HEADING];
        let _ = writeln!(
            out,
            r#"<text class="heading" x="{}" y="{}">{}</text>"#,
            n(at[0]),
            n(at[1]),
            text::escape(&diagram.title)
        );
    }
    for &(_, height) in &column.cuts {
        let (left, right) = (frame.x, frame.x + frame.width);
        let _ = writeln!(
            out,
            r#"<path class="cut" d="M{} {}H{}"/>"#,
            n(left),
            n(height),
            n(right)
        );
    }
    for &upper in &column.steps {
        let (x, from) = (
            boxes[upper].x + boxes[upper].width / 2.0,
            boxes[upper].y + boxes[upper].height,
        );
        let to = boxes[upper + 1].y;
        let _ = writeln!(
            out,
            r#"<path class="step" d="M{} {}V{}"/>"#,
            n(x),
            n(from),
            n(to - HEAD + 1.0)
        );
        let (a, b, c) = (n(x - 4.5), n(x + 4.5), n(to - HEAD));
        let _ = writeln!(
            out,
            r#"<path class="tip" d="M{} {}L{a} {c}H{b}Z"/>"#,
            n(x),
            n(to)
        );
    }
    // The longest arcs are at the bottom; a rim in the paper's colour shows which of two crossing
    // arcs is on top.
    let mut arcs = column.arcs.clone();
    arcs.sort_by(|a, b| b.right().total_cmp(&a.right()));
    // Many rims would hide more than they show.
    let (class, tip, dot) = if column.many {
        ("skip many", 2.6, "2.2")
    } else {
        ("skip", 4.0, "3.2")
    };
    for arc in &arcs {
        if !column.many {
            let _ = writeln!(out, r#"<path class="halo" d="{}"/>"#, arc.middle());
        }
        let _ = writeln!(out, r#"<path class="{class}" d="{}"/>"#, arc.path());
    }
    for arc in &arcs {
        let [x, y] = arc.to;
        let (back, up, down) = (n(x + HEAD), n(y - tip), n(y + tip));
        let _ = writeln!(
            out,
            r#"<path class="skip-tip" d="M{} {}L{back} {up}V{down}Z"/>"#,
            n(x),
            n(y)
        );
        for (_, height) in &column.cuts {
            if let Some(x) = arc.crossing(*height) {
                let _ = writeln!(
                    out,
                    r#"<circle class="dot" cx="{}" cy="{}" r="{dot}"/>"#,
                    n(x),
                    n(*height)
                );
            }
        }
    }
    for &(block, height) in &column.cuts {
        let label = diagram.blocks[block].cut.as_deref().unwrap_or_default();
        let width = text::width(label, SMALL, false) + 22.0;
        let x = boxes[block].x + boxes[block].width / 2.0;
        let (left, top) = (n(x - width / 2.0), n(height - PILL / 2.0));
        let _ = writeln!(
            out,
            r#"<rect class="pill" x="{left}" y="{top}" width="{}" height="{}" rx="11"/>"#,
            n(width),
            n(PILL)
        );
        let _ = writeln!(
            out,
            r#"<text class="small middle" x="{}" y="{}">{}</text>"#,
            n(x),
            n(height + 4.2),
            text::escape(label)
        );
    }
    for block in 0..boxes.len() {
        boxed(column, block, out);
    }
}

/// Draws one box with its texts.
fn boxed(column: &Column, b: usize, out: &mut String) {
    let (block, frame) = (&column.diagram.blocks[b], &column.boxes[b]);
    let round = if block.family == Family::Data {
        frame.height / 2.0
    } else {
        8.0
    };
    let (x, y, w, h) = (n(frame.x), n(frame.y), n(frame.width), n(frame.height));
    let class = block.family.class();
    let _ = writeln!(
        out,
        r#"<rect class="box {class}" x="{x}" y="{y}" width="{w}" height="{h}" rx="{}"/>"#,
        n(round)
    );
    let several = block.rows.len() > 1;
    for (r, row) in block.rows.iter().enumerate() {
        let at = column.row(b, r);
        let mut left = frame.x + PAD;
        if several {
            let class = row.family.class();
            let (x, y) = (n(frame.x + INSET), n(at - CHIP / 2.0));
            let (w, h) = (n(frame.width - 2.0 * INSET), n(CHIP));
            let _ = writeln!(
                out,
                r#"<rect class="chip {class}" x="{x}" y="{y}" width="{w}" height="{h}" rx="5"/>"#
            );
            left += INSET;
        }
        let right = frame.x + frame.width - PAD - if several { INSET } else { 0.0 };
        let note = if several { &row.note } else { &block.note };
        let taken = if note.is_empty() {
            0.0
        } else {
            text::width(note, SMALL, false) + PAD
        };
        let label = text::fit(&row.label, LABEL, true, right - left - taken);
        let _ = writeln!(
            out,
            r#"<text class="label" x="{}" y="{}">{}</text>"#,
            n(left),
            n(at + 5.0),
            text::escape(&label)
        );
        if !note.is_empty() {
            let _ = writeln!(
                out,
                r#"<text class="small end" x="{}" y="{}">{}</text>"#,
                n(right),
                n(at + 4.4),
                text::escape(note)
            );
        }
    }
    if !block.name.is_empty() {
        let name = text::fit(&block.name, SMALL, false, frame.x - column.frame.x - 11.0);
        let at = [frame.x - 12.0, frame.y + frame.height / 2.0 + 4.4];
        let _ = writeln!(
            out,
            r#"<text class="small end" x="{}" y="{}">{}</text>"#,
            n(at[0]),
            n(at[1]),
            text::escape(&name)
        );
    }
}

/// A description of the drawing in text, for accessibility.
fn sentences(diagrams: &[Diagram]) -> String {
    let mut out = String::new();
    for diagram in diagrams {
        if !diagram.title.is_empty() {
            let _ = write!(out, "{}. ", diagram.title);
        }
        let name = |b: usize| {
            let block = &diagram.blocks[b];
            if block.name.is_empty() {
                block.rows[0].label.clone()
            } else {
                block.name.clone()
            }
        };
        for (b, block) in diagram.blocks.iter().enumerate() {
            let labels: Vec<&str> = block.rows.iter().map(|row| row.label.as_str()).collect();
            if block.name.is_empty() {
                let _ = write!(out, "{}", labels.join(" + "));
            } else {
                let _ = write!(out, "{}: {}", block.name, labels.join(" + "));
            }
            if !block.note.is_empty() {
                let _ = write!(out, ", {}", block.note);
            }
            let reads: BTreeSet<usize> = diagram
                .edges
                .iter()
                .filter(|edge| edge.to == b)
                .map(|edge| edge.from)
                .collect();
            if !reads.is_empty() {
                let names: Vec<String> = reads.into_iter().map(name).collect();
                let _ = write!(out, "; reads {}", names.join(", "));
            }
            if let Some(cut) = &block.cut {
                let _ = write!(out, "; then reduction {cut}");
            }
            out.push_str(". ");
        }
    }
    out.trim_end().to_owned()
}
