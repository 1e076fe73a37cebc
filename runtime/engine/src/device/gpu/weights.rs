//! Weights in the device's memory.

use supernet_shaders::catalogue::{BLOCK, bitset_words};

use super::DeviceError;
use super::buffers::{Buffers, Id};
use super::context::GpuContext;
use crate::weights::{Revision, Weights};

/// The pages of one set of shared weights on the device.
#[derive(Debug)]
pub(super) struct DeviceWeights {
    /// The revision of the weights.
    pub(super) revision: Revision,
    pub(super) values: Vec<Id>,
    pub(super) gradients: Vec<Id>,
    /// By moment, then by page.
    pub(super) state: Vec<Vec<Id>>,
    pub(super) touched: Vec<Id>,
    pub(super) decayed: Vec<Id>,
    pub(super) shares: Vec<Id>,
}

impl DeviceWeights {
    /// Allocates buffers for `weights` and uploads them.
    pub(super) fn new(
        context: &GpuContext,
        buffers: &mut Buffers,
        weights: &Weights,
    ) -> Result<Self, DeviceError> {
        let layout = weights.layout();
        let mut pages = |label: &str, len: fn(usize) -> usize| -> Result<Vec<Id>, DeviceError> {
            layout
                .pages()
                .iter()
                .map(|page| buffers.create(context, label, len(*page as usize)))
                .collect()
        };
        let whole = |len| len;
        let resident = Self {
            revision: weights.revision().clone(),
            values: pages("weights", whole)?,
            gradients: pages("gradients", whole)?,
            state: weights
                .pages()
                .state
                .iter()
                .map(|_| pages("moments", whole))
                .collect::<Result<_, _>>()?,
            touched: pages("touched", bitset_words)?,
            decayed: pages("decayed", bitset_words)?,
            shares: pages("shares", |len| len.div_ceil(BLOCK))?,
        };
        for (id, bits) in resident.decayed.iter().zip(layout.decayed()) {
            buffers.write(context, *id, bits);
        }
        resident.upload(context, buffers, weights);
        Ok(resident)
    }

    /// Uploads the host's copy.
    pub(super) fn upload(&self, context: &GpuContext, buffers: &Buffers, weights: &Weights) {
        for (ids, pages) in self.kept().zip(weights.pages().kept()) {
            for (id, page) in ids.iter().zip(pages) {
                buffers.write(context, *id, bytemuck::cast_slice(page));
            }
        }
    }

    /// The pages that outlive a step, in the order of [`crate::weights::Pages::kept`].
    pub(super) fn kept(&self) -> impl Iterator<Item = &Vec<Id>> {
        [&self.values, &self.gradients]
            .into_iter()
            .chain(&self.state)
    }

    /// All its buffers.
    pub(super) fn all(&self) -> impl Iterator<Item = Id> {
        let bits = [&self.touched, &self.decayed, &self.shares];
        let flat = [&self.values, &self.gradients]
            .into_iter()
            .chain(bits)
            .chain(&self.state);
        flat.flatten().copied()
    }
}
