use supernet_strategy::enas::SettingError;

/// An error in the settings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file is not TOML.
    #[error("the configuration is not valid TOML: {0}")]
    Syntax(String),
    /// A word that a setting does not accept.
    #[error("`{key}` is `{given}`, but it must be {known}")]
    UnknownWord {
        /// The setting.
        key: String,
        /// The given word.
        given: String,
        /// The accepted words.
        known: String,
    },
    /// An unknown name of a set of settings.
    #[error("no settings are named `{given}`; the names are {known}")]
    UnknownName {
        /// The given name.
        given: String,
        /// The known names.
        known: String,
    },
    /// A value that a setting does not accept.
    #[error("a setting is invalid: {0}")]
    Invalid(String),
    /// An unknown key.
    #[error("there is no setting `{key}`{hint}")]
    UnknownKey {
        /// The given key.
        key: String,
        /// The nearest existing key, as the end of the sentence.
        hint: String,
    },
    /// Not `KEY=VALUE`.
    #[error(
        "`{given}` does not assign anything; write KEY=VALUE, for example `--set optimizer.learning_rate=0.1`"
    )]
    NotAssigned {
        /// The given text.
        given: String,
    },
    /// A value of the wrong type.
    #[error("`{key}` must be {wanted}, not `{given}`")]
    WrongKind {
        /// The setting.
        key: String,
        /// The expected type.
        wanted: &'static str,
        /// The given value.
        given: String,
    },
    /// A value out of range.
    #[error("`{key}` is {value}, but it must be {range}")]
    OutOfRange {
        /// The setting.
        key: String,
        /// The given value.
        value: String,
        /// The accepted range.
        range: &'static str,
    },
    /// A controller setting out of range.
    #[error(transparent)]
    Controller(#[from] SettingError),
}
