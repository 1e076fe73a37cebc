//! The config of a space: values for the settings that it declares.

mod facts;
mod field;

use std::collections::BTreeMap;

use crate::nearest::hint;
use crate::{BuildError, Setting};

pub use facts::{Fact, Facts};
pub use field::{Field, FieldKind};

/// Why a config was rejected.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The setting does not exist.
    #[error("space `{space}` has no setting `{key}`{hint}. Its settings are: {known}.")]
    Unknown {
        /// The space.
        space: String,
        /// The setting.
        key: String,
        /// The nearest setting, as a clause for the message.
        hint: String,
        /// The settings that exist.
        known: String,
    },
    /// The value is outside the limits of the setting.
    #[error("space `{space}`: `{key}` is {value}, and {limit}.")]
    Value {
        /// The space.
        space: String,
        /// The setting.
        key: String,
        /// The given value.
        value: String,
        /// The limit, such as "must be between 1 and 64".
        limit: String,
    },
    /// The data set lacks a fact.
    #[error(
        "space `{space}` needs a data set with a {fact} for its setting `{key}`, and this one has none: choose other data, or a \
         space that takes these (`supernet spaces` lists them)."
    )]
    NoFact {
        /// The space.
        space: String,
        /// The setting.
        key: String,
        /// The fact.
        fact: &'static str,
    },
}

/// A config in which every setting has a checked value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    values: BTreeMap<String, Setting>,
}

impl Config {
    /// Fills in defaults and facts, and checks every value against its field.
    pub fn resolve(
        space: &str,
        fields: &[Field],
        given: &BTreeMap<String, Setting>,
        facts: &Facts,
    ) -> Result<Config, ConfigError> {
        if let Some(key) = given
            .keys()
            .find(|key| fields.iter().all(|field| field.key != **key))
        {
            let keys = || fields.iter().map(|field| field.key.as_str());
            let known = keys().collect::<Vec<_>>().join(", ");
            return Err(ConfigError::Unknown {
                space: space.into(),
                key: key.clone(),
                hint: hint(key, keys()),
                known,
            });
        }
        let mut values = BTreeMap::new();
        for field in fields {
            let wrong = |value: &Setting, limit: String| ConfigError::Value {
                space: space.into(),
                key: field.key.clone(),
                value: value.to_string(),
                limit,
            };
            let stated = given.get(&field.key);
            let value = if let FieldKind::FromData(fact) = field.kind {
                let Some(value) = fact.of(facts) else {
                    return Err(ConfigError::NoFact {
                        space: space.into(),
                        key: field.key.clone(),
                        fact: fact.name(),
                    });
                };
                if let Some(other) = stated.filter(|other| **other != value) {
                    return Err(wrong(
                        other,
                        format!("must be what the data set says, {value}; leave it out"),
                    ));
                }
                value
            } else {
                let value = stated.unwrap_or(&field.default);
                field.accept(value).map_err(|limit| wrong(value, limit))?
            };
            values.insert(field.key.clone(), value);
        }
        Ok(Config { values })
    }

    /// A config from settings that [`resolve`](Self::resolve) returned, as a plugin receives them
    /// from its host.
    pub fn from_values(values: BTreeMap<String, Setting>) -> Config {
        Config { values }
    }

    /// The settings by name.
    pub fn values(&self) -> &BTreeMap<String, Setting> {
        &self.values
    }

    /// A whole number.
    pub fn int(&self, key: &str) -> Result<i64, BuildError> {
        match self.values.get(key) {
            Some(Setting::Int(n)) => Ok(*n),
            found => Err(undeclared(key, "a whole number", found)),
        }
    }

    /// A whole number from 0 to 4,294,967,295, such as a size or a count.
    pub fn size(&self, key: &str) -> Result<u32, BuildError> {
        let n = self.int(key)?;
        u32::try_from(n).map_err(|_| {
            BuildError::refused(format!(
                "`{key}` is {n}, and must be between 0 and {}",
                u32::MAX
            ))
        })
    }

    /// A number.
    pub fn float(&self, key: &str) -> Result<f64, BuildError> {
        match self.values.get(key) {
            Some(Setting::Float(n)) => Ok(*n),
            found => Err(undeclared(key, "a number", found)),
        }
    }

    /// True or false.
    pub fn flag(&self, key: &str) -> Result<bool, BuildError> {
        match self.values.get(key) {
            Some(Setting::Bool(value)) => Ok(*value),
            found => Err(undeclared(key, "true or false", found)),
        }
    }

    /// A string.
    pub fn text(&self, key: &str) -> Result<&str, BuildError> {
        match self.values.get(key) {
            Some(Setting::Text(text)) => Ok(text),
            found => Err(undeclared(key, "a text", found)),
        }
    }

    /// A list of whole numbers.
    pub fn ints(&self, key: &str) -> Result<Vec<i64>, BuildError> {
        let found = self.values.get(key);
        found
            .and_then(Setting::ints)
            .ok_or_else(|| undeclared(key, "a list of whole numbers", found))
    }

    /// A list of sizes, such as an image's shape.
    pub fn sizes(&self, key: &str) -> Result<Vec<u32>, BuildError> {
        let refuse = |n: i64| {
            BuildError::refused(format!(
                "`{key}` has {n}, and a size is between 0 and {}",
                u32::MAX
            ))
        };
        self.ints(key)?
            .into_iter()
            .map(|n| u32::try_from(n).map_err(|_| refuse(n)))
            .collect()
    }
}

fn undeclared(key: &str, wanted: &'static str, found: Option<&Setting>) -> BuildError {
    BuildError::Undeclared {
        key: key.into(),
        wanted,
        found: found.map_or("nothing", Setting::kind).into(),
    }
}
