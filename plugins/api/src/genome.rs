/// Why a genome is not one of the space's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GenomeError {
    /// It has another length.
    #[error(
        "a genome of this space has {expected} numbers, one per decision, and this one has {got}."
    )]
    Length {
        /// How many decisions there are.
        expected: usize,
        /// How many numbers were given.
        got: usize,
    },
    /// A number is no choice.
    #[error(
        "decision `{decision}` (number {index} of the genome, counted from 0) is {value}, and must be below {choices}."
    )]
    Range {
        /// The decision's name.
        decision: String,
        /// Its position.
        index: usize,
        /// What was given.
        value: u32,
        /// How many choices there are.
        choices: u32,
    },
    /// A constraint does not hold.
    #[error("the space refuses this genome: {because}.")]
    Refused {
        /// The constraint's sentence.
        because: String,
    },
    /// Sampling found nothing valid.
    #[error("no valid genome was found in {tries} tries; what the constraints say: {because}.")]
    Exhausted {
        /// How many samples were drawn.
        tries: u32,
        /// The sentence of the constraint that failed last, or some that do.
        because: String,
    },
    /// The caller's draw returned no choice, or a masked one.
    #[error("the draw for decision `{decision}` returned {value}, which has no weight.")]
    Draw {
        /// The decision's name.
        decision: String,
        /// What the draw returned.
        value: usize,
    },
}
