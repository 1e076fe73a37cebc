//! Maxima over windows.

use pulp::{Simd, WithSimd};

use super::chunks::{self, for_each_pair, part};
use super::depthwise::gather;
use super::span::{self, Span};
use super::window_runs::{WindowRun, tap_steps, vector, window_runs};
use super::window_sum::offset;
use super::workspace::Workspace;
use crate::catalogue::PerChannel;

/// The maxima of one image and the taps that hold them, stored as the bits of floats.
struct Maxima<'a> {
    c: PerChannel,
    spans: &'a [Span],
    x: &'a [f32],
    y: &'a mut [f32],
    tap: &'a mut [f32],
}

impl WithSimd for Maxima<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let steps = tap_steps(&self.c);
        let width = self.c.window.kernel[1] as usize;
        for run in window_runs(self.c, self.spans) {
            let x = &self.x[run.from..];
            let (y, tap) = (&mut self.y[run.y.clone()], &mut self.tap[run.y.clone()]);
            let (whole, rest) = S::as_mut_simd_f32s(y);
            let (whole_tap, rest_tap) = S::as_mut_simd_f32s(tap);
            let (pairs, one) = whole.as_chunks_mut::<2>();
            let (pairs_tap, one_tap) = whole_tap.as_chunks_mut::<2>();
            let mut at = 0;
            for (y, tap) in pairs.iter_mut().zip(pairs_tap) {
                (*y, *tap) = maxima::<S, 2>(simd, x, at, 2 * S::F32_LANES, &run, steps, width);
                at += 2 * S::F32_LANES;
            }
            for (y, tap) in one.iter_mut().zip(one_tap) {
                ([*y], [*tap]) = maxima::<S, 1>(simd, x, at, S::F32_LANES, &run, steps, width);
                at += S::F32_LANES;
            }
            if !rest.is_empty() {
                let ([y], [tap]) = maxima::<S, 1>(simd, x, at, rest.len(), &run, steps, width);
                simd.partial_store_f32s(rest, y);
                simd.partial_store_f32s(rest_tap, tap);
            }
        }
    }
}

/// The maxima of `len` neighbouring elements.
#[inline(always)]
fn maxima<S: Simd, const VECTORS: usize>(
    simd: S,
    x: &[f32],
    at: usize,
    len: usize,
    run: &WindowRun,
    steps: [usize; 2],
    width: usize,
) -> ([S::f32s; VECTORS], [S::f32s; VECTORS]) {
    let mut best = [simd.splat_f32s(0.0); VECTORS];
    let mut held = [simd.splat_f32s(0.0); VECTORS];
    let mut first = true;
    for ky in run.rows.clone() {
        for kx in run.columns.clone() {
            let x = &x[offset(run, steps, ky, kx) + at..][..len];
            let now = simd.splat_f32s(f32::from_bits((ky * width + kx) as u32));
            for (v, (best, held)) in best.iter_mut().zip(&mut held).enumerate() {
                let x = vector(simd, &x[v * S::F32_LANES..]);
                // The first tap inside always counts, so that no sentinel value can win.
                let more = simd.greater_than_f32s(x, *best);
                *best = if first {
                    x
                } else {
                    simd.select_f32s(more, x, *best)
                };
                *held = if first {
                    now
                } else {
                    simd.select_f32s(more, now, *held)
                };
            }
            first = false;
        }
    }
    (best, held)
}

/// The maximum over the positions of the window inside the image, and the tap that holds it.
pub(super) fn max(
    c: &PerChannel,
    workspace: &mut Workspace,
    x: &[f32],
    y: &mut [f32],
    tap: &mut [f32],
) {
    let batch = c.window.batch as usize;
    span::spans(&c.window, &mut workspace.spans);
    let spans = &workspace.spans[..];
    let (image_x, image_y) = (c.len_x() / batch.max(1), c.len_y() / batch.max(1));
    let work = y.len() * c.window.taps() / 4;
    for_each_pair([y, tap], image_y, work, |i, y, tap| {
        pulp::Arch::new().dispatch(Maxima {
            c: *c,
            spans,
            x: part(x, i, image_x),
            y,
            tap,
        });
    });
}

/// The gradient of one image, by the reversed window.
struct Gradients<'a> {
    c: PerChannel,
    spans: &'a [Span],
    dy: &'a [f32],
    tap: &'a [f32],
    dx: &'a mut [f32],
}

impl WithSimd for Gradients<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let steps = tap_steps(&self.c);
        let (width, last) = (self.c.window.kernel[1] as usize, self.c.window.taps() - 1);
        for run in window_runs(self.c, self.spans) {
            let reads = [&self.dy[run.from..], &self.tap[run.from..]];
            let (whole, rest) = S::as_mut_simd_f32s(&mut self.dx[run.y.clone()]);
            let (pairs, one) = whole.as_chunks_mut::<2>();
            let mut at = 0;
            for dx in pairs {
                *dx = gradients::<S, 2>(
                    simd,
                    reads,
                    at,
                    2 * S::F32_LANES,
                    &run,
                    steps,
                    [width, last],
                );
                at += 2 * S::F32_LANES;
            }
            for dx in one {
                [*dx] =
                    gradients::<S, 1>(simd, reads, at, S::F32_LANES, &run, steps, [width, last]);
                at += S::F32_LANES;
            }
            if !rest.is_empty() {
                let [dx] =
                    gradients::<S, 1>(simd, reads, at, rest.len(), &run, steps, [width, last]);
                simd.partial_store_f32s(rest, dx);
            }
        }
    }
}

/// The gradient of `len` neighbouring elements: from every window that covers an element and whose
/// maximum it is.
#[inline(always)]
fn gradients<S: Simd, const VECTORS: usize>(
    simd: S,
    [dy, tap]: [&[f32]; 2],
    at: usize,
    len: usize,
    run: &WindowRun,
    steps: [usize; 2],
    [width, last]: [usize; 2],
) -> [S::f32s; VECTORS] {
    let zero = simd.splat_f32s(0.0);
    let mut sums = [zero; VECTORS];
    for ky in run.rows.clone() {
        for kx in run.columns.clone() {
            let from = offset(run, steps, ky, kx) + at;
            let (dy, tap) = (&dy[from..][..len], &tap[from..][..len]);
            // The reversed window visits the taps in reverse order.
            let own = simd.splat_u32s((last - (ky * width + kx)) as u32);
            for (v, sum) in sums.iter_mut().enumerate() {
                let dy = vector(simd, &dy[v * S::F32_LANES..]);
                let tap = simd.transmute_u32s_f32s(vector(simd, &tap[v * S::F32_LANES..]));
                let held = simd.equal_u32s(tap, own);
                *sum = simd.add_f32s(*sum, simd.select_f32s(held, dy, zero));
            }
        }
    }
    sums
}

/// ∂x of [`max`]: each pixel gathers from the windows that cover it.
pub(super) fn max_grad(
    c: &PerChannel,
    workspace: &mut Workspace,
    dy: &[f32],
    tap: &[f32],
    dx: &mut [f32],
) {
    let Some(window) = span::reversed(&c.window) else {
        return gather(c, dx, |own, output, dx| {
            let (dy, tap) = (part(dy, output, dx.len()), part(tap, output, dx.len()));
            for (dx, (dy, tap)) in dx.iter_mut().zip(dy.iter().zip(tap)) {
                *dx += if tap.to_bits() as usize == own {
                    *dy
                } else {
                    0.0
                };
            }
        });
    };
    let c = PerChannel { window, ..*c };
    let batch = window.batch as usize;
    span::spans(&window, &mut workspace.spans);
    let spans = &workspace.spans[..];
    let (image_dy, image_dx) = (c.len_x() / batch.max(1), c.len_y() / batch.max(1));
    let work = dx.len() * window.taps() / 4;
    chunks::for_each(dx, image_dx, work, |i, dx| {
        let (dy, tap) = (part(dy, i, image_dy), part(tap, i, image_dy));
        pulp::Arch::new().dispatch(Gradients {
            c,
            spans,
            dy,
            tap,
            dx,
        });
    });
}
