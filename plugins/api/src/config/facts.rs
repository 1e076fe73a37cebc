//! Facts about a data set.

use serde::{Deserialize, Serialize};

use crate::Setting;

/// A fact about a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// A sample's shape, such as `[height, width, channels]`.
    Shape,
    /// The number of classes.
    Classes,
    /// The number of tokens.
    Vocabulary,
}

/// What the runtime knows about a data set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// A sample's shape: `[height, width, channels]` of an image.
    pub shape: Vec<u32>,
    /// The number of classes.
    pub classes: u32,
    /// The number of tokens, for text.
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

impl Fact {
    pub(super) fn name(self) -> &'static str {
        match self {
            Fact::Shape => "sample shape, as images have it,",
            Fact::Classes => "number of classes",
            Fact::Vocabulary => "vocabulary, as texts have it,",
        }
    }

    pub(super) fn of(self, facts: &Facts) -> Option<Setting> {
        match self {
            Fact::Shape if facts.shape.is_empty() => None,
            Fact::Shape => Some(facts.shape.as_slice().into()),
            Fact::Classes if facts.classes == 0 => None,
            Fact::Classes => Some(facts.classes.into()),
            Fact::Vocabulary => facts.vocabulary.map(Into::into),
        }
    }
}
