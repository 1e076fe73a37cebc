//! Checks and resolves the body of a scan.

use std::collections::HashMap;

use super::level::{Level, Part};
use super::nodes::Graph;
use crate::axis::{Axis, Value};
use crate::nearest::hint;
use crate::{Carry, Dim, Element, Id, Node, Op, TIME};

/// The attributes of a scan.
#[derive(Clone, Copy)]
pub(crate) struct Body<'a> {
    pub(crate) nodes: &'a [Node],
    pub(crate) steps: &'a [Id],
    pub(crate) carry: &'a [Carry],
    pub(crate) yields: &'a Id,
}

impl<'a> Graph<'a> {
    /// Resolves the scan `node`; `bound` are its inputs that are bound to steps.
    pub(crate) fn scan(
        &mut self,
        index: u32,
        node: &'a Node,
        bound: &[u32],
        body: Body<'a>,
    ) -> Result<(), String> {
        if bound.is_empty() || bound.len() != body.steps.len() {
            return Err(format!(
                "it has {} inputs and {} names for their steps; it needs one name for each input, and an input",
                bound.len(),
                body.steps.len()
            ));
        }
        let Some(sequences) = bound
            .iter()
            .map(|&b| self.values[b as usize].clone())
            .collect::<Option<Vec<_>>>()
        else {
            return Ok(());
        };
        self.list(&sequences)?;
        let lead = match sequences[0].axes.first() {
            Some(axis)
                if sequences
                    .iter()
                    .all(|sequence| sequence.axes.first() == Some(axis)) =>
            {
                axis.clone()
            }
            _ => return Err("its inputs must share their first axis, over which it runs".into()),
        };
        let mut inside = Inside {
            level: Level::default(),
            local: HashMap::new(),
        };
        for (id, sequence) in body.steps.iter().zip(sequences) {
            let value = Value {
                axes: sequence.axes[1..].to_vec(),
                element: sequence.element,
            };
            self.given(&mut inside, id, value)?;
            inside.level.steps += 1;
        }
        for carry in body.carry {
            let value = self
                .names
                .axes(&carry.shape)
                .map(Value::of)
                .map_err(|reason| format!("state `{}`: {reason}", carry.id))?;
            self.given(&mut inside, &carry.id, value)?;
            inside.level.carries += 1;
        }
        self.capture(&mut inside, &body)?;
        for inner in body.nodes {
            let index = self.add(inner.clone())?;
            self.inner_node(&mut inside, index, inner)
                .map_err(|reason| format!("node `{}` of its body: {reason}", inner.id))?;
            self.claim(&inner.id, index)?;
        }
        let yields = inside
            .find(body.yields)
            .ok_or_else(|| missing("yields", body.yields, &body))?;
        inside.level.outputs.push(yields);
        for carry in body.carry {
            let next = inside
                .find(&carry.next)
                .ok_or_else(|| missing("carries on with", &carry.next, &body))?;
            let value =
                |local: u32| self.values[inside.level.nodes[local as usize] as usize].as_ref();
            let state = inside.find(&carry.id).and_then(value);
            if let (Some(state), Some(next)) = (state, value(next))
                && state != next
            {
                return Err(format!(
                    "the state `{}` is {state}, but its next value `{}` is {next}",
                    carry.id, carry.next
                ));
            }
            inside.level.outputs.push(next);
        }
        let mut inputs = bound.to_vec();
        inputs.extend(&inside.level.nodes[inside.level.captured()]);
        let stacked = self.values[inside.level.nodes[yields as usize] as usize]
            .as_ref()
            .map(|step| {
                let mut axes = vec![lead];
                axes.extend(step.axes.iter().cloned());
                Value {
                    axes,
                    element: step.element,
                }
            });
        if let Some(value) = &stacked {
            self.fits(value)?;
        }
        self.values[index as usize] = stacked;
        self.outer
            .push(index, Part::Scan(self.bodies.len() as u32), &inputs);
        self.bodies.push(inside.level);
        debug_assert_eq!(node.inputs.len(), bound.len());
        Ok(())
    }

    /// Adds a node after those of the space and returns its index.
    fn add(&mut self, node: Node) -> Result<u32, String> {
        let index = self.next;
        self.next += 1;
        self.extra.push(node);
        self.values.push(None);
        self.node_params.push(Vec::new());
        Ok(index)
    }

    fn claim(&mut self, id: &'a str, index: u32) -> Result<(), String> {
        match self.node_index.insert(id, index) {
            None => Ok(()),
            Some(_) => Err(format!(
                "its body has a node `{id}`, and another node has this name"
            )),
        }
    }

    /// A slice or a state: inside the body it behaves like an input.
    fn given(&mut self, inside: &mut Inside<'a>, id: &'a str, value: Value) -> Result<(), String> {
        let dim = |axis: &Axis| match axis {
            Axis::Fixed(size) => Dim::Fixed(*size),
            Axis::Time => Dim::Named(TIME.into()),
            Axis::By(decision, sizes) => match self.names.extent_of(*decision, sizes) {
                Some(extent) => Dim::Named(extent.id.clone()),
                None => Dim::Fixed(axis.largest(1)),
            },
        };
        self.fits(&value)?;
        let op = Op::Input {
            shape: value.axes.iter().map(dim).collect(),
            element: value.element,
        };
        let index = self.add(Node {
            id: id.into(),
            op,
            inputs: Vec::new(),
            params: Vec::new(),
            block: None,
        })?;
        self.values[index as usize] = Some(value);
        self.claim(id, index)?;
        inside.push(id, index, Part::Given, &[]);
        Ok(())
    }

    /// The outer values that the body reads, in order of first use.
    fn capture(&mut self, inside: &mut Inside<'a>, body: &Body<'a>) -> Result<(), String> {
        let own: HashMap<&str, ()> = body
            .nodes
            .iter()
            .map(|node| (node.id.as_str(), ()))
            .collect();
        for id in body.nodes.iter().flat_map(|node| &node.inputs) {
            if !own.contains_key(id.as_str()) && inside.find(id).is_none() {
                let outer = self
                    .outer_input(id)
                    .map_err(|reason| format!("in its body, {reason}"))?;
                inside.push(id, outer, Part::Given, &[]);
                inside.level.captures += 1;
            }
        }
        Ok(())
    }

    fn inner_node(
        &mut self,
        inside: &mut Inside<'a>,
        index: u32,
        node: &'a Node,
    ) -> Result<(), String> {
        match &node.op {
            Op::Scan { .. } => return Err("a scan cannot stand inside a scan".into()),
            Op::Input {
                element: Element::F32 | Element::U32,
                ..
            } => {
                return Err(
                    "data cannot enter inside a scan; bind it as one of the scan's inputs".into(),
                );
            }
            _ => {}
        }
        let mut locals = Vec::new();
        for id in &node.inputs {
            let reason = || {
                format!(
                    "it reads `{id}`, which does not stand before it; nodes stand after their inputs"
                )
            };
            locals.push(inside.find(id).ok_or_else(reason)?);
        }
        self.read_params(index, node)?;
        let inputs: Vec<u32> = locals
            .iter()
            .map(|&local| inside.level.nodes[local as usize])
            .collect();
        self.values[index as usize] = self.value(node, &inputs, index)?;
        let part = self.part(node)?;
        inside.push(&node.id, index, part, &locals);
        Ok(())
    }
}

/// A body while it is being resolved.
struct Inside<'a> {
    level: Level,
    local: HashMap<&'a str, u32>,
}

impl<'a> Inside<'a> {
    fn push(&mut self, id: &'a str, node: u32, part: Part, inputs: &[u32]) {
        self.local.insert(id, self.level.len() as u32);
        self.level.push(node, part, inputs);
    }

    fn find(&self, id: &str) -> Option<u32> {
        self.local.get(id).copied()
    }
}

fn missing(verb: &str, id: &str, body: &Body<'_>) -> String {
    let near = hint(id, body.nodes.iter().map(|node| node.id.as_str()));
    format!("it {verb} `{id}`, which its body does not have{near}")
}
