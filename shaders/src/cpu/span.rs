//! The taps of a window that lie inside the image.

use std::ops::Range;

use crate::catalogue::Window;

/// Neighbouring output pixels of one row that use the same columns of the kernel.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub(super) pixels: Range<usize>,
    pub(super) taps: Range<usize>,
}

/// Along one axis, the taps of output position `at` that lie inside.
pub(super) fn taps_inside(w: &Window, axis: usize, at: usize) -> Range<usize> {
    let pad = if axis == 0 { w.top } else { w.left } as isize;
    let first = at as isize * w.stride as isize - pad;
    let step = w.dilation as isize;
    let below = |limit: isize| {
        ((limit - first + step - 1).div_euclid(step)).clamp(0, w.kernel[axis] as isize) as usize
    };
    let (begin, end) = (below(0), below(w.input[axis] as isize));
    begin..end.max(begin)
}

/// Along one axis, the output positions for which tap `tap` lies inside.
pub(super) fn outputs_inside(w: &Window, axis: usize, tap: usize) -> Range<usize> {
    let pad = if axis == 0 { w.top } else { w.left } as isize;
    let first = (tap * w.dilation as usize) as isize - pad;
    let step = w.stride as isize;
    let below = |limit: isize| {
        (limit - first + step - 1)
            .div_euclid(step)
            .clamp(0, w.output[axis] as isize) as usize
    };
    let (begin, end) = (below(0), below(w.input[axis] as isize));
    begin..end.max(begin)
}

/// The spans of an output row. Only for stride 1 does a span have more than one pixel: then the
/// pixels that it reads are adjacent too, and a single loop covers the span.
pub(super) fn spans(w: &Window, spans: &mut Vec<Span>) {
    spans.clear();
    for x in 0..w.output[1] as usize {
        let taps = taps_inside(w, 1, x);
        match spans.last_mut() {
            Some(last) if w.stride == 1 && last.taps == taps => last.pixels.end += 1,
            _ => spans.push(Span {
                pixels: x..x + 1,
                taps,
            }),
        }
    }
}

/// The window of the gradient, for stride 1: the same taps in reverse order.
pub(super) fn reversed(w: &Window) -> Option<Window> {
    let back = |kernel: u32, pad: i32| ((kernel - 1) * w.dilation) as i32 - pad;
    (w.stride == 1).then(|| Window {
        input: w.output,
        output: w.input,
        top: back(w.kernel[0], w.top),
        left: back(w.kernel[1], w.left),
        ..*w
    })
}

/// Along one axis, the windows that cover input position `at`: (output position, tap).
pub(super) fn covering(
    w: &Window,
    axis: usize,
    at: usize,
) -> impl Iterator<Item = (usize, usize)> + Clone {
    let pad = if axis == 0 { w.top } else { w.left } as isize;
    let (stride, dilation, outputs) = (
        w.stride as isize,
        w.dilation as isize,
        w.output[axis] as isize,
    );
    (0..w.kernel[axis] as usize).filter_map(move |tap| {
        let from = at as isize + pad - tap as isize * dilation;
        let inside = from >= 0 && from % stride == 0 && from / stride < outputs;
        inside.then_some(((from / stride) as usize, tap))
    })
}
