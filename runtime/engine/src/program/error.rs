/// Why a child cannot run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProgramError {
    /// An op without a kernel.
    #[error(
        "node `{node}` of `{space}` needs the op {op}, for which this version has no kernel yet; \
         `supernet spaces` counts such a space, `supernet search` needs one without it"
    )]
    NoKernel {
        /// The node.
        node: String,
        /// Its space.
        space: String,
        /// The op.
        op: String,
    },
    /// The space does not have exactly one output of logits for the classes of the data.
    #[error(
        "`{space}` must have one output of logits, and in it and in auxiliary outputs one number per class; it has {found}"
    )]
    NoLogits {
        /// The space.
        space: String,
        /// Its outputs.
        found: String,
    },
    /// A value that exceeds every buffer.
    #[error(
        "node `{node}` of `{space}` has {elements} numbers in a batch of {batch}; at most 4294967295 fit: lower \
         `train.batch` and `score.batch`, or make the space smaller"
    )]
    TooLarge {
        /// The node.
        node: String,
        /// Its space.
        space: String,
        /// Elements of its value over the whole batch.
        elements: u128,
        /// Samples in the batch.
        batch: u32,
    },
    /// Steps of a scan that cannot be adjacent in memory.
    #[error(
        "a step of `{node}` of `{space}` has {numbers} numbers of each of {batch} sequences; together they must be a multiple of 64, \
         so that a GPU can read each step by itself: make the batch a multiple of {multiple} (in a search `train.batch` and \
         `score.batch`)"
    )]
    Unaligned {
        /// The node.
        node: String,
        /// The space.
        space: String,
        /// Elements of one step of one sequence.
        numbers: u32,
        /// Sequences in the batch.
        batch: u32,
        /// The batch must be a multiple of this.
        multiple: u32,
    },
    /// A batch that cannot be divided into the slices of a path.
    #[error(
        "the path divides a batch of {batch} into {rows} slices: the batch must be a multiple of {rows}, and of images, since the \
         slices of a text are not adjacent in memory"
    )]
    Slices {
        /// Slices of the batch.
        rows: u32,
        /// Samples in the batch.
        batch: u32,
    },
    /// Text for a space that needs images, or vice versa.
    #[error("node `{node}` of `{space}` wants {wanted}, but the data are {given}")]
    WrongKind {
        /// The node.
        node: String,
        /// Its space.
        space: String,
        /// The kind of input that it needs.
        wanted: &'static str,
        /// The kind of the data set.
        given: &'static str,
    },
    /// Penalties for a network without a recurrent cell.
    #[error(
        "`{space}` has no recurrent cell whose steps a product takes to logits, and `optimizer.activation_penalty` and \
         `optimizer.temporal_penalty` are on what it gives: set both to 0"
    )]
    NoCell {
        /// The space.
        space: String,
    },
    /// An input whose shape differs from the images.
    #[error(
        "node `{node}` of `{space}` wants an input of shape {wanted:?}, but the images have {given:?}"
    )]
    WrongInput {
        /// The node.
        node: String,
        /// Its space.
        space: String,
        /// The shape that it needs.
        wanted: Vec<u32>,
        /// The shape of the data set.
        given: Vec<u32>,
    },
}
