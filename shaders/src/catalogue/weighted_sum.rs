//! Sums whose weights are data.

use super::Role;
use super::roles::{read, write};

/// The most inputs of a [`Call::WeightedSum`](super::Call::WeightedSum); one that continues a sum
/// takes one fewer.
pub const MOST_WEIGHTED: usize = 6;

/// Σ wᵢ·xᵢ with one weight per input and slice of the batch.
///
/// Unlike the scale of a [`Call::Sum`](super::Call::Sum), the weights are an operand: a call serves
/// all weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WeightedSum {
    /// Slices of the batch, each with weights of its own.
    pub rows: u32,
    /// Elements of a slice.
    pub len: u32,
    /// The number of inputs, from 1 on.
    pub inputs: u32,
    /// Whether an earlier sum is added, with the weight 1: this is how a sum of more inputs than
    /// one call takes is computed.
    pub continues: bool,
}

const NAMES: [&str; MOST_WEIGHTED] = ["x0", "x1", "x2", "x3", "x4", "x5"];

impl WeightedSum {
    /// Elements of each input and of the result.
    pub fn elements(&self) -> usize {
        self.rows as usize * self.len as usize
    }

    /// Elements of the weights: `[rows, inputs]`.
    pub fn len_w(&self) -> usize {
        self.rows as usize * self.inputs as usize
    }

    fn reads_x(&self) -> impl Iterator<Item = Role> {
        let len = self.elements();
        NAMES[..self.inputs as usize]
            .iter()
            .map(move |name| read(name, len))
    }

    /// The roles of the sum: weights, the earlier sum, inputs, result.
    pub(super) fn roles(&self) -> Vec<Role> {
        let mut roles = vec![read("w", self.len_w())];
        roles.extend(self.continues.then(|| read("sum", self.elements())));
        roles.extend(self.reads_x());
        roles.push(write("y", self.elements()));
        roles
    }

    pub(super) fn grad_input_roles(&self) -> Vec<Role> {
        let len = self.elements();
        vec![read("w", self.len_w()), read("dy", len), write("dx", len)]
    }

    pub(super) fn grad_weights_roles(&self) -> Vec<Role> {
        let mut roles = vec![read("dy", self.elements())];
        roles.extend(self.reads_x());
        roles.push(write("dw", self.len_w()));
        roles
    }
}
