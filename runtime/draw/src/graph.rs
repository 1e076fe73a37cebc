//! A cell as a graph from left to right: inputs, nodes, an op on each edge that has one, and the
//! output.

use std::fmt::Write;

use super::arc::HEAD;
use super::column::{Frame, HEADING, LABEL, PAD, SMALL};
use super::diagram::{Block, Diagram, Family};
use super::ranks::{self, Item};
use super::text::{self, number as n};

/// Space between two ranks, in which the lines bend.
const BETWEEN: f64 = 46.0;
const NODE: f64 = 34.0;
const CHIP: f64 = 24.0;
/// Height of a line where it passes a rank.
const BEND: f64 = 4.0;
/// Distance between the ends of lines at a node.
const APART: f64 = 7.0;
/// Maximum width of a label; a longer one ends in an ellipsis.
const WIDEST: f64 = 300.0;

/// A cell with positions.
pub(super) struct Graph {
    title: String,
    /// The bounding rectangle.
    pub(super) frame: Frame,
    boxes: Vec<Boxed>,
    lines: Vec<Line>,
}

/// A node, or the op on an edge.
struct Boxed {
    name: String,
    label: String,
    family: Family,
    chip: bool,
    frame: Frame,
}

/// A line from one box to another, with the ranks that it passes between them: their left and right
/// sides, and its height there.
struct Line {
    points: Vec<[f64; 2]>,
    arrow: bool,
}

/// An item on a rank.
enum What {
    Block(usize),
    Op(String, Family),
    Bend,
}

impl Graph {
    /// Lays out a cell with its upper left corner at the given position.
    pub(super) fn new(diagram: &Diagram, x: f64, y: f64) -> Self {
        let (mut whats, mut items, links) = arranged(diagram);
        let height = ranks::place(&mut items, &links);
        let heading = if diagram.title.is_empty() {
            0.0
        } else {
            HEADING + 18.0
        };
        let count = items.iter().map(|item| item.rank + 1).max().unwrap_or(0);
        let mut widths = vec![0.0_f64; count];
        for (what, item) in whats.iter().zip(&items) {
            let width = match what {
                What::Block(b) => wanted(diagram.blocks.get(*b)),
                What::Op(label, _) => text::width(label, SMALL, false).min(WIDEST) + 2.0 * PAD,
                What::Bend => 0.0,
            };
            widths[item.rank] = widths[item.rank].max(width);
        }
        let mut lefts = Vec::new();
        let mut right = x;
        for width in &widths {
            lefts.push(right);
            right += width + BETWEEN;
        }
        let frames: Vec<Frame> = items
            .iter()
            .map(|item| Frame {
                x: lefts[item.rank],
                y: y + heading + item.y - item.height / 2.0,
                width: widths[item.rank],
                height: item.height,
            })
            .collect();
        let lines = lines(&whats, &frames, &links);
        let boxes = whats
            .drain(..)
            .zip(&frames)
            .filter_map(|(what, &frame)| boxed(diagram, what, frame))
            .collect();
        let width = (right - BETWEEN - x).max(text::width(&diagram.title, HEADING, true));
        let frame = Frame {
            x,
            y,
            width,
            height: heading + height,
        };
        Graph {
            title: diagram.title.clone(),
            frame,
            boxes,
            lines,
        }
    }

    /// Draws the cell: lines first, so that boxes cover them.
    pub(super) fn draw(&self, out: &mut String) {
        if !self.title.is_empty() {
            let (x, y) = (n(self.frame.x), n(self.frame.y + HEADING));
            let _ = writeln!(
                out,
                r#"<text class="heading" x="{x}" y="{y}">{}</text>"#,
                text::escape(&self.title)
            );
        }
        for Line { points, arrow } in &self.lines {
            let _ = writeln!(out, r#"<path class="edge" d="{}"/>"#, path(points));
            if let (true, Some([x, y])) = (arrow, points.last()) {
                let (back, up, down) = (n(x - HEAD), n(y - 3.6), n(y + 3.6));
                let _ = writeln!(
                    out,
                    r#"<path class="edge-tip" d="M{} {}L{back} {up}V{down}Z"/>"#,
                    n(*x),
                    n(*y)
                );
            }
        }
        self.boxes.iter().for_each(|one| one.draw(out));
    }

    /// The families that the legend must explain.
    pub(super) fn families(&self) -> impl Iterator<Item = Family> {
        self.boxes.iter().map(|one| one.family)
    }
}

impl Boxed {
    fn draw(&self, out: &mut String) {
        let Boxed {
            name,
            label,
            family,
            chip,
            frame,
        } = self;
        let (class, kind) = (family.class(), if *chip { "chip" } else { "box" });
        let round = if *chip || *family == Family::Data {
            frame.height / 2.0
        } else {
            8.0
        };
        let (x, y, w, h) = (n(frame.x), n(frame.y), n(frame.width), n(frame.height));
        let _ = writeln!(
            out,
            r#"<rect class="{kind} {class}" x="{x}" y="{y}" width="{w}" height="{h}" rx="{}"/>"#,
            n(round)
        );
        let middle = [frame.x + frame.width / 2.0, frame.y + frame.height / 2.0];
        let mut write = |class: &str, x: f64, y: f64, label: &str| {
            let _ = writeln!(
                out,
                r#"<text class="{class}" x="{}" y="{}">{}</text>"#,
                n(x),
                n(y),
                text::escape(label)
            );
        };
        if *chip {
            let label = text::fit(label, SMALL, false, frame.width - PAD);
            return write("op middle", middle[0], middle[1] + 4.2, &label);
        }
        let (named, room) = (
            !name.is_empty() && !label.is_empty(),
            frame.width - 2.0 * PAD,
        );
        if named {
            let taken = text::width(name, SMALL, false) + PAD;
            let label = text::fit(label, LABEL, true, room - taken);
            write("small", frame.x + PAD, middle[1] + 4.4, name);
            return write(
                "label end",
                frame.x + frame.width - PAD,
                middle[1] + 5.0,
                &label,
            );
        }
        let label = text::fit(
            if name.is_empty() { label } else { name },
            LABEL,
            true,
            room,
        );
        write("label middle", middle[0], middle[1] + 5.0, &label);
    }
}

/// The items on each rank, and the links between neighbouring ranks.
fn arranged(diagram: &Diagram) -> (Vec<What>, Vec<Item>, Vec<[usize; 2]>) {
    let blocks = &diagram.blocks;
    let mut edges: Vec<(usize, usize, Option<usize>)> = diagram
        .edges
        .iter()
        .map(|edge| {
            (
                edge.from,
                edge.to,
                (blocks[edge.to].rows.len() > 1).then_some(edge.row),
            )
        })
        .collect();
    // If several values leave the cell, its readers concatenate them.
    let ends: Vec<usize> = (0..blocks.len())
        .filter(|b| edges.iter().all(|edge| edge.0 != *b))
        .collect();
    let joined = ends.len() > 1;
    if joined {
        edges.extend(ends.iter().map(|&end| (end, blocks.len(), None)));
    }
    // A block is to the right of the ops on its edges, and these are to the right of all that they
    // read.
    let mut depth = vec![0; blocks.len() + usize::from(joined)];
    for b in 0..depth.len() {
        let before = edges
            .iter()
            .filter(|edge| edge.1 == b)
            .map(|edge| depth[edge.0] + 2);
        depth[b] = before.max().unwrap_or(0);
    }
    let last = depth.iter().copied().max().unwrap_or(0);
    let used = |rank: usize| {
        depth.contains(&rank)
            || edges
                .iter()
                .any(|(_, to, op)| op.is_some() && depth[*to] == rank + 1)
    };
    let ranks: Vec<usize> = (0..=last).filter(|&rank| used(rank)).collect();
    let rank = |wanted: usize| ranks.iter().position(|&rank| rank == wanted).unwrap_or(0);

    let mut whats: Vec<What> = (0..depth.len()).map(What::Block).collect();
    let item = |(b, &depth): (usize, &usize)| {
        let enter = edges.iter().filter(|edge| edge.1 == b).count() as f64;
        Item {
            rank: rank(depth),
            height: NODE.max(APART * (enter + 1.0)),
            y: 0.0,
        }
    };
    let mut items: Vec<Item> = depth.iter().enumerate().map(item).collect();
    let mut links = Vec::new();
    for &(from, to, op) in &edges {
        let target = items[to].rank;
        let (mut at, until) = (from, target - usize::from(op.is_some()));
        for rank in items[from].rank + 1..until {
            whats.push(What::Bend);
            items.push(Item {
                rank,
                height: BEND,
                y: 0.0,
            });
            links.push([at, items.len() - 1]);
            at = items.len() - 1;
        }
        if let Some(row) = op.and_then(|row| blocks[to].rows.get(row)) {
            whats.push(What::Op(row.label.clone(), row.family));
            items.push(Item {
                rank: until,
                height: CHIP,
                y: 0.0,
            });
            links.push([at, items.len() - 1]);
            at = items.len() - 1;
        }
        links.push([at, to]);
    }
    (whats, items, links)
}

/// The preferred width of a node.
fn wanted(block: Option<&Block>) -> f64 {
    let Some(block) = block else {
        return text::width(JOINED, LABEL, true) + 2.0 * PAD;
    };
    let label = if block.rows.len() > 1 {
        ""
    } else {
        &block.rows[0].label
    };
    let name = if block.name.is_empty() || label.is_empty() {
        text::width(&block.name, LABEL, true)
    } else {
        text::width(&block.name, SMALL, false) + PAD
    };
    (name + text::width(label, LABEL, true)).min(WIDEST) + 2.0 * PAD
}

/// The label for several values that leave a cell together.
const JOINED: &str = "concatenation";

fn boxed(diagram: &Diagram, what: What, frame: Frame) -> Option<Boxed> {
    Some(match what {
        What::Bend => return None,
        What::Op(label, family) => Boxed {
            name: String::new(),
            label,
            family,
            chip: true,
            frame,
        },
        What::Block(b) => match diagram.blocks.get(b) {
            None => Boxed {
                name: String::new(),
                label: JOINED.to_owned(),
                family: Family::Structure,
                chip: false,
                frame,
            },
            Some(block) => {
                let label = if block.rows.len() > 1 {
                    String::new()
                } else {
                    block.rows[0].label.clone()
                };
                Boxed {
                    name: block.name.clone(),
                    label,
                    family: block.family,
                    chip: false,
                    frame,
                }
            }
        },
    })
}

/// The lines, each from a box through its bends to a box. The ends of lines at the same box are
/// spread, in the order of the lines.
fn lines(whats: &[What], frames: &[Frame], links: &[[usize; 2]]) -> Vec<Line> {
    let middle = |i: usize| frames[i].y + frames[i].height / 2.0;
    let bend = |i: usize| matches!(whats[i], What::Bend);
    let mut lines = Vec::new();
    for &[from, first] in links.iter().filter(|link| !bend(link[0])) {
        let mut points = vec![[frames[from].x + frames[from].width, middle(from)]];
        let (mut before, mut at) = (from, first);
        while bend(at) {
            points.extend([
                [frames[at].x, middle(at)],
                [frames[at].x + frames[at].width, middle(at)],
            ]);
            // A bend has exactly one outgoing link.
            let Some(&[_, next]) = links.iter().find(|link| link[0] == at) else {
                break;
            };
            (before, at) = (at, next);
        }
        let mut enter: Vec<usize> = links
            .iter()
            .filter(|link| link[1] == at)
            .map(|link| link[0])
            .collect();
        enter.sort_by(|&a, &b| middle(a).total_cmp(&middle(b)));
        let place = enter.iter().position(|&other| other == before).unwrap_or(0) as f64;
        let gap = APART.min((frames[at].height - 8.0) / enter.len() as f64);
        let shift = gap * (place - (enter.len() as f64 - 1.0) / 2.0);
        points.push([frames[at].x, middle(at) + shift]);
        lines.push(Line {
            points,
            arrow: matches!(whats[at], What::Block(_)),
        });
    }
    lines
}

/// A smooth curve through the points, horizontal at each of them.
fn path(points: &[[f64; 2]]) -> String {
    let mut path = String::new();
    for pair in points.windows(2) {
        let [[x, y], [to, end]] = [pair[0], pair[1]];
        if path.is_empty() {
            let _ = write!(path, "M{} {}", n(x), n(y));
        }
        let half = n((x + to) / 2.0);
        let _ = write!(
            path,
            "C{half} {} {half} {} {} {}",
            n(y),
            n(end),
            n(to),
            n(end)
        );
    }
    path
}
