/// A problem of a search space: where it is, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}.")]
pub struct ValidationError {
    /// The element by kind and name, such as "node `stem/conv2d`".
    pub place: String,
    /// What is wrong, what the limit is and, where it helps, how to fix it.
    pub reason: String,
}

impl ValidationError {
    pub(crate) fn new(place: impl Into<String>, reason: impl Into<String>) -> Self {
        ValidationError {
            place: place.into(),
            reason: reason.into(),
        }
    }
}

/// Why a space could not be built from code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The first wrong call on the builder.
    #[error("in {scope}: {reason}.")]
    Call {
        /// The scope of the call.
        scope: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The space itself rejects its config.
    #[error("{0}.")]
    Refused(String),
    /// The space reads a setting that its fields do not declare.
    #[error(
        "the space reads `{key}` as {wanted}, but its config has {found} there; declare it in the space's fields."
    )]
    Undeclared {
        /// The setting.
        key: String,
        /// The type as which it was read.
        wanted: &'static str,
        /// What the config contains.
        found: String,
    },
}

impl BuildError {
    /// A space's reason for rejecting its config, as a sentence without the full stop.
    pub fn refused(sentence: impl Into<String>) -> Self {
        BuildError::Refused(sentence.into())
    }
}
