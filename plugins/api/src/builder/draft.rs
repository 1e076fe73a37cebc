use std::collections::{BTreeMap, HashMap};

use super::Space;
use super::tensor::Tensor;
use crate::axis::{Axis, Value};
use crate::names::Names;
use crate::shape;
use crate::{
    Block, BuildError, Carry, Dim, Extent, Id, Init, Node, Op, Output, Param, Role, SCHEMA,
    SearchSpace, TIME,
};

/// A space while it is being built.
pub(crate) struct Draft {
    pub(crate) space: SearchSpace,
    pub(crate) scope: Vec<String>,
    pub(crate) block: Option<Id>,
    pub(crate) mistake: Option<BuildError>,
    /// What each tensor handle refers to.
    pub(crate) values: Vec<Made>,
    /// The decision of each extent.
    pub(crate) owners: Vec<u32>,
    /// The body of the scan that is being built, and the number of scans so far.
    pub(crate) body: Option<BodyDraft>,
    pub(crate) scans: u32,
    pub(crate) params: Vec<Value>,
    /// How often each name was used; only looked up.
    names: HashMap<String, u32>,
}

pub(crate) struct Made {
    pub(crate) id: Id,
    pub(crate) value: Value,
    /// 0 outside scans, otherwise the number of the scan.
    pub(crate) level: u32,
}

#[derive(Default)]
pub(crate) struct BodyDraft {
    pub(crate) nodes: Vec<Node>,
    pub(crate) carry: Vec<Carry>,
}

/// The index of a handle that has no value because of a mistake.
pub(crate) const NOTHING: u32 = u32::MAX;

impl Draft {
    pub(crate) fn new(name: String) -> Self {
        let space = SearchSpace {
            schema: SCHEMA,
            name,
            summary: String::new(),
            config: BTreeMap::new(),
            decisions: Vec::new(),
            require: Vec::new(),
            plan: Vec::new(),
            groups: Vec::new(),
            extents: Vec::new(),
            blocks: Vec::new(),
            params: Vec::new(),
            nodes: Vec::new(),
            outputs: Vec::new(),
            ops: Vec::new(),
        };
        Draft {
            space,
            scope: Vec::new(),
            block: None,
            mistake: None,
            values: Vec::new(),
            owners: Vec::new(),
            body: None,
            scans: 0,
            params: Vec::new(),
            names: HashMap::new(),
        }
    }

    pub(crate) fn wrong(&mut self, reason: String) {
        if self.mistake.is_none() {
            let scope = if self.scope.is_empty() {
                format!("space `{}`", self.space.name)
            } else {
                format!("scope `{}`", self.scope.join("/"))
            };
            self.mistake = Some(BuildError::Call { scope, reason });
        }
    }

    /// `name` with the prefix of the scope, numbered if it was used before.
    pub(crate) fn unique(&mut self, name: &str) -> Id {
        let mut full = self.scope.join("/");
        if !full.is_empty() {
            full.push('/');
        }
        full.push_str(name);
        let used = self.names.entry(full.clone()).or_insert(0);
        *used += 1;
        if *used > 1 {
            full = format!("{full}.{}", *used - 1);
        }
        full
    }

    /// What a handle refers to, or why it cannot be used here.
    pub(crate) fn made(&self, space: &Space, tensor: Tensor<'_>) -> Result<&Made, String> {
        if !std::ptr::eq(space, tensor.space) {
            return Err("a tensor of another space is used".into());
        }
        let made = self
            .values
            .get(tensor.index as usize)
            .ok_or("a tensor is used after the space was finished")?;
        let here = if self.body.is_some() { self.scans } else { 0 };
        if made.level != 0 && made.level != here {
            return Err(format!(
                "`{}` lives inside a scan, and is used outside it",
                made.id
            ));
        }
        Ok(made)
    }

    /// Adds a node under the given name; `None` if there was a mistake or this is one.
    pub(crate) fn node(
        &mut self,
        space: &Space,
        id: Id,
        op: Op,
        inputs: &[Tensor<'_>],
        params: &[u32],
    ) -> Option<u32> {
        if self.mistake.is_some() {
            return None;
        }
        match self.try_node(space, id, op, inputs, params) {
            Ok(index) => Some(index),
            Err(reason) => {
                self.wrong(reason);
                None
            }
        }
    }

    fn try_node(
        &mut self,
        space: &Space,
        id: Id,
        op: Op,
        inputs: &[Tensor<'_>],
        params: &[u32],
    ) -> Result<u32, String> {
        let mut operands = Vec::new();
        let mut ids = Vec::new();
        for &input in inputs {
            let made = self.made(space, input)?;
            operands.push(&made.value);
            ids.push(made.id.clone());
        }
        operands.extend(params.iter().map(|&param| &self.params[param as usize]));
        let names = Names {
            extents: &self.space.extents,
            owners: &self.owners,
            ops: &self.space.ops,
            places: None,
        };
        let about = |reason: String| format!("{}: {reason}", op.name());
        let value = match &op {
            Op::Choose { decision } => {
                let known = self
                    .space
                    .decisions
                    .iter()
                    .position(|known| known.id == *decision);
                let d = known.ok_or_else(|| about(format!("there is no decision `{decision}`")))?;
                shape::choose(&self.space.decisions[d].kind, d as u32, &operands)
                    .map_err(|reason| format!("choose by `{decision}`: {reason}"))?
            }
            op => shape::infer(op, &operands, inputs.len(), &names).map_err(about)?,
        };
        let params = params
            .iter()
            .map(|&param| self.space.params[param as usize].id.clone())
            .collect();
        Ok(self.place(
            Node {
                id,
                op,
                inputs: ids,
                params,
                block: self.block.clone(),
            },
            value,
        ))
    }

    /// Adds a finished node to the body or graph that is being built.
    pub(crate) fn place(&mut self, node: Node, value: Value) -> u32 {
        let level = if self.body.is_some() { self.scans } else { 0 };
        self.values.push(Made {
            id: node.id.clone(),
            value,
            level,
        });
        match &mut self.body {
            Some(body) => body.nodes.push(node),
            None => self.space.nodes.push(node),
        }
        self.values.len() as u32 - 1
    }

    pub(crate) fn param(
        &mut self,
        id: Id,
        shape: Vec<Dim>,
        init: Init,
        decay: bool,
    ) -> Option<u32> {
        if self.mistake.is_some() {
            return None;
        }
        let names = Names {
            extents: &self.space.extents,
            owners: &self.owners,
            ops: &self.space.ops,
            places: None,
        };
        match names.axes(&shape) {
            Ok(axes) => {
                self.params.push(Value::of(axes));
                self.space.params.push(Param {
                    id,
                    shape,
                    init,
                    decay,
                });
                Some(self.params.len() as u32 - 1)
            }
            Err(reason) => {
                self.wrong(format!("param `{id}`: {reason}"));
                None
            }
        }
    }

    /// The dimension for an inferred axis. If the axis follows a decision and no extent expresses
    /// that yet, one is added.
    pub(crate) fn dim(&mut self, axis: &Axis) -> Dim {
        match axis {
            Axis::Fixed(size) => Dim::Fixed(*size),
            Axis::Time => Dim::Named(TIME.into()),
            Axis::By(decision, sizes) => {
                let same = |i: &usize| {
                    self.owners[*i] == *decision && self.space.extents[*i].sizes[..] == sizes[..]
                };
                let known = (0..self.owners.len()).find(same);
                let index = known.unwrap_or_else(|| {
                    let decision_id = self.space.decisions[*decision as usize].id.clone();
                    let id = self.free_extent(&decision_id);
                    self.space.extents.push(Extent {
                        id,
                        decision: decision_id,
                        sizes: sizes.to_vec(),
                    });
                    self.owners.push(*decision);
                    self.owners.len() - 1
                });
                Dim::Named(self.space.extents[index].id.clone())
            }
        }
    }

    fn free_extent(&self, base: &str) -> Id {
        let taken = |id: &str| self.space.extents.iter().any(|extent| extent.id == id);
        if !taken(base) {
            return base.to_owned();
        }
        (1..)
            .map(|n| format!("{base}.{n}"))
            .find(|id| !taken(id))
            .unwrap_or_default()
    }

    /// Adds an extent, or finds an equal one.
    pub(crate) fn add_extent(&mut self, extent: Extent, owner: u32) -> Option<u32> {
        if self.mistake.is_some() {
            return None;
        }
        let choices = self
            .space
            .decisions
            .get(owner as usize)
            .map_or(0, |decision| decision.kind.choices());
        if extent.sizes.len() != choices || extent.sizes.contains(&0) {
            let sizes = extent.sizes.len();
            let id = &extent.decision;
            self.wrong(format!(
                "extent `{}` needs a size above 0 for each of the {choices} choices of `{id}`, and has {sizes} sizes",
                extent.id
            ));
            return None;
        }
        match self
            .space
            .extents
            .iter()
            .position(|known| known.id == extent.id)
        {
            Some(index) if self.space.extents[index] == extent => Some(index as u32),
            Some(_) => {
                self.wrong(format!("another extent is called `{}`", extent.id));
                None
            }
            None => {
                self.space.extents.push(extent);
                self.owners.push(owner);
                Some(self.owners.len() as u32 - 1)
            }
        }
    }

    pub(crate) fn add_block(&mut self, key: String) -> Id {
        let id = self.unique("block");
        self.space.blocks.push(Block {
            id: id.clone(),
            key,
        });
        id
    }

    pub(crate) fn add_output(&mut self, space: &Space, value: Tensor<'_>, role: Role) {
        if self.mistake.is_some() {
            return;
        }
        if self.body.is_some() {
            return self
                .wrong("an output is declared inside a scan; declare the scan's value".into());
        }
        match self.made(space, value).map(|made| made.id.clone()) {
            Ok(node) => self.space.outputs.push(Output { node, role }),
            Err(reason) => self.wrong(reason),
        }
    }
}
