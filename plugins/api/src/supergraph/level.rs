use crate::condition::Cond;
use crate::ragged::Ragged;

/// One flat graph: the space's own nodes, or a scan's body. Indices inside are local to it.
///
/// In a body the slices of the scan's inputs come first, then the carried states, then the outer
/// values that it reads (captures), then its nodes.
#[derive(Default)]
pub(crate) struct Level {
    /// The supergraph's index of each local node.
    pub(crate) nodes: Vec<u32>,
    pub(crate) parts: Vec<Part>,
    pub(crate) inputs: Ragged,
    /// The outer level: the space's outputs. A body: what it yields, then the next value of each
    /// carried state.
    pub(crate) outputs: Vec<u32>,
    /// A body: how many slices of inputs, and how many carried states.
    pub(crate) steps: usize,
    pub(crate) carries: usize,
    /// A body: how many captures.
    pub(crate) captures: usize,
}

/// What a node is to the walk that picks a child.
pub(crate) enum Part {
    /// An ordinary op.
    Plain,
    /// A body's slice, state or capture.
    Given,
    Zero,
    Choose(u32),
    Sum(Option<Box<When>>),
    Mean(Option<Box<When>>),
    Concat,
    /// A scan, with the index of its body.
    Scan(u32),
}

/// The conditions of a sum's inputs.
pub(crate) struct When {
    pub(crate) conditions: Vec<Cond>,
    /// The decisions that any of them names.
    pub(crate) decisions: Vec<u32>,
}

impl Level {
    pub(crate) fn push(&mut self, node: u32, part: Part, inputs: &[u32]) {
        self.nodes.push(node);
        self.parts.push(part);
        self.inputs.push(inputs);
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The local indices of the captures.
    pub(crate) fn captured(&self) -> std::ops::Range<usize> {
        let start = self.steps + self.carries;
        start..start + self.captures
    }
}
