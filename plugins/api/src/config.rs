use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::nearest::hint;
use crate::{BuildError, Setting};

/// One setting of a space's config.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// Its name.
    pub key: String,
    /// What it may be.
    pub kind: FieldKind,
    /// What it is if nobody says. Settings from data have none that matters.
    pub default: Setting,
    /// One line for people.
    pub help: String,
}

/// What a setting may be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FieldKind {
    /// A whole number.
    Int {
        /// The smallest.
        min: i64,
        /// The largest.
        max: i64,
        /// It is a multiple of this; 1 for any.
        multiple_of: i64,
    },
    /// A number.
    Float {
        /// The smallest.
        min: f64,
        /// The largest.
        max: f64,
    },
    /// True or false.
    Bool,
    /// One of these texts.
    OneOf(Vec<String>),
    /// A list of whole numbers.
    Ints {
        /// The smallest.
        min: i64,
        /// The largest.
        max: i64,
        /// How many, if that is fixed.
        len: Option<u32>,
    },
    /// A fact about the data set, filled in.
    FromData(Fact),
}

/// A fact about a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// A sample's shape, such as `[height, width, channels]`.
    Shape,
    /// How many classes there are.
    Classes,
    /// How many tokens there are.
    Vocabulary,
}

/// What the runtime knows of a data set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// A sample's shape: `[height, width, channels]` of an image.
    pub shape: Vec<u32>,
    /// How many classes there are.
    pub classes: u32,
    /// How many tokens there are, for text.
    pub vocabulary: Option<u32>,
}

impl Facts {
    /// The facts of a data set of images.
    pub fn images(shape: &[u32], classes: u32) -> Self {
        Facts {
            shape: shape.to_vec(),
            classes,
            vocabulary: None,
        }
    }

    /// The facts of a data set of text.
    pub fn text(vocabulary: u32) -> Self {
        Facts {
            shape: Vec::new(),
            classes: vocabulary,
            vocabulary: Some(vocabulary),
        }
    }
}

impl Field {
    fn new(key: &str, kind: FieldKind, default: impl Into<Setting>, help: &str) -> Self {
        Field {
            key: key.into(),
            kind,
            default: default.into(),
            help: help.into(),
        }
    }

    /// A whole number in a range.
    pub fn int(key: &str, default: i64, range: RangeInclusive<i64>, help: &str) -> Self {
        let kind = FieldKind::Int {
            min: *range.start(),
            max: *range.end(),
            multiple_of: 1,
        };
        Field::new(key, kind, default, help)
    }

    /// The same, but a multiple of `n` only.
    #[must_use]
    pub fn multiple_of(mut self, n: i64) -> Self {
        if let FieldKind::Int { multiple_of, .. } = &mut self.kind {
            *multiple_of = n;
        }
        self
    }

    /// A number in a range.
    pub fn float(key: &str, default: f64, range: RangeInclusive<f64>, help: &str) -> Self {
        Field::new(
            key,
            FieldKind::Float {
                min: *range.start(),
                max: *range.end(),
            },
            default,
            help,
        )
    }

    /// True or false.
    pub fn flag(key: &str, default: bool, help: &str) -> Self {
        Field::new(key, FieldKind::Bool, default, help)
    }

    /// One of some texts; the first is the default.
    pub fn one_of(key: &str, texts: &[&str], help: &str) -> Self {
        let kind = FieldKind::OneOf(texts.iter().map(|text| (*text).to_owned()).collect());
        Field::new(key, kind, texts.first().copied().unwrap_or_default(), help)
    }

    /// A list of whole numbers in a range, of any length.
    pub fn ints(key: &str, default: &[u32], range: RangeInclusive<i64>, help: &str) -> Self {
        Field::new(
            key,
            FieldKind::Ints {
                min: *range.start(),
                max: *range.end(),
                len: None,
            },
            default,
            help,
        )
    }

    /// A fact about the data set.
    pub fn from_data(key: &str, fact: Fact, help: &str) -> Self {
        Field::new(
            key,
            FieldKind::FromData(fact),
            Setting::List(Vec::new()),
            help,
        )
    }

    /// The setting if it is what it may be, else the limit that it misses.
    fn accept(&self, value: &Setting) -> Result<Setting, String> {
        match (&self.kind, value) {
            (
                FieldKind::Int {
                    min,
                    max,
                    multiple_of,
                },
                Setting::Int(n),
            ) => {
                between(*n, *min, *max)?;
                if *multiple_of > 1 && n % multiple_of != 0 {
                    return Err(format!("must be a multiple of {multiple_of}"));
                }
                Ok(value.clone())
            }
            (FieldKind::Float { min, max }, Setting::Float(n)) => {
                between(*n, *min, *max).map(|()| value.clone())
            }
            (FieldKind::Float { min, max }, Setting::Int(n)) => {
                between(*n as f64, *min, *max).map(|()| Setting::Float(*n as f64))
            }
            (FieldKind::Bool, Setting::Bool(_)) => Ok(value.clone()),
            (FieldKind::OneOf(texts), Setting::Text(text)) if texts.contains(text) => {
                Ok(value.clone())
            }
            (FieldKind::OneOf(texts), Setting::Text(text)) => Err(format!(
                "must be one of {}{}",
                texts.join(", "),
                hint(text, texts.iter().map(String::as_str))
            )),
            (FieldKind::Ints { min, max, len }, Setting::List(items)) => {
                let Some(numbers) = value.ints() else {
                    return Err("must be a list of whole numbers".into());
                };
                if let Some(len) = len
                    && items.len() != *len as usize
                {
                    return Err(format!("must have {len} numbers"));
                }
                numbers.iter().try_for_each(|n| between(*n, *min, *max))?;
                Ok(value.clone())
            }
            (kind, _) => Err(format!(
                "must be {}, and is {}",
                kind.wanted(),
                value.kind()
            )),
        }
    }
}

fn between<N: PartialOrd + std::fmt::Display>(n: N, min: N, max: N) -> Result<(), String> {
    if n >= min && n <= max {
        Ok(())
    } else {
        Err(format!("must be between {min} and {max}"))
    }
}

impl FieldKind {
    fn wanted(&self) -> &'static str {
        match self {
            FieldKind::Int { .. } => "a whole number",
            FieldKind::Float { .. } => "a number",
            FieldKind::Bool => "true or false",
            FieldKind::OneOf(_) => "a text",
            FieldKind::Ints { .. } => "a list of whole numbers",
            FieldKind::FromData(_) => "what the data set says",
        }
    }
}

impl Fact {
    fn name(self) -> &'static str {
        match self {
            Fact::Shape => "sample shape, as images have it,",
            Fact::Classes => "number of classes",
            Fact::Vocabulary => "vocabulary, as texts have it,",
        }
    }

    fn of(self, facts: &Facts) -> Option<Setting> {
        match self {
            Fact::Shape if facts.shape.is_empty() => None,
            Fact::Shape => Some(facts.shape.as_slice().into()),
            Fact::Classes if facts.classes == 0 => None,
            Fact::Classes => Some(facts.classes.into()),
            Fact::Vocabulary => facts.vocabulary.map(Into::into),
        }
    }
}

/// Why a config is refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// There is no such setting.
    #[error("space `{space}` has no setting `{key}`{hint}. Its settings are: {known}.")]
    Unknown {
        /// The space.
        space: String,
        /// The setting.
        key: String,
        /// The nearest setting, as the end of the sentence.
        hint: String,
        /// What there is.
        known: String,
    },
    /// The value is not what the setting may be.
    #[error("space `{space}`: `{key}` is {value}, and {limit}.")]
    Value {
        /// The space.
        space: String,
        /// The setting.
        key: String,
        /// What was given.
        value: String,
        /// The limit, as "must be between 1 and 64".
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

/// A config with every setting filled in and checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    values: BTreeMap<String, Setting>,
}

impl Config {
    /// Fills in defaults and facts, and checks everything against the fields.
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

    /// A config of settings that [`resolve`](Self::resolve) gave, as a plugin gets them from its
    /// host.
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

    /// A whole number of 0 to 4,294,967,295, as sizes and counts are.
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

    /// A text.
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
