//! What genomes are made of.

use serde::{Deserialize, Serialize};

/// Shares among the decisions that matter to some genomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OpShares {
    /// Share of parameter-free ops, such as pooling, identity, and none, among the ops chosen;
    /// absent where no decision is between such ops and others. See
    /// [`OpComposition`](crate::search::OpComposition).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter_free: Option<f32>,
    /// Share of the skip connections that are on; absent where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skips_on: Option<f32>,
}
