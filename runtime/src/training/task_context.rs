//! The context of a task: a space, its custom ops, the layout of its weights, and the data.

use std::sync::Arc;

use supernet_data::text::Streams;
use supernet_data::{Splits, Subset};
use supernet_engine::program::{Context, CustomOps, Input, Optimizer};
use supernet_engine::weights::Layout;
use supernet_plugin::{Child, GenomeError, Supergraph};

use crate::results::Metric;

/// The context that training and scoring share.
#[derive(Clone, Debug)]
pub(crate) struct TaskContext {
    /// The space.
    pub(crate) supergraph: Supergraph,
    /// Its custom ops.
    pub(crate) custom: CustomOps,
    /// The layout of its weights.
    pub(crate) layout: Arc<Layout>,
    /// The splits of the data set.
    pub(crate) data: Arc<Splits>,
    /// The input that a sample is.
    pub(crate) input: Input,
    /// Number of classes, or of tokens in the vocabulary.
    pub(crate) classes: u32,
    /// The meaning of a score's reward.
    pub(crate) metric: Metric,
}

impl TaskContext {
    /// The same space with another layout and other data.
    pub(crate) fn with(&self, layout: Arc<Layout>, data: Arc<Splits>) -> Self {
        Self {
            layout,
            data,
            ..self.clone()
        }
    }

    /// The child of `genome` as `optimizer` trains it: with auxiliary outputs only if their losses
    /// have a weight.
    pub(crate) fn trained(
        &self,
        genome: &[u32],
        optimizer: &Optimizer,
    ) -> Result<Child, GenomeError> {
        let Self { supergraph, .. } = self;
        if optimizer.auxiliary > 0.0 {
            supergraph.child_in_training(genome)
        } else {
            supergraph.child(genome)
        }
    }

    /// The context of programs for minibatches of `batch` samples.
    pub(crate) fn context(&self, batch: u32) -> Context<'_> {
        let Self {
            supergraph,
            custom,
            layout,
            input,
            classes,
            ..
        } = self;
        Context {
            supergraph,
            custom,
            layout,
            input: *input,
            classes: *classes,
            batch,
        }
    }

    /// A split of a text as parallel streams; none for images.
    pub(crate) fn streams(&self, split: &Subset, batch: u32) -> Option<Streams> {
        let text = matches!(self.input, Input::Tokens(_));
        text.then(|| Streams::new(split.labels(), batch, self.supergraph.time()))
    }

    /// Minibatches in a pass over a split: an incomplete last one is dropped, except for text.
    pub(crate) fn passes(&self, split: &Subset, batch: u32) -> u32 {
        self.streams(split, batch)
            .map_or(split.len() as u32 / batch, |streams| streams.windows())
    }
}
