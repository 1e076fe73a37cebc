//! Custom ops that a space defines in WGSL.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Dim;
use crate::bounded::list;

mod author;
pub(crate) mod uses;
pub(crate) mod shapes;

/// A custom op that the space defines in WGSL, for [`Op::Custom`](crate::Op::Custom).
///
/// In the easy form, [`Form::PerElement`], the source has two functions, and the host generates the
/// rest:
///
/// ```wgsl
/// fn f(x: f32) -> f32 { return x / (1.0 + exp(-x)); }
/// // The gradient with respect to x, given y = f(x) and the gradient gy with respect to y.
/// fn df(x: f32, y: f32, gy: f32) -> f32 {
///     let s = 1.0 / (1.0 + exp(-x));
///     return gy * (s + y * (1.0 - s));
/// }
/// ```
///
/// In the full form, [`Form::Kernels`], the source has entry points, and the op states what each of
/// them binds.
///
/// A node attribute that is a number or a flag sets the `override` of that name in the source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CustomOp {
    /// The name of the op, as used in [`Op::Custom`](crate::Op::Custom).
    pub name: String,
    /// The WGSL source. A space in a folder may leave it out: it is then read from `ops/NAME.wgsl`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub wgsl: String,
    /// The shape of its value.
    pub shape: ShapeRule,
    /// Multiply-accumulates per element of its value.
    #[serde(default)]
    pub macs_per_output: u64,
    /// The number of values that it reads.
    #[serde(default = "one")]
    pub inputs: u32,
    /// The number of params that it reads.
    #[serde(default)]
    pub params: u32,
    /// How its source is interpreted.
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
    /// The shape of the input at this position.
    LikeInput(u32),
    /// A fixed shape.
    Stated(#[serde(deserialize_with = "list")] Vec<Dim>),
}

/// How the source of a custom op is interpreted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Form {
    /// `fn f(x: f32) -> f32` and `fn df(x: f32, y: f32, gy: f32) -> f32`, applied to every element
    /// of one input.
    #[default]
    PerElement,
    /// Stated entry points.
    Kernels(Kernels),
}

/// The entry points of a custom op, in the order in which they run. Each sees what those before it
/// wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Kernels {
    /// Compute the output and what is saved for the backward pass.
    #[serde(deserialize_with = "list")]
    pub forward: Vec<Kernel>,
    /// Compute the gradient of every input and of every param.
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
    /// The name of the entry point in the source.
    pub entry: String,
    /// The number of invocations.
    pub grid: Grid,
    /// The bindings of its variables, all in group 0. [`Operand::Dims`] is at binding 0, buffers
    /// start at binding 2.
    #[serde(deserialize_with = "list")]
    pub bindings: Vec<Binding>,
    /// Whether invocations synchronise (`workgroupBarrier` and similar functions).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub barriers: bool,
}

/// The binding of one variable of a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Binding {
    /// The number in `@binding`.
    pub binding: u32,
    /// The operand that is bound.
    pub operand: Operand,
}

/// An operand of a kernel of a custom op. A written operand is overwritten completely: it has no
/// initial content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Operand {
    /// An input, by position. Read-only.
    Input(u32),
    /// A param, by position. Read-only.
    Param(u32),
    /// The value. Written by the forward pass, read by the backward pass.
    Output,
    /// The gradient of the loss with respect to the value. Read by the backward pass.
    GradOutput,
    /// The gradient with respect to an input. Written by the backward pass.
    GradInput(u32),
    /// The gradient with respect to a param. Written by the backward pass.
    GradParam(u32),
    /// A buffer that is saved for the backward pass.
    Saved(u32),
    /// A buffer between two kernels of one pass.
    Scratch(u32),
    /// The shapes, as a uniform: `batch: u32`, then one `vec4<u32>` each for the shape of every
    /// input, every param and the output, without the batch and padded with ones.
    Dims,
}

/// The number of invocations of a kernel.
///
/// Workgroups are numbered over x and y, since no axis of a grid takes more than 65,535: the number
/// of a workgroup is `group.x + group.y * groups.x`, where `group` is `workgroup_id` and `groups`
/// is `num_workgroups`. Some numbers may lie past the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Grid {
    /// One invocation per element, in whole workgroups.
    PerElement(Operand),
    /// One workgroup per row, that is, per run of elements on the last axis.
    PerRow(Operand),
    /// A fixed number of workgroups.
    Fixed([u32; 3]),
}

/// The number of elements of a saved or scratch buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Length {
    /// As many as this input, param or the output has.
    Like(Operand),
    /// One per row (last axis) of it.
    Rows(Operand),
    /// A fixed number per sample.
    PerSample(u32),
    /// A fixed number.
    Fixed(u32),
}

/// What a custom op's backward pass computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Gradient {
    /// The exact gradient: it is checked against finite differences.
    #[default]
    Exact,
    /// Deliberately something else, such as a straight-through estimator: it is not checked, and
    /// every report says so.
    Surrogate,
}

impl fmt::Display for Operand {
    /// The operand in words, such as "input 1".
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
    /// The operand as one number: its kind in the upper half, its position in the lower half.
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

    /// The operand that a [`code`](Self::code) stands for.
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
