use std::fmt;
use std::sync::Arc;

use crate::axis::Value;
use crate::condition::Cond;
use crate::ragged::Ragged;
use crate::{DecisionPlan, Dim, GenomeError, Node, Op, Param, SearchSpace, ValidationError};

pub(crate) mod child;
mod counts;
mod decisions;
mod enumerate;
mod level;
mod mask;
mod nodes;
mod ops;
mod own_weights;
pub(crate) mod plan;
pub(crate) mod pull_back;
pub(crate) mod relaxed;
mod resolve;
mod sample;
mod scan;
pub(crate) mod size;
pub(crate) mod walk;
pub(crate) mod weighted;

use level::Level;

/// A checked search space, with its names resolved to indices. Cloning is cheap.
///
/// Node indices count the nodes of the space first and then, scan by scan, the nodes of the bodies:
/// the slices of the scan's inputs, the carried states and the body's nodes.
#[derive(Clone)]
pub struct Supergraph {
    inner: Arc<Inner>,
    time: u32,
}

/// Everything that is computed once.
pub(crate) struct Inner {
    space: SearchSpace,
    choices: Vec<u32>,
    active_if: Vec<Option<Cond>>,
    require: Vec<Cond>,
    /// The decisions in the plan's order.
    order: Vec<u32>,
    plan: DecisionPlan,
    params: Vec<Value>,
    /// The shapes of the params as stored.
    stored: Ragged,
    /// Whether a param's shape follows a decision.
    elastic: Vec<bool>,
    /// The nodes after those of the space.
    extra: Vec<Node>,
    values: Vec<Value>,
    /// The shape of a value that neither a decision nor the window changes.
    fixed: Vec<Option<Box<[u32]>>>,
    node_params: Ragged,
    /// The decisions that the sizes of a node's value and params follow.
    follows: Ragged,
    outer: Level,
    bodies: Vec<Level>,
}

/// Which parameters are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// What runs: a sum drops its `Zero` inputs, and `Zero` keeps nothing alive.
    Live,
    /// What was chosen, whether or not it reaches the output, as in published tables.
    Chosen,
}

impl Supergraph {
    /// Checks a space and resolves its names. Errors state the place and the reason; at most 20 are
    /// reported at once.
    pub fn new(space: SearchSpace) -> Result<Self, Vec<ValidationError>> {
        let graph = Supergraph {
            inner: Arc::new(resolve::resolve(space)?),
            time: 1,
        };
        let problems = graph.try_out();
        if problems.is_empty() {
            Ok(graph)
        } else {
            Err(problems)
        }
    }

    /// The same supergraph for windows of `steps`: the length of the axis named `time` in shapes
    /// and MACs, at least 1. The default is 1, so that MACs are those of one step.
    #[must_use]
    pub fn with_time(&self, steps: u32) -> Self {
        Supergraph {
            inner: Arc::clone(&self.inner),
            time: steps.max(1),
        }
    }

    /// The length of the axis named `time`.
    pub fn time(&self) -> u32 {
        self.time
    }

    /// The states that the scans of the space carry from one window to the next: the name of each,
    /// and its number of elements for `batch` parallel streams.
    pub fn carried_states(&self, batch: u32) -> Vec<(&str, usize)> {
        let carries = self.space().nodes.iter().filter_map(|node| match &node.op {
            Op::Scan { carry, .. } => Some(carry.iter().filter(|carry| carry.persist)),
            _ => None,
        });
        let size = |dim: &Dim| {
            if let Dim::Fixed(size) = dim {
                *size as usize
            } else {
                0
            }
        };
        let len = |shape: &[Dim]| shape.iter().map(size).product::<usize>();
        carries
            .flatten()
            .map(|carry| (carry.id.as_str(), batch as usize * len(&carry.shape)))
            .collect()
    }

    /// The search space.
    pub fn space(&self) -> &SearchSpace {
        &self.inner.space
    }

    /// The length of a genome: one number per decision.
    pub fn genome_len(&self) -> usize {
        self.inner.choices.len()
    }

    /// The number of choices of a decision. Panics if there is no such decision.
    pub fn choices(&self, decision: usize) -> u32 {
        self.inner.choices[decision]
    }

    /// The number of nodes, including those in the bodies of scans.
    pub fn node_count(&self) -> usize {
        self.inner.values.len()
    }

    /// The node at an index. Panics if there is none.
    pub fn node(&self, index: u32) -> &Node {
        self.inner.node(index)
    }

    /// The index of a decision, by name.
    pub fn decision(&self, id: &str) -> Option<u32> {
        self.inner
            .space
            .decisions
            .iter()
            .position(|decision| decision.id == id)
            .map(|d| d as u32)
    }

    /// The decision of a `Choose` node; `None` if there is no such node or it is not a `Choose`.
    pub fn decision_of(&self, node: u32) -> Option<u32> {
        if node as usize >= self.node_count() {
            return None;
        }
        if let Op::Choose { decision } = &self.node(node).op {
            self.decision(decision)
        } else {
            None
        }
    }

    /// The params that a node reads, as indices. Panics if there is no such node.
    pub fn params_of(&self, index: u32) -> &[u32] {
        self.inner.node_params.row(index as usize)
    }

    /// The param at an index. Panics if there is none.
    pub fn param(&self, param: u32) -> &Param {
        &self.inner.space.params[param as usize]
    }

    /// The number of params.
    pub fn param_count(&self) -> usize {
        self.inner.params.len()
    }

    /// The shape of a param as it is stored, at its largest. Panics if there is no such param.
    pub fn param_shape(&self, param: u32) -> &[u32] {
        self.inner.stored.row(param as usize)
    }

    /// The number of parameters (scalars) of the whole supergraph.
    pub fn total_params(&self) -> u64 {
        (0..self.param_count())
            .map(|p| elements(self.inner.stored.row(p)))
            .sum()
    }

    /// The order in which a sequential controller decides, with names resolved.
    pub fn plan(&self) -> &DecisionPlan {
        &self.inner.plan
    }

    /// Checks that the genome belongs to the space: its length, the range of every number, the
    /// constraints.
    pub fn check(&self, genome: &[u32]) -> Result<(), GenomeError> {
        self.inner.fits(genome)?;
        match self
            .inner
            .require
            .iter()
            .position(|require| !require.holds(genome))
        {
            None => Ok(()),
            Some(i) => Err(GenomeError::Refused {
                because: self.inner.space.require[i].because.clone(),
            }),
        }
    }
}

impl Inner {
    pub(crate) fn node(&self, index: u32) -> &Node {
        let own = self.space.nodes.len();
        self.space
            .nodes
            .get(index as usize)
            .unwrap_or_else(|| &self.extra[index as usize - own])
    }

    /// Checks length and range, without which look-ups would be out of bounds.
    fn fits(&self, genome: &[u32]) -> Result<(), GenomeError> {
        if genome.len() != self.choices.len() {
            return Err(GenomeError::Length {
                expected: self.choices.len(),
                got: genome.len(),
            });
        }
        match genome
            .iter()
            .zip(&self.choices)
            .position(|(value, choices)| value >= choices)
        {
            None => Ok(()),
            Some(index) => Err(GenomeError::Range {
                decision: self.space.decisions[index].id.clone(),
                index,
                value: genome[index],
                choices: self.choices[index],
            }),
        }
    }

    /// Appends the shape of a value under a genome as one row.
    fn shape_into(&self, node: u32, genome: &[u32], time: u32, shapes: &mut Ragged) {
        match &self.fixed[node as usize] {
            Some(shape) => shapes.push(shape),
            None => {
                for axis in &self.values[node as usize].axes {
                    shapes.add(axis.at(genome, time));
                }
                shapes.close();
            }
        }
    }
}

impl fmt::Debug for Supergraph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supergraph")
            .field("space", &self.inner.space.name)
            .field("decisions", &self.genome_len())
            .field("nodes", &self.node_count())
            .field("params", &self.param_count())
            .finish_non_exhaustive()
    }
}

/// The number of elements of a tensor of this shape.
pub(crate) fn elements(shape: &[u32]) -> u64 {
    shape
        .iter()
        .fold(1, |count, &size| u64::saturating_mul(count, size.into()))
}
