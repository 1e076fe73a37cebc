//! The right side of a product, packed so that the inner loop reads it sequentially.

use pulp::{Arch, Simd, WithSimd};

use super::chunks;
use super::vectorised::narrow;

/// The instruction set for a product with this many columns. Vectors of sixteen would be half empty
/// for eight columns or fewer, where a vector of eight takes less time.
pub(super) fn arch(columns: usize) -> Arch {
    if columns <= 8 { narrow() } else { Arch::new() }
}

/// The vectors of all panels but the last, which may have fewer. Three fit into the registers if
/// there are 32 of them, but a last panel of a single vector costs more than they save.
fn panel_width(vectors: usize, registers: usize) -> usize {
    if registers >= 32 && vectors % 3 != 1 {
        3
    } else {
        2
    }
}

/// Splits `columns` into panels: (first vector, number of vectors).
#[inline(always)]
pub(super) fn panels<S: Simd>(columns: usize) -> impl Iterator<Item = (usize, usize)> {
    let vectors = columns.div_ceil(S::F32_LANES);
    let width = panel_width(vectors, S::REGISTER_COUNT);
    (0..vectors)
        .step_by(width)
        .map(move |first| (first, width.min(vectors - first)))
}

/// The length of a packed matrix.
pub(super) fn packed_len(depth: usize, columns: usize) -> usize {
    // Rounded up for the widest vectors that exist.
    depth * columns.next_multiple_of(16)
}

/// A matrix to be packed: row k begins at `row(k)`, columns are `step` apart.
pub(super) struct Right<'a, F> {
    pub(super) floats: &'a [f32],
    pub(super) depth: usize,
    pub(super) columns: usize,
    pub(super) step: usize,
    pub(super) row: F,
}

impl<F: Fn(usize) -> usize + Sync> Right<'_, F> {
    /// Packs the matrix into panels, with zeros beyond the last column.
    pub(super) fn pack(&self, packed: &mut [f32]) {
        let (packed, panel) = self.panels_of(packed);
        for (i, packed) in packed.chunks_mut((self.depth * panel).max(1)).enumerate() {
            self.pack_panel(i * panel, packed.len() / self.depth, packed);
        }
    }

    /// Packs the matrix on all threads. Must not be called from within a parallel loop.
    pub(super) fn pack_shared(&self, packed: &mut [f32]) {
        let (packed, panel) = self.panels_of(packed);
        let work = packed.len();
        chunks::for_each(packed, self.depth * panel, work, |i, packed| {
            self.pack_panel(i * panel, packed.len() / self.depth, packed);
        });
    }

    /// The part of `packed` that the matrix takes, and the columns of all panels but possibly the
    /// last.
    fn panels_of<'p>(&self, packed: &'p mut [f32]) -> (&'p mut [f32], usize) {
        let (lanes, registers) = arch(self.columns).dispatch(Vectors);
        let vectors = self.columns.div_ceil(lanes);
        (
            &mut packed[..self.depth * vectors * lanes],
            panel_width(vectors, registers) * lanes,
        )
    }

    fn pack_panel(&self, first: usize, width: usize, panel: &mut [f32]) {
        let used = width.min(self.columns - first);
        for (k, line) in panel.chunks_exact_mut(width).enumerate() {
            let from =
                &self.floats[(self.row)(k) + first * self.step..][..(used - 1) * self.step + 1];
            if self.step == 1 {
                line[..used].copy_from_slice(from);
            } else {
                line.iter_mut()
                    .zip(from.iter().step_by(self.step))
                    .for_each(|(to, x)| *to = *x);
            }
            line[used..].fill(0.0);
        }
    }
}

/// Floats of a vector, and the number of registers that hold one.
struct Vectors;

impl WithSimd for Vectors {
    type Output = (usize, usize);

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> (usize, usize) {
        (S::F32_LANES, S::REGISTER_COUNT)
    }
}

/// Rows of a result that a product computes at once, for many columns.
pub(super) fn block_rows(columns: usize) -> usize {
    let (_, registers) = arch(columns).dispatch(Vectors);
    if registers >= 32 { 8 } else { 6 }
}
