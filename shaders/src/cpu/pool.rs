//! Pools over windows and over whole images.

use super::chunks::{self, fold, for_each_pair, part, repeat, strip_pixels};
use super::depthwise::gather;
use super::span::{self, Span, taps_inside};
use super::stretch::{Stretch, stretches, tap_steps};
use super::vectorised::vectorised;
use super::window_sum::{WindowSum, offset, window_sum};
use super::workspace::Workspace;
use crate::catalogue::{PerChannel, Window};

/// 1/(taps inside) of output pixel (oy, ox), or 0 where the whole window lies outside.
fn share(w: &Window, oy: usize, ox: usize) -> f32 {
    let count = taps_inside(w, 0, oy).len() * taps_inside(w, 1, ox).len();
    if count == 0 { 0.0 } else { 1.0 / count as f32 }
}

/// Multiplies every pixel of an output image by its [`share`].
fn scale_by_shares(c: &PerChannel, spans: &[Span], image: &mut [f32]) {
    let (w, channels) = (&c.window, c.channels as usize);
    for (oy, line) in image.chunks_exact_mut(w.output[1] as usize * channels).enumerate() {
        for span in spans {
            let share = share(w, oy, span.pixels.start);
            line[span.pixels.start * channels..span.pixels.end * channels].iter_mut().for_each(|y| *y *= share);
        }
    }
}

/// The mean over the window's positions inside the image.
pub(super) fn average(c: &PerChannel, workspace: &mut Workspace, x: &[f32], y: &mut [f32]) {
    let batch = c.window.batch as usize;
    span::spans(&c.window, &mut workspace.spans);
    let spans = &workspace.spans[..];
    let (image_x, image_y) = (c.len_x() / batch.max(1), c.len_y() / batch.max(1));
    let work = y.len() * c.window.taps() / 4;
    chunks::for_each(y, image_y, work, |i, y| {
        WindowSum { c: *c, spans, x: part(x, i, image_x), weights: None, y: &mut *y }.run();
        scale_by_shares(c, spans, y);
    });
}

/// ∂x of [`average`].
pub(super) fn average_grad(c: &PerChannel, workspace: &mut Workspace, dy: &[f32], dx: &mut [f32]) {
    let w = c.window;
    let Some(window) = span::reversed(&w) else {
        let [height, width] = w.output.map(|n| n as usize);
        return gather(c, dx, |_, output, dx| {
            let share = share(&w, output / width % height, output % width);
            let dy = part(dy, output, dx.len());
            dx.iter_mut().zip(dy).for_each(|(dx, dy)| *dx += share * dy);
        });
    };
    // The shares first, on a copy of everything: they differ from pixel to pixel of ∂y.
    let Workspace { partials, spans, .. } = &mut *workspace;
    span::spans(&w, spans);
    let spans = &spans[..];
    let image = c.len_y() / (w.batch as usize).max(1);
    let mut scaled = std::mem::take(partials);
    chunks::for_each(scaled.floats(dy.len()), image, dy.len(), |i, scaled| {
        scaled.copy_from_slice(part(dy, i, image));
        scale_by_shares(c, spans, scaled);
    });
    window_sum(&PerChannel { window, ..*c }, workspace, scaled.floats(dy.len()), None, dx);
    workspace.partials = scaled;
}

/// Floats that are compared at a time.
const TILE: usize = 16;

vectorised! {
    fn max_image<'a>(c: &'a PerChannel, spans: &'a [Span], x: &'a [f32], y: &'a mut [f32], tap: &'a mut [f32]) {
        let steps = tap_steps(c);
        let width = c.window.kernel[1] as usize;
        for stretch in stretches(*c, spans) {
            let (y, tap) = (&mut y[stretch.y.clone()], &mut tap[stretch.y.clone()]);
            let (y, y_rest) = y.as_chunks_mut::<TILE>();
            let (tap, tap_rest) = tap.as_chunks_mut::<TILE>();
            let tiles = y.len();
            for (i, (y, tap)) in y.iter_mut().zip(tap).enumerate() {
                max_tile::<TILE>(x, i * TILE, &stretch, steps, width, y, tap);
            }
            let (y, y_rest) = y_rest.as_chunks_mut::<4>();
            let (tap, tap_rest) = tap_rest.as_chunks_mut::<4>();
            let done = tiles * TILE + y.len() * 4;
            for (i, (y, tap)) in y.iter_mut().zip(tap).enumerate() {
                max_tile::<4>(x, tiles * TILE + i * 4, &stretch, steps, width, y, tap);
            }
            for (i, (y, tap)) in y_rest.iter_mut().zip(tap_rest).enumerate() {
                let (y, tap) = (std::array::from_mut(y), std::array::from_mut(tap));
                max_tile::<1>(x, done + i, &stretch, steps, width, y, tap);
            }
        }
    }
}

/// The maxima of `N` neighbours, and the taps that hold them, bit by bit in floats.
#[inline(always)]
fn max_tile<const N: usize>(
    x: &[f32],
    at: usize,
    stretch: &Stretch,
    steps: [usize; 2],
    width: usize,
    y: &mut [f32; N],
    tap: &mut [f32; N],
) {
    let mut best = [0.0_f32; N];
    let mut held = [0_u32; N];
    let mut first = true;
    for ky in stretch.rows.clone() {
        for kx in stretch.columns.clone() {
            let x = &x[stretch.from + offset(stretch, steps, ky, kx) + at..][..N];
            let now = (ky * width + kx) as u32;
            if first {
                best.copy_from_slice(x);
                held = [now; N];
                first = false;
            } else {
                for i in 0..N {
                    let more = x[i] > best[i];
                    best[i] = if more { x[i] } else { best[i] };
                    held[i] = if more { now } else { held[i] };
                }
            }
        }
    }
    *y = best;
    *tap = held.map(f32::from_bits);
}

/// The maximum over the window's positions inside the image, and the tap that held it.
pub(super) fn max(c: &PerChannel, workspace: &mut Workspace, x: &[f32], y: &mut [f32], tap: &mut [f32]) {
    let batch = c.window.batch as usize;
    span::spans(&c.window, &mut workspace.spans);
    let spans = &workspace.spans[..];
    let (image_x, image_y) = (c.len_x() / batch.max(1), c.len_y() / batch.max(1));
    let work = y.len() * c.window.taps();
    for_each_pair([y, tap], image_y, work, |i, y, tap| {
        max_image(c, spans, part(x, i, image_x), y, tap);
    });
}

vectorised! {
    fn max_grad_image<'a>(c: &'a PerChannel, spans: &'a [Span], dy: &'a [f32], tap: &'a [u32], dx: &'a mut [f32]) {
        let steps = tap_steps(c);
        let (width, last) = (c.window.kernel[1] as usize, c.window.taps() - 1);
        for stretch in stretches(*c, spans) {
            let dx = &mut dx[stretch.y.clone()];
            let (dx, rest) = dx.as_chunks_mut::<TILE>();
            let tiles = dx.len();
            for (i, dx) in dx.iter_mut().enumerate() {
                max_grad_tile::<TILE>(dy, tap, i * TILE, &stretch, steps, (width, last), dx);
            }
            let (dx, rest) = rest.as_chunks_mut::<4>();
            let done = tiles * TILE + dx.len() * 4;
            for (i, dx) in dx.iter_mut().enumerate() {
                max_grad_tile::<4>(dy, tap, tiles * TILE + i * 4, &stretch, steps, (width, last), dx);
            }
            for (i, dx) in rest.iter_mut().enumerate() {
                max_grad_tile::<1>(dy, tap, done + i, &stretch, steps, (width, last), std::array::from_mut(dx));
            }
        }
    }
}

/// What flows back to `N` neighbours: from every window that covers one of them, if it held that window's maximum.
#[inline(always)]
fn max_grad_tile<const N: usize>(
    dy: &[f32],
    tap: &[u32],
    at: usize,
    stretch: &Stretch,
    steps: [usize; 2],
    (width, last): (usize, usize),
    dx: &mut [f32; N],
) {
    let mut sums = [0.0; N];
    for ky in stretch.rows.clone() {
        for kx in stretch.columns.clone() {
            let from = stretch.from + offset(stretch, steps, ky, kx) + at;
            let (dy, tap) = (&dy[from..][..N], &tap[from..][..N]);
            // The reversed window meets the taps in reverse order.
            let own = (last - (ky * width + kx)) as u32;
            for i in 0..N {
                sums[i] += if tap[i] == own { dy[i] } else { 0.0 };
            }
        }
    }
    *dx = sums;
}

/// ∂x of [`max`]: each pixel looks at the windows that cover it.
pub(super) fn max_grad(c: &PerChannel, workspace: &mut Workspace, dy: &[f32], tap: &[f32], dx: &mut [f32]) {
    let tap: &[u32] = bytemuck::cast_slice(tap);
    let Some(window) = span::reversed(&c.window) else {
        return gather(c, dx, |own, output, dx| {
            let begin = output * dx.len();
            let (dy, tap) = (&dy[begin..][..dx.len()], &tap[begin..][..dx.len()]);
            for (dx, (dy, tap)) in dx.iter_mut().zip(dy.iter().zip(tap)) {
                *dx += if *tap as usize == own { *dy } else { 0.0 };
            }
        });
    };
    let c = PerChannel { window, ..*c };
    let batch = window.batch as usize;
    span::spans(&window, &mut workspace.spans);
    let spans = &workspace.spans[..];
    let (image_dy, image_dx) = (c.len_x() / batch.max(1), c.len_y() / batch.max(1));
    let work = dx.len() * window.taps();
    chunks::for_each(dx, image_dx, work, |i, dx| {
        let tap = &tap[i * image_dy..][..image_dy];
        max_grad_image(&c, spans, part(dy, i, image_dy), tap, dx);
    });
}

vectorised! {
    fn sum_strips<'a>(x: &'a [f32], strip: &'a mut [f32]) {
        strip.fill(0.0);
        for x in x.chunks(strip.len()) {
            strip.iter_mut().zip(x).for_each(|(s, x)| *s += x);
        }
    }
}

/// The mean over all positions of an image.
pub(super) fn global_average(workspace: &mut Workspace, positions: usize, channels: usize, x: &[f32], y: &mut [f32]) {
    let slots = workspace.slots.prepare(strip_pixels(channels) * channels);
    chunks::for_each(y, channels, x.len(), |i, y| {
        slots.with(|strip| {
            sum_strips(part(x, i, positions * channels), strip);
            fold(strip, channels, y);
        });
        y.iter_mut().for_each(|y| *y /= positions as f32);
    });
}

/// ∂x of [`global_average`].
pub(super) fn global_average_grad(positions: usize, channels: usize, dy: &[f32], dx: &mut [f32]) {
    let work = dx.len();
    chunks::for_each(dx, positions * channels, work, |i, dx| {
        repeat(part(dy, i, channels).iter().map(|dy| dy / positions as f32), dx);
    });
}
