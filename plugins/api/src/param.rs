use std::fmt;

use serde::de::{Deserializer, Error, Unexpected, Visitor};
use serde::{Deserialize, Serialize};

use crate::Id;
use crate::bounded::list;

/// The name of the sequence axis as a dimension: its length belongs to the window, not to the
/// space.
pub const TIME: &str = "time";

/// One axis of a shape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Dim {
    /// A fixed size.
    Fixed(u32),
    /// The name of an [`Extent`](crate::Extent), or [`TIME`].
    Named(Id),
}

/// Implemented by hand, since the derived implementation for an untagged enum buffers the whole
/// input before it looks at it.
impl<'de> Deserialize<'de> for Dim {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Written;

        impl Visitor<'_> for Written {
            type Value = Dim;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a size, or the name of an extent")
            }

            fn visit_u64<E: Error>(self, size: u64) -> Result<Dim, E> {
                u32::try_from(size)
                    .map(Dim::Fixed)
                    .map_err(|_| E::invalid_value(Unexpected::Unsigned(size), &self))
            }

            fn visit_i64<E: Error>(self, size: i64) -> Result<Dim, E> {
                u32::try_from(size)
                    .map(Dim::Fixed)
                    .map_err(|_| E::invalid_value(Unexpected::Signed(size), &self))
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Dim, E> {
                Ok(Dim::Named(name.into()))
            }
        }

        from.deserialize_any(Written)
    }
}

impl From<u32> for Dim {
    fn from(size: u32) -> Self {
        Dim::Fixed(size)
    }
}

/// A tensor of weights. The supergraph owns it under its id; every child that uses the id uses
/// these weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Param {
    /// Its name, unique among the params.
    pub id: Id,
    /// Its shape. It is stored at its largest size; on an axis with an extent, a child uses the
    /// first n.
    #[serde(deserialize_with = "list")]
    pub shape: Vec<Dim>,
    /// How it is initialised.
    pub init: Init,
    /// Whether weight decay applies. It usually does not for biases and for the scale and shift of
    /// batch norm.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub decay: bool,
}

fn yes() -> bool {
    true
}
fn is_yes(value: &bool) -> bool {
    *value
}

/// How a param is initialised.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Init {
    /// All zero.
    Zeros,
    /// All one.
    Ones,
    /// The identity matrix (rank 2, square).
    Eye,
    /// Normal with mean 0.
    Normal {
        /// The standard deviation.
        std: f32,
    },
    /// Uniform in [-bound, bound].
    Uniform {
        /// The bound.
        bound: f32,
    },
    /// Normal with variance 2 / fan_in (He et al. 2015), which preserves the variance through a
    /// ReLU.
    He {
        /// The number of inputs that one output sums over.
        fan_in: u32,
    },
    /// Uniform with variance 2 / (fan_in + fan_out) (Glorot and Bengio 2010).
    Xavier {
        /// The number of inputs that one output sums over.
        fan_in: u32,
        /// The number of outputs that one input reaches.
        fan_out: u32,
    },
}
