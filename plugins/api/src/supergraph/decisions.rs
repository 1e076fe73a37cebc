//! Checks and resolves what does not depend on the graph: decisions, conditions, groups, extents.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};

use super::resolve::MOST;
use crate::condition::Cond;
use crate::nearest::hint;
use crate::{Condition, Kind, SearchSpace, TIME, ValidationError};

/// Decisions by name. The map is only looked up, never iterated.
pub(crate) struct Decisions<'a> {
    pub(crate) space: &'a SearchSpace,
    pub(crate) index: HashMap<&'a str, u32>,
    pub(crate) choices: Vec<u32>,
    /// The number of flags in the sets of all conditions so far.
    flags: Cell<u64>,
}

/// The most flags in the sets of all conditions together: one per choice of the decision that a
/// condition names.
const MOST_FLAGS: u64 = 1 << 26;

impl<'a> Decisions<'a> {
    pub(crate) fn new(space: &'a SearchSpace, problems: &mut Vec<ValidationError>) -> Self {
        let mut index = HashMap::new();
        for (i, decision) in space.decisions.iter().enumerate() {
            if problems.len() >= MOST {
                break;
            }
            let place = || format!("decision `{}`", decision.id);
            if index.insert(decision.id.as_str(), i as u32).is_some() {
                problems.push(ValidationError::new(
                    place(),
                    "two decisions have this name",
                ));
            }
            let choices = decision.kind.choices();
            if choices == 0 {
                problems.push(ValidationError::new(
                    place(),
                    "it has no choices, and needs at least one",
                ));
            }
            if let Some(prior) = &decision.prior {
                if prior.len() != choices {
                    let reason = format!(
                        "its prior has {} weights for {choices} choices",
                        prior.len()
                    );
                    problems.push(ValidationError::new(place(), reason));
                } else if prior.iter().any(|p| !(*p >= 0.0 && p.is_finite()))
                    || prior.iter().sum::<f32>() <= 0.0
                {
                    let reason = "its prior must have weights of at least 0, and one above 0";
                    problems.push(ValidationError::new(place(), reason));
                }
            }
            if let Kind::Value { values } = &decision.kind
                && values.iter().any(|value| !value.is_finite())
            {
                problems.push(ValidationError::new(
                    place(),
                    "its values must be finite numbers",
                ));
            }
        }
        let choices = space
            .decisions
            .iter()
            .map(|decision| decision.kind.choices() as u32)
            .collect();
        Decisions {
            space,
            index,
            choices,
            flags: Cell::new(0),
        }
    }

    /// The index of a decision, or why there is none.
    pub(crate) fn find(&self, id: &str) -> Result<u32, String> {
        self.index.get(id).copied().ok_or_else(|| {
            let near = hint(
                id,
                self.space
                    .decisions
                    .iter()
                    .map(|decision| decision.id.as_str()),
            );
            format!("it names the decision `{id}`, which does not exist{near}")
        })
    }

    /// A condition with its names resolved.
    pub(crate) fn condition(&self, condition: &Condition) -> Result<Cond, String> {
        let all = |parts: &[Condition]| {
            parts
                .iter()
                .map(|part| self.condition(part))
                .collect::<Result<Box<[Cond]>, _>>()
        };
        Ok(match condition {
            Condition::In(id, choices) => {
                let decision = self.find(id)?;
                let flags = self.flags.get() + u64::from(self.choices[decision as usize]);
                if flags > MOST_FLAGS {
                    return Err(format!(
                        "all conditions together would take {flags} flags, one for each choice of a decision each time that \
                         it is named, and {MOST_FLAGS} are the most; give it fewer choices, or name it less often"
                    ));
                }
                self.flags.set(flags);
                let mut set =
                    vec![false; self.choices[decision as usize] as usize].into_boxed_slice();
                for &choice in choices {
                    let count = set.len();
                    let Some(flag) = set.get_mut(choice as usize) else {
                        return Err(format!(
                            "it asks `{id}` for choice {choice}, and its choices are 0 to {}",
                            count - 1
                        ));
                    };
                    *flag = true;
                }
                Cond::In(decision, set)
            }
            Condition::Not(inner) => Cond::Not(Box::new(self.condition(inner)?)),
            Condition::All(parts) => Cond::All(all(parts)?),
            Condition::Any(parts) => Cond::Any(all(parts)?),
        })
    }

    /// When each decision matters. The condition may only refer to decisions that precede it in
    /// `order`.
    pub(crate) fn activity(
        &self,
        order: &[u32],
        problems: &mut Vec<ValidationError>,
    ) -> Vec<Option<Cond>> {
        let mut rank = vec![0; self.choices.len()];
        order
            .iter()
            .enumerate()
            .for_each(|(at, &decision)| rank[decision as usize] = at);
        let mut conditions = Vec::new();
        for (i, decision) in self.space.decisions.iter().enumerate() {
            if problems.len() >= MOST {
                break;
            }
            let place = || format!("the active_if of decision `{}`", decision.id);
            let resolved = decision
                .active_if
                .as_ref()
                .map(|condition| self.condition(condition))
                .transpose();
            let condition = resolved.unwrap_or_else(|reason| {
                problems.push(ValidationError::new(place(), reason));
                None
            });
            let named = Cond::decisions(&condition);
            if let Some(&late) = named.iter().find(|&&d| rank[d as usize] >= rank[i]) {
                let late = &self.space.decisions[late as usize].id;
                let reason =
                    format!("it looks at `{late}`, which is not decided earlier in the plan");
                problems.push(ValidationError::new(place(), reason));
            }
            conditions.push(condition);
        }
        conditions
    }

    pub(crate) fn constraints(&self, problems: &mut Vec<ValidationError>) -> Vec<Cond> {
        let mut resolved = Vec::new();
        for require in &self.space.require {
            if problems.len() >= MOST {
                break;
            }
            match self.condition(&require.that) {
                Ok(condition) => resolved.push(condition),
                Err(reason) => problems.push(ValidationError::new(
                    format!("the constraint \"{}\"", require.because),
                    reason,
                )),
            }
        }
        resolved
    }

    pub(crate) fn groups(&self, problems: &mut Vec<ValidationError>) {
        let mut owner: HashMap<u32, &str> = HashMap::new();
        for group in &self.space.groups {
            if problems.len() >= MOST {
                break;
            }
            let mut complain = |reason| {
                problems.push(ValidationError::new(
                    format!("group `{}`", group.id),
                    reason,
                ))
            };
            if group.keep as usize > group.decisions.len() {
                complain(format!(
                    "it keeps {} of {} decisions",
                    group.keep,
                    group.decisions.len()
                ));
            }
            for id in &group.decisions {
                match self.find(id) {
                    // One report is enough: the same mistake may repeat on every decision.
                    Err(reason) => {
                        complain(reason);
                        break;
                    }
                    Ok(d) if group.none >= self.choices[d as usize] => {
                        let choices = self.choices[d as usize];
                        complain(format!(
                            "its none is choice {}, and `{id}` has {choices} choices",
                            group.none
                        ));
                        break;
                    }
                    Ok(d) => {
                        if let Some(other) = owner.insert(d, &group.id) {
                            complain(format!(
                                "`{id}` is also in group `{other}`, and a decision has one group"
                            ));
                            break;
                        }
                    }
                }
            }
        }
    }

    /// The decision of each extent.
    pub(crate) fn extents(&self, problems: &mut Vec<ValidationError>) -> Vec<u32> {
        let mut owners = Vec::new();
        let mut seen = HashSet::new();
        for extent in &self.space.extents {
            if problems.len() >= MOST {
                break;
            }
            let mut complain = |reason| {
                problems.push(ValidationError::new(
                    format!("extent `{}`", extent.id),
                    reason,
                ))
            };
            if extent.id == TIME {
                complain(format!(
                    "`{TIME}` is the name of the sequence axis; choose another"
                ));
            }
            if !seen.insert(extent.id.as_str()) {
                complain("two extents have this name".into());
            }
            if extent.sizes.contains(&0) {
                complain("a size is 0, and every axis needs at least 1".into());
            }
            match self.find(&extent.decision) {
                Err(reason) => complain(reason),
                Ok(d) => {
                    let choices = self.choices[d as usize] as usize;
                    if extent.sizes.len() != choices {
                        let id = &extent.decision;
                        complain(format!(
                            "it has {} sizes for the {choices} choices of `{id}`",
                            extent.sizes.len()
                        ));
                    }
                    owners.push(d);
                }
            }
        }
        owners
    }
}
