//! The division of work: by shape alone, so that results do not depend on the number of threads.

use rayon::prelude::*;

/// The number of elements below which a parallel loop costs more than it saves.
const SERIAL: usize = 1 << 14;
/// Elements of one chunk of an elementwise call.
pub(super) const CHUNK: usize = 1 << 14;
/// The most partial sums of a reduction that are added at the end.
const MOST_PARTIALS: usize = 64;

/// Calls `f` with the index of each chunk of `y` and the chunk. `work` is the total cost, in
/// elements accessed.
pub(super) fn for_each(
    y: &mut [f32],
    chunk: usize,
    work: usize,
    f: impl Fn(usize, &mut [f32]) + Sync + Send,
) {
    let chunk = chunk.max(1);
    if work < SERIAL || y.len() <= chunk {
        y.chunks_mut(chunk).enumerate().for_each(|(i, y)| f(i, y));
    } else {
        y.par_chunks_mut(chunk)
            .enumerate()
            .for_each(|(i, y)| f(i, y));
    }
}

/// [`for_each`] over two outputs that are divided alike.
pub(super) fn for_each_pair(
    [a, b]: [&mut [f32]; 2],
    chunk: usize,
    work: usize,
    f: impl Fn(usize, &mut [f32], &mut [f32]) + Sync + Send,
) {
    let chunk = chunk.max(1);
    if work < SERIAL || a.len() <= chunk {
        a.chunks_mut(chunk)
            .zip(b.chunks_mut(chunk))
            .enumerate()
            .for_each(|(i, (a, b))| f(i, a, b));
    } else {
        a.par_chunks_mut(chunk)
            .zip(b.par_chunks_mut(chunk))
            .enumerate()
            .for_each(|(i, (a, b))| f(i, a, b));
    }
}

/// [`for_each`] over two outputs whose rows have different widths: the chunks of `a` and of `b`
/// hold the same rows.
pub(super) fn for_each_beside(
    a: &mut [f32],
    of_a: usize,
    b: &mut [f32],
    of_b: usize,
    work: usize,
    f: impl Fn(usize, &mut [f32], &mut [f32]) + Sync + Send,
) {
    let (of_a, of_b) = (of_a.max(1), of_b.max(1));
    if work < SERIAL || a.len() <= of_a {
        a.chunks_mut(of_a)
            .zip(b.chunks_mut(of_b))
            .enumerate()
            .for_each(|(i, (a, b))| f(i, a, b));
    } else {
        a.par_chunks_mut(of_a)
            .zip(b.par_chunks_mut(of_b))
            .enumerate()
            .for_each(|(i, (a, b))| f(i, a, b));
    }
}

/// [`for_each`] over three outputs that are divided alike.
pub(super) fn for_each_triple(
    [a, b, c]: [&mut [f32]; 3],
    chunk: usize,
    work: usize,
    f: impl Fn(usize, [&mut [f32]; 3]) + Sync + Send,
) {
    let chunk = chunk.max(1);
    if work < SERIAL || a.len() <= chunk {
        let rest = b.chunks_mut(chunk).zip(c.chunks_mut(chunk));
        a.chunks_mut(chunk)
            .zip(rest)
            .enumerate()
            .for_each(|(i, (a, (b, c)))| f(i, [a, b, c]));
    } else {
        let rest = b.par_chunks_mut(chunk).zip(c.par_chunks_mut(chunk));
        a.par_chunks_mut(chunk)
            .zip(rest)
            .enumerate()
            .for_each(|(i, (a, (b, c)))| f(i, [a, b, c]));
    }
}

/// The part of `x` that belongs to chunk `index` of the output.
pub(super) fn part(x: &[f32], index: usize, chunk: usize) -> &[f32] {
    &x[index * chunk..x.len().min((index + 1) * chunk)]
}

/// Pixels of a strip: the fewest that fill whole vectors (of 16 floats, the widest that exist) and
/// make a worthwhile loop. In a matrix of strips, a vector holds the same channels at every
/// position, so a loop over strips vectorises for 1 channel as well as for 36.
pub(super) fn strip_pixels(channels: usize) -> usize {
    let aligned = 16 >> channels.trailing_zeros().min(4);
    let wanted = 64_usize.div_ceil(channels.max(1));
    wanted.next_multiple_of(aligned)
}

/// Rows per chunk of a reduction over `rows`: whole strips, not too short, and not too many chunks.
pub(super) fn reduction_rows(rows: usize, channels: usize) -> usize {
    let enough = (CHUNK / 2).div_ceil(channels.max(1));
    rows.div_ceil(MOST_PARTIALS)
        .max(enough)
        .next_multiple_of(strip_pixels(channels))
}

/// Repeats `values`, one per channel, over a strip or a longer row of pixels.
pub(super) fn repeat(values: impl Iterator<Item = f32>, row: &mut [f32]) {
    let mut done = 0;
    row.iter_mut().zip(values).for_each(|(to, value)| {
        *to = value;
        done += 1;
    });
    while done < row.len() {
        let more = done.min(row.len() - done);
        row.copy_within(..more, done);
        done += more;
    }
}

/// Sums the pixels of a strip per channel.
pub(super) fn fold(strip: &[f32], channels: usize, sums: &mut [f32]) {
    sums.fill(0.0);
    for pixel in strip.chunks_exact(channels) {
        sums.iter_mut().zip(pixel).for_each(|(s, x)| *s += x);
    }
}
