//! The inner loops of all ops that slide a window over single channels.

use std::ops::Range;

use pulp::Simd;

use super::span::{Span, taps_inside};
use crate::catalogue::PerChannel;

/// A run of consecutive floats of an output row that sum over the same taps; what each tap reads is
/// consecutive too.
pub(super) struct WindowRun {
    /// The floats in the output image.
    pub(super) y: Range<usize>,
    /// The rows of the kernel that lie inside; likewise the columns.
    pub(super) rows: Range<usize>,
    pub(super) columns: Range<usize>,
    /// The offset at which the first of those taps reads, in the input image.
    pub(super) from: usize,
}

/// The distances in the input image between two rows and between two columns of the kernel.
pub(super) fn tap_steps(c: &PerChannel) -> [usize; 2] {
    let column = c.window.dilation as usize * c.channels as usize;
    [column * c.window.input[1] as usize, column]
}

/// All runs of an image, row by row.
pub(super) fn window_runs(c: PerChannel, spans: &[Span]) -> impl Iterator<Item = WindowRun> {
    let (w, channels) = (c.window, c.channels as usize);
    let (stride, dilation) = (w.stride as usize, w.dilation as usize);
    let read = move |at: usize, tap: usize, pad: i32| {
        (at * stride + tap * dilation) as isize - pad as isize
    };
    (0..w.output[0] as usize).flat_map(move |oy| {
        let rows = taps_inside(&w, 0, oy);
        let line = oy * w.output[1] as usize;
        spans.iter().map(move |span| {
            let y = (line + span.pixels.start) * channels..(line + span.pixels.end) * channels;
            let (rows, columns) = (rows.clone(), span.taps.clone());
            // A window that lies completely outside reads nothing, so its offset is irrelevant.
            let at = read(oy, rows.start, w.top) * w.input[1] as isize
                + read(span.pixels.start, columns.start, w.left);
            let from = if rows.is_empty() || columns.is_empty() {
                0
            } else {
                at as usize * channels
            };
            WindowRun {
                y,
                rows,
                columns,
                from,
            }
        })
    })
}

/// The first vector of `x`, padded with zeros if `x` is shorter.
#[inline(always)]
pub(super) fn vector<S: Simd>(simd: S, x: &[f32]) -> S::f32s {
    match S::as_simd_f32s(x).0 {
        [first, ..] => *first,
        [] => simd.partial_load_f32s(x),
    }
}
