//! Scratch memory that is kept between calls.

use std::sync::{Mutex, PoisonError};

use super::conv2d::ConvPlan;
use super::grid::Segment;
use super::span::Span;

/// Scratch memory of [`run`](super::run). It grows when new shapes arrive; for known shapes no call
/// allocates.
#[derive(Default)]
pub struct Workspace {
    pub(super) packed: Scratch,
    pub(super) weights: PackedWeights,
    pub(super) partials: Scratch,
    pub(super) slots: Slots,
    pub(super) segments: Vec<Segment>,
    pub(super) plans: Vec<ConvPlan>,
    pub(super) spans: Vec<Span>,
}

impl Workspace {
    /// Forgets all weights, which may change between the runs of programs.
    pub fn begin(&mut self) {
        self.weights.used = 0;
    }

    /// Names the weight by which the next product multiplies. A product that multiplies by the same
    /// weight again, until [`Workspace::begin`], need not pack it again: a recurrent cell does so in
    /// every step.
    pub fn multiply_by(&mut self, weight: u32) {
        self.weights.next = Some(weight);
    }
}

/// The packed right sides of products with named weights.
#[derive(Default)]
pub(super) struct PackedWeights {
    /// The first `used` are valid; the others only lend their memory.
    kept: Vec<PackedWeight>,
    used: usize,
    next: Option<u32>,
}

#[derive(Default)]
struct PackedWeight {
    weight: u32,
    layout: [usize; 3],
    packed: Scratch,
}

impl PackedWeights {
    /// The `len` floats of the right side: those that an earlier product with the same weight in the
    /// same layout packed, or else what `pack` fills in. Without a named weight they are in
    /// `scratch`.
    pub(super) fn packed<'a>(
        &'a mut self,
        scratch: &'a mut Scratch,
        layout: [usize; 3],
        len: usize,
        pack: impl FnOnce(&mut [f32]),
    ) -> &'a [f32] {
        let Some(weight) = self.next.take() else {
            let packed = scratch.floats(len);
            pack(packed);
            return packed;
        };
        let same = |kept: &PackedWeight| kept.weight == weight && kept.layout == layout;
        let at = match self.kept[..self.used].iter().position(same) {
            Some(at) => at,
            None => {
                let at = self.used;
                if at == self.kept.len() {
                    self.kept.push(PackedWeight::default());
                }
                let kept = &mut self.kept[at];
                (kept.weight, kept.layout) = (weight, layout);
                pack(kept.packed.floats(len));
                self.used += 1;
                at
            }
        };
        &self.kept[at].packed.filled()[..len]
    }
}

/// A buffer that belongs to the caller of the parallel loops.
#[derive(Default)]
pub(super) struct Scratch(Vec<f32>);

impl Scratch {
    /// `len` floats of unspecified content.
    pub(super) fn floats(&mut self, len: usize) -> &mut [f32] {
        if self.0.len() < len {
            self.0.resize(len, 0.0);
        }
        &mut self.0[..len]
    }

    /// The content that [`Scratch::floats`] last returned, possibly followed by more.
    pub(super) fn filled(&self) -> &[f32] {
        &self.0
    }
}

/// One buffer per thread of the pool, for the scratch of a chunk.
///
/// They belong to the workspace rather than to the threads so that all of them grow in the call
/// that first needs them, and not whenever a thread happens to get its first chunk.
#[derive(Default)]
pub(super) struct Slots {
    slots: Vec<Mutex<Vec<f32>>>,
    len: usize,
}

impl Slots {
    /// Makes [`Slots::with`] hand out `len` floats.
    pub(super) fn prepare(&mut self, len: usize) -> &Self {
        let threads = rayon::current_num_threads();
        if self.slots.len() < threads {
            self.slots.resize_with(threads, Mutex::default);
        }
        for slot in &mut self.slots {
            let floats = slot.get_mut().unwrap_or_else(PoisonError::into_inner);
            if floats.len() < len {
                floats.resize(len, 0.0);
            }
        }
        self.len = len;
        self
    }

    /// Runs `chunk` with the buffer of this thread, whose content is unspecified. `chunk` must not
    /// enter the pool again.
    pub(super) fn with<R>(&self, chunk: impl FnOnce(&mut [f32]) -> R) -> R {
        let slot = &self.slots[rayon::current_thread_index().unwrap_or(0)];
        // After a panic, the buffer still holds only scratch.
        let mut floats = slot.lock().unwrap_or_else(PoisonError::into_inner);
        chunk(&mut floats[..self.len])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_weight_is_packed_once_per_layout_until_the_next_run() {
        let (mut weights, mut scratch) = (PackedWeights::default(), Scratch::default());
        let mut packed = |weights: &mut PackedWeights, weight, layout, value: f32| {
            weights.next = weight;
            let packed = weights.packed(&mut scratch, layout, 3, |x| x.fill(value));
            packed.to_vec()
        };
        let (forward, back) = ([400, 1, 200], [1, 400, 400]);
        assert_eq!(packed(&mut weights, Some(7), forward, 1.0), [1.0; 3]);
        assert_eq!(packed(&mut weights, Some(7), back, 2.0), [2.0; 3]);
        assert_eq!(packed(&mut weights, Some(8), forward, 3.0), [3.0; 3]);
        assert_eq!(packed(&mut weights, None, forward, 4.0), [4.0; 3]);
        assert_eq!(packed(&mut weights, Some(7), forward, 5.0), [1.0; 3]);
        assert_eq!(packed(&mut weights, Some(7), back, 5.0), [2.0; 3]);
        weights.used = 0;
        assert_eq!(packed(&mut weights, Some(7), back, 6.0), [6.0; 3]);
        assert_eq!(packed(&mut weights, Some(7), forward, 7.0), [7.0; 3]);
    }
}
