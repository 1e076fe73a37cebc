//! Bilinear resizing.

use super::chunks::{self, part};
use crate::catalogue::{Resize, Tap};

/// The two pixels of a tap with their weights.
fn both(tap: &Tap) -> [(usize, f32); 2] {
    let high = tap.part as f32 / tap.of as f32;
    [(tap.low as usize, 1.0 - high), (tap.high as usize, high)]
}

/// y = x in another size.
pub(super) fn resize(c: &Resize, x: &[f32], y: &mut [f32]) {
    let channels = c.channels as usize;
    let [height, width] = c.input.map(|n| n as usize);
    let line = c.output[1] as usize * channels;
    let work = 4 * y.len();
    chunks::for_each(y, line, work, |i, y| {
        let (image, oy) = (i / c.output[0] as usize, i as u32 % c.output[0]);
        let image = part(x, image, height * width * channels);
        let lines = both(&c.tap(0, oy)).map(|(iy, wy)| (part(image, iy, width * channels), wy));
        for (ox, y) in (0..).zip(y.chunks_exact_mut(channels)) {
            let pixels = both(&c.tap(1, ox));
            for (channel, y) in y.iter_mut().enumerate() {
                let along = lines.map(|(line, wy)| {
                    let [low, high] = pixels.map(|(ix, wx)| wx * line[ix * channels + channel]);
                    wy * (low + high)
                });
                *y = along[0] + along[1];
            }
        }
    });
}

/// ∂x: each line sums over the lines of y that read it, in order.
pub(super) fn grad(c: &Resize, dy: &[f32], dx: &mut [f32]) {
    let channels = c.channels as usize;
    let [height, width] = c.output.map(|n| n as usize);
    let line = c.input[1] as usize * channels;
    let work = 4 * dy.len().max(dx.len());
    chunks::for_each(dx, line, work, |i, dx| {
        dx.fill(0.0);
        let (image, iy) = (i / c.input[0] as usize, i as u32 % c.input[0]);
        let image = part(dy, image, height * width * channels);
        for oy in c.readers(0, iy) {
            let taps = both(&c.tap(0, oy)).into_iter();
            let own = taps.filter(|(line, _)| *line == iy as usize);
            let wy: f32 = own.map(|(_, weight)| weight).sum();
            let dy = part(image, oy as usize, width * channels);
            for (ox, dy) in (0..).zip(dy.chunks_exact(channels)) {
                for (ix, wx) in both(&c.tap(1, ox)) {
                    let dx = &mut dx[ix * channels..(ix + 1) * channels];
                    dx.iter_mut()
                        .zip(dy)
                        .for_each(|(dx, dy)| *dx += wy * wx * dy);
                }
            }
        }
    });
}
