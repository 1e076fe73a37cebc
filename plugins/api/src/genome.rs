/// Why a genome does not belong to a space.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GenomeError {
    /// The genome has the wrong length.
    #[error(
        "a genome of this space has {expected} numbers, one per decision, and this one has {got}."
    )]
    Length {
        /// The number of decisions.
        expected: usize,
        /// The length of the given genome.
        got: usize,
    },
    /// A number is not a choice of its decision.
    #[error(
        "decision `{decision}` (number {index} of the genome, counted from 0) is {value}, and must be below {choices}."
    )]
    Range {
        /// The decision's name.
        decision: String,
        /// Its position in the genome.
        index: usize,
        /// The given number.
        value: u32,
        /// The number of choices.
        choices: u32,
    },
    /// A constraint does not hold.
    #[error("the space refuses this genome: {because}.")]
    Refused {
        /// The explanation of the constraint.
        because: String,
    },
    /// Sampling found no valid genome.
    #[error("no valid genome was found in {tries} tries; what the constraints say: {because}.")]
    Exhausted {
        /// The number of samples that were drawn.
        tries: u32,
        /// The explanation of the constraint that failed last, or of some constraints.
        because: String,
    },
    /// The caller's draw returned something other than an unmasked choice.
    #[error("the draw for decision `{decision}` returned {value}, which has no weight.")]
    Draw {
        /// The decision's name.
        decision: String,
        /// What the draw returned.
        value: usize,
    },
}
