//! Matrix products whose left side need not be a dense matrix.
//!
//! Convolutions multiply a matrix of patches by their weights. A row of it consists of a few
//! [`Segment`]s of the image, shifted from pixel to pixel, so the products here read rows as
//! segments and the patches are never materialised. The right side is packed into panels of one to
//! three vectors of columns, and a block of rows times a panel stays in registers. The sizes that
//! occur in convolutions (16 to a few hundred columns and depths, many rows) need no further cache
//! blocking; [`linear`](super::linear) divides larger right sides.

use pulp::{Simd, WithSimd};

use super::grid::{Grid, Segment};
use super::panel::{arch, panels};

/// The largest depth of one pass over the rows: a panel of this depth stays in the L2 cache.
pub(super) const MOST_DEPTH: usize = 512;

/// y = A·B. The rows of A lie on a grid and consist of segments; B is packed, and its depth is the
/// total length of the segments.
pub(super) struct Product<'a> {
    pub(super) a: &'a [f32],
    pub(super) grid: Grid,
    pub(super) segments: &'a [Segment],
    pub(super) packed: &'a [f32],
    pub(super) columns: usize,
    pub(super) y: &'a mut [f32],
    /// Whether the product is added to y instead of overwriting it.
    pub(super) add: bool,
}

impl Product<'_> {
    /// Computes the product.
    pub(super) fn run(self) {
        arch(self.columns).dispatch(self);
    }

    #[inline(always)]
    fn pass<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &mut self,
        simd: S,
        segments: &[Segment],
        panel: &[f32],
        first: usize,
        add: bool,
    ) {
        let used = (VECTORS * S::F32_LANES).min(self.columns - first);
        let grid = self.grid;
        let mut rest = grid.places();
        let mut left = self.grid.rows();
        while left > 0 {
            let rows = left.min(ROWS);
            left -= rows;
            let mut places: [(usize, usize); ROWS] = rest.take();
            // An incomplete block repeats its first row.
            for i in rows..ROWS {
                places[i] = places[0];
            }
            let sums = block::<S, ROWS, VECTORS>(
                simd,
                self.a,
                places.map(|(from, _)| from),
                segments,
                panel,
            );
            for ((_, to), sums) in places.iter().zip(&sums).take(rows) {
                store(simd, &mut self.y[to + first..][..used], sums, add);
            }
        }
    }
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let depth: usize = self.segments.iter().map(|s| s.len).sum();
        let mut begin = 0;
        let mut done = 0;
        while begin < self.segments.len() {
            let mut end = begin;
            let mut deep = 0;
            while end < self.segments.len()
                && (end == begin || deep + self.segments[end].len <= MOST_DEPTH)
            {
                deep += self.segments[end].len;
                end += 1;
            }
            let segments = &self.segments[begin..end];
            for (first, width) in panels::<S>(self.columns) {
                let first = first * S::F32_LANES;
                let lanes = width * S::F32_LANES;
                let panel = &self.packed[depth * first + done * lanes..][..deep * lanes];
                let add = self.add || begin > 0;
                match (width, S::REGISTER_COUNT >= 32) {
                    (1, _) => self.pass::<S, 8, 1>(simd, segments, panel, first, add),
                    (2, false) => self.pass::<S, 6, 2>(simd, segments, panel, first, add),
                    (2, true) => self.pass::<S, 8, 2>(simd, segments, panel, first, add),
                    _ => self.pass::<S, 8, 3>(simd, segments, panel, first, add),
                }
            }
            begin = end;
            done += deep;
        }
    }
}

/// A few rows times one panel.
#[inline(always)]
fn block<S: Simd, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    a: &[f32],
    from: [usize; ROWS],
    segments: &[Segment],
    panel: &[f32],
) -> [[S::f32s; VECTORS]; ROWS] {
    let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
    let mut panel = panel;
    for segment in segments {
        let (lines, rest) = panel.split_at(segment.len * VECTORS * S::F32_LANES);
        panel = rest;
        let lines = S::as_simd_f32s(lines).0.as_chunks::<VECTORS>().0;
        let rows = from.map(|from| &a[from + segment.start..][..segment.len]);
        // Four at a time, for one bounds check per row instead of four.
        let (lines, last) = lines.as_chunks::<4>();
        let (fours, rest) = (
            rows.map(|row| row.as_chunks::<4>().0),
            rows.map(|row| row.as_chunks::<4>().1),
        );
        for (k, lines) in lines.iter().enumerate() {
            step::<S, ROWS, VECTORS, 4>(simd, fours.map(|row| &row[k]), lines, &mut sums);
        }
        for (k, line) in last.iter().enumerate() {
            step::<S, ROWS, VECTORS, 1>(
                simd,
                rest.map(|row| std::array::from_ref(&row[k])),
                &[*line],
                &mut sums,
            );
        }
    }
    sums
}

/// Adds the products of `DEPTH` elements of each row with their lines of the panel.
#[inline(always)]
fn step<S: Simd, const ROWS: usize, const VECTORS: usize, const DEPTH: usize>(
    simd: S,
    rows: [&[f32; DEPTH]; ROWS],
    lines: &[[S::f32s; VECTORS]; DEPTH],
    sums: &mut [[S::f32s; VECTORS]; ROWS],
) {
    for (k, line) in lines.iter().enumerate() {
        for (row, sums) in rows.iter().zip(&mut *sums) {
            let x = simd.splat_f32s(row[k]);
            for (sum, b) in sums.iter_mut().zip(line) {
                *sum = simd.mul_add_f32s(x, *b, *sum);
            }
        }
    }
}

/// Writes or adds the first `y.len()` elements of `sums`.
#[inline(always)]
fn store<S: Simd>(simd: S, y: &mut [f32], sums: &[S::f32s], add: bool) {
    let (whole, rest) = S::as_mut_simd_f32s(y);
    for (y, sum) in whole.iter_mut().zip(sums) {
        *y = if add { simd.add_f32s(*sum, *y) } else { *sum };
    }
    if let (false, Some(sum)) = (rest.is_empty(), sums.get(whole.len())) {
        let sum = if add {
            simd.add_f32s(*sum, simd.partial_load_f32s(rest))
        } else {
            *sum
        };
        simd.partial_store_f32s(rest, sum);
    }
}

/// The rows that one pass of a [`TransposedProduct`] sums over: their data stays in the L1 cache.
pub(super) const MOST_ROWS: usize = 128;

/// y = Aᵀ·B for at most [`MOST_ROWS`] rows. Those of A begin at `from` and consist of segments; B
/// is packed.
pub(super) struct TransposedProduct<'a> {
    pub(super) a: &'a [f32],
    pub(super) from: &'a [usize],
    pub(super) segments: &'a [Segment],
    pub(super) packed: &'a [f32],
    pub(super) columns: usize,
    pub(super) y: &'a mut [f32],
    /// Whether the product is added to y instead of overwriting it.
    pub(super) add: bool,
}

impl TransposedProduct<'_> {
    /// Computes the product.
    pub(super) fn run(self) {
        arch(self.columns).dispatch(self);
    }

    #[inline(always)]
    fn pass<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &mut self,
        simd: S,
        panel: &[f32],
        first: usize,
    ) {
        let mut line = 0;
        for segment in self.segments {
            let mut done = 0;
            while segment.len - done >= ROWS {
                self.block::<S, ROWS, VECTORS>(
                    simd,
                    panel,
                    first,
                    segment.start + done,
                    line + done,
                    0,
                );
                done += ROWS;
            }
            if done < segment.len && segment.len >= ROWS {
                // The last block overlaps lines that are already done and does not change them.
                let back = ROWS - (segment.len - done);
                let begin = segment.len - ROWS;
                self.block::<S, ROWS, VECTORS>(
                    simd,
                    panel,
                    first,
                    segment.start + begin,
                    line + begin,
                    back,
                );
            } else {
                for k in done..segment.len {
                    self.block::<S, 1, VECTORS>(simd, panel, first, segment.start + k, line + k, 0);
                }
            }
            line += segment.len;
        }
    }

    /// Lines `line + skip .. line + ROWS` of y, which belong to the elements `start + skip ..` of
    /// A's rows.
    #[inline(always)]
    fn block<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &mut self,
        simd: S,
        panel: &[f32],
        first: usize,
        start: usize,
        line: usize,
        skip: usize,
    ) {
        let used = (VECTORS * S::F32_LANES).min(self.columns - first);
        let sums = transposed_block::<S, ROWS, VECTORS>(simd, self.a, start, self.from, panel);
        for (i, sums) in sums.iter().enumerate().skip(skip) {
            let y = &mut self.y[(line + i) * self.columns + first..][..used];
            store(simd, y, sums, self.add);
        }
    }
}

/// A few columns of A, as rows, times one panel.
#[inline(always)]
fn transposed_block<S: Simd, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    a: &[f32],
    start: usize,
    from: &[usize],
    panel: &[f32],
) -> [[S::f32s; VECTORS]; ROWS] {
    let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
    let lines = S::as_simd_f32s(panel).0.as_chunks::<VECTORS>().0;
    for (from, b) in from.iter().zip(lines) {
        let a = &a[from + start..][..ROWS];
        for (x, sums) in a.iter().zip(&mut sums) {
            let x = simd.splat_f32s(*x);
            for (sum, b) in sums.iter_mut().zip(b) {
                *sum = simd.mul_add_f32s(x, *b, *sum);
            }
        }
    }
    sums
}

impl WithSimd for TransposedProduct<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let depth = self.from.len();
        for (first, width) in panels::<S>(self.columns) {
            let first = first * S::F32_LANES;
            let panel = &self.packed[depth * first..][..depth * width * S::F32_LANES];
            match (width, S::REGISTER_COUNT >= 32) {
                (1, _) => self.pass::<S, 8, 1>(simd, panel, first),
                (2, false) => self.pass::<S, 6, 2>(simd, panel, first),
                (2, true) => self.pass::<S, 8, 2>(simd, panel, first),
                _ => self.pass::<S, 8, 3>(simd, panel, first),
            }
        }
    }
}
