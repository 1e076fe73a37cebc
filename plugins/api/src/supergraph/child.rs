use std::fmt;
use std::sync::Arc;

use super::walk::{Walk, Wanted, walk};
use super::{Inner, Supergraph};
use crate::ragged::Ragged;
use crate::{GenomeError, Node, Role};

/// The network that a genome picks: nodes of the supergraph in topological order, with their inputs
/// as positions in this child.
///
/// It contains no `Choose`. A sum, mean or concat of one input is replaced by that input; the
/// remaining ones have two or more, or are a sum or mean without inputs, which is zero.
#[derive(Clone)]
pub struct Child {
    graph: Arc<Inner>,
    walk: Walk,
    shapes: Ragged,
    /// The shapes of the params whose size follows a decision, by index.
    elastic: Vec<(u32, Box<[u32]>)>,
    bodies: Vec<Child>,
    time: u32,
}

impl Supergraph {
    /// The network that a genome picks, without auxiliary outputs and the nodes that only these
    /// need: they serve only training.
    pub fn child(&self, genome: &[u32]) -> Result<Child, GenomeError> {
        self.picked(genome, Wanted::Use)
    }

    /// The same network with its auxiliary outputs.
    pub fn child_in_training(&self, genome: &[u32]) -> Result<Child, GenomeError> {
        self.picked(genome, Wanted::Training)
    }

    fn picked(&self, genome: &[u32], wanted: Wanted) -> Result<Child, GenomeError> {
        self.check(genome)?;
        let walk = walk(&self.inner, genome, wanted);
        Ok(Child::new(&self.inner, walk, genome, self.time))
    }

    /// The genome with every decision that its child does not consult set to 0: genomes with the
    /// same canonical form have the same child. It serves as a key for caches and for finding
    /// duplicates. If a constraint names a decision that was not consulted, the canonical form may
    /// violate it.
    pub fn canonical(&self, genome: &[u32]) -> Result<Vec<u32>, GenomeError> {
        self.check(genome)?;
        let mut canonical = vec![0; genome.len()];
        for decision in walk(&self.inner, genome, Wanted::Training).asked {
            canonical[decision as usize] = genome[decision as usize];
        }
        Ok(canonical)
    }
}

impl Child {
    pub(crate) fn new(graph: &Arc<Inner>, mut walk: Walk, genome: &[u32], time: u32) -> Child {
        let mut shapes = Ragged::with_capacity(walk.nodes.len(), 3 * walk.nodes.len());
        let mut elastic: Vec<(u32, Box<[u32]>)> = Vec::new();
        for (position, &node) in walk.nodes.iter().enumerate() {
            graph.shape_into(node, genome, time, &mut shapes);
            if position < walk.given {
                continue;
            }
            for &param in graph.node_params.row(node as usize) {
                if graph.elastic[param as usize] && elastic.iter().all(|(known, _)| *known != param)
                {
                    let axes = &graph.params[param as usize].axes;
                    elastic.push((
                        param,
                        axes.iter().map(|axis| axis.at(genome, time)).collect(),
                    ));
                }
            }
        }
        let bodies = walk
            .bodies
            .iter_mut()
            .map(|(_, body)| Child::new(graph, std::mem::take(body), genome, time))
            .collect();
        Child {
            graph: Arc::clone(graph),
            walk,
            shapes,
            elastic,
            bodies,
            time,
        }
    }

    /// The number of nodes.
    pub fn len(&self) -> usize {
        self.walk.nodes.len()
    }

    /// Whether there are no nodes, which is never the case for a valid space.
    pub fn is_empty(&self) -> bool {
        self.walk.nodes.is_empty()
    }

    /// The index in the supergraph of the node at a position. Panics if there is no such position,
    /// as do the other methods.
    pub fn node(&self, position: usize) -> u32 {
        self.walk.nodes[position]
    }

    /// The node at a position.
    pub fn op_node(&self, position: usize) -> &Node {
        self.graph.node(self.walk.nodes[position])
    }

    /// The positions that a node reads; all are lower than its own. A scan reads the inputs bound
    /// to its steps, then the outer values that its body reads.
    pub fn inputs(&self, position: usize) -> &[u32] {
        self.walk.inputs.row(position)
    }

    /// The positions of the outputs, in the order of the space. For a body: the value that it
    /// yields, then the next value of each carried state.
    pub fn outputs(&self) -> &[u32] {
        &self.walk.outputs
    }

    /// The positions of the outputs with a role, in order.
    pub fn outputs_as(&self, role: Role) -> impl Iterator<Item = u32> {
        let outputs = self.walk.outputs.iter().zip(&self.walk.roles);
        outputs
            .filter(move |(_, known)| **known == role)
            .map(|(at, _)| *at)
    }

    /// The decisions that live control nodes and sizes consulted, as indices in ascending order.
    pub fn asked(&self) -> &[u32] {
        &self.walk.asked
    }

    /// The shape of the value at a position, without the batch.
    pub fn shape(&self, position: usize) -> &[u32] {
        self.shapes.row(position)
    }

    /// The params that the node at a position reads, as indices in the supergraph.
    pub fn params(&self, position: usize) -> &[u32] {
        if position < self.walk.given {
            return &[];
        }
        self.graph
            .node_params
            .row(self.walk.nodes[position] as usize)
    }

    /// The shape in which this child uses one of its params: on an axis with an extent, a prefix.
    pub fn param_shape(&self, param: u32) -> &[u32] {
        let resized = self.elastic.iter().find(|(known, _)| *known == param);
        resized.map_or_else(|| self.graph.stored.row(param as usize), |(_, shape)| shape)
    }

    /// The body of the scan at a position, under the same genome.
    ///
    /// Its first positions are one step of each bound input, then the carried states, then the
    /// outer values that it reads; these have no inputs, and their index is that of the outer node
    /// they represent.
    pub fn body(&self, position: usize) -> Option<&Child> {
        let i = self
            .walk
            .bodies
            .iter()
            .position(|(at, _)| *at as usize == position)?;
        Some(&self.bodies[i])
    }

    /// For a body: how many of the first positions represent values from outside. Otherwise 0.
    pub fn given(&self) -> usize {
        self.walk.given
    }

    /// The length of the time axis in the shapes.
    pub fn time(&self) -> u32 {
        self.time
    }

    pub(crate) fn graph(&self) -> &Inner {
        &self.graph
    }
}

impl PartialEq for Child {
    /// Two children are equal if they have the same nodes of the same supergraph with the same
    /// inputs and sizes.
    fn eq(&self, other: &Self) -> bool {
        self.walk.nodes == other.walk.nodes
            && self.walk.inputs == other.walk.inputs
            && self.walk.outputs == other.walk.outputs
            && self.shapes == other.shapes
            && self.elastic == other.elastic
            && self.bodies == other.bodies
            && (Arc::ptr_eq(&self.graph, &other.graph) || self.graph.space == other.graph.space)
    }
}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes = (0..self.len()).map(|i| (&self.op_node(i).id, self.inputs(i), self.shape(i)));
        f.debug_list().entries(nodes).finish()
    }
}
