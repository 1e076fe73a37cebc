use supernet_strategy::enas::SettingError;

/// What can be wrong with settings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file is not TOML.
    #[error("the configuration is not valid TOML: {0}")]
    Syntax(String),
    /// A word that a setting does not know.
    #[error("`{key}` is `{given}`, but it must be {known}")]
    UnknownWord {
        /// The setting.
        key: String,
        /// What was given.
        given: String,
        /// What it may be.
        known: String,
    },
    /// A name that no settings have.
    #[error("no settings are named `{given}`; the names are {known}")]
    UnknownName {
        /// What was given.
        given: String,
        /// The names.
        known: String,
    },
    /// A value that a setting does not take.
    #[error("a setting does not hold: {0}")]
    Invalid(String),
    /// A key that does not exist.
    #[error("there is no setting `{key}`{hint}")]
    UnknownKey {
        /// What was given.
        key: String,
        /// The nearest key that exists, as the end of the sentence.
        hint: String,
    },
    /// Not `KEY=VALUE`.
    #[error(
        "`{given}` does not assign anything; write KEY=VALUE, for example `--set optimizer.learning_rate=0.1`"
    )]
    NotAssigned {
        /// What was given.
        given: String,
    },
    /// A value of another kind.
    #[error("`{key}` must be {wanted}, not `{given}`")]
    WrongKind {
        /// The setting.
        key: String,
        /// What it takes.
        wanted: &'static str,
        /// What was given.
        given: String,
    },
    /// A value out of its range.
    #[error("`{key}` is {value}, but it must be {range}")]
    OutOfRange {
        /// The setting.
        key: String,
        /// What it is.
        value: String,
        /// What it may be.
        range: &'static str,
    },
    /// A setting of the controller out of its range.
    #[error(transparent)]
    Controller(#[from] SettingError),
}
