//! Averages over windows and over whole images.

use super::chunks::{self, fold, part, repeat, strip_pixels};
use super::depthwise::gather;
use super::span::{self, Span, taps_inside};
use super::vectorised::vectorised;
use super::window_sum::{WindowSum, window_sum};
use super::workspace::Workspace;
use crate::catalogue::{PerChannel, Window};

/// 1/(taps inside) of output pixel (oy, ox), or 0 if the whole window lies outside.
fn share(w: &Window, oy: usize, ox: usize) -> f32 {
    let count = taps_inside(w, 0, oy).len() * taps_inside(w, 1, ox).len();
    if count == 0 { 0.0 } else { 1.0 / count as f32 }
}

/// Multiplies every pixel of an output image by its [`share`].
fn scale_by_shares(c: &PerChannel, spans: &[Span], image: &mut [f32]) {
    let (w, channels) = (&c.window, c.channels as usize);
    for (oy, line) in image
        .chunks_exact_mut(w.output[1] as usize * channels)
        .enumerate()
    {
        for span in spans {
            let share = share(w, oy, span.pixels.start);
            line[span.pixels.start * channels..span.pixels.end * channels]
                .iter_mut()
                .for_each(|y| *y *= share);
        }
    }
}

/// The mean over the positions of the window inside the image.
pub(super) fn average(c: &PerChannel, workspace: &mut Workspace, x: &[f32], y: &mut [f32]) {
    let batch = c.window.batch as usize;
    span::spans(&c.window, &mut workspace.spans);
    let spans = &workspace.spans[..];
    let (image_x, image_y) = (c.len_x() / batch.max(1), c.len_y() / batch.max(1));
    let work = y.len() * c.window.taps() / 4;
    chunks::for_each(y, image_y, work, |i, y| {
        WindowSum {
            c: *c,
            spans,
            x: part(x, i, image_x),
            weights: None,
            y: &mut *y,
        }
        .run();
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
    // Apply the shares first, on a copy: they differ between the pixels of ∂y.
    let Workspace {
        partials, spans, ..
    } = &mut *workspace;
    span::spans(&w, spans);
    let spans = &spans[..];
    let image = c.len_y() / (w.batch as usize).max(1);
    let mut scaled = std::mem::take(partials);
    chunks::for_each(scaled.floats(dy.len()), image, dy.len(), |i, scaled| {
        scaled.copy_from_slice(part(dy, i, image));
        scale_by_shares(c, spans, scaled);
    });
    window_sum(
        &PerChannel { window, ..*c },
        workspace,
        scaled.floats(dy.len()),
        None,
        dx,
    );
    workspace.partials = scaled;
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
pub(super) fn global_average(
    workspace: &mut Workspace,
    positions: usize,
    channels: usize,
    x: &[f32],
    y: &mut [f32],
) {
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
        repeat(
            part(dy, i, channels).iter().map(|dy| dy / positions as f32),
            dx,
        );
    });
}
