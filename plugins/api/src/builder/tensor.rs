use std::collections::BTreeMap;
use std::fmt;

use super::Space;
use super::draft::NOTHING;
use super::size::Weights;
use crate::axis::{Axis, Value};
use crate::{Dim, Element, Init, Op, TIME};

/// A value of the network that is being built: an image `[height, width, channels]`, a vector
/// `[channels]` or a sequence `[time, ...]`; the batch is implicit.
#[derive(Clone, Copy)]
pub struct Tensor<'s> {
    pub(crate) space: &'s Space,
    pub(crate) index: u32,
}

impl Space {
    /// Input data: numbers of this shape.
    pub fn input(&self, name: &str, shape: &[u32]) -> Tensor<'_> {
        let shape = shape.iter().map(|&size| Dim::Fixed(size)).collect();
        self.scope(name, || {
            self.node(
                Op::Input {
                    shape,
                    element: Element::F32,
                },
                &[],
                &[],
            )
        })
    }

    /// Input data: a sequence of tokens, `[time]`.
    pub fn tokens(&self, name: &str) -> Tensor<'_> {
        let shape = vec![Dim::Named(TIME.into())];
        self.scope(name, || {
            self.node(
                Op::Input {
                    shape,
                    element: Element::U32,
                },
                &[],
                &[],
            )
        })
    }

    /// Input data: a sequence of numbers, `[time, ...]`.
    pub fn sequence(&self, name: &str, each: &[u32]) -> Tensor<'_> {
        let mut shape = vec![Dim::Named(TIME.into())];
        shape.extend(each.iter().map(|&size| Dim::Fixed(size)));
        self.scope(name, || {
            self.node(
                Op::Input {
                    shape,
                    element: Element::F32,
                },
                &[],
                &[],
            )
        })
    }

    /// A param as a value.
    pub fn weight<'s>(&'s self, weights: Weights<'s>) -> Tensor<'s> {
        let params: Vec<u32> = self.own(weights).into_iter().collect();
        self.node(Op::Weight, &[], &params)
    }

    pub(crate) fn node(&self, op: Op, inputs: &[Tensor<'_>], params: &[u32]) -> Tensor<'_> {
        let mut draft = self.draft.borrow_mut();
        let id = draft.unique(op.name());
        let index = draft.node(self, id, op, inputs, params).unwrap_or(NOTHING);
        Tensor { space: self, index }
    }

    /// The index of shared weights, if they belong to this space.
    pub(crate) fn own(&self, weights: Weights<'_>) -> Option<u32> {
        if !std::ptr::eq(self, weights.space) {
            self.wrong(|| "weights of another space are used".into());
            return None;
        }
        (weights.index != NOTHING).then_some(weights.index)
    }
}

impl<'s> Tensor<'s> {
    /// The shape. A size that a decision picks counts at its largest, the time axis as 1. Empty
    /// after a mistake.
    pub fn shape(self) -> Vec<u32> {
        self.axes().iter().map(|axis| axis.largest(1)).collect()
    }

    /// The largest size of the last axis; 1 after a mistake.
    pub fn channels(self) -> u32 {
        self.shape().last().copied().unwrap_or(1)
    }

    /// The largest size of the first axis; 1 after a mistake.
    pub fn height(self) -> u32 {
        self.shape().first().copied().unwrap_or(1)
    }

    pub(crate) fn axes(self) -> Vec<Axis> {
        let draft = self.space.draft.borrow();
        draft
            .values
            .get(self.index as usize)
            .map(|made| made.value.axes.clone())
            .unwrap_or_default()
    }

    /// The last axis as a dimension of a param, and its largest size.
    pub(crate) fn last_dim(self) -> (Dim, u32) {
        match self.axes().last() {
            Some(axis) => (self.space.draft.borrow_mut().dim(axis), axis.largest(1)),
            None => (Dim::Fixed(1), 1),
        }
    }

    /// A node that reads only this value.
    pub(crate) fn then(self, op: Op) -> Tensor<'s> {
        self.space.node(op, &[self], &[])
    }

    /// A node with new params, each named after the node.
    pub(crate) fn layer(self, op: Op, inputs: &[Tensor<'s>], params: Vec<New>) -> Tensor<'s> {
        let mut draft = self.space.draft.borrow_mut();
        let id = draft.unique(op.name());
        let mut indices = Vec::new();
        for New {
            role,
            shape,
            init,
            decay,
        } in params
        {
            indices.extend(draft.param(format!("{id}.{role}"), shape, init, decay));
        }
        let index = draft
            .node(self.space, id, op, inputs, &indices)
            .unwrap_or(NOTHING);
        Tensor {
            space: self.space,
            index,
        }
    }

    /// A custom op with one input and neither params nor attributes; for any other, see
    /// [`Space::custom`].
    pub fn custom(self, op: &str) -> Tensor<'s> {
        self.space.custom(op, &[self], &[], BTreeMap::new())
    }

    pub(crate) fn value(self) -> Option<Value> {
        let draft = self.space.draft.borrow();
        draft
            .values
            .get(self.index as usize)
            .map(|made| made.value.clone())
    }
}

/// A param that is created together with a layer.
pub(crate) struct New {
    pub(crate) role: &'static str,
    pub(crate) shape: Vec<Dim>,
    pub(crate) init: Init,
    pub(crate) decay: bool,
}

impl New {
    /// Weights, subject to weight decay.
    pub(crate) fn weight(shape: Vec<Dim>, init: Init) -> Self {
        New {
            role: "weight",
            shape,
            init,
            decay: true,
        }
    }

    /// A vector without weight decay: a bias, a scale or a shift.
    pub(crate) fn vector(role: &'static str, size: Dim, init: Init) -> Self {
        New {
            role,
            shape: vec![size],
            init,
            decay: false,
        }
    }
}

impl fmt::Debug for Tensor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let draft = self.space.draft.borrow();
        match draft.values.get(self.index as usize) {
            Some(made) => write!(f, "{} {}", made.id, made.value),
            None => f.write_str("(nothing, after a mistake)"),
        }
    }
}
