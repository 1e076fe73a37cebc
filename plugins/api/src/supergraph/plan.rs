use std::collections::HashMap;

use super::decisions::Decisions;
use super::resolve::MOST;
use crate::{Kind, ValidationError};

/// The order in which a sequential controller decides, with names resolved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DecisionPlan {
    /// The steps. Every decision is in exactly one.
    pub steps: Vec<PlanStep>,
    /// The names of the states that are kept, in the order in which they are kept.
    pub anchors: Vec<String>,
    /// The tables of choices that decisions share, in order of first use.
    pub tables: Vec<DecisionTable>,
}

/// One step: its decisions are sampled from one state, which may then be kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanStep {
    /// The decisions of the step; several only if all of them are skips from anchors.
    pub decide: Vec<PlanDecision>,
    /// The anchor as which the state is kept afterwards, as an index into
    /// [`DecisionPlan::anchors`].
    pub keep: Option<u32>,
}

/// A decision in a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanDecision {
    /// Its index in the genome.
    pub decision: u32,
    /// How its choices are scored.
    pub how: How,
}

/// How the choices of a decision are scored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// By the rows of a table.
    Table {
        /// The table, as an index into [`DecisionPlan::tables`].
        table: u32,
    },
    /// By attention over anchors that were kept earlier, one per choice.
    Attend {
        /// The anchors, as indices into [`DecisionPlan::anchors`].
        anchors: Vec<u32>,
    },
    /// On or off, by attention to one anchor that was kept earlier.
    Skip {
        /// The anchor.
        anchor: u32,
    },
}

/// A table of choices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionTable {
    /// The name that the decisions state, or their labels joined by `|`.
    pub name: String,
    /// The number of choices.
    pub choices: u32,
}

/// Resolves the plan; also returns the decisions in its order. If something is wrong, the order may
/// be incomplete.
pub(crate) fn plan(
    decisions: &Decisions<'_>,
    problems: &mut Vec<ValidationError>,
) -> (DecisionPlan, Vec<u32>) {
    let space = decisions.space;
    let steps: Vec<(Vec<&str>, Option<&str>)> = if space.plan.is_empty() {
        space
            .decisions
            .iter()
            .map(|decision| (vec![decision.id.as_str()], None))
            .collect()
    } else {
        space
            .plan
            .iter()
            .map(|step| {
                (
                    step.decide.iter().map(String::as_str).collect(),
                    step.keep.as_deref(),
                )
            })
            .collect()
    };
    let mut resolving = Resolving {
        decisions,
        plan: DecisionPlan::default(),
        anchors: HashMap::new(),
        tables: HashMap::new(),
    };
    let mut order = Vec::new();
    let mut seen = vec![false; space.decisions.len()];
    for (at, (ids, keep)) in steps.iter().enumerate() {
        if problems.len() >= MOST {
            break;
        }
        let mut complain = |reason: String| {
            problems.push(ValidationError::new(
                format!("step {at} of the plan"),
                reason,
            ))
        };
        let mut step = PlanStep::default();
        for id in ids {
            match decisions.find(id) {
                Err(reason) => {
                    complain(reason);
                    break;
                }
                Ok(d) if std::mem::replace(&mut seen[d as usize], true) => {
                    complain(format!("`{id}` was decided in an earlier step"));
                }
                Ok(d) => {
                    match resolving.how(d) {
                        Ok(how) => step.decide.push(PlanDecision { decision: d, how }),
                        Err(reason) => complain(reason),
                    }
                    order.push(d);
                }
            }
        }
        if step.decide.len() > 1
            && step
                .decide
                .iter()
                .any(|decided| !matches!(decided.how, How::Skip { .. }))
        {
            complain("it decides several things at once, which only skips of anchors kept earlier can share".into());
        }
        if let Some(keep) = keep {
            let anchor = resolving.plan.anchors.len() as u32;
            if resolving.anchors.insert(keep, anchor).is_some() {
                complain(format!("the anchor `{keep}` is kept twice"));
            }
            resolving.plan.anchors.push((*keep).to_owned());
            step.keep = Some(anchor);
        }
        resolving.plan.steps.push(step);
    }
    for (d, _) in seen
        .iter()
        .enumerate()
        .filter(|(_, seen)| !**seen)
        .take(MOST)
    {
        let place = format!("decision `{}`", space.decisions[d].id);
        problems.push(ValidationError::new(
            place,
            "no step of the plan decides it",
        ));
    }
    (resolving.plan, order)
}

struct Resolving<'a> {
    decisions: &'a Decisions<'a>,
    plan: DecisionPlan,
    anchors: HashMap<&'a str, u32>,
    tables: HashMap<String, u32>,
}

impl Resolving<'_> {
    /// How a decision is scored: by a table if not all of its anchors are kept before its step.
    fn how(&mut self, decision: u32) -> Result<How, String> {
        match &self.decisions.space.decisions[decision as usize].kind {
            Kind::Input { from } => {
                let anchors: Option<Vec<u32>> = from
                    .iter()
                    .map(|name| self.anchors.get(name.as_str()).copied())
                    .collect();
                if let Some(anchors) = anchors {
                    return Ok(How::Attend { anchors });
                }
            }
            Kind::Skip { of: Some(name) } => {
                if let Some(&anchor) = self.anchors.get(name.as_str()) {
                    return Ok(How::Skip { anchor });
                }
            }
            Kind::Skip { of: None } | Kind::Op { .. } | Kind::Value { .. } => {}
        }
        self.table(decision).map(|table| How::Table { table })
    }

    fn table(&mut self, decision: u32) -> Result<u32, String> {
        let described = &self.decisions.space.decisions[decision as usize];
        let choices = self.decisions.choices[decision as usize];
        let name = described.table.clone().unwrap_or_else(|| {
            (0..choices)
                .filter_map(|choice| described.kind.label(choice))
                .collect::<Vec<_>>()
                .join("|")
        });
        let next = self.plan.tables.len() as u32;
        let table = *self.tables.entry(name.clone()).or_insert(next);
        if table == next {
            self.plan.tables.push(DecisionTable { name, choices });
        }
        let shared = &self.plan.tables[table as usize];
        if shared.choices == choices {
            return Ok(table);
        }
        let id = &described.id;
        Err(format!(
            "`{id}` has {choices} choices, but the table `{}` that it shares has {}",
            shared.name, shared.choices
        ))
    }
}
