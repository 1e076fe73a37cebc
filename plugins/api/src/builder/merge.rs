use std::collections::BTreeMap;

use super::decide::DecisionRef;
use super::tensor::Tensor;
use super::when::When;
use super::{Space, Weights};
use crate::{Condition, Op, Setting};

impl Space {
    /// The branch that the decision picks; there is one branch per choice.
    pub fn choose<'s>(&'s self, decision: DecisionRef<'s>, branches: &[Tensor<'s>]) -> Tensor<'s> {
        self.node(
            Op::Choose {
                decision: decision.id(),
            },
            branches,
            &[],
        )
    }

    /// Builds a branch from each input, in the scopes `from0`, `from1` and so on; the decision
    /// picks one of them. Each possible input thus has separate weights.
    pub fn choose_of<'s>(
        &'s self,
        decision: DecisionRef<'s>,
        inputs: &[Tensor<'s>],
        build: impl Fn(Tensor<'s>) -> Tensor<'s>,
    ) -> Tensor<'s> {
        let count = inputs.len().min(decision.choice_count());
        let inputs = inputs[..count].iter().enumerate();
        let branches: Vec<_> = inputs
            .map(|(i, &input)| self.scope(format!("from{i}"), || build(input)))
            .collect();
        self.choose(decision, &branches)
    }

    /// The sum of the inputs.
    pub fn sum<'s>(&'s self, parts: &[Tensor<'s>]) -> Tensor<'s> {
        self.node(Op::Sum { when: Vec::new() }, parts, &[])
    }

    /// The sum of the inputs whose condition holds; zero if none does.
    pub fn sum_when<'s>(
        &'s self,
        parts: impl IntoIterator<Item = (Tensor<'s>, When)>,
    ) -> Tensor<'s> {
        let (parts, when) = split(parts);
        self.node(Op::Sum { when }, &parts, &[])
    }

    /// The mean of the inputs.
    pub fn mean<'s>(&'s self, parts: &[Tensor<'s>]) -> Tensor<'s> {
        self.node(Op::Mean { when: Vec::new() }, parts, &[])
    }

    /// The mean of the inputs whose condition holds; zero if none does.
    pub fn mean_when<'s>(
        &'s self,
        parts: impl IntoIterator<Item = (Tensor<'s>, When)>,
    ) -> Tensor<'s> {
        let (parts, when) = split(parts);
        self.node(Op::Mean { when }, &parts, &[])
    }

    /// The inputs concatenated on the last axis.
    pub fn concat<'s>(&'s self, parts: &[Tensor<'s>]) -> Tensor<'s> {
        self.node(Op::Concat, parts, &[])
    }

    /// A custom op of this space.
    pub fn custom<'s>(
        &'s self,
        name: &str,
        inputs: &[Tensor<'s>],
        weights: &[Weights<'s>],
        attributes: BTreeMap<String, Setting>,
    ) -> Tensor<'s> {
        let params: Vec<u32> = weights
            .iter()
            .filter_map(|weights| self.own(*weights))
            .collect();
        self.node(
            Op::Custom {
                name: name.into(),
                attributes,
            },
            inputs,
            &params,
        )
    }
}

fn split<'s>(
    parts: impl IntoIterator<Item = (Tensor<'s>, When)>,
) -> (Vec<Tensor<'s>>, Vec<Condition>) {
    let (tensors, mut when): (Vec<_>, Vec<_>) = parts
        .into_iter()
        .map(|(tensor, when)| (tensor, when.0))
        .unzip();
    if when.iter().all(|condition| *condition == When::ALWAYS.0) {
        when.clear();
    }
    (tensors, when)
}
