use std::ops::Range;

use supernet_plugin::{How, Supergraph};

/// The smallest prior whose logarithm is added to a logit: a choice that random search never makes
/// stays learnable.
const SMALLEST_PRIOR: f64 = 1e-6;

/// The plan of a space as the controller uses it: which step reads what, and the offset of each
/// matrix in the flat list of parameters. Anchors are resolved to the steps that kept them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Layout {
    /// d, the size of the LSTM's state.
    pub(super) size: usize,
    /// Decisions of the space.
    pub(super) genome: usize,
    pub(super) steps: Vec<Step>,
    /// [2d, 4d]: rows for the input, then for the state; columns for the gates i, f, o, g.
    pub(super) lstm: Range<usize>,
    /// [d]
    pub(super) start: Range<usize>,
    pub(super) tables: Vec<Table>,
    /// Absent if nothing attends.
    pub(super) attention: Option<Attention>,
    /// Number of parameters.
    pub(super) parameters: usize,
}

/// A softmax and the embeddings of its choices.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Table {
    pub(super) choices: usize,
    /// [choices, d]
    pub(super) embedding: Range<usize>,
    /// [d, choices]
    pub(super) softmax: Range<usize>,
}

/// q = vᵀ tanh(W₁ anchor + W₂ state).
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Attention {
    /// W₁: [d, d]
    pub(super) anchor: Range<usize>,
    /// W₂: [d, d]
    pub(super) state: Range<usize>,
    /// v: [d]
    pub(super) score: Range<usize>,
}

/// One step of the LSTM.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Step {
    pub(super) decide: Vec<DecisionRef>,
    /// Whether a later step attends to this one's state.
    pub(super) attended: bool,
}

/// One decision of a step.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct DecisionRef {
    /// Its index in the genome.
    pub(super) decision: usize,
    pub(super) choices: usize,
    pub(super) reads: Reads,
    /// Log of the prior over the choices: the space's, otherwise the skip target, otherwise
    /// uniform.
    pub(super) prior: Vec<f64>,
}

/// The source of a decision's logits.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Reads {
    /// The softmax of a table.
    Table(usize),
    /// Attention over the states of these steps, one per choice.
    Attend(Vec<usize>),
    /// Attention to the state of one step: off or on.
    Skip(usize),
}

impl Reads {
    /// The steps attended to.
    pub(super) fn anchors(&self) -> &[usize] {
        match self {
            Reads::Table(_) => &[],
            Reads::Attend(steps) => steps,
            Reads::Skip(step) => std::slice::from_ref(step),
        }
    }
}

impl Layout {
    pub(super) fn new(space: &Supergraph, size: usize) -> Self {
        let plan = space.plan();
        let mut kept = vec![None; plan.anchors.len()];
        let mut steps: Vec<Step> = Vec::with_capacity(plan.steps.len());
        for (index, planned) in plan.steps.iter().enumerate() {
            let at = |anchor: u32| {
                kept[anchor as usize].expect("a supergraph's plan names only anchors kept earlier")
            };
            let decide = planned.decide.iter().map(|one| {
                let reads = match &one.how {
                    How::Table { table } => Reads::Table(*table as usize),
                    How::Attend { anchors } => {
                        Reads::Attend(anchors.iter().map(|a| at(*a)).collect())
                    }
                    How::Skip { anchor } => Reads::Skip(at(*anchor)),
                };
                let decision = one.decision as usize;
                let choices = space.choices(decision) as usize;
                let prior = prior(space, decision);
                DecisionRef {
                    decision,
                    choices,
                    reads,
                    prior,
                }
            });
            let decide: Vec<DecisionRef> = decide.collect();
            for anchor in decide.iter().flat_map(|one| one.reads.anchors()) {
                steps[*anchor].attended = true;
            }
            steps.push(Step {
                decide,
                attended: false,
            });
            if let Some(anchor) = planned.keep {
                kept[anchor as usize] = Some(index);
            }
        }

        let mut end = 0;
        let mut take = |len: usize| {
            end += len;
            end - len..end
        };
        let lstm = take(2 * size * 4 * size);
        let start = take(size);
        let sizes = plan.tables.iter().map(|table| table.choices as usize);
        let tables = sizes
            .map(|choices| Table {
                choices,
                embedding: take(choices * size),
                softmax: take(size * choices),
            })
            .collect();
        let attention = steps.iter().any(|step| step.attended).then(|| Attention {
            anchor: take(size * size),
            state: take(size * size),
            score: take(size),
        });
        Self {
            size,
            genome: space.genome_len(),
            steps,
            lstm,
            start,
            tables,
            attention,
            parameters: end,
        }
    }
}

/// The logarithms of a decision's prior probabilities.
fn prior(space: &Supergraph, decision: usize) -> Vec<f64> {
    let weights: Vec<f64> = space
        .prior(decision)
        .iter()
        .map(|weight| f64::from(*weight))
        .collect();
    let total: f64 = weights.iter().sum();
    weights
        .iter()
        .map(|weight| (weight / total).max(SMALLEST_PRIOR).ln())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_spaces;

    /// Counted by hand from the published equations, for an LSTM of 64.
    #[test]
    fn published_controllers_have_their_published_sizes() {
        let facts = |space: Supergraph| {
            let layout = Layout::new(&space, 64);
            (
                layout.parameters,
                layout.steps.len(),
                space.plan().anchors.len(),
                layout.genome,
            )
        };
        assert_eq!(facts(test_spaces::layered(12)), (41_856, 25, 13, 78));
        assert_eq!(facts(test_spaces::cells()), (41_728, 54, 14, 40));
        assert_eq!(facts(test_spaces::recurrent(12)), (41_600, 23, 12, 23));
    }

    #[test]
    fn a_space_without_anchors_has_no_attention() {
        let plain = test_spaces::space(
            vec![
                test_spaces::op("one", &["a", "b"]),
                test_spaces::op("two", &["a", "b"]),
            ],
            vec![],
            vec![],
        );
        let layout = Layout::new(&plain, 8);
        assert!(layout.attention.is_none());
        // Same labels, same table.
        assert_eq!(layout.parameters, 16 * 32 + 8 + 2 * 2 * 8);
        assert!(
            layout
                .steps
                .iter()
                .all(|step| !step.attended && step.decide[0].reads == Reads::Table(0))
        );
    }

    #[test]
    fn priors_are_the_spaces_own_then_the_skip_target_then_uniform() {
        let layout = Layout::new(&test_spaces::guarded(), 8);
        let prior = |decision: usize| {
            let all = layout.steps.iter().flat_map(|step| &step.decide);
            all.filter(move |decide| decide.decision == decision)
                .flat_map(|decide| decide.prior.iter().map(|p| p.exp()))
        };
        for (decision, expected) in [
            (0, vec![0.5; 2]),
            (1, vec![0.25, 0.5, 0.25]),
            (2, vec![0.5; 2]),
            (4, vec![0.6, 0.4]),
        ] {
            let got: Vec<f64> = prior(decision).collect();
            assert!(
                got.iter().zip(&expected).all(|(g, e)| (g - e).abs() < 1e-7),
                "{decision}: {got:?}"
            );
        }
    }
}
