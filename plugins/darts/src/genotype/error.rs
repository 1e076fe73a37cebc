use crate::literal::LiteralError;

/// Why a text is no genotype, or a genotype is none of a space's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenotypeError {
    /// Not what Python or JSON would write.
    #[error("the genotype cannot be read: {0}.")]
    Text(#[from] LiteralError),
    /// A part is missing, or is another kind of thing.
    #[error("a genotype has `{part}`, {wanted}, and this one does not.")]
    Part {
        /// Which part.
        part: String,
        /// What it should be.
        wanted: &'static str,
    },
    /// A node with one operation, or cells of different size.
    #[error(
        "the pairs of the genotype's {cell} cell number {pairs}, those of the normal cell {normal}: every node has two, and \
         both cells have as many nodes."
    )]
    Pairs {
        /// Which cell.
        cell: &'static str,
        /// How many pairs it has.
        pairs: usize,
        /// How many the normal cell has.
        normal: usize,
    },
    /// No operation of the space.
    #[error("the space `{space}` has no operation `{op}`{hint}. Its operations are: {known}.")]
    Op {
        /// The space.
        space: &'static str,
        /// The operation.
        op: String,
        /// The nearest operation, as the end of the sentence.
        hint: String,
        /// What there is.
        known: String,
    },
    /// A node that reads itself or a later one.
    #[error(
        "node {node} of the {cell} cell reads value {value}, and what stands before it are the values 0 to {}.",
        .node - 1
    )]
    Value {
        /// Which cell.
        cell: &'static str,
        /// The node, counted as values are.
        node: usize,
        /// What it reads.
        value: u32,
    },
    /// What the edge form cannot say.
    #[error(
        "two ops on one edge: node {node} of the {cell} cell has `{first}` and `{second}` on value {value}, and an edge of \
         the space `darts` has one operation; the space `cells` takes both."
    )]
    TwoOnOneEdge {
        /// Which cell.
        cell: &'static str,
        /// The node, counted as values are.
        node: usize,
        /// The value that it reads twice.
        value: u32,
        /// An operation.
        first: String,
        /// The other one.
        second: String,
    },
    /// What only the space of pairs can say.
    #[error(
        "the genotype's {cell} cell {what}, and a cell of the space `darts` is its four nodes; the space `cells` takes it."
    )]
    NotDarts {
        /// Which cell.
        cell: &'static str,
        /// What is different.
        what: String,
    },
    /// What the space of recurrent cells cannot say.
    #[error(
        "the recurrent genotype's state is the mean of its nodes {0:?}, and a space has the mean of those that no node reads, or \
         of all but the first."
    )]
    Mean(Vec<u32>),
    /// Not a genome of the space.
    #[error("{0:?} is no genome of the space `{1}`, so it is no genotype.")]
    Genome(Vec<u32>, &'static str),
}
