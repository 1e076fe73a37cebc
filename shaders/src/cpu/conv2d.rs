//! Dense convolutions: products whose left side is patches of an image.

use std::ops::Range;

use super::chunks::{self, part};
use super::gemm::{MOST_ROWS, Product, TransposedProduct};
use super::grid::{Grid, Segment};
use super::linear::{self, Matrix, sum_of_partials};
use super::panel::{Right, packed_len};
use super::workspace::Workspace;
use crate::catalogue::{Conv2d, Window};

/// The rectangle of an image that is read, perhaps beyond its edges, where zeros are.
#[derive(Clone, Copy, Debug)]
struct Frame {
    origin: [isize; 2],
    size: [usize; 2],
    image: [usize; 2],
    channels: usize,
}

impl Frame {
    /// Whether the rectangle lies inside the image, which then need not be copied.
    fn inside(&self) -> bool {
        (0..2).all(|axis| {
            self.origin[axis] >= 0
                && self.origin[axis] as usize + self.size[axis] <= self.image[axis]
        })
    }

    /// Floats from one line to the next, and floats before the first pixel.
    fn layout(&self) -> (usize, usize) {
        if self.inside() {
            let line = self.image[1] * self.channels;
            (
                line,
                self.origin[0] as usize * line + self.origin[1] as usize * self.channels,
            )
        } else {
            (self.size[1] * self.channels, 0)
        }
    }

    /// Floats of the copy that [`Frame::framed`] makes.
    fn len(&self) -> usize {
        if self.inside() {
            0
        } else {
            self.size[0] * self.size[1] * self.channels
        }
    }

    /// `image` itself, or a copy of the rectangle with zeros around.
    fn framed<'a>(&self, image: &'a [f32], copy: &'a mut [f32]) -> &'a [f32] {
        if self.inside() {
            return image;
        }
        let copy = &mut copy[..self.len()];
        copy.fill(0.0);
        let [height, width] = self.image.map(|n| n as isize);
        let [top, left] = self.origin;
        let first = left.max(0);
        let last = (left + self.size[1] as isize).min(width);
        if first >= last {
            return copy;
        }
        let run = (last - first) as usize * self.channels;
        for (y, line) in copy
            .chunks_exact_mut(self.size[1] * self.channels)
            .enumerate()
        {
            let from = top + y as isize;
            if (0..height).contains(&from) {
                let source = (from * width + first) as usize * self.channels;
                let target = (first - left) as usize * self.channels;
                line[target..target + run].copy_from_slice(&image[source..source + run]);
            }
        }
        copy
    }
}

/// One product per image: which rectangle it reads, which rows it computes, which taps it sums
/// over.
#[derive(Clone, Debug)]
pub(super) struct ConvPlan {
    frame: Frame,
    grid: Grid,
    segments: Range<usize>,
    /// Where its packed weights begin.
    packed: usize,
}

/// Appends `new`, or lengthens the last segment if it continues that.
fn push(segments: &mut Vec<Segment>, begin: usize, new: Segment) {
    match segments[begin..].last_mut() {
        Some(last) if last.start + last.len == new.start => last.len += new.len,
        _ => segments.push(new),
    }
}

/// The channels of a wider y that a convolution computes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beside {
    /// Channels of y.
    pub(super) channels: usize,
    /// The first of the convolution's.
    pub(super) start: usize,
}

impl Beside {
    /// All of them.
    fn alone(c: &Conv2d) -> Self {
        Self {
            channels: c.outputs as usize,
            start: 0,
        }
    }
}

/// Appends the segments that the forward pass reads.
fn plan_forward(c: &Conv2d, beside: Beside, segments: &mut Vec<Segment>) -> ConvPlan {
    let (w, inputs) = (&c.window, c.inputs as usize);
    let (stride, dilation) = (w.stride as usize, w.dilation as usize);
    let extent = |axis: usize| {
        (w.output[axis] as usize - 1) * stride + (w.kernel[axis] as usize - 1) * dilation + 1
    };
    let frame = Frame {
        origin: [-w.top as isize, -w.left as isize],
        size: [extent(0), extent(1)],
        image: w.input.map(|n| n as usize),
        channels: inputs,
    };
    let (line, start) = frame.layout();
    let begin = segments.len();
    for ky in 0..w.kernel[0] as usize {
        for kx in 0..w.kernel[1] as usize {
            push(
                segments,
                begin,
                Segment {
                    start: ky * dilation * line + kx * dilation * inputs,
                    len: inputs,
                },
            );
        }
    }
    let [lines, columns] = w.output.map(|n| n as usize);
    let from = [start, stride * line, stride * inputs];
    let grid = Grid {
        lines,
        columns,
        from,
        to: [beside.start, columns * beside.channels, beside.channels],
    };
    ConvPlan {
        frame,
        grid,
        segments: begin..segments.len(),
        packed: 0,
    }
}

/// Along one axis, the input positions whose distance from the first window is `phase` modulo the
/// stride: they all see the same taps, and each step to the next of them is one output pixel.
struct Phase {
    /// First of the positions, and how many there are.
    first: usize,
    count: usize,
    /// Output position that tap `phase` of the first one stems from; may lie outside.
    output: isize,
    /// How far back the last tap lies, in output pixels.
    reach: usize,
}

impl Phase {
    fn new(w: &Window, axis: usize, phase: usize) -> Self {
        let pad = if axis == 0 { w.top } else { w.left } as isize;
        let stride = w.stride as isize;
        let first = (phase as isize - pad).rem_euclid(stride) as usize;
        let count = (w.input[axis] as usize)
            .saturating_sub(first)
            .div_ceil(stride as usize);
        let output = (first as isize + pad - phase as isize) / stride;
        let reach = Self::taps(w, axis, phase)
            .map(|(_, back)| back)
            .max()
            .unwrap_or(0);
        Self {
            first,
            count,
            output,
            reach,
        }
    }

    /// The taps seen: (tap, how far back its output pixel lies).
    fn taps(w: &Window, axis: usize, phase: usize) -> impl Iterator<Item = (usize, usize)> {
        let (stride, dilation) = (w.stride as usize, w.dilation as usize);
        let steps = (0..w.kernel[axis] as usize)
            .rev()
            .map(move |tap| (tap, tap * dilation));
        steps
            .filter(move |(_, at)| at % stride == phase)
            .map(move |(tap, at)| (tap, at / stride))
    }
}

/// Appends the plans by which gradients flow back: one for each phase of the stride that sees any
/// tap. Their weights are packed from `used` on; returns where they end.
fn plan_grad_input(
    c: &Conv2d,
    beside: Beside,
    weights: &[f32],
    packed: &mut [f32],
    mut used: usize,
    (segments, plans): (&mut Vec<Segment>, &mut Vec<ConvPlan>),
) -> usize {
    let (w, inputs, outputs) = (&c.window, c.inputs as usize, c.outputs as usize);
    let stride = w.stride as usize;
    for (py, px) in (0..stride).flat_map(|py| (0..stride).map(move |px| (py, px))) {
        let (y, x) = (Phase::new(w, 0, py), Phase::new(w, 1, px));
        let taps = || {
            let rows = Phase::taps(w, 0, py);
            rows.flat_map(|(ky, by)| {
                Phase::taps(w, 1, px).map(move |(kx, bx)| (ky * w.kernel[1] as usize + kx, by, bx))
            })
        };
        let count = taps().count();
        if count == 0 || y.count == 0 || x.count == 0 {
            continue;
        }
        let frame = Frame {
            origin: [y.output - y.reach as isize, x.output - x.reach as isize],
            size: [y.count + y.reach, x.count + x.reach],
            image: w.output.map(|n| n as usize),
            channels: beside.channels,
        };
        let (line, start) = frame.layout();
        let begin = segments.len();
        for (_, by, bx) in taps() {
            let start = (y.reach - by) * line + (x.reach - bx) * beside.channels + beside.start;
            push(
                segments,
                begin,
                Segment {
                    start,
                    len: outputs,
                },
            );
        }
        // Taps follow each other in the packed weights as they do in the segments.
        let depth = count * outputs;
        let len = packed_len(depth, inputs);
        let tap = |k: usize| taps().nth(k / outputs).map_or(0, |(tap, ..)| tap);
        let row = |k: usize| tap(k) * inputs * outputs + k % outputs;
        Right {
            floats: weights,
            depth,
            columns: inputs,
            step: outputs,
            row,
        }
        .pack_shared(&mut packed[used..used + len]);
        let width = w.input[1] as usize * inputs;
        let to = [
            y.first * width + x.first * inputs,
            stride * width,
            stride * inputs,
        ];
        let grid = Grid {
            lines: y.count,
            columns: x.count,
            from: [start, line, beside.channels],
            to,
        };
        plans.push(ConvPlan {
            frame,
            grid,
            segments: begin..segments.len(),
            packed: used,
        });
        used += len;
    }
    used
}

/// y = x ⋆ W.
pub(super) fn conv2d(c: &Conv2d, workspace: &mut Workspace, x: &[f32], w: &[f32], y: &mut [f32]) {
    let (inputs, outputs) = (c.inputs as usize, c.outputs as usize);
    if c.window.is_pointwise() {
        let w = Matrix {
            floats: w,
            line: outputs,
            step: 1,
        };
        return linear::product(workspace, x, inputs, w, outputs, y);
    }
    several(&[(*c, w)], Beside::alone(c).channels, workspace, x, y);
}

/// Convolutions of one image, each with its weights, side by side in the `channels` of y.
pub(super) fn several(
    convs: &[(Conv2d, &[f32])],
    channels: usize,
    workspace: &mut Workspace,
    x: &[f32],
    y: &mut [f32],
) {
    let Workspace {
        packed,
        segments,
        plans,
        ..
    } = workspace;
    let lens = convs
        .iter()
        .map(|(c, _)| packed_len(c.window.taps() * c.inputs as usize, c.outputs as usize));
    let packed = packed.floats(lens.sum());
    segments.clear();
    plans.clear();
    let (mut used, mut start) = (0, 0);
    for (c, w) in convs {
        let (depth, columns) = (c.window.taps() * c.inputs as usize, c.outputs as usize);
        let len = packed_len(depth, columns);
        let packed = &mut packed[used..used + len];
        Right {
            floats: w,
            depth,
            columns,
            step: 1,
            row: |k| k * columns,
        }
        .pack_shared(packed);
        plans.push(ConvPlan {
            packed: used,
            ..plan_forward(c, Beside { channels, start }, segments)
        });
        (used, start) = (used + len, start + columns);
    }
    let Some((c, _)) = convs.first() else { return };
    run(workspace, x, c.outputs as usize, y, c);
}

/// ∂x.
pub(super) fn grad_input(
    c: &Conv2d,
    workspace: &mut Workspace,
    dy: &[f32],
    w: &[f32],
    dx: &mut [f32],
) {
    let (inputs, outputs) = (c.inputs as usize, c.outputs as usize);
    if c.window.is_pointwise() {
        let w = Matrix {
            floats: w,
            line: 1,
            step: outputs,
        };
        return linear::product(workspace, dy, outputs, w, inputs, dx);
    }
    several_grad_input(&[(*c, w)], Beside::alone(c).channels, workspace, dy, dx);
}

/// ∂x of [`several`], none of which read the same pixel.
pub(super) fn several_grad_input(
    convs: &[(Conv2d, &[f32])],
    channels: usize,
    workspace: &mut Workspace,
    dy: &[f32],
    dx: &mut [f32],
) {
    let Workspace {
        packed,
        segments,
        plans,
        ..
    } = workspace;
    let lens = convs
        .iter()
        .map(|(c, _)| c.window.taps() * packed_len(c.outputs as usize, c.inputs as usize));
    let packed = packed.floats(lens.sum());
    segments.clear();
    plans.clear();
    let (mut used, mut start) = (0, 0);
    for (c, w) in convs {
        used = plan_grad_input(
            c,
            Beside { channels, start },
            w,
            packed,
            used,
            (segments, plans),
        );
        start += c.outputs as usize;
    }
    let Some((c, _)) = convs.first() else { return };
    run(workspace, dy, c.inputs as usize, dx, c);
}

/// Runs the plans on every image.
fn run(workspace: &mut Workspace, x: &[f32], columns: usize, y: &mut [f32], c: &Conv2d) {
    let batch = c.window.batch as usize;
    let (image_x, image_y) = (x.len() / batch.max(1), y.len() / batch.max(1));
    let longest = workspace
        .plans
        .iter()
        .map(|p| p.frame.len())
        .max()
        .unwrap_or(0);
    let slots = workspace.slots.prepare(longest);
    let (plans, segments, packed) = (
        &workspace.plans[..],
        &workspace.segments[..],
        workspace.packed.filled(),
    );
    let computed: usize = plans.iter().map(|p| p.grid.rows()).sum();
    let work = y.len() * c.window.taps() * c.inputs.min(c.outputs) as usize / 4;
    chunks::for_each(y, image_y, work, |i, y| {
        if computed * columns < y.len() {
            y.fill(0.0);
        }
        slots.with(|copy| {
            for plan in plans {
                let a = plan.frame.framed(part(x, i, image_x), copy);
                let segments = &segments[plan.segments.clone()];
                Product {
                    a,
                    grid: plan.grid,
                    segments,
                    packed: &packed[plan.packed..],
                    columns,
                    y: &mut *y,
                }
                .run();
            }
        });
    });
}

/// ∂W.
pub(super) fn grad_weight(
    c: &Conv2d,
    workspace: &mut Workspace,
    x: &[f32],
    dy: &[f32],
    dw: &mut [f32],
) {
    let (inputs, outputs) = (c.inputs as usize, c.outputs as usize);
    if c.window.is_pointwise() {
        return linear::transposed_product(workspace, x, inputs, dy, outputs, dw);
    }
    grad_weight_beside(c, Beside::alone(c), workspace, x, dy, dw);
}

/// ∂W of a convolution that computes some channels of y.
pub(super) fn grad_weight_beside(
    c: &Conv2d,
    beside: Beside,
    workspace: &mut Workspace,
    x: &[f32],
    dy: &[f32],
    dw: &mut [f32],
) {
    let (inputs, outputs, channels) = (c.inputs as usize, c.outputs as usize, beside.channels);
    workspace.segments.clear();
    let plan = plan_forward(c, beside, &mut workspace.segments);
    let batch = c.window.batch as usize;
    let (image_x, image_y) = (x.len() / batch.max(1), dy.len() / batch.max(1));
    // Images of one partial sum: enough rows for it to be worth its addition, and not more memory
    // than 64 MiB or four.
    let most = ((1 << 24) / dw.len().max(1)).clamp(4, 32);
    let images = batch
        .div_ceil(most)
        .max(512_usize.div_ceil(plan.grid.rows().max(1)));
    let room = packed_len(MOST_ROWS, outputs);
    let slots = workspace.slots.prepare(room + plan.frame.len());
    let segments = &workspace.segments[..];
    let work = c.len_y() * c.window.taps() * inputs / 4;
    sum_of_partials(
        &mut workspace.partials,
        batch.div_ceil(images),
        dw,
        work,
        |i, dw| {
            slots.with(|scratch| {
                let (packed, copy) = scratch.split_at_mut(room);
                for image in i * images..batch.min((i + 1) * images) {
                    let a = plan.frame.framed(part(x, image, image_x), copy);
                    let dy = part(dy, image, image_y);
                    let mut places = plan.grid.places();
                    for dy in dy.chunks(MOST_ROWS * channels) {
                        let rows = dy.len() / channels;
                        let from: [usize; MOST_ROWS] = places.take().map(|(from, _)| from);
                        let row = |k| k * channels + beside.start;
                        Right {
                            floats: dy,
                            depth: rows,
                            columns: outputs,
                            step: 1,
                            row,
                        }
                        .pack(packed);
                        let from = &from[..rows];
                        TransposedProduct {
                            a,
                            from,
                            segments,
                            packed,
                            columns: outputs,
                            y: &mut *dw,
                        }
                        .run();
                    }
                }
            });
        },
    );
}
