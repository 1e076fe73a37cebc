use std::fmt;

use super::{Space, When};
use crate::{Condition, Decision, Kind, Step};

/// A decision of a space that is being built.
#[derive(Clone, Copy)]
pub struct DecisionRef<'s> {
    space: &'s Space,
    index: u32,
}

/// A step of the controller's plan that was just added.
pub struct PlannedStep<'s> {
    space: &'s Space,
    at: usize,
}

impl Space {
    pub(crate) fn decide(&self, id: String, kind: Kind) -> DecisionRef<'_> {
        if kind.choices() == 0 {
            self.wrong(|| format!("decision `{id}` has no choices, and needs at least one"));
        }
        let mut draft = self.draft.borrow_mut();
        if draft.space.decisions.iter().any(|known| known.id == id) {
            draft.wrong(format!("two decisions are called `{id}`"));
        }
        let decision = Decision {
            id,
            kind,
            active_if: None,
            table: None,
            prior: None,
        };
        draft.space.decisions.push(decision);
        DecisionRef {
            space: self,
            index: draft.space.decisions.len() as u32 - 1,
        }
    }

    pub(crate) fn plan_step(&self, decide: &[DecisionRef<'_>]) -> PlannedStep<'_> {
        let decide = decide.iter().map(DecisionRef::id).collect();
        let plan = &mut self.draft.borrow_mut().space.plan;
        plan.push(Step { decide, keep: None });
        PlannedStep {
            space: self,
            at: plan.len() - 1,
        }
    }
}

impl PlannedStep<'_> {
    /// Keeps the state after the step as an anchor, for inputs and skips to attend to.
    pub fn keep(self, anchor: impl Into<String>) {
        if let Some(step) = self.space.draft.borrow_mut().space.plan.get_mut(self.at) {
            step.keep = Some(anchor.into());
        }
    }
}

impl<'s> DecisionRef<'s> {
    /// The name of the decision.
    pub fn id(&self) -> String {
        let draft = self.space.draft.borrow();
        draft
            .space
            .decisions
            .get(self.index as usize)
            .map(|decision| decision.id.clone())
            .unwrap_or_default()
    }

    pub(crate) fn index(self) -> u32 {
        self.index
    }

    /// The decision takes this choice.
    pub fn is(self, choice: usize) -> When {
        self.is_in(&[choice])
    }

    /// The decision takes one of these choices.
    pub fn is_in(self, choices: &[usize]) -> When {
        let count = self.read(|decision| decision.kind.choices()).unwrap_or(0);
        if let Some(choice) = choices.iter().find(|choice| **choice >= count) {
            self.space.wrong(|| {
                format!(
                    "`{}` is asked for choice {choice}, and its choices are 0 to {}",
                    self.id(),
                    count.saturating_sub(1)
                )
            });
        }
        When(Condition::In(
            self.id(),
            choices.iter().map(|choice| *choice as u32).collect(),
        ))
    }

    /// The skip or flag is on.
    pub fn on(self) -> When {
        if self.read(|decision| matches!(decision.kind, Kind::Skip { .. })) != Some(true) {
            self.space.wrong(|| {
                format!(
                    "`{}` is neither on nor off; only skips and flags are",
                    self.id()
                )
            });
        }
        self.is(1)
    }

    /// The value is at least this.
    pub fn at_least(self, limit: impl Into<f64>) -> When {
        let limit = limit.into();
        self.where_value(|value| value >= limit)
    }

    /// The value is at most this.
    pub fn at_most(self, limit: impl Into<f64>) -> When {
        let limit = limit.into();
        self.where_value(|value| value <= limit)
    }

    fn where_value(self, holds: impl Fn(f64) -> bool) -> When {
        let choices = self.read(|decision| match &decision.kind {
            Kind::Value { values } => Some(
                (0..values.len())
                    .filter(|&i| holds(values[i]))
                    .collect::<Vec<_>>(),
            ),
            _ => None,
        });
        let Some(Some(choices)) = choices else {
            self.space
                .wrong(|| format!("`{}` has no values to compare; use `is`", self.id()));
            return When::ALWAYS;
        };
        self.is_in(&choices)
    }

    /// Restricts when the decision matters, by a condition on decisions that come earlier in the
    /// plan.
    pub fn active_if(self, when: When) -> Self {
        self.change(|decision| decision.active_if = Some(when.0))
    }

    /// Makes a controller share the embeddings of all decisions that name this table.
    pub fn table(self, name: impl Into<String>) -> Self {
        self.change(|decision| decision.table = Some(name.into()))
    }

    /// The prior weight of each choice, before anything is learnt.
    pub fn prior(self, weights: &[f32]) -> Self {
        self.change(|decision| decision.prior = Some(weights.to_vec()))
    }

    /// The values as sizes, if all of them are whole numbers above 0.
    pub(crate) fn whole_values(self) -> Option<Vec<u32>> {
        let whole = |value: f64| {
            (value >= 1.0 && value <= f64::from(u32::MAX) && value.fract() == 0.0)
                .then_some(value as u32)
        };
        self.read(|decision| match &decision.kind {
            Kind::Value { values } => values.iter().map(|value| whole(*value)).collect(),
            _ => None,
        })?
    }

    pub(crate) fn choice_count(self) -> usize {
        self.read(|decision| decision.kind.choices()).unwrap_or(0)
    }

    fn read<R>(&self, read: impl FnOnce(&Decision) -> R) -> Option<R> {
        self.space
            .draft
            .borrow()
            .space
            .decisions
            .get(self.index as usize)
            .map(read)
    }

    fn change(self, change: impl FnOnce(&mut Decision)) -> Self {
        if let Some(decision) = self
            .space
            .draft
            .borrow_mut()
            .space
            .decisions
            .get_mut(self.index as usize)
        {
            change(decision);
        }
        self
    }
}

impl fmt::Debug for DecisionRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Decide({})", self.index)
    }
}
