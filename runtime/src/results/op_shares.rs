//! The composition of genomes.

use serde::{Deserialize, Serialize};

/// Fractions among the active decisions of some genomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct OpShares {
    /// Fraction of parameter-free ops, such as pooling, identity and none, among the chosen ops;
    /// absent if no decision is between such ops and others. See
    /// [`OpComposition`](crate::search::OpComposition).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter_free: Option<f32>,
    /// Fraction of the skip connections that are on; absent if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skips_on: Option<f32>,
}
