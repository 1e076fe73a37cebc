use crate::condition::Cond;
use crate::ragged::Ragged;

/// One flat graph: the nodes of the space, or the body of a scan. Indices inside are local to it.
///
/// In a body, the slices of the scan's inputs come first, then the carried states, then the outer
/// values that it reads (captures), then its nodes.
#[derive(Default)]
pub(crate) struct Level {
    /// The supergraph's index of each local node.
    pub(crate) nodes: Vec<u32>,
    pub(crate) parts: Vec<Part>,
    pub(crate) inputs: Ragged,
    /// For the outer level, the outputs of the space. For a body, the value that it yields, then
    /// the next value of each carried state.
    pub(crate) outputs: Vec<u32>,
    /// For a body, the number of slices of inputs; and the number of carried states.
    pub(crate) steps: usize,
    pub(crate) carries: usize,
    /// For a body, the number of captures.
    pub(crate) captures: usize,
}

/// How the walk that picks a child treats a node.
pub(crate) enum Part {
    /// An ordinary op.
    Plain,
    /// A slice, state or capture of a body.
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
