//! Ops that a space brings along, as WGSL.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Dim;
use crate::bounded::list;

mod author;
pub(crate) mod uses;
pub(crate) mod shapes;

/// An op that the space brings along as WGSL, for [`Op::Custom`](crate::Op::Custom).
///
/// In the easy form, [`Form::PerElement`], the source has two functions, and the host writes the
/// rest:
///
/// ```wgsl
/// fn f(x: f32) -> f32 { return x / (1.0 + exp(-x)); }
/// // The gradient by x, given y = f(x) and the gradient by y.
/// fn df(x: f32, y: f32, gy: f32) -> f32 { let s = 1.0 / (1.0 + exp(-x)); return gy * (s + y * (1.0 - s)); }
/// ```
///
/// In the full form, [`Form::Kernels`], it has entry points, and the op says what each of them is
/// bound to.
///
/// An attribute of a node that is a number or a flag becomes the value of the source's `override`
/// of that name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CustomOp {
    /// Its name, as used in [`Op::Custom`](crate::Op::Custom).
    pub name: String,
    /// Its source. A space that is a folder may leave it out: it is then `ops/NAME.wgsl`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub wgsl: String,
    /// The shape of its value.
    pub shape: ShapeRule,
    /// Multiplications with addition per element of its value.
    #[serde(default)]
    pub macs_per_output: u64,
    /// How many values it reads.
    #[serde(default = "one")]
    pub inputs: u32,
    /// How many params it reads.
    #[serde(default)]
    pub params: u32,
    /// How its source is to be read.
    #[serde(default)]
    pub form: Form,
    /// What its backward pass computes.
    #[serde(default)]
    pub gradient: Gradient,
}

fn one() -> u32 {
    1
}

/// The shape of a custom op's value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ShapeRule {
    /// That of the input with this position.
    LikeInput(u32),
    /// This.
    Stated(#[serde(deserialize_with = "list")] Vec<Dim>),
}

/// How a custom op's source is to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Form {
    /// `fn f(x: f32) -> f32` and `fn df(x: f32, y: f32, gy: f32) -> f32`, applied to every element
    /// of one input.
    #[default]
    PerElement,
    /// Entry points.
    Kernels(Kernels),
}

/// The entry points of a custom op, in the order in which they run, each seeing what those before
/// it wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Kernels {
    /// They compute the output, and what is saved for the backward pass.
    #[serde(deserialize_with = "list")]
    pub forward: Vec<Kernel>,
    /// They compute the gradient of every input and of every param.
    #[serde(deserialize_with = "list")]
    pub backward: Vec<Kernel>,
    /// Buffers that the forward pass writes and the backward pass reads.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "list"
    )]
    pub saved: Vec<Length>,
    /// Buffers that one kernel writes and a later one of the same pass reads.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "list"
    )]
    pub scratch: Vec<Length>,
}

/// One entry point of a custom op.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Kernel {
    /// Its name in the source.
    pub entry: String,
    /// How many invocations run.
    pub grid: Grid,
    /// What its variables, all in group 0, are bound to. [`Operand::Dims`] is at binding 0, buffers
    /// from 2 on.
    #[serde(deserialize_with = "list")]
    pub bindings: Vec<Binding>,
    /// Whether its invocations wait for each other (`workgroupBarrier` and its kin).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub barriers: bool,
}

/// What one variable of a kernel is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Binding {
    /// The number in `@binding`.
    pub binding: u32,
    /// What is there.
    pub operand: Operand,
}

/// What a kernel of a custom op reads or writes. What it writes it overwrites, all of it: nothing
/// is there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Operand {
    /// An input, by position. Only read.
    Input(u32),
    /// A param, by position. Only read.
    Param(u32),
    /// The value. Written by the forward pass, read by the backward pass.
    Output,
    /// The gradient of the loss by the value. Read by the backward pass.
    GradOutput,
    /// The gradient by an input. Written by the backward pass.
    GradInput(u32),
    /// The gradient by a param. Written by the backward pass.
    GradParam(u32),
    /// Saved for the backward pass.
    Saved(u32),
    /// Between two kernels of one pass.
    Scratch(u32),
    /// The shapes, as a uniform: `batch: u32`, then as a `vec4<u32>` each the shape of every input,
    /// of every param and of the output, without the batch, filled up with ones.
    Dims,
}

/// How many invocations of a kernel run.
///
/// Workgroups are numbered over x and y, since no axis of a grid takes more than 65,535: a kernel's
/// workgroup has the number `group.x + group.y * groups.x`, of `workgroup_id` and `num_workgroups`.
/// Some may stand past the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Grid {
    /// One invocation for each element, in whole workgroups.
    PerElement(Operand),
    /// One workgroup for each row: the elements of the last axis.
    PerRow(Operand),
    /// So many workgroups.
    Fixed([u32; 3]),
}

/// How many numbers a saved or scratch buffer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Length {
    /// As many as this input, param or the output.
    Like(Operand),
    /// One for each row (the last axis) of it.
    Rows(Operand),
    /// So many for each sample.
    PerSample(u32),
    /// So many.
    Fixed(u32),
}

/// What a custom op's backward pass computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Gradient {
    /// The gradient: it is held against finite differences.
    #[default]
    Exact,
    /// Something else on purpose, such as a straight-through estimator: it is not, and every report
    /// says so.
    Surrogate,
}

impl fmt::Display for Operand {
    /// In words, such as "input 1".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Operand::Input(i) => write!(f, "input {i}"),
            Operand::Param(i) => write!(f, "param {i}"),
            Operand::Output => f.write_str("the output"),
            Operand::GradOutput => f.write_str("the gradient by the output"),
            Operand::GradInput(i) => write!(f, "the gradient by input {i}"),
            Operand::GradParam(i) => write!(f, "the gradient by param {i}"),
            Operand::Saved(i) => write!(f, "saved {i}"),
            Operand::Scratch(i) => write!(f, "scratch {i}"),
            Operand::Dims => f.write_str("the dims"),
        }
    }
}

impl Operand {
    /// The operand as one number: its kind in the upper half, its position in the lower one.
    pub fn code(self) -> u32 {
        let (kind, position) = match self {
            Operand::Dims => (0, 0),
            Operand::Input(i) => (1, i),
            Operand::Param(i) => (2, i),
            Operand::Output => (3, 0),
            Operand::GradOutput => (4, 0),
            Operand::GradInput(i) => (5, i),
            Operand::GradParam(i) => (6, i),
            Operand::Saved(i) => (7, i),
            Operand::Scratch(i) => (8, i),
        };
        kind << 16 | (position & 0xffff)
    }

    /// The operand of a [`code`](Self::code).
    pub fn from_code(code: u32) -> Option<Self> {
        let position = code & 0xffff;
        Some(match code >> 16 {
            0 => Operand::Dims,
            1 => Operand::Input(position),
            2 => Operand::Param(position),
            3 => Operand::Output,
            4 => Operand::GradOutput,
            5 => Operand::GradInput(position),
            6 => Operand::GradParam(position),
            7 => Operand::Saved(position),
            8 => Operand::Scratch(position),
            _ => return None,
        })
    }
}
