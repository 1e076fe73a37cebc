//! Sums over windows, channel by channel, shared by depthwise convolution and average pooling.

use pulp::{Simd, WithSimd};

use super::chunks::{self, part, repeat, strip_pixels};
use super::padded::Padded;
use super::span::{self, Span};
use super::window_runs::{WindowRun, tap_steps, vector, window_runs};
use super::workspace::Workspace;
use crate::catalogue::PerChannel;

/// The sums of one image. Weights, if any, are repeated over a strip for each tap.
pub(super) struct WindowSum<'a> {
    pub(super) c: PerChannel,
    pub(super) spans: &'a [Span],
    pub(super) x: &'a [f32],
    pub(super) weights: Option<&'a [f32]>,
    pub(super) y: &'a mut [f32],
}

impl WindowSum<'_> {
    /// Computes y.
    pub(super) fn run(self) {
        pulp::Arch::new().dispatch(self);
    }
}

impl WithSimd for WindowSum<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let channels = self.c.channels as usize;
        let strip = strip_pixels(channels) * channels;
        let steps = tap_steps(&self.c);
        let kernel_width = self.c.window.kernel[1] as usize;
        if let (Some(weights), 1) = (self.weights, self.c.window.stride) {
            for run in window_runs(self.c, self.spans) {
                let (x, y) = (&self.x[run.from..], &mut self.y[run.y.clone()]);
                let row = TapRow {
                    channels,
                    strip,
                    step: steps[1],
                };
                weighted(simd, row, &run, [steps[0], kernel_width], x, weights, y);
            }
            return;
        }
        for run in window_runs(self.c, self.spans) {
            let x = &self.x[run.from..];
            for (i, y) in self.y[run.y.clone()].chunks_mut(strip).enumerate() {
                let tile = Tile {
                    x,
                    weights: self.weights,
                    run: &run,
                    steps,
                    strip,
                    kernel_width,
                };
                let (whole, rest) = S::as_mut_simd_f32s(y);
                let (fours, singles) = whole.as_chunks_mut::<4>();
                let (pairs, singles) = singles.as_chunks_mut::<2>();
                let mut at = 0;
                for y in fours {
                    *y = tile.sums::<S, 4>(simd, i * strip, at, 4 * S::F32_LANES);
                    at += 4 * S::F32_LANES;
                }
                for y in pairs {
                    *y = tile.sums::<S, 2>(simd, i * strip, at, 2 * S::F32_LANES);
                    at += 2 * S::F32_LANES;
                }
                for y in singles {
                    [*y] = tile.sums::<S, 1>(simd, i * strip, at, S::F32_LANES);
                    at += S::F32_LANES;
                }
                if !rest.is_empty() {
                    let [y] = tile.sums::<S, 1>(simd, i * strip, at, rest.len());
                    simd.partial_store_f32s(rest, y);
                }
            }
        }
    }
}

/// y = the weighted sums of a run of stride 1. Few taps at a time, so that their weights stay in
/// registers while the pixels pass.
#[inline(always)]
fn weighted<S: Simd>(
    simd: S,
    row: TapRow,
    run: &WindowRun,
    [line, kernel_width]: [usize; 2],
    x: &[f32],
    weights: &[f32],
    y: &mut [f32],
) {
    let mut add = false;
    for ky in run.rows.clone() {
        let mut kx = run.columns.start;
        while kx < run.columns.end {
            let x = &x[offset(run, [line, row.step], ky, kx)..];
            let w = &weights[(ky * kernel_width + kx) * row.strip..];
            let taps = match run.columns.end - kx {
                5.. => 5,
                3 | 4 => 3,
                _ => 1,
            };
            match taps {
                5 => row.sum::<S, 5>(simd, x, w, y, add),
                3 => row.sum::<S, 3>(simd, x, w, y, add),
                _ => row.sum::<S, 1>(simd, x, w, y, add),
            }
            kx += taps;
            add = true;
        }
    }
    if !add {
        y.fill(0.0);
    }
}

/// Neighbouring taps in a row of the kernel.
#[derive(Clone, Copy)]
struct TapRow {
    channels: usize,
    strip: usize,
    /// The distance from one tap to the next, in x.
    step: usize,
}

impl TapRow {
    /// Writes or adds the weighted sums over `TAPS` taps.
    #[inline(always)]
    fn sum<S: Simd, const TAPS: usize>(
        self,
        simd: S,
        x: &[f32],
        w: &[f32],
        y: &mut [f32],
        add: bool,
    ) {
        let (lanes, len) = (S::F32_LANES, y.len());
        // Vectors after which the weights repeat.
        let period = self.channels >> self.channels.trailing_zeros().min(lanes.trailing_zeros());
        let (whole, rest) = S::as_mut_simd_f32s(y);
        let count = whole.len();
        let rows: [&[f32]; TAPS] = std::array::from_fn(|tap| &x[tap * self.step..][..len]);
        let xs = rows.map(|row| &S::as_simd_f32s(row).0[..count]);
        let weights = |slot: usize| -> [S::f32s; TAPS] {
            std::array::from_fn(|tap| vector(simd, &w[tap * self.strip + slot * lanes..][..lanes]))
        };
        for slot in 0..period.min(count) {
            let weights = weights(slot);
            let mut at = slot;
            while at < count {
                let mut sum = if add { whole[at] } else { simd.splat_f32s(0.0) };
                for (x, w) in xs.iter().zip(weights) {
                    sum = simd.mul_add_f32s(x[at], w, sum);
                }
                whole[at] = sum;
                at += period;
            }
        }
        if !rest.is_empty() {
            let mut sum = if add {
                simd.partial_load_f32s(rest)
            } else {
                simd.splat_f32s(0.0)
            };
            for (x, w) in rows.iter().zip(weights(count % period)) {
                sum = simd.mul_add_f32s(simd.partial_load_f32s(&x[count * lanes..]), w, sum);
            }
            simd.partial_store_f32s(rest, sum);
        }
    }
}

/// The parameters that the sums of a run share.
struct Tile<'a> {
    x: &'a [f32],
    weights: Option<&'a [f32]>,
    run: &'a WindowRun,
    steps: [usize; 2],
    strip: usize,
    kernel_width: usize,
}

impl Tile<'_> {
    /// The sums of `len` neighbouring elements, `at` floats into the strip that begins at `begin`.
    #[inline(always)]
    fn sums<S: Simd, const VECTORS: usize>(
        &self,
        simd: S,
        begin: usize,
        at: usize,
        len: usize,
    ) -> [S::f32s; VECTORS] {
        let mut sums = [simd.splat_f32s(0.0); VECTORS];
        for ky in self.run.rows.clone() {
            for kx in self.run.columns.clone() {
                let x = &self.x[offset(self.run, self.steps, ky, kx) + begin + at..][..len];
                match self.weights {
                    Some(weights) => {
                        let w = &weights[(ky * self.kernel_width + kx) * self.strip + at..][..len];
                        for (v, sum) in sums.iter_mut().enumerate() {
                            let (x, w) = (&x[v * S::F32_LANES..], &w[v * S::F32_LANES..]);
                            *sum = simd.mul_add_f32s(vector(simd, x), vector(simd, w), *sum);
                        }
                    }
                    None => {
                        for (v, sum) in sums.iter_mut().enumerate() {
                            *sum = simd.add_f32s(*sum, vector(simd, &x[v * S::F32_LANES..]));
                        }
                    }
                }
            }
        }
        sums
    }
}

/// The offset of tap (ky, kx) relative to the first tap.
#[inline(always)]
pub(super) fn offset(run: &WindowRun, steps: [usize; 2], ky: usize, kx: usize) -> usize {
    (ky - run.rows.start) * steps[0] + (kx - run.columns.start) * steps[1]
}

/// Sums every window of every image, weighted by the kernel if one is given (reversed if
/// `reverse`).
pub(super) fn window_sum(
    c: &PerChannel,
    workspace: &mut Workspace,
    x: &[f32],
    kernel: Option<(&[f32], bool)>,
    y: &mut [f32],
) {
    let (channels, taps) = (c.channels as usize, c.window.taps());
    let Workspace {
        packed,
        spans,
        slots,
        ..
    } = workspace;
    let padded = Padded::of(c);
    span::spans(&padded.c.window, spans);
    let slots = slots.prepare(padded.frame.len());
    let strip = strip_pixels(channels) * channels;
    let weights = kernel.map(|(kernel, reverse)| {
        let weights = packed.floats(taps * strip);
        for (tap, strip) in weights.chunks_exact_mut(strip).enumerate() {
            let tap = if reverse { taps - 1 - tap } else { tap };
            repeat(
                kernel[tap * channels..(tap + 1) * channels].iter().copied(),
                strip,
            );
        }
        &*weights
    });
    let (spans, batch) = (&spans[..], c.window.batch as usize);
    let (image_x, image_y) = (c.len_x() / batch.max(1), c.len_y() / batch.max(1));
    let work = y.len() * taps / 4;
    chunks::for_each(y, image_y, work, |i, y| {
        slots.with(|copy| {
            WindowSum {
                c: padded.c,
                spans,
                x: padded.frame.framed(part(x, i, image_x), copy),
                weights,
                y,
            }
            .run();
        });
    });
}
