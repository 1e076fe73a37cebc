//! Matrix products whose left side need not be a matrix.
//!
//! What convolutions multiply with their weights is a matrix of patches. A row of it is a few [`Segment`]s of the image,
//! shifted from pixel to pixel, so the products here read rows as segments and the patches are never written down. The
//! right side is packed into panels of one or two vectors of columns, and a block of rows times a panel stays in
//! registers. The sizes that occur (16 to a few hundred columns and depths, many rows) fit the caches without more.

use pulp::{Simd, WithSimd};

/// Consecutive elements of a row of the left side, counted from where the row begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) start: usize,
    pub(super) len: usize,
}

/// The largest depth that one pass over the rows takes: a panel of it stays in the second-level cache.
pub(super) const MOST_DEPTH: usize = 512;

/// Rows that lie on a grid, in the left side and in the result.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Grid {
    pub(super) lines: usize,
    pub(super) columns: usize,
    /// Where the first row begins in the left side, and how far it is to the next line and the next column.
    pub(super) from: [usize; 3],
    /// The same in the result.
    pub(super) to: [usize; 3],
}

impl Grid {
    /// The rows of a plain matrix.
    pub(super) fn plain(rows: usize, from: usize, to: usize) -> Self {
        Self { lines: 1, columns: rows, from: [0, 0, from], to: [0, 0, to] }
    }

    pub(super) fn rows(&self) -> usize {
        self.lines * self.columns
    }

    /// Where each row begins: (left side, result).
    pub(super) fn places(self) -> impl Iterator<Item = (usize, usize)> {
        let at = |[start, line, column]: [usize; 3], l: usize, c: usize| start + l * line + c * column;
        let lines = 0..self.lines;
        lines.flat_map(move |l| (0..self.columns).map(move |c| (at(self.from, l, c), at(self.to, l, c))))
    }
}

/// Splits `columns` into panels: (first vector, number of vectors). With three vectors the registers would just suffice,
/// too tightly for the compiler.
fn panels(columns: usize, lanes: usize) -> impl Iterator<Item = (usize, usize)> {
    let vectors = columns.div_ceil(lanes);
    (0..vectors).step_by(2).map(move |first| (first, 2.min(vectors - first)))
}

/// Length of the packed form of a matrix.
pub(super) fn packed_len(depth: usize, columns: usize) -> usize {
    // Room for the widest vectors that exist.
    depth * columns.next_multiple_of(16)
}

/// Packs `depth` rows into panels, with zeros beyond the last column. Row k begins at `row(k)`, columns are `step` apart.
pub(super) fn pack(
    packed: &mut [f32],
    b: &[f32],
    depth: usize,
    columns: usize,
    step: usize,
    row: impl Fn(usize) -> usize,
) {
    struct Pack<'a, F>(&'a mut [f32], &'a [f32], [usize; 3], F);
    impl<F: Fn(usize) -> usize> WithSimd for Pack<'_, F> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) {
            let Self(packed, b, [depth, columns, step], row) = self;
            for (first, width) in panels(columns, S::F32_LANES) {
                let (first, width) = (first * S::F32_LANES, width * S::F32_LANES);
                let used = width.min(columns - first);
                let panel = &mut packed[depth * first..depth * (first + width)];
                for (k, line) in panel.chunks_exact_mut(width).enumerate() {
                    let from = &b[row(k) + first * step..][..(used - 1) * step + 1];
                    if step == 1 {
                        line[..used].copy_from_slice(from);
                    } else {
                        line.iter_mut().zip(from.iter().step_by(step)).for_each(|(to, x)| *to = *x);
                    }
                    line[used..].fill(0.0);
                }
            }
        }
    }
    pulp::Arch::new().dispatch(Pack(packed, b, [depth, columns, step], row));
}

/// y = A·B: A's rows lie on a grid and consist of segments, B is packed and as deep as the segments are long together.
pub(super) struct Product<'a> {
    pub(super) a: &'a [f32],
    pub(super) grid: Grid,
    pub(super) segments: &'a [Segment],
    pub(super) packed: &'a [f32],
    pub(super) columns: usize,
    pub(super) y: &'a mut [f32],
}

impl Product<'_> {
    /// Computes the product, overwriting y.
    pub(super) fn run(self) {
        pulp::Arch::new().dispatch(self);
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
        let mut places = self.grid.places();
        let mut left = self.grid.rows();
        while left > 0 {
            let rows = left.min(ROWS);
            left -= rows;
            // A block that is not full repeats its first row.
            let mut from = [0; ROWS];
            let mut to = [0; ROWS];
            for (i, (from, to)) in from.iter_mut().zip(&mut to).enumerate().take(rows) {
                if let Some(place) = places.next() {
                    (*from, *to) = place;
                }
                debug_assert!(i < rows);
            }
            for i in rows..ROWS {
                from[i] = from[0];
            }
            let sums = block::<S, ROWS, VECTORS>(simd, self.a, from, segments, panel);
            for (to, sums) in to.iter().zip(&sums).take(rows) {
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
            while end < self.segments.len() && (end == begin || deep + self.segments[end].len <= MOST_DEPTH) {
                deep += self.segments[end].len;
                end += 1;
            }
            let segments = &self.segments[begin..end];
            for (first, width) in panels(self.columns, S::F32_LANES) {
                let first = first * S::F32_LANES;
                let lanes = width * S::F32_LANES;
                let panel = &self.packed[depth * first + done * lanes..][..deep * lanes];
                match width {
                    1 => self.pass::<S, 8, 1>(simd, segments, panel, first, begin > 0),
                    _ => self.pass::<S, 6, 2>(simd, segments, panel, first, begin > 0),
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
        // As many as there are lines: seen from here, the compiler need not check the indices below.
        let rows: [&[f32]; ROWS] = from.map(|from| &a[from + segment.start..][..lines.len()]);
        for (k, b) in lines.iter().enumerate() {
            for (row, sums) in rows.iter().zip(&mut sums) {
                let x = simd.splat_f32s(row[k]);
                for (sum, b) in sums.iter_mut().zip(b) {
                    *sum = simd.mul_add_f32s(x, *b, *sum);
                }
            }
        }
    }
    sums
}

/// Writes or adds the first `y.len()` of `sums`.
#[inline(always)]
fn store<S: Simd>(simd: S, y: &mut [f32], sums: &[S::f32s], add: bool) {
    for (y, sum) in y.chunks_mut(S::F32_LANES).zip(sums) {
        let value = if add { simd.add_f32s(*sum, simd.partial_load_f32s(y)) } else { *sum };
        simd.partial_store_f32s(y, value);
    }
}

/// Rows that one pass of a [`TransposedProduct`] sums over: what they take stays in the first-level cache.
pub(super) const MOST_ROWS: usize = 128;

/// y += Aᵀ·B for at most [`MOST_ROWS`] rows: A's begin at `from` and consist of segments, B is packed.
pub(super) struct TransposedProduct<'a> {
    pub(super) a: &'a [f32],
    pub(super) from: &'a [usize],
    pub(super) segments: &'a [Segment],
    pub(super) packed: &'a [f32],
    pub(super) columns: usize,
    pub(super) y: &'a mut [f32],
}

impl TransposedProduct<'_> {
    /// Adds the product to y.
    pub(super) fn run(self) {
        pulp::Arch::new().dispatch(self);
    }

    #[inline(always)]
    fn pass<S: Simd, const ROWS: usize, const VECTORS: usize>(&mut self, simd: S, panel: &[f32], first: usize) {
        let mut line = 0;
        for segment in self.segments {
            let mut done = 0;
            while segment.len - done >= ROWS {
                self.block::<S, ROWS, VECTORS>(simd, panel, first, segment.start + done, line + done, 0);
                done += ROWS;
            }
            if done < segment.len && segment.len >= ROWS {
                // The last block reaches back over lines that are done already and leaves them alone.
                let back = ROWS - (segment.len - done);
                let begin = segment.len - ROWS;
                self.block::<S, ROWS, VECTORS>(simd, panel, first, segment.start + begin, line + begin, back);
            } else {
                for k in done..segment.len {
                    self.block::<S, 1, VECTORS>(simd, panel, first, segment.start + k, line + k, 0);
                }
            }
            line += segment.len;
        }
    }

    /// Lines `line + skip .. line + ROWS` of y, which stem from the elements `start + skip ..` of A's rows.
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
            store(simd, &mut self.y[(line + i) * self.columns + first..][..used], sums, true);
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
        for (first, width) in panels(self.columns, S::F32_LANES) {
            let first = first * S::F32_LANES;
            let panel = &self.packed[depth * first..][..depth * width * S::F32_LANES];
            match width {
                1 => self.pass::<S, 8, 1>(simd, panel, first),
                _ => self.pass::<S, 6, 2>(simd, panel, first),
            }
        }
    }
}
