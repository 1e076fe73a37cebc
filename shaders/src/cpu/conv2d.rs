//! Dense convolutions: matrix products whose left side is patches of an image.

mod plan;

pub(super) use self::plan::{Beside, ConvPlan};
use self::plan::{plan_forward, plan_grad_input};
use super::chunks::{self, part};
use super::gemm::{MOST_ROWS, Product, TransposedProduct};
use super::linear::{self, Matrix, sum_of_partials};
use super::panel::{Right, packed_len};
use super::workspace::Workspace;
use crate::catalogue::Conv2d;

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

/// Several convolutions of one image, with their outputs concatenated in the `channels` of y.
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

/// ∂x of [`several`], where no two convolutions read the same pixel.
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

/// Runs the plans on every image of the batch.
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
                    add: false,
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

/// ∂W of a convolution that computes a subset of the channels of y.
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
    // Images per partial sum: enough rows to be worth the addition of another sum, and so many that
    // all sums take at most 64 MiB or are at most four.
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
                            add: true,
                        }
                        .run();
                    }
                }
            });
        },
    );
}
