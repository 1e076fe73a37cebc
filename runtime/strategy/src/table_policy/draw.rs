//! A sample of a table, and the way back from the gradient of its weights to that of the logits.

use serde::{Deserialize, Serialize};
use supernet_plugin::{Path, Pick};

use super::LogitTable;
use super::softmax::softmax_gradient;
use crate::Genome;

/// The branches that run in a pass and their weights, drawn from a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DrawnPath {
    decisions: Vec<Drawn>,
}

/// What one decision drew.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Drawn {
    /// The choices that run.
    pub(super) listed: Vec<u32>,
    /// Their weights.
    pub(super) weights: Vec<f64>,
    /// The choices whose logits receive a gradient.
    pub(super) over: Vec<u32>,
    /// The probabilities of these through which it flows.
    pub(super) probabilities: Vec<f64>,
    /// 1 over the temperature of these probabilities.
    pub(super) sharpness: f64,
    /// Whether these choices share what probability they have together, whatever is learnt.
    pub(super) shares: bool,
}

impl Drawn {
    pub(super) fn gradient(&self, of_weights: &[f64], choices: usize) -> Vec<f64> {
        let of = |choice: &u32| {
            let at = self.listed.iter().position(|listed| listed == choice)?;
            of_weights.get(at).copied()
        };
        let given: Vec<f64> = self.over.iter().map(|c| of(c).unwrap_or(0.0)).collect();
        let mut gradient = vec![0.0; choices];
        let own = softmax_gradient(&self.probabilities, &given);
        for (choice, own) in self.over.iter().zip(own) {
            if let Some(of_logit) = gradient.get_mut(*choice as usize) {
                *of_logit = self.sharpness * own;
            }
        }
        gradient
    }

    /// The choice with the largest weight, the first on a tie.
    fn main(&self) -> u32 {
        let better = |best: usize, i: usize| match self.weights[i] > self.weights[best] {
            true => i,
            false => best,
        };
        let at = (1..self.weights.len()).fold(0, better);
        self.listed.get(at).copied().unwrap_or(0)
    }

    /// Shifts the logits of the choices so that the sum of their exponentials is as before.
    pub(super) fn keep_share(&self, before: &[f64], after: &mut [f64]) {
        let total = |logits: &[f64]| -> f64 {
            let of = |choice: &u32| logits.get(*choice as usize).map(|logit| logit.exp());
            self.over.iter().filter_map(of).sum()
        };
        let offset = (total(after) / total(before)).ln();
        if !offset.is_finite() {
            return;
        }
        for choice in &self.over {
            if let Some(logit) = after.get_mut(*choice as usize) {
                *logit -= offset;
            }
        }
    }
}

impl DrawnPath {
    pub(super) fn new(decisions: Vec<Drawn>) -> Self {
        Self { decisions }
    }

    #[cfg(test)]
    pub(super) fn decisions(&self) -> &[Drawn] {
        &self.decisions
    }

    /// The path to run. Every decision lists what runs, and asks for the gradient of its weights.
    pub fn path(&self) -> Path {
        let pick = |drawn: &Drawn| Pick::Mix {
            choices: drawn.listed.clone(),
            weights: drawn.weights.iter().map(|weight| *weight as f32).collect(),
            rows: 1,
            gradient: true,
        };
        Path {
            picks: self.decisions.iter().map(pick).collect(),
            at: Vec::new(),
        }
    }

    /// The choice with the largest weight of every decision: what runs, for a sampler of single
    /// branches.
    pub fn genome(&self) -> Genome {
        self.decisions.iter().map(Drawn::main).collect()
    }

    /// The gradient with respect to the logits of `table`, from which the path was drawn, given
    /// that with respect to the path's weights: one number per listed choice, as in
    /// [`PathGradient::picks`](supernet_plugin::PathGradient::picks). Missing numbers are zero.
    pub fn logit_gradient(&self, table: &LogitTable, of_weights: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let none = Vec::new();
        let of = |(d, logits): (usize, &Vec<f64>)| match self.decisions.get(d) {
            Some(drawn) => drawn.gradient(of_weights.get(d).unwrap_or(&none), logits.len()),
            None => vec![0.0; logits.len()],
        };
        table.logits().iter().enumerate().map(of).collect()
    }

    /// After an update of the logits: lets two drawn paths share what probability they had
    /// together before, so that that of all others is unchanged (Cai et al. 2019, §3.2.1). Does
    /// nothing for other samplers.
    pub fn keep_shares(&self, before: &LogitTable, after: &mut LogitTable) {
        let pairs = before.logits().iter().zip(after.logits_mut());
        for (drawn, (before, after)) in self.decisions.iter().zip(pairs) {
            if drawn.shares {
                drawn.keep_share(before, after);
            }
        }
    }
}
