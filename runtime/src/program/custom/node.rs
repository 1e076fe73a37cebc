//! A node with a space's own op, on its way into a program.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use supernet_plugin::{Child, Grid, Operand as Named};
use supernet_shaders::catalogue::{Custom, Run};
use supernet_shaders::kernel::{Constant, fold};
use supernet_shaders::{Call, Element, Role};

use super::{Part, Variant, access};
use crate::program::{Operand, Tape};

/// Rounds of all loops of one invocation that are always granted.
const FUEL: u64 = 1 << 16;
/// Rounds that are granted on top for every element of every operand: a loop over all of them, some dozens of times.
const FUEL_PER_ELEMENT: u64 = 64;
/// What the constant with the limit is called.
#[cfg(feature = "gpu")]
const FUEL_NAME: &str = supernet_shaders::check::op::FUEL;
#[cfg(not(feature = "gpu"))]
const FUEL_NAME: &str = "";

/// The sizes that a node's calls carry.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sizes {
    /// Samples.
    pub(crate) batch: u32,
    /// The shapes of the inputs, the params and the output, without the batch.
    pub(crate) shapes: Vec<Vec<u32>>,
}

impl Sizes {
    /// Those of node `i` of a child.
    pub(crate) fn of(child: &Child, i: usize, batch: u32) -> Self {
        let inputs = child.inputs(i).iter().map(|input| child.shape(*input as usize));
        let params = child.params(i).iter().map(|param| child.param_shape(*param));
        let shapes = inputs.chain(params).chain([child.shape(i)]).map(<[u32]>::to_vec).collect();
        Self { batch, shapes }
    }
}

/// A node whose op is the space's own: its forward calls have been made, its backward calls may follow.
#[derive(Clone, Debug)]
pub(crate) struct CustomNode {
    variant: Arc<Variant>,
    sizes: Sizes,
    bound: BTreeMap<Named, Operand>,
}

impl CustomNode {
    /// Appends the forward calls of `variant` on `inputs` and `params`.
    pub(in crate::program) fn forward(
        tape: &mut Tape,
        variant: &Arc<Variant>,
        sizes: Sizes,
        inputs: &[Operand],
        params: &[Operand],
    ) -> Operand {
        let inputs = (0..).map(Named::Input).zip(inputs.iter().copied());
        let params = (0..).map(Named::Param).zip(params.iter().copied());
        let mut node = Self { variant: Arc::clone(variant), sizes, bound: inputs.chain(params).collect() };
        let mut first = None;
        for part in &variant.forward {
            let operands = node.call(tape, part);
            first = first.or_else(|| part.uses.iter().zip(operands).find(|(used, _)| used.written).map(|(_, to)| to));
        }
        node.bound.retain(|operand, _| !matches!(operand, Named::Scratch(_)));
        let output = node.output();
        if let Some(Operand::Value { slot, .. }) = first {
            tape.custom.insert(slot.index, node);
        }
        output
    }

    /// The node's value.
    pub(in crate::program) fn output(&self) -> Operand {
        self.bound.get(&Named::Output).copied().unwrap_or(Operand::Images)
    }

    /// The node's inputs, in order.
    pub(in crate::program) fn inputs(&self) -> Vec<Operand> {
        self.all(Named::Input)
    }

    /// The node's params, in order.
    pub(in crate::program) fn params(&self) -> Vec<Operand> {
        self.all(Named::Param)
    }

    fn all(&self, named: impl Fn(u32) -> Named) -> Vec<Operand> {
        (0..).map_while(|i| self.bound.get(&named(i)).copied()).collect()
    }

    /// Whether a backward call reads the gradient by param `i` that another has written.
    pub(in crate::program) fn reads_gradient(&self, i: u32) -> bool {
        let reads = |part: &Part| part.uses.iter().any(|used| !used.written && used.operand == Named::GradParam(i));
        self.variant.backward.iter().any(reads)
    }

    /// Elements of an operand.
    pub(in crate::program) fn len(&self, operand: Named) -> usize {
        self.variant.len(operand, &self.sizes)
    }

    /// Appends the backward calls, given what the gradients are bound to; those by inputs that nothing wants are missing.
    pub(in crate::program) fn backward(&mut self, tape: &mut Tape, gradients: &[(Named, Operand)]) {
        self.bound.extend(gradients.iter().copied());
        let written = gradients.iter().map(|(named, _)| *named).filter(|named| *named != Named::GradOutput);
        let variant = Arc::clone(&self.variant);
        for part in variant.needed(written.collect()) {
            self.call(tape, part);
        }
    }

    /// Appends one call; returns its operands.
    fn call(&mut self, tape: &mut Tape, part: &Part) -> Vec<Operand> {
        let variant = Arc::clone(&self.variant);
        let operand = |used: &supernet_plugin::Use| {
            let len = variant.len(used.operand, &self.sizes);
            *self.bound.entry(used.operand).or_insert_with(|| tape.value(len))
        };
        let operands: Vec<_> = part.uses.iter().map(operand).collect();
        tape.call(Call::Custom(variant.run(part, &self.sizes, false)), &operands);
        operands
    }
}

impl Variant {
    /// Elements of an operand for nodes of these sizes.
    pub(crate) fn len(&self, operand: Named, sizes: &Sizes) -> usize {
        let shapes: Vec<&[u32]> = sizes.shapes.iter().map(Vec::as_slice).collect();
        let len = self.op.len(operand, sizes.batch, &shapes);
        len.and_then(|len| u32::try_from(len).ok()).unwrap_or(0) as usize
    }

    /// The backward kernels without which not all of `wanted` would be written.
    fn needed(&self, mut wanted: BTreeSet<Named>) -> Vec<&Part> {
        let mut needed = Vec::new();
        for part in self.backward.iter().rev() {
            if part.uses.iter().any(|used| used.written && wanted.contains(&used.operand)) {
                wanted.extend(part.uses.iter().filter(|used| !used.written).map(|used| used.operand));
                needed.insert(0, part);
            }
        }
        needed
    }

    /// The calls of the forward (0) or the backward pass (1), each with what it is bound to, as they are tried out.
    #[cfg_attr(not(feature = "gpu"), expect(dead_code, reason = "only a GPU's kernels can be tried out"))]
    pub(crate) fn trial(&self, pass: usize, sizes: &Sizes) -> Vec<(Custom, Vec<supernet_plugin::Use>)> {
        let parts = [&self.forward, &self.backward][pass];
        parts.iter().map(|part| (self.run(part, sizes, true), part.uses.clone())).collect()
    }

    fn run(&self, part: &Part, sizes: &Sizes, trial: bool) -> Custom {
        let role = |(used, name): (&supernet_plugin::Use, &&'static str)| Role {
            name,
            access: access(used),
            element: Element::F32,
            len: self.len(used.operand, sizes),
        };
        let mut roles: Vec<_> = part.uses.iter().zip(&part.names).map(role).collect();
        let mut operands: Vec<_> = part.uses.iter().map(|used| used.operand.code()).collect();
        let mut places = part.places.clone();
        let elements: u64 = roles.iter().map(|role| role.len as u64).sum();
        let mut overrides = part.overrides.clone();
        if part.loops {
            // Few different limits, since each is a pipeline of its own.
            let fuel = (FUEL + FUEL_PER_ELEMENT * elements).next_power_of_two().min(1 << 31);
            overrides.push((FUEL_NAME, Constant::from(fuel as u32)));
        }
        if trial && part.loops {
            places.push(roles.len());
            roles.push(Role { name: "spent", access: supernet_shaders::Access::Write, element: Element::U32, len: 1 });
            operands.push(u32::MAX);
        }
        let output = self.len(Named::Output, sizes) as u64;
        Custom::new(Run {
            op: supernet_shaders::catalogue::text(&self.op.name),
            kernel: if trial { part.tried } else { part.kernel },
            overrides,
            groups: self.groups(part, sizes),
            dims: self.dims(sizes),
            roles,
            operands,
            places,
            counts: [self.op.inputs, self.op.params],
            attributes: self.attributes.clone(),
            work: elements + output * self.op.macs_per_output,
            twin: self.twin,
        })
    }

    fn groups(&self, part: &Part, sizes: &Sizes) -> [u32; 3] {
        match part.grid {
            Grid::PerElement(operand) => fold(self.len(operand, sizes).div_ceil(part.group.max(1) as usize)),
            Grid::PerRow(operand) => {
                let row = self.row(operand, sizes).max(1) as usize;
                fold(self.len(operand, sizes) / row)
            }
            Grid::Fixed(groups) => groups,
        }
    }

    /// Elements of a row of an operand.
    fn row(&self, operand: Named, sizes: &Sizes) -> u32 {
        let inputs = self.op.inputs as usize;
        let shape = match operand {
            Named::Input(i) | Named::GradInput(i) => sizes.shapes.get(i as usize),
            Named::Param(i) | Named::GradParam(i) => sizes.shapes.get(inputs + i as usize),
            _ => sizes.shapes.last(),
        };
        shape.and_then(|shape| shape.last()).copied().unwrap_or(1)
    }

    fn dims(&self, sizes: &Sizes) -> Vec<u32> {
        let mut dims = vec![sizes.batch, 0, 0, 0];
        for shape in &sizes.shapes {
            dims.extend((0..4).map(|axis| shape.get(axis).copied().unwrap_or(1)));
        }
        dims
    }
}
