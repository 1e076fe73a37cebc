//! From the gradient of what a node multiplies its inputs by to the gradient of a path's weights.

use std::collections::BTreeMap;

use super::level::{Level, Part, When};
use super::relaxed::membership;
use super::{Inner, Supergraph};
use crate::{Path, PathError, Pick, Relaxed, WeightedNode};

/// The derivative of a loss by every weight of a path.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PathGradient {
    /// For each decision, in genome order, the shape of its weights: a row per slice of the batch,
    /// with one number per listed choice. Empty for a single choice.
    pub picks: Vec<Vec<f64>>,
    /// The same for the overrides at single nodes.
    pub at: Vec<Vec<f64>>,
}

impl Supergraph {
    /// The gradient of the path's weights, given that of the [factors](WeightedNode::factors) of
    /// every weighted node, in the order of [`Relaxed::weighted_nodes`] and each of the shape of
    /// its weights.
    ///
    /// A decision's gradient is the sum over the nodes that ask it: at a `Choose` directly, in the
    /// condition of a sum's input by the product rule (decisions are independent), and in a mean
    /// also by the quotient rule. A pick with one row receives the sum over all slices.
    ///
    /// # Errors
    /// If the gradients do not have the shapes of the nodes' weights.
    pub fn pull_back(
        &self,
        path: &Path,
        relaxed: &Relaxed,
        of_factors: &[Vec<f64>],
    ) -> Result<PathGradient, PathError> {
        let nodes = relaxed.weighted_nodes();
        for at in 0..nodes.len().max(of_factors.len()) {
            let expected = nodes.get(at).map(|node| node.mixture.weights.len());
            let got = of_factors.get(at).map(Vec::len);
            if expected != got {
                let (expected, got) = (expected.unwrap_or(0), got.unwrap_or(0));
                return Err(PathError::Gradient { at, expected, got });
            }
        }
        let parts = parts(&self.inner);
        let zeros = |pick: &Pick| match pick {
            Pick::One(_) => vec![],
            Pick::Mix { weights, .. } => vec![0.0; weights.len()],
        };
        let mut gradient = PathGradient {
            picks: path.picks.iter().map(zeros).collect(),
            at: path.at.iter().map(|(_, pick)| zeros(pick)).collect(),
        };
        for (node, of_factors) in nodes.iter().zip(of_factors) {
            let inputs = node.mixture.inputs.len().max(1);
            for (row, of_factors) in of_factors.chunks(inputs).enumerate() {
                match parts.get(&node.node()) {
                    Some(Part::Choose(decision)) => {
                        gradient.choose(path, node.node(), *decision, row, of_factors);
                    }
                    Some(Part::Sum(Some(when)) | Part::Mean(Some(when))) => {
                        gradient.sum(path, node, when, row, of_factors);
                    }
                    _ => {}
                }
            }
        }
        Ok(gradient)
    }
}

/// How the walk treats every node, by its index in the supergraph.
fn parts(inner: &Inner) -> BTreeMap<u32, &Part> {
    fn own(level: &Level) -> impl Iterator<Item = (u32, &Part)> {
        level.nodes.iter().copied().zip(&level.parts)
    }
    let levels = std::iter::once(&inner.outer).chain(&inner.bodies);
    levels.flat_map(own).collect()
}

impl PathGradient {
    fn choose(&mut self, path: &Path, node: u32, decision: u32, row: usize, of_factors: &[f64]) {
        let over = path.at.iter().position(|(at, _)| *at == node);
        let (pick, gradient) = match over {
            Some(i) => (&path.at[i].1, &mut self.at[i]),
            None => (
                &path.picks[decision as usize],
                &mut self.picks[decision as usize],
            ),
        };
        let start = first(pick, row);
        let own = gradient.iter_mut().skip(start);
        own.zip(of_factors).for_each(|(sum, given)| *sum += given);
    }

    fn sum(
        &mut self,
        path: &Path,
        node: &WeightedNode<'_>,
        when: &When,
        row: usize,
        of_factors: &[f64],
    ) {
        let member = |d: u32, set: &[bool]| membership(&path.picks[d as usize], row, set);
        let conditions: Vec<_> = node
            .mixture
            .inputs
            .iter()
            .map(|&input| &when.conditions[input as usize])
            .collect();
        let mut of_weights = of_factors.to_vec();
        if node.is_mean() {
            let weights: Vec<f64> = conditions
                .iter()
                .map(|condition| condition.probability(&member))
                .collect();
            let sum: f64 = weights.iter().sum();
            if sum == 0.0 {
                return;
            }
            let products = weights.iter().zip(of_factors);
            let mean = products.map(|(w, given)| w * given).sum::<f64>() / sum;
            for of_weight in &mut of_weights {
                *of_weight = (*of_weight - mean) / sum;
            }
        }
        for (condition, of_weight) in conditions.iter().zip(of_weights) {
            condition.pull_back(&member, of_weight, &mut |d, set, given| {
                let pick = &path.picks[d as usize];
                let Pick::Mix { choices, .. } = pick else {
                    return;
                };
                let start = first(pick, row);
                for (k, &choice) in choices.iter().enumerate() {
                    if set[choice as usize] {
                        self.picks[d as usize][start + k] += given;
                    }
                }
            });
        }
    }
}

/// The index of the first weight of a row.
fn first(pick: &Pick, row: usize) -> usize {
    match pick {
        Pick::Mix { choices, rows, .. } if *rows > 1 => row * choices.len(),
        _ => 0,
    }
}
