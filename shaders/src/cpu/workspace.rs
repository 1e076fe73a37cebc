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
    pub(super) partials: Scratch,
    pub(super) slots: Slots,
    pub(super) segments: Vec<Segment>,
    pub(super) plans: Vec<ConvPlan>,
    pub(super) spans: Vec<Span>,
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
