use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::bounded::{List, MOST_ITEMS};

/// A value in a config or in the attributes of a custom op. JSON and TOML write it without a tag.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Setting {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// A string.
    Text(String),
    /// A list, such as an image's shape.
    List(Vec<Setting>),
}

impl Setting {
    /// The type of the setting in words: "a whole number", "a list".
    pub fn kind(&self) -> &'static str {
        match self {
            Setting::Bool(_) => "true or false",
            Setting::Int(_) => "a whole number",
            Setting::Float(_) => "a number",
            Setting::Text(_) => "a text",
            Setting::List(_) => "a list",
        }
    }

    /// The list as whole numbers, if it is one.
    pub fn ints(&self) -> Option<Vec<i64>> {
        let Setting::List(items) = self else {
            return None;
        };
        items
            .iter()
            .map(|item| {
                if let Setting::Int(n) = item {
                    Some(*n)
                } else {
                    None
                }
            })
            .collect()
    }
}

/// Implemented by hand, since the derived implementation for an untagged enum copies a whole list
/// once more for every level of nesting.
impl<'de> Deserialize<'de> for Setting {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Written;

        impl<'de> Visitor<'de> for Written {
            type Value = Setting;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, a text, true, false or a list of these")
            }

            fn visit_bool<E: Error>(self, value: bool) -> Result<Setting, E> {
                Ok(Setting::Bool(value))
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Setting, E> {
                Ok(Setting::Int(value))
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Setting, E> {
                Ok(i64::try_from(value).map_or(Setting::Float(value as f64), Setting::Int))
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<Setting, E> {
                Ok(Setting::Float(value))
            }

            fn visit_str<E: Error>(self, value: &str) -> Result<Setting, E> {
                Ok(Setting::Text(value.into()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Setting, A::Error> {
                List::<Setting, MOST_ITEMS>(PhantomData)
                    .visit_seq(items)
                    .map(Setting::List)
            }
        }

        from.deserialize_any(Written)
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Setting::Bool(value) => write!(f, "{value}"),
            Setting::Int(value) => write!(f, "{value}"),
            Setting::Float(value) => write!(f, "{value:?}"),
            Setting::Text(value) => write!(f, "{value:?}"),
            Setting::List(items) => {
                f.write_str("[")?;
                for (i, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if i > 0 { ", " } else { "" })?;
                }
                f.write_str("]")
            }
        }
    }
}

impl From<bool> for Setting {
    fn from(value: bool) -> Self {
        Setting::Bool(value)
    }
}
impl From<i64> for Setting {
    fn from(value: i64) -> Self {
        Setting::Int(value)
    }
}
impl From<u32> for Setting {
    fn from(value: u32) -> Self {
        Setting::Int(value.into())
    }
}
impl From<f64> for Setting {
    fn from(value: f64) -> Self {
        Setting::Float(value)
    }
}
impl From<&str> for Setting {
    fn from(value: &str) -> Self {
        Setting::Text(value.into())
    }
}
impl From<&[u32]> for Setting {
    fn from(values: &[u32]) -> Self {
        Setting::List(values.iter().map(|&v| v.into()).collect())
    }
}
