//! Convolutions of each channel with its own kernel.

use pulp::{Simd, WithSimd};

use super::chunks::{self, fold, part, strip_pixels};
use super::linear::sum_of_partials;
use super::span::{self, Span, covering};
use super::stretch::{stretches, tap_steps};
use super::window_sum::{offset, window_sum};
use super::workspace::Workspace;
use crate::catalogue::PerChannel;

/// y = x ⋆ W, channel by channel.
pub(super) fn depthwise(c: &PerChannel, workspace: &mut Workspace, x: &[f32], w: &[f32], y: &mut [f32]) {
    window_sum(c, workspace, x, Some((w, false)), y);
}

/// ∂x: for stride 1 a convolution with the reversed kernel.
pub(super) fn grad_input(c: &PerChannel, workspace: &mut Workspace, dy: &[f32], w: &[f32], dx: &mut [f32]) {
    match span::reversed(&c.window) {
        Some(window) => window_sum(&PerChannel { window, ..*c }, workspace, dy, Some((w, true)), dx),
        None => gather(c, dx, |tap, output, dx| {
            let (w, dy) = (part(w, tap, dx.len()), part(dy, output, dx.len()));
            dx.iter_mut().zip(w.iter().zip(dy)).for_each(|(dx, (w, dy))| *dx += w * dy);
        }),
    }
}

/// Calls `add` for every pixel of the input and every window that covers it: (tap, output pixel, the pixel's channels,
/// which begin as zeros).
pub(super) fn gather(c: &PerChannel, dx: &mut [f32], add: impl Fn(usize, usize, &mut [f32]) + Sync + Send) {
    let (w, channels) = (c.window, c.channels as usize);
    let [height, width] = w.input.map(|n| n as usize);
    let [out_height, out_width] = w.output.map(|n| n as usize);
    let work = dx.len() * w.taps() / 4;
    chunks::for_each(dx, width * channels, work, |line, dx| {
        dx.fill(0.0);
        let (image, iy) = (line / height, line % height);
        for (ix, dx) in dx.chunks_exact_mut(channels).enumerate() {
            for (oy, ky) in covering(&w, 0, iy) {
                for (ox, kx) in covering(&w, 1, ix) {
                    add(ky * w.kernel[1] as usize + kx, (image * out_height + oy) * out_width + ox, dx);
                }
            }
        }
    });
}

/// ∂W of one image, added to a strip for each tap.
struct GradWeight<'a> {
    c: PerChannel,
    spans: &'a [Span],
    x: &'a [f32],
    dy: &'a [f32],
    sums: &'a mut [f32],
}

impl GradWeight<'_> {
    /// Adds `TAPS` neighbours of a row of the kernel, for one vector of the strip at `at`, over all strips of a stretch.
    #[inline(always)]
    fn add<S: Simd, const TAPS: usize>(
        &mut self,
        simd: S,
        dy: &[f32],
        x: usize,
        step: usize,
        strip: usize,
        sum: usize,
    ) {
        let lanes = S::F32_LANES.min(strip);
        let mut sums: [S::f32s; TAPS] =
            std::array::from_fn(|t| simd.partial_load_f32s(&self.sums[sum + t * strip..][..lanes]));
        let mut at = 0;
        while at + S::F32_LANES <= dy.len() {
            let g = S::as_simd_f32s(&dy[at..at + S::F32_LANES]).0[0];
            for (t, sum) in sums.iter_mut().enumerate() {
                let x = S::as_simd_f32s(&self.x[x + at + t * step..][..S::F32_LANES]).0[0];
                *sum = simd.mul_add_f32s(x, g, *sum);
            }
            at += strip;
        }
        if at < dy.len() {
            let g = simd.partial_load_f32s(&dy[at..]);
            for (t, sum) in sums.iter_mut().enumerate() {
                let x = simd.partial_load_f32s(&self.x[x + at + t * step..][..dy.len() - at]);
                *sum = simd.mul_add_f32s(x, g, *sum);
            }
        }
        for (t, value) in sums.into_iter().enumerate() {
            simd.partial_store_f32s(&mut self.sums[sum + t * strip..][..lanes], value);
        }
    }
}

impl WithSimd for GradWeight<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let channels = self.c.channels as usize;
        let strip = strip_pixels(channels) * channels;
        let steps = tap_steps(&self.c);
        let kernel_width = self.c.window.kernel[1] as usize;
        for stretch in stretches(self.c, self.spans) {
            let dy = &self.dy[stretch.y.clone()];
            for ky in stretch.rows.clone() {
                for at in (0..strip.min(dy.len())).step_by(S::F32_LANES) {
                    let mut kx = stretch.columns.start;
                    while kx < stretch.columns.end {
                        let x = stretch.from + offset(&stretch, steps, ky, kx) + at;
                        let sum = (ky * kernel_width + kx) * strip + at;
                        match stretch.columns.end - kx {
                            5.. => {
                                self.add::<S, 5>(simd, &dy[at..], x, steps[1], strip, sum);
                                kx += 5;
                            }
                            3 | 4 => {
                                self.add::<S, 3>(simd, &dy[at..], x, steps[1], strip, sum);
                                kx += 3;
                            }
                            _ => {
                                self.add::<S, 1>(simd, &dy[at..], x, steps[1], strip, sum);
                                kx += 1;
                            }
                        }
                    }
                }
            }
        }
    }
}

/// ∂W.
pub(super) fn grad_weight(c: &PerChannel, workspace: &mut Workspace, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    let (channels, batch) = (c.channels as usize, c.window.batch as usize);
    let Workspace { partials, slots, spans, .. } = workspace;
    span::spans(&c.window, spans);
    let strip = strip_pixels(channels) * channels;
    let (image_x, image_y) = (c.len_x() / batch.max(1), c.len_y() / batch.max(1));
    let images = batch.div_ceil(32).max((1 << 13) / image_y.max(1)).max(1);
    let (slots, spans) = (slots.prepare(c.window.taps() * strip), &spans[..]);
    let work = c.len_y() * c.window.taps() / 4;
    sum_of_partials(partials, batch.div_ceil(images), dw, work, |i, dw| {
        slots.with(|sums| {
            sums.fill(0.0);
            for image in i * images..batch.min((i + 1) * images) {
                let (x, dy) = (part(x, image, image_x), part(dy, image, image_y));
                pulp::Arch::new().dispatch(GradWeight { c: *c, spans, x, dy, sums: &mut *sums });
            }
            for (sums, dw) in sums.chunks_exact(strip).zip(dw.chunks_exact_mut(channels)) {
                fold(sums, channels, dw);
            }
        });
    });
}
