use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::bounded::list;
use crate::{Condition, CustomOp, Node, Param, Setting};

/// A name inside a space: of a decision, a param, a node, an extent, a block or a group.
pub type Id = String;

/// The version of the data model that this crate writes. It reads all versions up to this one; in
/// version 1, custom ops had no kernels.
pub const SCHEMA: u32 = 2;

/// The most bytes of JSON that are read for a space.
pub const MOST_BYTES: usize = 64 << 20;

/// The JSON Schema of a [`SearchSpace`], for editors and for programs in other languages. It
/// defines the format; [`Supergraph::new`](crate::Supergraph::new) checks whether a space makes
/// sense.
pub const JSON_SCHEMA: &str = include_str!("../space.schema.json");

/// A search space: one large graph, and the decisions that pick a subgraph of it.
///
/// It is plain data and is exchanged as JSON. [`Supergraph::new`](crate::Supergraph::new) checks it
/// and answers questions about it; [`Space`](crate::Space) builds it from code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SearchSpace {
    /// The version of the data model, at most [`SCHEMA`].
    pub schema: u32,
    /// The space's name, as in the registry.
    pub name: String,
    /// A one-line description for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// The resolved config with which it was built.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub config: BTreeMap<String, Setting>,
    /// The decisions in their published order: a genome is one choice index for each.
    #[serde(deserialize_with = "list")]
    pub decisions: Vec<Decision>,
    /// Constraints that every valid genome satisfies.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "list"
    )]
    pub require: Vec<Require>,
    /// The order in which a sequential controller decides. If empty, there is one step per
    /// decision, in genome order.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "list"
    )]
    pub plan: Vec<Step>,
    /// Groups of decisions for which a genome is not derived by taking the best choice of each.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "list"
    )]
    pub groups: Vec<Group>,
    /// Sizes that a decision picks.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "list"
    )]
    pub extents: Vec<Extent>,
    /// Groups of nodes that a cost table knows by key.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "list"
    )]
    pub blocks: Vec<Block>,
    /// The weights.
    #[serde(deserialize_with = "list")]
    pub params: Vec<Param>,
    /// The graph; a node comes after its inputs.
    #[serde(deserialize_with = "list")]
    pub nodes: Vec<Node>,
    /// The outputs of the network.
    #[serde(deserialize_with = "list")]
    pub outputs: Vec<Output>,
    /// The custom ops that the space defines.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "list"
    )]
    pub ops: Vec<CustomOp>,
}

impl SearchSpace {
    /// Reads a space from JSON of at most [`MOST_BYTES`](crate::abi::MOST_BYTES). Unknown fields
    /// are ignored, but misspelt attributes inside an op are errors.
    pub fn from_json(json: &str) -> Result<Self, JsonError> {
        if json.len() > MOST_BYTES {
            let reason = format!(
                "it has {} bytes, and at most {MOST_BYTES} are read",
                json.len()
            );
            return Err(JsonError(serde::de::Error::custom(reason)));
        }
        Ok(serde_json::from_str(json)?)
    }

    /// Writes the space as compact JSON.
    pub fn to_json(&self) -> Result<String, JsonError> {
        Ok(serde_json::to_string(self)?)
    }
}

/// The text is not a search space.
#[derive(Debug, thiserror::Error)]
#[error("this JSON is not a search space: {0}")]
pub struct JsonError(#[from] serde_json::Error);

/// One decision: a genome holds one choice index for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Decision {
    /// Its name.
    pub id: Id,
    /// What it decides.
    pub kind: Kind,
    /// When the decision matters. The condition may only refer to decisions that come earlier in
    /// the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_if: Option<Condition>,
    /// Decisions with the same table share the embeddings of a controller. By default, decisions
    /// with the same labels share a table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// One weight per choice: random search samples from them, and a skip penalty pulls towards
    /// them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prior: Option<Vec<f32>>,
}

/// What a decision chooses between.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Kind {
    /// Operations, by label.
    Op {
        /// The labels.
        #[serde(deserialize_with = "list")]
        choices: Vec<String>,
    },
    /// Inputs, by the names of their anchors.
    Input {
        /// The anchors.
        #[serde(deserialize_with = "list")]
        from: Vec<String>,
    },
    /// Off (0) or on (1).
    Skip {
        /// The anchor that a skip connection comes from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        of: Option<String>,
    },
    /// Numbers.
    Value {
        /// The numbers.
        #[serde(deserialize_with = "list")]
        values: Vec<f64>,
    },
}

impl Kind {
    /// The number of choices.
    pub fn choices(&self) -> usize {
        match self {
            Kind::Op { choices } => choices.len(),
            Kind::Input { from } => from.len(),
            Kind::Skip { .. } => 2,
            Kind::Value { values } => values.len(),
        }
    }

    /// The label of a choice, if it exists.
    pub fn label(&self, choice: u32) -> Option<String> {
        let i = choice as usize;
        match self {
            Kind::Op { choices } => choices.get(i).cloned(),
            Kind::Input { from } => from.get(i).cloned(),
            Kind::Skip { .. } => ["off", "on"].get(i).map(|label| (*label).to_owned()),
            Kind::Value { values } => values.get(i).map(|value| number(*value)),
        }
    }
}

/// A number as people write it, with an exponent where it would otherwise have hundreds of digits.
fn number(value: f64) -> String {
    if value == 0.0 || (1e-9..1e16).contains(&value.abs()) {
        value.to_string()
    } else {
        format!("{value:e}")
    }
}

/// A constraint on genomes, with an explanation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Require {
    /// The condition that holds for every valid genome.
    pub that: Condition,
    /// The reason, as the end of a sentence: "layers must not widen".
    pub because: String,
}

/// One step of a sequential controller: all its decisions are sampled from one state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Step {
    /// The decisions; several only if all of them are skips from anchors.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "list"
    )]
    pub decide: Vec<Id>,
    /// The name of the anchor as which the state is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<String>,
}

/// Decisions from which a genome is derived together: the `keep` best take their choice, the others
/// take `none`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Group {
    /// Its name.
    pub id: Id,
    /// Its decisions.
    #[serde(deserialize_with = "list")]
    pub decisions: Vec<Id>,
    /// The number of decisions that keep a choice other than `none`.
    pub keep: u32,
    /// The index of the choice that the others take.
    pub none: u32,
}

/// A size that a decision picks, such as a width or a resolution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Extent {
    /// Its name, as used in shapes.
    pub id: Id,
    /// The decision.
    pub decision: Id,
    /// One size per choice.
    #[serde(deserialize_with = "list")]
    pub sizes: Vec<u32>,
}

/// A group of nodes that a cost table knows by key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Block {
    /// Its name.
    pub id: Id,
    /// Its key in the table.
    pub key: String,
}

/// An output of the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Output {
    /// The node.
    pub node: Id,
    /// Its role.
    pub role: Role,
}

/// The role of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Scores per class or per word.
    Logits,
    /// Scores with a separate loss.
    Auxiliary,
    /// A state that a penalty applies to.
    Hidden,
}
