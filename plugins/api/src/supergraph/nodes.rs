//! Checks and resolves the graph: params, nodes, shapes, outputs.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};

use super::decisions::Decisions;
use super::level::{Level, Part, When};
use super::resolve::MOST;
use crate::axis::Value;
use crate::condition::Cond;
use crate::names::{MOST_AXES, Names, too_many_axes};
use crate::nearest::hint;
use crate::shape;
use crate::{Condition, Init, Node, Op, SearchSpace, TIME, ValidationError};

/// The graph while it is being resolved. A value is `None` if a problem hides it, so that one
/// mistake is reported once.
pub(crate) struct Graph<'a> {
    pub(crate) space: &'a SearchSpace,
    pub(crate) decisions: &'a Decisions<'a>,
    pub(crate) names: Names<'a>,
    pub(crate) param_index: HashMap<&'a str, u32>,
    /// The supergraph index of every node by name, including the nodes of bodies.
    pub(crate) node_index: HashMap<&'a str, u32>,
    /// The index of the first node of the next body.
    pub(crate) next: u32,
    pub(crate) params: Vec<Option<Value>>,
    pub(crate) used: Vec<bool>,
    pub(crate) values: Vec<Option<Value>>,
    pub(crate) node_params: Vec<Vec<u32>>,
    pub(crate) extra: Vec<Node>,
    pub(crate) outer: Level,
    pub(crate) bodies: Vec<Level>,
    blocks: HashSet<&'a str>,
    /// The number of sizes following a decision that have been visited.
    listed: Cell<u64>,
}

/// The most sizes following a decision, over the axes of everything that every node reads and
/// computes.
const MOST_LISTED: u64 = 1 << 26;

impl<'a> Graph<'a> {
    pub(crate) fn new(
        decisions: &'a Decisions<'a>,
        names: Names<'a>,
        problems: &mut Vec<ValidationError>,
    ) -> Self {
        let space = decisions.space;
        let mut graph = Graph {
            space,
            decisions,
            names,
            param_index: HashMap::with_capacity(space.params.len()),
            node_index: HashMap::with_capacity(space.nodes.len()),
            next: space.nodes.len() as u32,
            params: Vec::with_capacity(space.params.len()),
            used: vec![false; space.params.len()],
            values: vec![None; space.nodes.len()],
            node_params: vec![Vec::new(); space.nodes.len()],
            extra: Vec::new(),
            outer: Level::default(),
            bodies: Vec::new(),
            blocks: space.blocks.iter().map(|block| block.id.as_str()).collect(),
            listed: Cell::new(0),
        };
        graph.params(problems);
        for (i, node) in space.nodes.iter().enumerate() {
            if problems.len() >= MOST {
                return graph;
            }
            if let Err(reason) = graph.outer_node(i as u32, node) {
                problems.push(ValidationError::new(format!("node `{}`", node.id), reason));
            }
            if graph.node_index.insert(&node.id, i as u32).is_some() {
                problems.push(ValidationError::new(
                    format!("node `{}`", node.id),
                    "two nodes have this name",
                ));
            }
        }
        for output in &space.outputs {
            if problems.len() >= MOST {
                break;
            }
            match graph.node_index.get(output.node.as_str()) {
                Some(&node) if (node as usize) < space.nodes.len() => {
                    graph.outer.outputs.push(node)
                }
                Some(_) => {
                    let reason = "it stands inside a scan; name the scan itself";
                    problems.push(ValidationError::new(
                        format!("output `{}`", output.node),
                        reason,
                    ));
                }
                None => {
                    let near = hint(
                        &output.node,
                        space.nodes.iter().map(|node| node.id.as_str()),
                    );
                    problems.push(ValidationError::new(
                        format!("output `{}`", output.node),
                        format!("there is no such node{near}"),
                    ));
                }
            }
        }
        if problems.is_empty() {
            for (param, _) in space
                .params
                .iter()
                .zip(&graph.used)
                .filter(|(_, used)| !**used)
                .take(MOST)
            {
                problems.push(ValidationError::new(
                    format!("param `{}`", param.id),
                    "no node reads it; remove it",
                ));
            }
        }
        graph
    }

    fn params(&mut self, problems: &mut Vec<ValidationError>) {
        for (i, param) in self.space.params.iter().enumerate() {
            if problems.len() >= MOST {
                break;
            }
            let mut complain = |reason| {
                problems.push(ValidationError::new(
                    format!("param `{}`", param.id),
                    reason,
                ))
            };
            if self.param_index.insert(&param.id, i as u32).is_some() {
                complain("two params have this name".into());
            }
            let value = self
                .names
                .axes(&param.shape)
                .map(Value::of)
                .and_then(|value| {
                    if value.axes.contains(&crate::axis::Axis::Time) {
                        return Err(format!(
                            "weights cannot have an axis of `{TIME}`, whose length changes"
                        ));
                    }
                    value
                        .elements(1)
                        .ok_or_else(|| format!("{value} is more than 4,294,967,295 numbers"))?;
                    self.list([&value])?;
                    start(&param.init, &value)?;
                    Ok(value)
                });
            match value {
                Ok(value) => self.params.push(Some(value)),
                Err(reason) => {
                    complain(reason);
                    self.params.push(None);
                }
            }
        }
    }

    fn outer_node(&mut self, index: u32, node: &'a Node) -> Result<(), String> {
        let reads: Result<Vec<u32>, String> =
            node.inputs.iter().map(|id| self.outer_input(id)).collect();
        let inputs = reads?;
        self.read_params(index, node)?;
        if let Op::Scan {
            nodes,
            steps,
            carry,
            yields,
        } = &node.op
        {
            return self.scan(
                index,
                node,
                &inputs,
                super::scan::Body {
                    nodes,
                    steps,
                    carry,
                    yields,
                },
            );
        }
        let value = self.value(node, &inputs, index)?;
        let part = self.part(node)?;
        self.outer.push(index, part, &inputs);
        self.values[index as usize] = value;
        Ok(())
    }

    /// The index of an earlier node outside every scan.
    pub(crate) fn outer_input(&self, id: &str) -> Result<u32, String> {
        match self.node_index.get(id) {
            Some(&node) if (node as usize) < self.space.nodes.len() => Ok(node),
            Some(_) => Err(format!(
                "it reads `{id}`, which stands inside a scan; read the scan itself"
            )),
            None if self.space.nodes.iter().any(|node| node.id == *id) => Err(format!(
                "it reads `{id}`, which does not stand before it; nodes stand after their inputs"
            )),
            None => {
                let near = hint(id, self.space.nodes.iter().map(|node| node.id.as_str()));
                Err(format!("it reads `{id}`, which does not exist{near}"))
            }
        }
    }

    /// Records the params that a node reads.
    pub(crate) fn read_params(&mut self, index: u32, node: &Node) -> Result<(), String> {
        let control = matches!(
            node.op,
            Op::Choose { .. }
                | Op::Sum { .. }
                | Op::Mean { .. }
                | Op::Concat
                | Op::Scan { .. }
                | Op::Zero { .. }
        );
        if control && !node.params.is_empty() {
            return Err(format!(
                "{} reads no params; make the param a value with a `weight` node",
                node.op.name()
            ));
        }
        if let Some(block) = &node.block
            && !self.blocks.contains(block.as_str())
        {
            let near = hint(
                block,
                self.space.blocks.iter().map(|known| known.id.as_str()),
            );
            return Err(format!(
                "it belongs to the block `{block}`, which does not exist{near}"
            ));
        }
        for id in &node.params {
            let Some(&param) = self.param_index.get(id.as_str()) else {
                let near = hint(id, self.space.params.iter().map(|param| param.id.as_str()));
                return Err(format!(
                    "it reads the param `{id}`, which does not exist{near}"
                ));
            };
            self.node_params[index as usize].push(param);
            self.used[param as usize] = true;
        }
        Ok(())
    }

    /// The value of the node, given the supergraph indices of its inputs; `None` if one of them has
    /// a problem.
    pub(crate) fn value(
        &self,
        node: &Node,
        inputs: &[u32],
        index: u32,
    ) -> Result<Option<Value>, String> {
        let values = inputs
            .iter()
            .map(|&input| self.values[input as usize].as_ref());
        let params = self.node_params[index as usize]
            .iter()
            .map(|&param| self.params[param as usize].as_ref());
        let Some(operands) = values.chain(params).collect::<Option<Vec<&Value>>>() else {
            return Ok(None);
        };
        self.list(operands.iter().copied())?;
        let value = match &node.op {
            Op::Choose { decision } => {
                let decision = self.decisions.find(decision)?;
                shape::choose(
                    &self.space.decisions[decision as usize].kind,
                    decision,
                    &operands,
                )
            }
            op => shape::infer(op, &operands, inputs.len(), &self.names),
        }?;
        self.fits(&value)?;
        Ok(Some(value))
    }

    /// Checks that a node may have this value.
    pub(crate) fn fits(&self, value: &Value) -> Result<(), String> {
        if value.axes.len() > MOST_AXES {
            return Err(too_many_axes(value.axes.len()));
        }
        value
            .elements(1)
            .ok_or_else(|| format!("its value {value} has more than 4,294,967,295 numbers"))?;
        self.list([value])
    }

    /// Counts sizes that follow a decision: each of them is visited for every node, so their number
    /// must be limited.
    pub(crate) fn list<'v>(
        &self,
        values: impl IntoIterator<Item = &'v Value>,
    ) -> Result<(), String> {
        let listed = values
            .into_iter()
            .map(Value::listed)
            .fold(self.listed.get(), u64::saturating_add);
        self.listed.set(listed);
        if listed <= MOST_LISTED {
            return Ok(());
        }
        Err(format!(
            "up to here all nodes together have more than {MOST_LISTED} sizes that follow decisions; give the decisions \
             fewer choices, or let fewer sizes follow them"
        ))
    }

    /// How the walk that picks a child treats the node. Not for scans.
    pub(crate) fn part(&self, node: &Node) -> Result<Part, String> {
        Ok(match &node.op {
            Op::Choose { decision } => Part::Choose(self.decisions.find(decision)?),
            Op::Sum { when } => Part::Sum(self.when(when)?),
            Op::Mean { when } => Part::Mean(self.when(when)?),
            Op::Concat => Part::Concat,
            Op::Zero { .. } => Part::Zero,
            _ => Part::Plain,
        })
    }

    fn when(&self, when: &[Condition]) -> Result<Option<Box<When>>, String> {
        if when.is_empty() {
            return Ok(None);
        }
        let conditions: Result<Vec<Cond>, String> = when
            .iter()
            .map(|part| self.decisions.condition(part))
            .collect();
        let conditions = conditions?;
        let decisions = Cond::decisions(&conditions);
        Ok(Some(Box::new(When {
            conditions,
            decisions,
        })))
    }
}

/// Checks that an init makes sense for a param of this shape.
fn start(init: &Init, value: &Value) -> Result<(), String> {
    match *init {
        Init::Zeros | Init::Ones => Ok(()),
        Init::Eye => match value.axes.as_slice() {
            [a, b] if a == b => Ok(()),
            _ => Err(format!(
                "the init `eye` needs a square matrix, and the shape is {value}"
            )),
        },
        Init::Normal { std: scale } | Init::Uniform { bound: scale }
            if !(scale >= 0.0 && scale.is_finite()) =>
        {
            Err(format!(
                "its init has the scale {scale}, and must have one of at least 0"
            ))
        }
        Init::Normal { .. } | Init::Uniform { .. } => Ok(()),
        Init::He { fan_in: 0 }
        | Init::Xavier { fan_in: 0, .. }
        | Init::Xavier { fan_out: 0, .. } => {
            Err("its init has a fan of 0, and must have at least 1".into())
        }
        Init::He { .. } | Init::Xavier { .. } => Ok(()),
    }
}
