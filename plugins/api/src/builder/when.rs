use std::ops::Not;

use crate::Condition;

/// A condition on decisions, for the inputs of a sum, for the activity of decisions and for
/// constraints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When(pub(crate) Condition);

impl When {
    /// Always holds.
    pub const ALWAYS: When = When(Condition::All(Vec::new()));

    /// Both hold.
    #[must_use]
    pub fn and(self, other: When) -> When {
        match (self.0, other.0) {
            (Condition::All(mut parts), Condition::All(more)) => {
                parts.extend(more);
                When(Condition::All(parts))
            }
            (Condition::All(mut parts), one) => {
                parts.push(one);
                When(Condition::All(parts))
            }
            (one, other) => When(Condition::All(vec![one, other])),
        }
    }

    /// At least one holds.
    #[must_use]
    pub fn or(self, other: When) -> When {
        When::any([self, other])
    }

    /// All hold.
    pub fn all(parts: impl IntoIterator<Item = When>) -> When {
        When(Condition::All(
            parts.into_iter().map(|part| part.0).collect(),
        ))
    }

    /// At least one holds; an empty list never holds.
    pub fn any(parts: impl IntoIterator<Item = When>) -> When {
        When(Condition::Any(
            parts.into_iter().map(|part| part.0).collect(),
        ))
    }

    /// None holds; an empty list always holds.
    pub fn none(parts: impl IntoIterator<Item = When>) -> When {
        let any = When::any(parts);
        if any.0 == Condition::Any(Vec::new()) {
            When::ALWAYS
        } else {
            !any
        }
    }
}

impl Not for When {
    type Output = When;

    fn not(self) -> When {
        match self.0 {
            Condition::Not(inner) => When(*inner),
            condition => When(Condition::Not(Box::new(condition))),
        }
    }
}

impl From<When> for Condition {
    fn from(when: When) -> Condition {
        when.0
    }
}
