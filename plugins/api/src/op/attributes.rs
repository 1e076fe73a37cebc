//! The types of the attributes of ops.

use serde::{Deserialize, Serialize};

/// Padding of height and width.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Pad {
    /// dilation·(k − 1)/2 on every side, k odd; the size becomes ⌈size / stride⌉.
    #[default]
    Same,
    /// TensorFlow's rule: the least padding that gives ⌈size / stride⌉; an odd row or column goes
    /// below or to the right.
    SameUpper,
    /// No padding.
    Valid,
    /// The stated padding; negative numbers crop.
    Explicit {
        /// Rows above.
        top: i32,
        /// Columns to the left.
        left: i32,
        /// Rows below.
        bottom: i32,
        /// Columns to the right.
        right: i32,
    },
}

impl Pad {
    pub(super) fn is_same(&self) -> bool {
        *self == Pad::Same
    }

    /// `[top, left, bottom, right]` for an image of `[height, width]`; stride and dilation are at
    /// least 1.
    pub fn amounts(
        self,
        image: [u32; 2],
        kernel: [u32; 2],
        stride: u32,
        dilation: u32,
    ) -> [i32; 4] {
        let reach = |i: usize| i64::from(dilation) * (i64::from(kernel[i]) - 1);
        let clamp = |n: i64| i32::try_from(n).unwrap_or(i32::MAX);
        match self {
            Pad::Same => [0, 1, 0, 1].map(|i| clamp(reach(i) / 2)),
            Pad::SameUpper => {
                let total = |i: usize| {
                    let steps = i64::from(image[i].div_ceil(stride.max(1))) - 1;
                    (steps * i64::from(stride) + reach(i) + 1 - i64::from(image[i])).max(0)
                };
                [
                    total(0) / 2,
                    total(1) / 2,
                    total(0) - total(0) / 2,
                    total(1) - total(1) / 2,
                ]
                .map(clamp)
            }
            Pad::Valid => [0; 4],
            Pad::Explicit {
                top,
                left,
                bottom,
                right,
            } => [top, left, bottom, right],
        }
    }
}

/// An elementwise function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Function {
    /// max(x, 0)
    Relu,
    /// min(max(x, 0), 6)
    Relu6,
    /// x where it is positive, else x / 100
    LeakyRelu,
    /// x where it is positive, else exp(x) − 1
    Elu,
    /// tanh(x)
    Tanh,
    /// 1 / (1 + exp(−x))
    Sigmoid,
    /// relu6(x + 3) / 6
    HardSigmoid,
    /// x · hard_sigmoid(x)
    HardSwish,
    /// x · sigmoid(x)
    Swish,
    /// GELU in its tanh approximation.
    Gelu,
}

impl Function {
    /// All functions.
    pub const ALL: [Function; 10] = [
        Function::Relu,
        Function::Relu6,
        Function::LeakyRelu,
        Function::Elu,
        Function::Tanh,
        Function::Sigmoid,
        Function::HardSigmoid,
        Function::HardSwish,
        Function::Swish,
        Function::Gelu,
    ];

    /// The name of the function in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Function::Relu => "relu",
            Function::Relu6 => "relu6",
            Function::LeakyRelu => "leaky_relu",
            Function::Elu => "elu",
            Function::Tanh => "tanh",
            Function::Sigmoid => "sigmoid",
            Function::HardSigmoid => "hard_sigmoid",
            Function::HardSwish => "hard_swish",
            Function::Swish => "swish",
            Function::Gelu => "gelu",
        }
    }
}

/// How pooling reduces its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// The mean over the valid positions.
    Average,
    /// The maximum.
    Max,
}

/// The type of an input's elements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Element {
    /// 32-bit floats.
    #[default]
    F32,
    /// Indices, such as tokens.
    U32,
}

/// Which elements share one draw of dropout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// None: one draw per element.
    #[default]
    Element,
    /// All steps of a sequence.
    Sequence,
    /// All occurrences of a token.
    Token,
}

impl Per {
    pub(super) fn is_element(&self) -> bool {
        *self == Per::Element
    }
}
