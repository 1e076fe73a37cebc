use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::Id;
use crate::bounded::list;

/// A condition on a genome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// The decision takes one of these choices, given by index.
    In(Id, #[serde(deserialize_with = "list")] Vec<u32>),
    /// The condition does not hold.
    Not(Box<Condition>),
    /// All hold; `All([])` always holds.
    All(#[serde(deserialize_with = "list")] Vec<Condition>),
    /// At least one holds; `Any([])` never holds.
    Any(#[serde(deserialize_with = "list")] Vec<Condition>),
}

/// A condition with its names resolved. A set is one flag per choice, so that a membership test is
/// one look-up.
#[derive(Clone, Debug)]
pub(crate) enum Cond {
    In(u32, Box<[bool]>),
    Not(Box<Cond>),
    All(Box<[Cond]>),
    Any(Box<[Cond]>),
}

impl Cond {
    /// Whether the condition holds for a complete genome.
    pub(crate) fn holds(&self, genome: &[u32]) -> bool {
        match self {
            Cond::In(decision, set) => set[genome[*decision as usize] as usize],
            Cond::Not(inner) => !inner.holds(genome),
            Cond::All(parts) => parts.iter().all(|part| part.holds(genome)),
            Cond::Any(parts) => parts.iter().any(|part| part.holds(genome)),
        }
    }

    /// Kleene's three-valued logic: `None` means "not known yet", given the value of each
    /// membership.
    pub(crate) fn known(&self, member: &dyn Fn(u32, &[bool]) -> Option<bool>) -> Option<bool> {
        match self {
            Cond::In(decision, set) => member(*decision, set),
            Cond::Not(inner) => inner.known(member).map(|holds| !holds),
            Cond::All(parts) => settle(parts, member, false),
            Cond::Any(parts) => settle(parts, member, true),
        }
    }

    /// The probability of the condition if decisions are independent, given the probability of each
    /// membership.
    pub(crate) fn probability(&self, member: &dyn Fn(u32, &[bool]) -> f64) -> f64 {
        match self {
            Cond::In(decision, set) => member(*decision, set),
            Cond::Not(inner) => 1.0 - inner.probability(member),
            Cond::All(parts) => parts.iter().map(|part| part.probability(member)).product(),
            Cond::Any(parts) => {
                1.0 - parts
                    .iter()
                    .map(|part| 1.0 - part.probability(member))
                    .product::<f64>()
            }
        }
    }

    /// Passes the derivative of `seed` times the probability with respect to the probability of
    /// each membership to `give`: once for every place where the condition names a decision.
    pub(crate) fn pull_back(
        &self,
        member: &dyn Fn(u32, &[bool]) -> f64,
        seed: f64,
        give: &mut dyn FnMut(u32, &[bool], f64),
    ) {
        let parts = match self {
            Cond::In(decision, set) => return give(*decision, set, seed),
            Cond::Not(inner) => return inner.pull_back(member, -seed, give),
            Cond::All(parts) | Cond::Any(parts) => parts,
        };
        // An "any" is 1 − Π(1 − pᵢ), so its derivative by pᵢ is the product of the other 1 − pⱼ.
        let factor = |part: &Cond| match self {
            Cond::Any(_) => 1.0 - part.probability(member),
            _ => part.probability(member),
        };
        let factors: Vec<f64> = parts.iter().map(factor).collect();
        for (i, part) in parts.iter().enumerate() {
            let others: f64 = factors[..i].iter().chain(&factors[i + 1..]).product();
            part.pull_back(member, seed * others, give);
        }
    }

    /// The decisions that any of the conditions names, each once, in order of first occurrence.
    pub(crate) fn decisions<'a>(conditions: impl IntoIterator<Item = &'a Cond>) -> Vec<u32> {
        let (mut found, mut seen) = (Vec::new(), HashSet::new());
        conditions
            .into_iter()
            .for_each(|condition| condition.name(&mut found, &mut seen));
        found
    }

    fn name(&self, found: &mut Vec<u32>, seen: &mut HashSet<u32>) {
        match self {
            Cond::In(decision, _) => {
                if seen.insert(*decision) {
                    found.push(*decision);
                }
            }
            Cond::Not(inner) => inner.name(found, seen),
            Cond::All(parts) | Cond::Any(parts) => {
                parts.iter().for_each(|part| part.name(found, seen))
            }
        }
    }

    /// The number of steps needed to evaluate the whole condition.
    pub(crate) fn size(&self) -> u64 {
        match self {
            Cond::In(..) => 1,
            Cond::Not(inner) => 1 + inner.size(),
            Cond::All(parts) | Cond::Any(parts) => 1 + parts.iter().map(Cond::size).sum::<u64>(),
        }
    }
}

/// `decisive` settles the whole at once (false in an "all", true in an "any"); otherwise a single
/// unknown makes the result unknown.
fn settle(
    parts: &[Cond],
    member: &dyn Fn(u32, &[bool]) -> Option<bool>,
    decisive: bool,
) -> Option<bool> {
    let mut unknown = false;
    for part in parts {
        match part.known(member) {
            Some(value) if value == decisive => return Some(decisive),
            Some(_) => {}
            None => unknown = true,
        }
    }
    if unknown { None } else { Some(!decisive) }
}
