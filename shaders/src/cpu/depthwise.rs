//! Convolutions of each channel with a separate kernel.

use pulp::{Simd, WithSimd};

use super::chunks::{self, fold, part, strip_pixels};
use super::linear::sum_of_partials;
use super::padded::Padded;
use super::span::{self, Span, covering, outputs_inside};
use super::window_sum::window_sum;
use super::workspace::Workspace;
use crate::catalogue::PerChannel;

/// y = x ⋆ W, channel by channel.
pub(super) fn depthwise(
    c: &PerChannel,
    workspace: &mut Workspace,
    x: &[f32],
    w: &[f32],
    y: &mut [f32],
) {
    window_sum(c, workspace, x, Some((w, false)), y);
}

/// ∂x: for stride 1, a convolution with the reversed kernel.
pub(super) fn grad_input(
    c: &PerChannel,
    workspace: &mut Workspace,
    dy: &[f32],
    w: &[f32],
    dx: &mut [f32],
) {
    match span::reversed(&c.window) {
        Some(window) => window_sum(
            &PerChannel { window, ..*c },
            workspace,
            dy,
            Some((w, true)),
            dx,
        ),
        None => gather(c, dx, |tap, output, dx| {
            let (w, dy) = (part(w, tap, dx.len()), part(dy, output, dx.len()));
            dx.iter_mut()
                .zip(w.iter().zip(dy))
                .for_each(|(dx, (w, dy))| *dx += w * dy);
        }),
    }
}

/// Calls `add` for every pixel of the input and every window that covers it, with the tap, the
/// output pixel, and the channels of the input pixel, which are initially zero.
pub(super) fn gather(
    c: &PerChannel,
    dx: &mut [f32],
    add: impl Fn(usize, usize, &mut [f32]) + Sync + Send,
) {
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
                    add(
                        ky * w.kernel[1] as usize + kx,
                        (image * out_height + oy) * out_width + ox,
                        dx,
                    );
                }
            }
        }
    });
}

/// ∂W of one image, added to one strip per tap.
struct GradWeight<'a> {
    c: PerChannel,
    spans: &'a [Span],
    x: &'a [f32],
    dy: &'a [f32],
    sums: &'a mut [f32],
}

/// What neighbouring taps in a row of the kernel sum over: the pixels of a span, in all rows where
/// those taps lie inside the image.
struct Reads {
    rows: usize,
    /// Floats in the span.
    len: usize,
    strip: usize,
    /// The offset of the first row in ∂y and in x; and the distance to the next row.
    dy: [usize; 2],
    x: [usize; 2],
    /// The distance from one tap to the next, in x.
    tap: usize,
}

impl GradWeight<'_> {
    /// Adds `TAPS` neighbouring taps of a row of the kernel for `VECTORS` vectors of the strip,
    /// from `at` on.
    #[inline(always)]
    fn add<S: Simd, const TAPS: usize, const VECTORS: usize>(
        &mut self,
        simd: S,
        r: &Reads,
        at: usize,
        sum: usize,
    ) {
        let lanes = S::F32_LANES;
        let mut sums = [[simd.splat_f32s(0.0); VECTORS]; TAPS];
        for row in 0..r.rows {
            let dy = &self.dy[r.dy[0] + row * r.dy[1]..][..r.len];
            let x: [&[f32]; TAPS] =
                std::array::from_fn(|t| &self.x[r.x[0] + row * r.x[1] + t * r.tap..][..r.len]);
            let mut at = at;
            while at + VECTORS * lanes <= r.len {
                let dy = S::as_simd_f32s(&dy[at..at + VECTORS * lanes]).0;
                for (sums, x) in sums.iter_mut().zip(x) {
                    let x = S::as_simd_f32s(&x[at..at + VECTORS * lanes]).0;
                    for ((sum, x), dy) in sums.iter_mut().zip(x).zip(dy) {
                        *sum = simd.mul_add_f32s(*x, *dy, *sum);
                    }
                }
                at += r.strip;
            }
            if at < r.len {
                for v in 0..VECTORS {
                    let (begin, end) = (
                        (at + v * lanes).min(r.len),
                        (at + (v + 1) * lanes).min(r.len),
                    );
                    let dy = simd.partial_load_f32s(&dy[begin..end]);
                    for (sums, x) in sums.iter_mut().zip(x) {
                        sums[v] =
                            simd.mul_add_f32s(simd.partial_load_f32s(&x[begin..end]), dy, sums[v]);
                    }
                }
            }
        }
        for (t, sums) in sums.iter().enumerate() {
            let old = &mut self.sums[sum + t * r.strip + at..][..VECTORS * lanes];
            for (old, sum) in S::as_mut_simd_f32s(old).0.iter_mut().zip(sums) {
                *old = simd.add_f32s(*old, *sum);
            }
        }
    }

    /// Adds all taps of row `ky` of the kernel for one span.
    #[inline(always)]
    fn span<S: Simd>(&mut self, simd: S, ky: usize, span: &Span) {
        let (w, channels) = (self.c.window, self.c.channels as usize);
        let strip = strip_pixels(channels) * channels;
        let [line_x, line_y] = [w.input[1], w.output[1]].map(|width| width as usize * channels);
        let (stride, dilation) = (w.stride as usize, w.dilation as usize);
        let rows = outputs_inside(&w, 0, ky);
        let len = span.pixels.len() * channels;
        let mut kx = span.taps.start;
        while kx < span.taps.end && !rows.is_empty() {
            let iy = (rows.start * stride + ky * dilation).wrapping_add_signed(-w.top as isize);
            let ix =
                (span.pixels.start * stride + kx * dilation).wrapping_add_signed(-w.left as isize);
            let reads = Reads {
                rows: rows.len(),
                len,
                strip,
                dy: [rows.start * line_y + span.pixels.start * channels, line_y],
                x: [iy * line_x + ix * channels, stride * line_x],
                tap: dilation * channels,
            };
            let sum = (ky * w.kernel[1] as usize + kx) * strip;
            let taps = match span.taps.end - kx {
                5.. => 5,
                3 | 4 => 3,
                _ => 1,
            };
            let mut at = 0;
            while at < strip.min(len) {
                let pair = at + 2 * S::F32_LANES <= strip;
                match (taps, pair) {
                    (5, true) => self.add::<S, 5, 2>(simd, &reads, at, sum),
                    (5, false) => self.add::<S, 5, 1>(simd, &reads, at, sum),
                    (3, true) => self.add::<S, 3, 2>(simd, &reads, at, sum),
                    (3, false) => self.add::<S, 3, 1>(simd, &reads, at, sum),
                    (_, true) => self.add::<S, 1, 2>(simd, &reads, at, sum),
                    (_, false) => self.add::<S, 1, 1>(simd, &reads, at, sum),
                }
                at += if pair { 2 } else { 1 } * S::F32_LANES;
            }
            kx += taps;
        }
    }
}

impl WithSimd for GradWeight<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        for span in self.spans {
            for ky in 0..self.c.window.kernel[0] as usize {
                self.span(simd, ky, span);
            }
        }
    }
}

/// ∂W.
pub(super) fn grad_weight(
    c: &PerChannel,
    workspace: &mut Workspace,
    x: &[f32],
    dy: &[f32],
    dw: &mut [f32],
) {
    let (channels, batch) = (c.channels as usize, c.window.batch as usize);
    let Workspace {
        partials,
        slots,
        spans,
        ..
    } = workspace;
    let padded = Padded::of(c);
    span::spans(&padded.c.window, spans);
    let strip = strip_pixels(channels) * channels;
    let (image_x, image_y) = (c.len_x() / batch.max(1), c.len_y() / batch.max(1));
    let images = batch.div_ceil(32).max((1 << 13) / image_y.max(1)).max(1);
    let room = c.window.taps() * strip;
    let (slots, spans) = (slots.prepare(room + padded.frame.len()), &spans[..]);
    let work = c.len_y() * c.window.taps() / 4;
    sum_of_partials(partials, batch.div_ceil(images), dw, work, |i, dw| {
        slots.with(|scratch| {
            let (sums, copy) = scratch.split_at_mut(room);
            sums.fill(0.0);
            for image in i * images..batch.min((i + 1) * images) {
                pulp::Arch::new().dispatch(GradWeight {
                    c: padded.c,
                    spans,
                    x: padded.frame.framed(part(x, image, image_x), copy),
                    dy: part(dy, image, image_y),
                    sums: &mut *sums,
                });
            }
            for (sums, dw) in sums.chunks_exact(strip).zip(dw.chunks_exact_mut(channels)) {
                fold(sums, channels, dw);
            }
        });
    });
}
