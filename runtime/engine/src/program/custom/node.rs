//! Lowers nodes with custom ops.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use supernet_plugin::{Child, Form, Grid, Operand as Named, Shapes, Use};
use supernet_shaders::catalogue::{Custom, FUEL_CONSTANT, Run};
use supernet_shaders::kernel::{Constant, fold};
use supernet_shaders::{Call, Element, Role};

use super::easy::PREFIX;
use super::{Part, Variant, access};
use crate::program::{Operand, Tape};

/// The loop limit of one invocation, as the total number of iterations of all loops: a constant,
/// plus a number per element of all operands, enough for some dozens of loops over all elements.
const FUEL: [u64; 2] = [1 << 16, 64];
/// The limit in trials, which run on little data. Mesa's lavapipe terminates a loop after 65,535
/// iterations by itself, so that a higher limit would not be reached.
const FUEL_OF_TRIAL: [u64; 2] = [1 << 14, 2];

/// The shapes of a node.
#[derive(Clone, Debug, PartialEq)]
pub struct Sizes {
    /// Samples.
    pub batch: u32,
    inputs: Vec<Vec<u32>>,
    params: Vec<Vec<u32>>,
    output: Vec<u32>,
}

impl Sizes {
    /// The shapes of node `i` of a child.
    pub fn of(child: &Child, i: usize, batch: u32) -> Self {
        let inputs = child
            .inputs(i)
            .iter()
            .map(|input| child.shape(*input as usize).to_vec())
            .collect();
        let params = child
            .params(i)
            .iter()
            .map(|param| child.param_shape(*param).to_vec())
            .collect();
        Self {
            batch,
            inputs,
            params,
            output: child.shape(i).to_vec(),
        }
    }

    /// The same shapes with another batch size.
    pub fn with_batch(&self, batch: u32) -> Self {
        Self {
            batch,
            ..self.clone()
        }
    }

    /// Passes the shapes to a function.
    fn with<T>(&self, work: impl FnOnce(&Shapes<'_>) -> T) -> T {
        let [inputs, params] = [&self.inputs, &self.params]
            .map(|shapes| shapes.iter().map(Vec::as_slice).collect::<Vec<_>>());
        work(&Shapes {
            inputs: &inputs,
            params: &params,
            output: &self.output,
        })
    }
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shapes = |shapes: &[Vec<u32>]| {
            shapes
                .iter()
                .map(|shape| format!("{shape:?}"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        write!(f, "{}", shapes(&self.inputs))?;
        if !self.params.is_empty() {
            write!(f, " with {}", shapes(&self.params))?;
        }
        write!(f, " to {:?}", self.output)
    }
}

/// A node with a custom op whose forward calls are on the tape, and whose backward calls may
/// follow.
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
    ) -> Option<Operand> {
        let inputs = (0..).map(Named::Input).zip(inputs.iter().copied());
        let params = (0..).map(Named::Param).zip(params.iter().copied());
        let mut node = Self {
            variant: Arc::clone(variant),
            sizes,
            bound: inputs.chain(params).collect(),
        };
        let mut first = None;
        for part in &variant.forward {
            let operands = node.call(tape, part);
            first = first.or_else(|| {
                part.uses
                    .iter()
                    .zip(operands)
                    .find(|(used, _)| used.written)
                    .map(|(_, to)| to)
            });
        }
        node.bound
            .retain(|operand, _| !matches!(operand, Named::Scratch(_)));
        let output = node.output();
        if let Some(Operand::Value { slot, .. }) = first {
            tape.custom.insert(slot.index, node);
        }
        output
    }

    /// All operands that are bound so far.
    pub(in crate::program) fn bound(&self) -> impl Iterator<Item = Operand> {
        self.bound.values().copied()
    }

    /// The node's value.
    pub(in crate::program) fn output(&self) -> Option<Operand> {
        self.bound.get(&Named::Output).copied()
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
        (0..)
            .map_while(|i| self.bound.get(&named(i)).copied())
            .collect()
    }

    /// Whether a backward call reads the gradient of param `i` that another one wrote.
    pub(in crate::program) fn reads_gradient(&self, i: u32) -> bool {
        let reads = |part: &Part| {
            part.uses
                .iter()
                .any(|used| !used.written && used.operand == Named::GradParam(i))
        };
        self.variant.backward.iter().any(reads)
    }

    /// Number of elements of an operand.
    pub(in crate::program) fn len(&self, operand: Named) -> usize {
        self.variant.len(operand, &self.sizes)
    }

    /// Appends the backward calls, given the operands of the gradients; unneeded input gradients
    /// are absent.
    pub(in crate::program) fn backward(&mut self, tape: &mut Tape, gradients: &[(Named, Operand)]) {
        self.bound.extend(gradients.iter().copied());
        let written = gradients
            .iter()
            .map(|(named, _)| *named)
            .filter(|named| *named != Named::GradOutput);
        let variant = Arc::clone(&self.variant);
        for part in variant.needed(written.collect()) {
            self.call(tape, part);
        }
    }

    /// Appends one call; returns its operands.
    fn call(&mut self, tape: &mut Tape, part: &Part) -> Vec<Operand> {
        let variant = Arc::clone(&self.variant);
        let operand = |used: &Use| {
            let len = variant.len(used.operand, &self.sizes);
            *self
                .bound
                .entry(used.operand)
                .or_insert_with(|| tape.value(len))
        };
        let operands: Vec<_> = part.uses.iter().map(operand).collect();
        tape.call(
            Call::Custom(variant.run(part, &self.sizes, false)),
            &operands,
        );
        operands
    }
}

impl Variant {
    /// Number of elements of an operand for nodes of these sizes.
    pub fn len(&self, operand: Named, sizes: &Sizes) -> usize {
        let len = sizes.with(|shapes| self.op.len(operand, sizes.batch, shapes));
        len.and_then(|len| u32::try_from(len).ok()).unwrap_or(0) as usize
    }

    /// Elements of the largest operand, including saved and scratch buffers.
    pub fn largest(&self, sizes: &Sizes) -> u128 {
        let uses = self
            .forward
            .iter()
            .chain(&self.backward)
            .flat_map(|part| &part.uses);
        let len = |used: &Use| sizes.with(|shapes| self.op.len(used.operand, sizes.batch, shapes));
        // A length that overflows 64 bits counts as the maximum.
        uses.map(|used| len(used).map_or(u128::MAX, u128::from))
            .max()
            .unwrap_or(0)
    }

    /// The backward kernels that are needed to write all of `wanted`.
    fn needed(&self, mut wanted: BTreeSet<Named>) -> Vec<&Part> {
        let mut needed = Vec::new();
        for part in self.backward.iter().rev() {
            if part
                .uses
                .iter()
                .any(|used| used.written && wanted.contains(&used.operand))
            {
                wanted.extend(
                    part.uses
                        .iter()
                        .filter(|used| !used.written)
                        .map(|used| used.operand),
                );
                needed.insert(0, part);
            }
        }
        needed
    }

    /// The calls of the forward (0) or the backward pass (1), each with its operands. With `tell`,
    /// calls with loops have one more operand, which is nonzero if a loop reached its limit.
    pub fn runs(&self, pass: usize, sizes: &Sizes, tell: bool) -> Vec<(Custom, Vec<Use>)> {
        let parts = [&self.forward, &self.backward][pass];
        parts
            .iter()
            .map(|part| (self.run(part, sizes, tell), part.uses.clone()))
            .collect()
    }

    /// Number of elements of all inputs, params and the output.
    pub fn elements(&self, sizes: &Sizes) -> u64 {
        let inputs = (0..self.op.inputs).map(Named::Input);
        let all = inputs
            .chain((0..self.op.params).map(Named::Param))
            .chain([Named::Output]);
        all.map(|operand| self.len(operand, sizes) as u64).sum()
    }

    pub(super) fn run(&self, part: &Part, sizes: &Sizes, tell: bool) -> Custom {
        let role = |(used, name): (&Use, &&'static str)| Role {
            name,
            access: access(used),
            element: Element::F32,
            len: self.len(used.operand, sizes),
        };
        let mut roles: Vec<_> = part.uses.iter().zip(&part.names).map(role).collect();
        let mut operands: Vec<_> = part.uses.iter().map(|used| used.operand.code()).collect();
        let elements: u64 = roles.iter().map(|role| role.len as u64).sum();
        let mut overrides = part.overrides.clone();
        if part.loops {
            let fuel =
                |[granted, each]: [u64; 2]| elements.saturating_mul(each).saturating_add(granted);
            // Limits are rounded to powers of two, because each needs its own pipeline.
            let many = || fuel(FUEL).checked_next_power_of_two().unwrap_or(u64::MAX);
            let fuel = if tell { fuel(FUEL_OF_TRIAL) } else { many() }.min(1 << 31);
            overrides.push((FUEL_CONSTANT, Constant::from(fuel as u32)));
        }
        if tell && part.loops {
            roles.push(Role {
                name: "spent",
                access: supernet_shaders::Access::Write,
                element: Element::U32,
                len: 1,
            });
            operands.push(u32::MAX);
        }
        let output = self.len(Named::Output, sizes) as u64;
        Custom::new(Run {
            op: supernet_shaders::catalogue::text(&self.op.name),
            name: self.kernel_name(part),
            kernel: if tell { part.tried } else { part.kernel },
            overrides,
            groups: self.groups(part, sizes),
            dims: sizes
                .with(|shapes| shapes.describe(sizes.batch))
                .unwrap_or_default(),
            roles,
            operands,
            counts: [self.op.inputs, self.op.params],
            attributes: self.attributes.clone(),
            work: elements.saturating_add(output.saturating_mul(self.op.macs_per_output)),
            cpu_kernel: self.cpu_kernel,
        })
    }

    /// The author's name of a kernel; in the per-element form there are two with fixed names.
    fn kernel_name(&self, part: &Part) -> &'static str {
        match self.op.form {
            Form::PerElement => part
                .kernel
                .entry
                .strip_prefix(PREFIX)
                .unwrap_or(part.kernel.entry),
            Form::Kernels(_) => part.kernel.entry,
        }
    }

    fn groups(&self, part: &Part, sizes: &Sizes) -> [u32; 3] {
        match part.grid {
            Grid::PerElement(operand) => fold(
                self.len(operand, sizes)
                    .div_ceil(part.group.max(1) as usize),
            ),
            Grid::PerRow(operand) => fold(
                sizes
                    .with(|shapes| self.op.rows(operand, sizes.batch, shapes))
                    .unwrap_or(1) as usize,
            ),
            Grid::Fixed(groups) => groups,
        }
    }
}
