use crate::literal::LiteralError;

/// Why a text is not a genotype, or a genotype is not in a space.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenotypeError {
    /// The text is not what Python or JSON would write.
    #[error("the genotype cannot be read: {0}.")]
    Text(#[from] LiteralError),
    /// A part is missing or has the wrong type.
    #[error("a genotype has `{part}`, {wanted}, and this one does not.")]
    Part {
        /// The name of the part.
        part: String,
        /// What it should be.
        wanted: &'static str,
    },
    /// A node has one operation, or the cells differ in size.
    #[error(
        "the pairs of the genotype's {cell} cell number {pairs}, those of the normal cell {normal}: every node has two, and \
         both cells have as many nodes."
    )]
    Pairs {
        /// The cell.
        cell: &'static str,
        /// The number of pairs of the cell.
        pairs: usize,
        /// The number of pairs of the normal cell.
        normal: usize,
    },
    /// The operation does not exist in the space.
    #[error("the space `{space}` has no operation `{op}`{hint}. Its operations are: {known}.")]
    Op {
        /// The space.
        space: &'static str,
        /// The operation.
        op: String,
        /// The nearest operation, as a clause for the message.
        hint: String,
        /// The operations that exist.
        known: String,
    },
    /// A node reads itself or a later node.
    #[error(
        "node {node} of the {cell} cell reads value {value}, and what stands before it are the values 0 to {}.",
        .node - 1
    )]
    Value {
        /// The cell.
        cell: &'static str,
        /// The node, numbered like values.
        node: usize,
        /// The value that it reads.
        value: u32,
    },
    /// The edge form cannot express the genotype.
    #[error(
        "two ops on one edge: node {node} of the {cell} cell has `{first}` and `{second}` on value {value}, and an edge of \
         the space `darts` has one operation; the space `cells` takes both."
    )]
    TwoOnOneEdge {
        /// The cell.
        cell: &'static str,
        /// The node, numbered like values.
        node: usize,
        /// The value that it reads twice.
        value: u32,
        /// The first operation.
        first: String,
        /// The second operation.
        second: String,
    },
    /// Only the space of pairs can express the genotype.
    #[error(
        "the genotype's {cell} cell {what}, and a cell of the space `darts` is its four nodes; the space `cells` takes it."
    )]
    NotDarts {
        /// The cell.
        cell: &'static str,
        /// The difference.
        what: String,
    },
    /// The space of recurrent cells cannot express the genotype.
    #[error(
        "the recurrent genotype's state is the mean of its nodes {0:?}, and a space has the mean of those that no node reads, or \
         of all but the first."
    )]
    Mean(Vec<u32>),
    /// The genome does not belong to the space.
    #[error("{0:?} is not a genome of the space `{1}`, so it is not a genotype.")]
    Genome(Vec<u32>, &'static str),
}
