use serde::{Deserialize, Serialize};

/// What a network with several branches at once runs: a pick per decision, with overrides at single
/// nodes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Path {
    /// One pick per decision, in genome order.
    pub picks: Vec<Pick>,
    /// Overrides at single `Choose` nodes, by their index in the supergraph.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub at: Vec<(u32, Pick)>,
}

/// What runs at a decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pick {
    /// One choice.
    One(u32),
    /// A weighted sum of choices. Every listed choice runs, even with weight 0.
    Mix {
        /// The choices that run.
        choices: Vec<u32>,
        /// Their weights: `rows` rows, each with one weight per choice.
        weights: Vec<f32>,
        /// The number of slices into which the batch is divided; row r weighs the r-th. Usually 1.
        rows: u32,
        /// Whether the gradient of the weights is needed.
        gradient: bool,
    },
}

impl Path {
    /// The choice of every decision that has the largest weight, summed over the slices of the
    /// batch; the first on a tie.
    pub fn main_choices(&self) -> Vec<u32> {
        self.picks.iter().map(Pick::main_choice).collect()
    }

    /// The path that runs the child of one genome.
    pub fn of(genome: &[u32]) -> Path {
        Path {
            picks: genome.iter().map(|&value| Pick::One(value)).collect(),
            at: Vec::new(),
        }
    }
}

impl Pick {
    fn main_choice(&self) -> u32 {
        let (choices, weights) = match self {
            Pick::One(choice) => return *choice,
            Pick::Mix {
                choices, weights, ..
            } => (choices, weights),
        };
        let total = |at: usize| -> f32 { weights.iter().skip(at).step_by(choices.len()).sum() };
        let better = |best: usize, at: usize| if total(at) > total(best) { at } else { best };
        let best = (1..choices.len()).fold(0, better);
        choices.get(best).copied().unwrap_or(0)
    }
}

/// Why a path does not fit a space.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// The number of picks differs from the number of decisions.
    #[error("a path of this space has {expected} picks, one per decision, and this one has {got}.")]
    Length {
        /// The number of decisions.
        expected: usize,
        /// The number of picks.
        got: usize,
    },
    /// A pick names a choice that does not exist, or no choice at all.
    #[error("the pick for decision `{decision}` {reason}.")]
    Pick {
        /// The decision's name.
        decision: String,
        /// What is wrong with the pick.
        reason: String,
    },
    /// Picks divide the batch differently.
    #[error(
        "one pick divides the batch into {one} slices and another into {other}; all must agree, or have 1."
    )]
    Rows {
        /// One count.
        one: u32,
        /// Another.
        other: u32,
    },
    /// An override is at a node that is not a `Choose`.
    #[error("node {node} is no `choose`, so a pick cannot be overridden there.")]
    NotChoose {
        /// The node's index.
        node: u32,
    },
    /// Shapes follow the decision, so its branches cannot be added.
    #[error("decision `{decision}` picks sizes, so its choices cannot be mixed; pick one.")]
    Elastic {
        /// The decision's name.
        decision: String,
    },
    /// A gradient does not have the shape of what it is the gradient of.
    #[error(
        "the gradients that are pulled back have {got} numbers for weighted node {at} of the path, which has {expected} \
         weights; give one list per weighted node, in their order."
    )]
    Gradient {
        /// The index of the first node whose gradient does not fit.
        at: usize,
        /// The number of its weights; 0 if there is no such node.
        expected: usize,
        /// The length of its gradient; 0 if there is none.
        got: usize,
    },
    /// The picks form one genome, and it is not valid.
    #[error(transparent)]
    Genome(#[from] crate::GenomeError),
}
