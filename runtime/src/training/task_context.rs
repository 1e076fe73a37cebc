//! What a task is done with: a space, its own ops, where its weights lie, the data.

use std::sync::Arc;

use supernet_data::text::Streams;
use supernet_data::{Splits, Subset};
use supernet_engine::program::{Context, CustomOps, Input, Optimizer};
use supernet_engine::weights::Layout;
use supernet_plugin::{Child, GenomeError, Supergraph};

use crate::results::Metric;

/// What a stage works on.
#[derive(Clone, Debug)]
pub(crate) struct TaskContext {
    /// The space.
    pub(crate) supergraph: Supergraph,
    /// Its own ops.
    pub(crate) custom: CustomOps,
    /// Where its weights lie.
    pub(crate) layout: Arc<Layout>,
    /// The data set's parts.
    pub(crate) data: Arc<Splits>,
    /// What a sample is.
    pub(crate) input: Input,
    /// Its classes, or the tokens of its vocabulary.
    pub(crate) classes: u32,
    /// What a score's first number is.
    pub(crate) metric: Metric,
}

impl TaskContext {
    /// The same space with its weights elsewhere, and other data.
    pub(crate) fn with(&self, layout: Arc<Layout>, data: Arc<Splits>) -> Self {
        Self {
            layout,
            data,
            ..self.clone()
        }
    }

    /// The child of `genome` as `optimizer` trains it: with auxiliary outputs only if their losses
    /// count.
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

    /// What programs for minibatches of `batch` samples are built for.
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

    /// A part of a text as streams side by side; nothing of images.
    pub(crate) fn streams(&self, part: &Subset, batch: u32) -> Option<Streams> {
        let text = matches!(self.input, Input::Tokens(_));
        text.then(|| Streams::new(part.labels(), batch, self.supergraph.time()))
    }

    /// Minibatches in a pass over a part: what does not fill the last one is left off, but for a
    /// text.
    pub(crate) fn passes(&self, part: &Subset, batch: u32) -> u32 {
        self.streams(part, batch)
            .map_or(part.len() as u32 / batch, |streams| streams.windows())
    }
}
