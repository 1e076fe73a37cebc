//! The matrix products that compute a convolution and its gradient.

use std::ops::Range;

use crate::catalogue::{Conv2d, Window};
use crate::cpu::frame::Frame;
use crate::cpu::grid::{Grid, Segment};
use crate::cpu::panel::{Right, packed_len};

/// One product per image: the rectangle it reads, the rows it computes, and the taps it sums over.
#[derive(Clone, Debug)]
pub(in crate::cpu) struct ConvPlan {
    pub(super) frame: Frame,
    pub(super) grid: Grid,
    pub(super) segments: Range<usize>,
    /// The offset of its packed weights.
    pub(super) packed: usize,
}

/// Appends `new`, or extends the last segment if `new` continues it.
fn push(segments: &mut Vec<Segment>, begin: usize, new: Segment) {
    match segments[begin..].last_mut() {
        Some(last) if last.start + last.len == new.start => last.len += new.len,
        _ => segments.push(new),
    }
}

/// The channels of a wider y that a convolution computes.
#[derive(Clone, Copy, Debug)]
pub(in crate::cpu) struct Beside {
    /// Channels of y.
    pub(in crate::cpu) channels: usize,
    /// The first channel of the convolution.
    pub(in crate::cpu) start: usize,
}

impl Beside {
    /// All channels.
    pub(super) fn alone(c: &Conv2d) -> Self {
        Self {
            channels: c.outputs as usize,
            start: 0,
        }
    }
}

/// Appends the segments that the forward pass reads.
pub(super) fn plan_forward(c: &Conv2d, beside: Beside, segments: &mut Vec<Segment>) -> ConvPlan {
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
/// stride. All of them see the same taps, and a step to the next of them is a step of one output
/// pixel.
struct Phase {
    /// The first position; and the number of positions.
    first: usize,
    count: usize,
    /// The output position that tap `phase` of the first position belongs to; it may lie outside.
    output: isize,
    /// The distance to the last tap, in output pixels.
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

    /// The taps seen, as pairs of tap and distance to its output pixel.
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

/// Appends the plans for the gradient: one for each phase of the stride that sees any tap. Their
/// weights are packed from `used` on; returns the end of the packed weights.
pub(super) fn plan_grad_input(
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
        // Taps have the same order in the packed weights as in the segments.
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
