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
    /// Not exactly one output of logits for the classes at hand.
    #[error(
        "`{space}` must have one output of logits, and in it and in auxiliary outputs one number per class; it has {found}"
    )]
    NoLogits {
        /// The space.
        space: String,
        /// What it has.
        found: String,
    },
    /// A value that no buffer can hold.
    #[error(
        "node `{node}` of `{space}` has {elements} numbers in a batch of {batch}; at most 4294967295 fit: lower \
         `train.batch` and `score.batch`, or make the space smaller"
    )]
    TooLarge {
        /// The node.
        node: String,
        /// Its space.
        space: String,
        /// Numbers of its value over the whole batch.
        elements: u128,
        /// Samples in the batch.
        batch: u32,
    },
    /// Steps that cannot lie side by side.
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
        /// Numbers of a step of one sequence.
        numbers: u32,
        /// Sequences in the batch.
        batch: u32,
        /// What the batch must be a multiple of.
        multiple: u32,
    },
    /// Text for a space that wants images, or the other way round.
    #[error("node `{node}` of `{space}` wants {wanted}, but the data are {given}")]
    WrongKind {
        /// The node.
        node: String,
        /// Its space.
        space: String,
        /// What it wants.
        wanted: &'static str,
        /// What the data set has.
        given: &'static str,
    },
    /// Penalties on a cell that is not there.
    #[error(
        "`{space}` has no recurrent cell whose steps a product takes to logits, and `optimizer.activation_penalty` and \
         `optimizer.temporal_penalty` are on what it gives: set both to 0"
    )]
    NoCell {
        /// The space.
        space: String,
    },
    /// An input that is not the images.
    #[error(
        "node `{node}` of `{space}` wants an input of shape {wanted:?}, but the images have {given:?}"
    )]
    WrongInput {
        /// The node.
        node: String,
        /// Its space.
        space: String,
        /// What it wants.
        wanted: Vec<u32>,
        /// What the data set has.
        given: Vec<u32>,
    },
}
