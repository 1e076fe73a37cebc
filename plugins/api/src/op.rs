//! The nodes of the graph and their ops.

mod attributes;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::bounded::list;
use crate::{Condition, Dim, Id, Setting};

pub use attributes::{Element, Function, Pad, Per, Pooling};

/// A node of the graph: an op on values (`inputs`) and weights (`params`).
///
/// The operands of an op are its inputs followed by its params, so that the value of a node may
/// also serve as a weight. Values are NHWC without the batch: an image is `[height, width,
/// channels]`, a sequence `[time, ...]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Node {
    /// Its name, unique in the space, including the bodies of scans.
    pub id: Id,
    /// Its operation.
    pub op: Op,
    /// The nodes that it reads; they come earlier in the list.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "list"
    )]
    pub inputs: Vec<Id>,
    /// The params that it reads.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "list"
    )]
    pub params: Vec<Id>,
    /// The block that its cost is attributed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<Id>,
}

/// The operation of a node. Kernel sizes and channels come from the shape of the weight, never from
/// an attribute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Op {
    /// The input that the decision picks; there is one input per choice.
    Choose {
        /// The decision.
        decision: Id,
    },
    /// The sum of the inputs whose condition holds; zero if none does.
    Sum {
        /// One condition per input; an empty list means always.
        #[serde(
            default,
            skip_serializing_if = "Vec::is_empty",
            deserialize_with = "list"
        )]
        when: Vec<Condition>,
    },
    /// The mean of the inputs whose condition holds; zero if none does.
    Mean {
        /// One condition per input; an empty list means always.
        #[serde(
            default,
            skip_serializing_if = "Vec::is_empty",
            deserialize_with = "list"
        )]
        when: Vec<Condition>,
    },
    /// The inputs concatenated on the last axis.
    Concat,
    /// A body that runs over the leading axis of the inputs, with state. The value is `yields` of
    /// every step, stacked.
    Scan {
        /// The body. It may read the names in `steps`, the carried states and outer nodes.
        #[serde(deserialize_with = "list")]
        nodes: Vec<Node>,
        /// The names by which the body reads one step of each input.
        #[serde(deserialize_with = "list")]
        steps: Vec<Id>,
        /// The states carried from step to step.
        #[serde(
            default,
            skip_serializing_if = "Vec::is_empty",
            deserialize_with = "list"
        )]
        carry: Vec<Carry>,
        /// The node of the body whose values are stacked.
        yields: Id,
    },
    /// Input data.
    Input {
        /// Its shape, without the batch.
        #[serde(deserialize_with = "list")]
        shape: Vec<Dim>,
        /// The type of its elements.
        #[serde(default)]
        element: Element,
    },
    /// A param as a value.
    Weight,
    /// Zeros in the shape of its input, with height and width divided by `stride` and rounded up.
    /// It keeps nothing alive.
    Zero {
        /// The stride.
        #[serde(default = "one", skip_serializing_if = "is_one")]
        stride: u32,
    },
    /// Convolution of x with W `[kh, kw, in, out]` and, if there is a third operand, a bias.
    Conv2d {
        /// The stride.
        #[serde(default = "one", skip_serializing_if = "is_one")]
        stride: u32,
        /// The dilation.
        #[serde(default = "one", skip_serializing_if = "is_one")]
        dilation: u32,
        /// The zero padding.
        #[serde(default, skip_serializing_if = "Pad::is_same")]
        pad: Pad,
    },
    /// Convolution of each channel with a separate kernel, W `[kh, kw, c]`, and an optional bias.
    DepthwiseConv2d {
        /// The stride.
        #[serde(default = "one", skip_serializing_if = "is_one")]
        stride: u32,
        /// The dilation.
        #[serde(default = "one", skip_serializing_if = "is_one")]
        dilation: u32,
        /// The zero padding.
        #[serde(default, skip_serializing_if = "Pad::is_same")]
        pad: Pad,
    },
    /// x·W on the last axis, W `[in, out]`, and an optional bias.
    Linear {
        /// Whether W is `[out, in]`, as for an embedding that is also the decoder.
        #[serde(default, skip_serializing_if = "is_no")]
        transposed: bool,
    },
    /// Rows of W `[vocabulary, width]`, looked up by u32 indices.
    Embedding,
    /// Normalisation per channel over batch and positions, with scale and shift or without params.
    BatchNorm {
        /// Added to the variance.
        #[serde(default = "epsilon")]
        eps: f32,
    },
    /// Normalisation over the last axis, with scale and shift or without params.
    LayerNorm {
        /// Added to the variance.
        #[serde(default = "epsilon")]
        eps: f32,
    },
    /// Normalisation of each sample over all positions and a group of neighbouring channels, with
    /// scale and shift or without params (Wu and He 2018, §3).
    GroupNorm {
        /// The number of groups, a divisor of the channels.
        groups: u32,
        /// Added to the variance.
        #[serde(default = "epsilon")]
        eps: f32,
    },
    /// Softmax over the last axis.
    Softmax,
    /// x plus b, whose shape is that of x's last axes: a bias, or a vector learned for every position.
    Bias,
    /// The product of two values, a `[..., n, k]` and b `[..., k, m]`, to `[..., n, m]`, times
    /// `scale`.
    MatMul {
        /// Whether b is `[..., m, k]`, as the keys of attention.
        #[serde(default, skip_serializing_if = "is_no")]
        transposed: bool,
        /// The factor.
        #[serde(default = "unscaled", skip_serializing_if = "is_unscaled")]
        scale: f32,
    },
    /// The value with two axes exchanged.
    Transpose {
        /// The axes, counted from 0.
        axes: [u32; 2],
    },
    /// The same numbers in another shape.
    Reshape {
        /// The new shape, without the batch.
        #[serde(deserialize_with = "list")]
        shape: Vec<Dim>,
    },
    /// An elementwise function.
    Activation {
        /// The function.
        function: Function,
    },
    /// Pooling. An average divides by the number of valid positions; a maximum pads with minus
    /// infinity.
    Pool {
        /// Average or maximum.
        kind: Pooling,
        /// The height and width of the window.
        kernel: u32,
        /// The stride.
        #[serde(default = "one", skip_serializing_if = "is_one")]
        stride: u32,
        /// The padding.
        #[serde(default, skip_serializing_if = "Pad::is_same")]
        pad: Pad,
    },
    /// The mean over all positions, `[h, w, c]` to `[c]`.
    GlobalAvgPool,
    /// The maximum over all positions, `[h, w, c]` to `[c]`.
    GlobalMaxPool,
    /// The elementwise product of two values.
    Multiply,
    /// x `[h, w, c]` times s `[c]`, as in squeeze-and-excitation.
    Scale,
    /// a + g(b − a) of a, b and g: a highway connection.
    Lerp,
    /// The range `[start, start + len)` of the last axis.
    Slice {
        /// The first index.
        start: u32,
        /// The number of indices.
        len: u32,
    },
    /// During training, zeroes with probability `rate` and scales the rest by 1 / (1 − rate).
    Dropout {
        /// The probability.
        rate: f32,
        /// Which elements share one draw.
        #[serde(default, skip_serializing_if = "Per::is_element")]
        per: Per,
    },
    /// Zeroes a whole sample with probability `depth`·p, with p from the trainer's schedule.
    DropPath {
        /// The relative depth in the network, 0 to 1.
        depth: f32,
    },
    /// Bilinear resizing with half-pixel centres and without antialiasing.
    Resize {
        /// The new height.
        height: Dim,
        /// The new width.
        width: Dim,
    },
    /// The centre `size` x `size` of a kernel `[k, k, ...]`.
    Crop {
        /// The new kernel size.
        size: u32,
    },
    /// A kernel `[k, k, c]` times M `[k², k²]`, per channel; M is shared by all channels
    /// (Once-for-All).
    KernelTransform,
    /// A custom op of the space.
    Custom {
        /// The name of the op.
        name: String,
        /// The attributes of the node.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        attributes: BTreeMap<String, Setting>,
    },
}

impl Op {
    /// The name of the op in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Op::Choose { .. } => "choose",
            Op::Sum { .. } => "sum",
            Op::Mean { .. } => "mean",
            Op::Concat => "concat",
            Op::Scan { .. } => "scan",
            Op::Input { .. } => "input",
            Op::Weight => "weight",
            Op::Zero { .. } => "zero",
            Op::Conv2d { .. } => "conv2d",
            Op::DepthwiseConv2d { .. } => "depthwise_conv2d",
            Op::Linear { .. } => "linear",
            Op::Embedding => "embedding",
            Op::BatchNorm { .. } => "batch_norm",
            Op::LayerNorm { .. } => "layer_norm",
            Op::GroupNorm { .. } => "group_norm",
            Op::Softmax => "softmax",
            Op::Bias => "bias",
            Op::MatMul { .. } => "mat_mul",
            Op::Transpose { .. } => "transpose",
            Op::Reshape { .. } => "reshape",
            Op::Activation { .. } => "activation",
            Op::Pool { .. } => "pool",
            Op::GlobalAvgPool => "global_avg_pool",
            Op::GlobalMaxPool => "global_max_pool",
            Op::Multiply => "multiply",
            Op::Scale => "scale",
            Op::Lerp => "lerp",
            Op::Slice { .. } => "slice",
            Op::Dropout { .. } => "dropout",
            Op::DropPath { .. } => "drop_path",
            Op::Resize { .. } => "resize",
            Op::Crop { .. } => "crop",
            Op::KernelTransform => "kernel_transform",
            Op::Custom { .. } => "custom",
        }
    }
}

fn one() -> u32 {
    1
}
fn epsilon() -> f32 {
    1e-5
}
fn unscaled() -> f32 {
    1.0
}
fn is_unscaled(value: &f32) -> bool {
    *value == 1.0
}
fn is_one(value: &u32) -> bool {
    *value == 1
}
fn is_no(value: &bool) -> bool {
    !*value
}

/// A state that a scan carries from step to step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Carry {
    /// The name by which the body reads the state before the step.
    pub id: Id,
    /// The node of the body that computes the state after the step.
    pub next: Id,
    /// Its shape, without the batch.
    #[serde(deserialize_with = "list")]
    pub shape: Vec<Dim>,
    /// Whether a window starts with the state at the end of the stream's previous window instead of
    /// zeros.
    #[serde(default)]
    pub persist: bool,
}
