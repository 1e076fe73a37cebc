use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::bounded::list;
use crate::{Condition, CustomOp, Node, Param, Setting};

/// A name inside a space: of a decision, a param, a node, an extent, a block, a group.
pub type Id = String;

/// The version of the data model that this crate writes. It reads every version up to it: 1 had
/// custom ops without kernels.
pub const SCHEMA: u32 = 2;

/// The longest JSON of a space that is read, in bytes.
pub const MOST_BYTES: usize = 64 << 20;

/// The JSON Schema of a [`SearchSpace`], for editors and for programs in other languages. It says
/// how a space is written down; [`Supergraph::new`](crate::Supergraph::new) says whether it makes
/// sense.
pub const JSON_SCHEMA: &str = include_str!("../space.schema.json");

/// A search space: one big graph, and the decisions that pick a subgraph of it.
///
/// It is plain data and travels as JSON. [`Supergraph::new`](crate::Supergraph::new) checks it and
/// answers questions about it; [`Space`](crate::Space) builds it from code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SearchSpace {
    /// The version of the data model, at most [`SCHEMA`].
    pub schema: u32,
    /// The space's name, as in the registry.
    pub name: String,
    /// One line for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// The config that it was built with, resolved.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub config: BTreeMap<String, Setting>,
    /// The decisions in published order: a genome is one choice index for each.
    #[serde(deserialize_with = "list")]
    pub decisions: Vec<Decision>,
    /// What every valid genome satisfies.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "list"
    )]
    pub require: Vec<Require>,
    /// In which order a sequential controller decides; empty means a step per decision, in genome
    /// order.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "list"
    )]
    pub plan: Vec<Step>,
    /// How a genome is derived from weights where the best choice per decision is not the rule.
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
    /// What a cost table knows by key.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "list"
    )]
    pub blocks: Vec<Block>,
    /// The weights.
    #[serde(deserialize_with = "list")]
    pub params: Vec<Param>,
    /// The graph; a node stands after its inputs.
    #[serde(deserialize_with = "list")]
    pub nodes: Vec<Node>,
    /// What the network gives.
    #[serde(deserialize_with = "list")]
    pub outputs: Vec<Output>,
    /// Ops that the space brings along.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "list"
    )]
    pub ops: Vec<CustomOp>,
}

impl SearchSpace {
    /// Reads a space from JSON of at most [`MOST_BYTES`](crate::abi::MOST_BYTES). Unknown fields
    /// are tolerated, misspelt attributes inside an op are not.
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

    /// Writes the space as JSON, compactly.
    pub fn to_json(&self) -> Result<String, JsonError> {
        Ok(serde_json::to_string(self)?)
    }
}

/// A text is not a search space.
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
    /// When it matters. It may look only at decisions that stand earlier in the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_if: Option<Condition>,
    /// Decisions of one table share a controller's embeddings. Default: same labels, same table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// A weight per choice: random search samples from it, a skip penalty pulls towards it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prior: Option<Vec<f32>>,
}

/// What a decision decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Kind {
    /// Which operation, by label.
    Op {
        /// The labels.
        #[serde(deserialize_with = "list")]
        choices: Vec<String>,
    },
    /// Which input, by the anchors' names.
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
    /// Which number.
    Value {
        /// The numbers.
        #[serde(deserialize_with = "list")]
        values: Vec<f64>,
    },
}

impl Kind {
    /// How many choices there are.
    pub fn choices(&self) -> usize {
        match self {
            Kind::Op { choices } => choices.len(),
            Kind::Input { from } => from.len(),
            Kind::Skip { .. } => 2,
            Kind::Value { values } => values.len(),
        }
    }

    /// A choice in words, if there is one of this index.
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

/// A number as people write it; with an exponent where it would be hundreds of digits.
fn number(value: f64) -> String {
    if value == 0.0 || (1e-9..1e16).contains(&value.abs()) {
        value.to_string()
    } else {
        format!("{value:e}")
    }
}

/// A constraint on genomes, with the sentence that explains it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Require {
    /// What holds on every valid genome.
    pub that: Condition,
    /// Why, as a sentence's end: "layers must not widen".
    pub because: String,
}

/// One step of a sequential controller: all its decisions are sampled from one state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Step {
    /// The decisions; several only if all are skips of anchors.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "list"
    )]
    pub decide: Vec<Id>,
    /// The anchor's name under which the state is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<String>,
}

/// Decisions that a genome is derived from together: the `keep` best take their choice, the rest
/// take `none`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Group {
    /// Its name.
    pub id: Id,
    /// Its decisions.
    #[serde(deserialize_with = "list")]
    pub decisions: Vec<Id>,
    /// How many keep a choice other than `none`.
    pub keep: u32,
    /// The choice (index) of the others.
    pub none: u32,
}

/// A size that a decision picks: width, resolution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Extent {
    /// Its name, as used in shapes.
    pub id: Id,
    /// The decision.
    pub decision: Id,
    /// A size per choice.
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

/// A value that the network gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Output {
    /// The node.
    pub node: Id,
    /// What it is for.
    pub role: Role,
}

/// What an output is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Scores per class, or per word.
    Logits,
    /// Scores with a loss of their own.
    Auxiliary,
    /// A state that a penalty looks at.
    Hidden,
}
