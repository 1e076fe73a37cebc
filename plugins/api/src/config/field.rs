//! The settings that a space declares.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::Fact;
use crate::Setting;
use crate::nearest::hint;

/// One setting of a space's config.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// The name of the setting.
    pub key: String,
    /// The values that it may take.
    pub kind: FieldKind,
    /// The default. It has no meaning for settings that are filled in from the data set.
    pub default: Setting,
    /// A one-line description for people.
    pub help: String,
    /// Whether a space that has the default does not record it.
    #[serde(default, skip_serializing_if = "is_no")]
    pub omit_default: bool,
}

fn is_no(value: &bool) -> bool {
    !*value
}

/// The values that a setting may take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FieldKind {
    /// A whole number.
    Int {
        /// The smallest.
        min: i64,
        /// The largest.
        max: i64,
        /// The value must be a multiple of this; 1 allows any.
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
    /// One of these strings.
    OneOf(Vec<String>),
    /// A list of whole numbers.
    Ints {
        /// The smallest.
        min: i64,
        /// The largest.
        max: i64,
        /// The length of the list, if it is fixed.
        len: Option<u32>,
    },
    /// A fact about the data set, filled in by the host.
    FromData(Fact),
}

impl Field {
    fn new(key: &str, kind: FieldKind, default: impl Into<Setting>, help: &str) -> Self {
        Field {
            key: key.into(),
            kind,
            default: default.into(),
            help: help.into(),
            omit_default: false,
        }
    }

    /// Leaves the default out of the record of a space. A setting that is added to a space later then
    /// changes the hash of no space that has the default, so that runs of earlier versions resume.
    #[must_use]
    pub fn omit_default(mut self) -> Self {
        self.omit_default = true;
        self
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

    /// Restricts the number to multiples of `n`.
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

    /// One of several strings; the first is the default.
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

    /// The checked value, or the limit that it violates.
    pub(super) fn accept(&self, value: &Setting) -> Result<Setting, String> {
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
