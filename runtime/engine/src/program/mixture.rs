//! Networks in which nodes weigh their inputs: all branches run, and the weights come with the
//! minibatch, so that one program serves every step.

mod lowered;

use supernet_plugin::{Relaxed, WeightedNode};
use supernet_shaders::catalogue::MOST_WEIGHTED;

use super::scan::ALIGNED;
use super::{Context, Input, ProgramError};

/// Where the weights of a program's mixtures are in their buffer, and, in the same places, their
/// gradient.
///
/// The buffer holds what inputs are multiplied by: the [factors](WeightedNode::factors) of the
/// weighted nodes. A node whose inputs do not fit one call has several blocks; each block begins at
/// a multiple of 64, so that a GPU can bind it, and has one row per slice of the batch, with one
/// number per input.
#[derive(Clone, Debug, PartialEq)]
pub struct MixtureLayout {
    nodes: Vec<MixedNode>,
    blocks: Vec<Block>,
    rows: u32,
    len: u32,
}

/// A node of a program that weighs its inputs.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MixedNode {
    /// The positions of the scans around it, the outermost first, then its own.
    pub place: Vec<u32>,
    /// For each input, its position among the inputs of the supergraph's node; at a `Choose`, its
    /// choice.
    pub inputs: Vec<u32>,
    /// Whether the program computes the gradient of its weights.
    pub gradient: bool,
    /// The inputs through which no gradient flows back; their weights must be zero.
    pub forward_only: Vec<bool>,
}

/// Consecutive inputs of a node, summed by one call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Block {
    node: u32,
    /// The first of its inputs, and their number.
    first: u32,
    inputs: u32,
    /// The index of its first weight.
    start: u32,
}

/// Why weights do not fit a program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MixtureError {
    /// Other nodes weigh other inputs than when the program was built.
    #[error(
        "the path lists other choices than the one that the program was built for; build a program for what it lists, and \
         change only the weights from step to step"
    )]
    Listed,
    /// A branch that runs forward only contributes to the result.
    #[error(
        "input {input} of weighted node {node} has a weight, but the program runs its branch forward only; build the program from \
         a path without this restriction"
    )]
    ForwardOnly {
        /// The index of the node among the weighted nodes.
        node: usize,
        /// The index of the input.
        input: usize,
    },
}

impl Default for MixtureLayout {
    /// The layout of a child: nothing is mixed.
    fn default() -> Self {
        Self {
            nodes: Vec::new(),
            blocks: Vec::new(),
            rows: 1,
            len: 0,
        }
    }
}

impl MixtureLayout {
    /// The layout of a network's mixtures.
    pub(super) fn of(context: Context<'_>, relaxed: &Relaxed) -> Result<Self, ProgramError> {
        let (rows, batch) = (relaxed.rows(), context.batch);
        let adjacent = matches!(context.input, Input::Image(_)) && batch.is_multiple_of(rows);
        if rows > 1 && !adjacent {
            return Err(ProgramError::Slices { rows, batch });
        }
        let nodes: Vec<MixedNode> = relaxed.weighted_nodes().iter().map(MixedNode::of).collect();
        let (mut blocks, mut start) = (Vec::new(), 0);
        for (at, node) in (0..).zip(&nodes) {
            let (mut first, all) = (0, node.inputs.len() as u32);
            while first < all {
                // The earlier sum takes the place of an input.
                let most = MOST_WEIGHTED as u32 - u32::from(first > 0);
                let inputs = most.min(all - first);
                blocks.push(Block {
                    node: at,
                    first,
                    inputs,
                    start,
                });
                first += inputs;
                start += (rows * inputs).next_multiple_of(ALIGNED);
            }
        }
        Ok(Self {
            nodes,
            blocks,
            rows,
            len: start,
        })
    }

    /// The nodes that weigh their inputs, in the order of [`Relaxed::weighted_nodes`].
    pub fn nodes(&self) -> &[MixedNode] {
        &self.nodes
    }

    /// Slices of the batch.
    pub fn rows(&self) -> u32 {
        self.rows
    }

    /// The number of weights that come with a minibatch, including gaps; 0 if nothing is mixed.
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether nothing is mixed.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The index of the weight of a node's input for a slice of the batch; `None` if there is no
    /// such weight.
    pub fn index(&self, node: usize, row: u32, input: u32) -> Option<usize> {
        let holds = |block: &&Block| {
            block.node as usize == node
                && (block.first..block.first + block.inputs).contains(&input)
        };
        let block = self.blocks.iter().find(holds)?;
        (row < self.rows).then(|| (block.start + row * block.inputs + input - block.first) as usize)
    }

    /// The weights of a step, for [`Minibatch::mixture`](crate::device::Minibatch::mixture).
    ///
    /// # Errors
    /// If the path lists other choices than the one that the program was built for, or gives weight
    /// to a branch that runs forward only.
    pub fn weights(&self, relaxed: &Relaxed) -> Result<Vec<f32>, MixtureError> {
        let nodes = relaxed.weighted_nodes();
        let same = |(own, given): (&MixedNode, &WeightedNode<'_>)| {
            own.place == given.place && own.inputs == given.mixture.inputs
        };
        if nodes.len() != self.nodes.len()
            || relaxed.rows() != self.rows
            || !self.nodes.iter().zip(&nodes).all(same)
        {
            return Err(MixtureError::Listed);
        }
        let mut weights = vec![0.0; self.len()];
        for (node, given) in nodes.iter().enumerate() {
            let factors = given.factors();
            let inputs = given.mixture.inputs.len().max(1);
            for (i, factor) in factors.into_iter().enumerate() {
                let input = i % inputs;
                if factor != 0.0 && self.nodes[node].forward_only[input] {
                    return Err(MixtureError::ForwardOnly { node, input });
                }
                if let Some(at) = self.index(node, (i / inputs) as u32, input as u32) {
                    weights[at] = factor;
                }
            }
        }
        Ok(weights)
    }

    /// The gradient of every node's factors, each of the shape of its weights, from
    /// [`Samples::mixture`](crate::device::Samples::mixture): what
    /// [`Supergraph::pull_back`](supernet_plugin::Supergraph::pull_back) takes. Zero where it is
    /// not computed.
    pub fn gradient(&self, computed: &[f32]) -> Vec<Vec<f64>> {
        let of_node = |(node, mixed): (usize, &MixedNode)| {
            let inputs = 0..mixed.inputs.len() as u32;
            let indices = (0..self.rows).flat_map(|row| inputs.clone().map(move |q| (row, q)));
            let number = |(row, q)| {
                let at = self.index(node, row, q)?;
                computed.get(at).map(|x| f64::from(*x))
            };
            indices.map(|at| number(at).unwrap_or(0.0)).collect()
        };
        self.nodes.iter().enumerate().map(of_node).collect()
    }

    /// The block that begins at a weight.
    pub(super) fn block(&self, start: u32) -> Option<Block> {
        let at = self.blocks.binary_search_by_key(&start, |b| b.start).ok()?;
        Some(self.blocks[at])
    }

    /// Whether the gradient of the block that begins at a weight is computed.
    pub(super) fn wants_gradient(&self, start: u32) -> bool {
        self.block(start)
            .is_some_and(|block| self.nodes[block.node as usize].gradient)
    }

    /// Whether any gradient is computed.
    pub(super) fn wants_any(&self) -> bool {
        self.nodes.iter().any(|node| node.gradient)
    }

    /// Whether no gradient flows back through an input of a block.
    pub(super) fn is_forward_only(&self, start: u32, input: u32) -> bool {
        self.block(start).is_some_and(|block| {
            self.nodes[block.node as usize].forward_only[(block.first + input) as usize]
        })
    }
}

impl MixedNode {
    fn of(node: &WeightedNode<'_>) -> Self {
        Self {
            place: node.place.clone(),
            inputs: node.mixture.inputs.clone(),
            gradient: node.mixture.gradient,
            forward_only: node.mixture.forward_only.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_weight_has_an_index_of_its_own() {
        let node = |inputs: u32| MixedNode {
            place: vec![0],
            inputs: (0..inputs).collect(),
            gradient: true,
            forward_only: vec![false; inputs as usize],
        };
        let block = |node, first, inputs, start| Block {
            node,
            first,
            inputs,
            start,
        };
        let layout = MixtureLayout {
            nodes: vec![node(8), node(1)],
            blocks: vec![block(0, 0, 6, 0), block(0, 6, 2, 64), block(1, 0, 1, 128)],
            rows: 3,
            len: 192,
        };
        assert_eq!(layout.index(0, 0, 0), Some(0));
        assert_eq!(layout.index(0, 2, 5), Some(17));
        assert_eq!(layout.index(0, 1, 7), Some(67));
        assert_eq!(layout.index(1, 2, 0), Some(130));
        assert_eq!(layout.index(0, 3, 0), None);
        assert_eq!(layout.index(0, 0, 8), None);
        let computed: Vec<f32> = (0..192_u8).map(f32::from).collect();
        let gradient = layout.gradient(&computed);
        assert_eq!(
            gradient[0][..9],
            [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 64.0, 65.0, 6.0]
        );
        assert_eq!(gradient[1], [128.0, 129.0, 130.0]);
    }
}
