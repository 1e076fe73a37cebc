//! Sums over windows, channel by channel: what depthwise convolution and average pooling share.

use pulp::{Simd, WithSimd};

use super::chunks::{self, part, repeat, strip_pixels};
use super::span::{self, Span};
use super::stretch::{Stretch, stretches, tap_steps};
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
        for stretch in stretches(self.c, self.spans) {
            let y = &mut self.y[stretch.y.clone()];
            for (i, y) in y.chunks_mut(strip).enumerate() {
                let begin = i * strip;
                let mut done = 0;
                macro_rules! tiles {
                    ($vectors:literal) => {
                        while y.len() - done >= $vectors * S::F32_LANES {
                            let y = &mut y[done..done + $vectors * S::F32_LANES];
                            let x = &self.x[stretch.from..];
                            let sums = match self.weights {
                                Some(w) => weighted::<S, $vectors>(
                                    simd,
                                    x,
                                    begin + done,
                                    w,
                                    [strip, done, kernel_width],
                                    &stretch,
                                    steps,
                                ),
                                None => plain::<S, $vectors>(simd, x, begin + done, &stretch, steps),
                            };
                            S::as_mut_simd_f32s(y).0.iter_mut().zip(sums).for_each(|(y, sum)| *y = sum);
                            done += y.len();
                        }
                    };
                }
                tiles!(4);
                tiles!(2);
                tiles!(1);
                if done < y.len() {
                    let y = &mut y[done..];
                    let mut sum = simd.splat_f32s(0.0);
                    for ky in stretch.rows.clone() {
                        for kx in stretch.columns.clone() {
                            let from = offset(&stretch, steps, ky, kx) + begin + done;
                            let x = simd.partial_load_f32s(&self.x[stretch.from + from..][..y.len()]);
                            sum = match self.weights {
                                Some(w) => {
                                    let w = &w[(ky * kernel_width + kx) * strip + done..][..y.len()];
                                    simd.mul_add_f32s(x, simd.partial_load_f32s(w), sum)
                                }
                                None => simd.add_f32s(sum, x),
                            };
                        }
                    }
                    simd.partial_store_f32s(y, sum);
                }
            }
        }
    }
}

/// Where tap (ky, kx) reads, from where the first one does.
#[inline(always)]
pub(super) fn offset(stretch: &Stretch, steps: [usize; 2], ky: usize, kx: usize) -> usize {
    (ky - stretch.rows.start) * steps[0] + (kx - stretch.columns.start) * steps[1]
}

#[inline(always)]
fn weighted<S: Simd, const VECTORS: usize>(
    simd: S,
    x: &[f32],
    at: usize,
    weights: &[f32],
    [strip, done, kernel_width]: [usize; 3],
    stretch: &Stretch,
    steps: [usize; 2],
) -> [S::f32s; VECTORS] {
    let mut sums = [simd.splat_f32s(0.0); VECTORS];
    for ky in stretch.rows.clone() {
        for kx in stretch.columns.clone() {
            let x = &x[offset(stretch, steps, ky, kx) + at..][..VECTORS * S::F32_LANES];
            let w = &weights[(ky * kernel_width + kx) * strip + done..][..VECTORS * S::F32_LANES];
            let (x, w) = (S::as_simd_f32s(x).0, S::as_simd_f32s(w).0);
            for (sum, (x, w)) in sums.iter_mut().zip(x.iter().zip(w)) {
                *sum = simd.mul_add_f32s(*x, *w, *sum);
            }
        }
    }
    sums
}

#[inline(always)]
fn plain<S: Simd, const VECTORS: usize>(
    simd: S,
    x: &[f32],
    at: usize,
    stretch: &Stretch,
    steps: [usize; 2],
) -> [S::f32s; VECTORS] {
    let mut sums = [simd.splat_f32s(0.0); VECTORS];
    for ky in stretch.rows.clone() {
        for kx in stretch.columns.clone() {
            let x = &x[offset(stretch, steps, ky, kx) + at..][..VECTORS * S::F32_LANES];
            for (sum, x) in sums.iter_mut().zip(S::as_simd_f32s(x).0) {
                *sum = simd.add_f32s(*sum, *x);
            }
        }
    }
    sums
}

/// Sums every window of every image, weighted by the kernel if one is given (in reverse order if `reverse`).
pub(super) fn window_sum(
    c: &PerChannel,
    workspace: &mut Workspace,
    x: &[f32],
    kernel: Option<(&[f32], bool)>,
    y: &mut [f32],
) {
    let (channels, taps) = (c.channels as usize, c.window.taps());
    let Workspace { packed, spans, .. } = workspace;
    span::spans(&c.window, spans);
    let strip = strip_pixels(channels) * channels;
    let weights = kernel.map(|(kernel, reverse)| {
        let weights = packed.floats(taps * strip);
        for (tap, strip) in weights.chunks_exact_mut(strip).enumerate() {
            let tap = if reverse { taps - 1 - tap } else { tap };
            repeat(kernel[tap * channels..(tap + 1) * channels].iter().copied(), strip);
        }
        &*weights
    });
    let (spans, batch) = (&spans[..], c.window.batch as usize);
    let (image_x, image_y) = (c.len_x() / batch.max(1), c.len_y() / batch.max(1));
    let work = y.len() * taps / 4;
    chunks::for_each(y, image_y, work, |i, y| {
        WindowSum { c: *c, spans, x: part(x, i, image_x), weights, y }.run();
    });
}
