use std::fmt;

use serde::{Deserialize, Serialize};

/// A value in a config or in a custom op's attributes. JSON and TOML write it as it is, without a tag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Setting {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// A text.
    Text(String),
    /// A list, such as an image's shape.
    List(Vec<Setting>),
}

impl Setting {
    /// What the setting is, in words: "a whole number", "a list".
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
        let Setting::List(items) = self else { return None };
        items.iter().map(|item| if let Setting::Int(n) = item { Some(*n) } else { None }).collect()
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
