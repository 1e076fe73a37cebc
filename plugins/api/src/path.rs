/// What a network with several branches at once takes: a pick per decision, overridden at single
/// nodes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Path {
    /// A pick per decision, in genome order.
    pub picks: Vec<Pick>,
    /// Other picks at single `Choose` nodes, by the supergraph's index.
    pub at: Vec<(u32, Pick)>,
}

/// What a decision takes.
#[derive(Clone, Debug, PartialEq)]
pub enum Pick {
    /// One choice.
    One(u32),
    /// A weighted sum of choices. Every listed choice runs, also with weight 0.
    Mix {
        /// The choices that run.
        choices: Vec<u32>,
        /// Their weights, `rows` rows of one per choice.
        weights: Vec<f32>,
        /// Into how many slices the batch is divided; row r weighs the r-th. Usually 1.
        rows: u32,
        /// Whether the gradient of the weights is wanted.
        gradient: bool,
    },
}

impl Path {
    /// The path that runs one genome's child.
    pub fn of(genome: &[u32]) -> Path {
        Path {
            picks: genome.iter().map(|&value| Pick::One(value)).collect(),
            at: Vec::new(),
        }
    }
}

/// Why a path does not fit a space.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// There is not one pick per decision.
    #[error("a path of this space has {expected} picks, one per decision, and this one has {got}.")]
    Length {
        /// How many decisions there are.
        expected: usize,
        /// How many picks were given.
        got: usize,
    },
    /// A pick names a choice that does not exist, or none at all.
    #[error("the pick for decision `{decision}` {reason}.")]
    Pick {
        /// The decision's name.
        decision: String,
        /// What is wrong with it.
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
    /// An override stands at a node that chooses nothing.
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
    /// The picks are one genome, and it is not valid.
    #[error(transparent)]
    Genome(#[from] crate::GenomeError),
}
