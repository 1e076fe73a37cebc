//! The positions that a window reads.

use crate::catalogue::Window;

/// All output pixels with the taps that lie inside, as (output pixel, tap, input pixel), each
/// counted over the batch.
pub(super) fn positions(w: &Window) -> impl Iterator<Item = (usize, usize, usize)> {
    let w = *w;
    outputs(&w).flat_map(move |(pixel, image, oy, ox)| {
        inside(&w, oy, ox).map(move |(tap, iy, ix)| {
            (
                pixel,
                tap,
                (image * w.input[0] as usize + iy) * w.input[1] as usize + ix,
            )
        })
    })
}

/// All output pixels: (pixel, image, row, column).
pub(super) fn outputs(w: &Window) -> impl Iterator<Item = (usize, usize, usize, usize)> + use<> {
    let [height, width] = w.output.map(|n| n as usize);
    (0..w.pixels_out()).map(move |pixel| {
        (
            pixel,
            pixel / (height * width),
            pixel / width % height,
            pixel % width,
        )
    })
}

/// The taps of one output pixel that lie inside: (tap, row, column).
pub(super) fn inside(
    w: &Window,
    oy: usize,
    ox: usize,
) -> impl Iterator<Item = (usize, usize, usize)> + use<> {
    let w = *w;
    let [height, width] = w.input.map(|n| n as isize);
    (0..w.taps()).filter_map(move |tap| {
        let (ky, kx) = (tap / w.kernel[1] as usize, tap % w.kernel[1] as usize);
        let iy = (oy * w.stride as usize + ky * w.dilation as usize) as isize - w.top as isize;
        let ix = (ox * w.stride as usize + kx * w.dilation as usize) as isize - w.left as isize;
        let inside = (0..height).contains(&iy) && (0..width).contains(&ix);
        inside.then_some((tap, iy as usize, ix as usize))
    })
}
