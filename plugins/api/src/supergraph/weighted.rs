//! The nodes of a relaxed network that weigh their inputs.

use super::walk::Mixture;
use crate::{Child, Op, Relaxed};

impl Relaxed {
    /// All nodes that weigh their inputs, those of a network before those of the bodies of its
    /// scans.
    pub fn weighted_nodes(&self) -> Vec<WeightedNode<'_>> {
        let mut nodes = Vec::new();
        self.collect(&[], &mut nodes);
        nodes
    }

    fn collect<'a>(&'a self, scans: &[u32], nodes: &mut Vec<WeightedNode<'a>>) {
        nodes.extend(self.mixtures.iter().map(|(at, mixture)| WeightedNode {
            place: [scans, &[*at]].concat(),
            network: &self.network,
            mixture,
        }));
        for (at, body) in &self.bodies {
            body.collect(&[scans, &[*at]].concat(), nodes);
        }
    }

    /// The same network, in which the branches whose weight is zero in every slice run forward
    /// only: no gradient flows back through them, while that of their weights is still known.
    #[must_use]
    pub fn zeros_forward_only(mut self) -> Relaxed {
        for (_, mixture) in &mut self.mixtures {
            let inputs = mixture.inputs.len();
            for (input, only) in mixture.forward_only.iter_mut().enumerate() {
                let mut own = mixture.weights.iter().skip(input).step_by(inputs);
                *only = own.all(|weight| *weight == 0.0);
            }
        }
        let bodies = std::mem::take(&mut self.bodies).into_iter();
        self.bodies = bodies
            .map(|(at, body)| (at, body.zeros_forward_only()))
            .collect();
        self
    }
}

/// A node of a relaxed network that weighs its inputs.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WeightedNode<'a> {
    /// The positions of the scans around it, the outermost first, then its own.
    pub place: Vec<u32>,
    /// The network that it is in: the whole one, or the body of the innermost scan.
    pub network: &'a Child,
    /// Its inputs and their weights.
    pub mixture: &'a Mixture,
}

impl WeightedNode<'_> {
    /// Its index in the supergraph.
    pub fn node(&self) -> u32 {
        self.network.node(self.position())
    }

    /// Whether it is a mean, which divides its weights by their sum.
    pub fn is_mean(&self) -> bool {
        matches!(self.network.op_node(self.position()).op, Op::Mean { .. })
    }

    /// What each input is multiplied by: the weights, for a mean divided by their sum. A mean
    /// whose weights sum to zero is zero.
    pub fn factors(&self) -> Vec<f32> {
        let mut factors = self.mixture.weights.clone();
        if self.is_mean() {
            for row in factors.chunks_mut(self.mixture.inputs.len().max(1)) {
                let sum: f64 = row.iter().map(|weight| f64::from(*weight)).sum();
                row.iter_mut().for_each(|weight| match sum == 0.0 {
                    true => *weight = 0.0,
                    false => *weight = (f64::from(*weight) / sum) as f32,
                });
            }
        }
        factors
    }

    fn position(&self) -> usize {
        self.place.last().map_or(0, |at| *at as usize)
    }
}
