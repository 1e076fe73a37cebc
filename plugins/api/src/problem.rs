/// Something that is wrong with a search space: where, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}.")]
pub struct ValidationError {
    /// The thing by its kind and name, such as "node `stem/conv2d`".
    pub place: String,
    /// What is wrong, what the limit is, and where it helps the way out.
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
    /// The builder's first wrong call.
    #[error("in {scope}: {reason}.")]
    Call {
        /// The scope in which it stood.
        scope: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The space's own check of its config.
    #[error("{0}.")]
    Refused(String),
    /// The space reads a setting that its fields do not declare.
    #[error(
        "the space reads `{key}` as {wanted}, but its config has {found} there; declare it in the space's fields."
    )]
    Undeclared {
        /// The setting.
        key: String,
        /// How it was read.
        wanted: &'static str,
        /// What the config has.
        found: String,
    },
}

impl BuildError {
    /// A space's refusal of its config, as a sentence without the full stop.
    pub fn refused(sentence: impl Into<String>) -> Self {
        BuildError::Refused(sentence.into())
    }
}
