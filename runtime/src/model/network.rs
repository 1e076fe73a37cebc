//! The executable part of a model: one child of a space, and its tensors.

use std::collections::BTreeSet;
use std::sync::Arc;

use supernet_engine::program::{Context, CustomOps, Input};
use supernet_engine::weights::Layout;
use supernet_plugin::{Child, Op, Supergraph};

use super::About;
use super::error::ModelError;

/// A child with a layout for its parameters and statistics only.
#[derive(Debug)]
pub(super) struct FrozenGraph {
    supergraph: Supergraph,
    custom: CustomOps,
    child: Child,
    layout: Arc<Layout>,
    tensors: Vec<Tensor>,
    /// Channels of every batch normalisation, in order.
    norms: Vec<usize>,
}

/// A tensor of the network.
#[derive(Clone, Debug)]
pub(super) struct Tensor {
    pub(super) name: String,
    pub(super) shape: Vec<u32>,
    /// Its index in the layout.
    pub(super) index: u32,
}

impl FrozenGraph {
    /// Creates the network of `genome`.
    ///
    /// # Errors
    /// If there is no such child, or its tensors have ambiguous names or cannot be laid out.
    pub(super) fn new(
        supergraph: Supergraph,
        custom: CustomOps,
        genome: &[u32],
    ) -> Result<Self, ModelError> {
        let child = supergraph.child(genome)?;
        let used: BTreeSet<u32> = (0..child.len())
            .flat_map(|i| child.params(i))
            .copied()
            .collect();
        let parameter = |index: &u32| {
            let (name, shape) = (
                supergraph.param(*index).id.clone(),
                supergraph.param_shape(*index).to_vec(),
            );
            Tensor {
                name,
                shape,
                index: *index,
            }
        };
        let mut tensors: Vec<Tensor> = used.iter().map(parameter).collect();
        let mut norms = Vec::new();
        for i in 0..child.len() {
            if let Op::BatchNorm { .. } = child.op_node(i).op {
                let channels = child.shape(i).last().copied().unwrap_or(1);
                // In the order of `Program::inferring`.
                let index = (supergraph.param_count() + norms.len()) as u32;
                norms.push(channels as usize);
                tensors.push(Tensor {
                    name: statistics(&child.op_node(i).id),
                    shape: vec![2, channels],
                    index,
                });
            }
        }
        let mut names = BTreeSet::new();
        if let Some(twice) = tensors.iter().find(|tensor| !names.insert(&tensor.name)) {
            let name = &twice.name;
            return Err(ModelError::Wrong {
                reason: format!(
                    "it has two tensors named `{name}`; rename that parameter in the space"
                ),
            });
        }
        let mut lens = vec![("", 0); supergraph.param_count() + norms.len()];
        for Tensor { name, shape, index } in &tensors {
            lens[*index as usize] = (name, shape.iter().map(|n| *n as usize).product());
        }
        let layout = Arc::new(Layout::frozen(lens.into_iter())?);
        Ok(Self {
            supergraph,
            custom,
            child,
            layout,
            tensors,
            norms,
        })
    }

    pub(super) fn supergraph(&self) -> &Supergraph {
        &self.supergraph
    }

    pub(super) fn child(&self) -> &Child {
        &self.child
    }

    pub(super) fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// Parameters, then statistics.
    pub(super) fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    /// Channels of every batch normalisation, in order.
    pub(super) fn norms(&self) -> &[usize] {
        &self.norms
    }

    /// The context of programs for `batch` images.
    pub(super) fn context(&self, about: &About, batch: u32) -> Context<'_> {
        let Self {
            supergraph,
            custom,
            layout,
            ..
        } = self;
        Context {
            supergraph,
            custom,
            layout,
            input: Input::Image(about.image),
            classes: about.classes,
            batch,
        }
    }
}

fn statistics(node: &str) -> String {
    format!("{node}/statistics")
}
