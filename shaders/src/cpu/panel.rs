//! The right side of a product, packed so that the inner loop reads it sequentially.

use pulp::{Simd, WithSimd};

use super::chunks;

/// Vectors of a panel. Three would just fit into the registers, too tightly for the compiler.
const PANEL: usize = 2;

/// Splits `columns` into panels: (first vector, number of vectors).
pub(super) fn panels(columns: usize, lanes: usize) -> impl Iterator<Item = (usize, usize)> {
    let vectors = columns.div_ceil(lanes);
    (0..vectors)
        .step_by(PANEL)
        .map(move |first| (first, PANEL.min(vectors - first)))
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
        let lanes = lanes();
        for (first, width) in panels(self.columns, lanes) {
            let (first, width) = (first * lanes, width * lanes);
            self.pack_panel(
                first,
                width,
                &mut packed[self.depth * first..self.depth * (first + width)],
            );
        }
    }

    /// Packs the matrix on all threads. Must not be called from within a parallel loop.
    pub(super) fn pack_shared(&self, packed: &mut [f32]) {
        let lanes = lanes();
        let packed = &mut packed[..self.depth * self.columns.next_multiple_of(lanes)];
        let work = packed.len();
        // All panels are as wide as the first, except possibly the last.
        chunks::for_each(packed, self.depth * PANEL * lanes, work, |i, panel| {
            self.pack_panel(i * PANEL * lanes, panel.len() / self.depth, panel);
        });
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

/// Floats of a vector on this machine.
fn lanes() -> usize {
    struct Lanes;
    impl WithSimd for Lanes {
        type Output = usize;

        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> usize {
            S::F32_LANES
        }
    }
    pulp::Arch::new().dispatch(Lanes)
}
