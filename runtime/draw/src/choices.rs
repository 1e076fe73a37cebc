//! The choices made within a scope.

use std::collections::{BTreeMap, BTreeSet};

use supernet_plugin::{Kind, Op, Supergraph};

/// The choices of a genome, indexed by node and by scope.
pub(super) struct Choices<'a> {
    graph: &'a Supergraph,
    genome: &'a [u32],
    decisions: BTreeMap<&'a str, usize>,
    /// The decision of each choosing node, by the node's name.
    choosers: BTreeMap<&'a str, usize>,
    /// Choosing nodes outside all scans.
    outer: BTreeSet<&'a str>,
    /// The nodes whose value is zero.
    zeros: BTreeSet<&'a str>,
    /// Decisions that are derived together, such as edges of which only some are kept.
    grouped: BTreeSet<&'a str>,
}

impl<'a> Choices<'a> {
    /// Indexes a supergraph, including the bodies of its scans. The genome must belong to the
    /// space.
    pub(super) fn new(graph: &'a Supergraph, genome: &'a [u32]) -> Self {
        let decisions = graph
            .space()
            .decisions
            .iter()
            .enumerate()
            .map(|(d, decision)| (decision.id.as_str(), d))
            .collect();
        let (choosers, outer, zeros) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        let groups = graph.space().groups.iter();
        let grouped = groups
            .flat_map(|group| &group.decisions)
            .map(String::as_str)
            .collect();
        let mut choices = Choices {
            graph,
            genome,
            decisions,
            choosers,
            outer,
            zeros,
            grouped,
        };
        for index in 0..graph.node_count() {
            let node = graph.node(index as u32);
            if matches!(node.op, Op::Zero { .. }) {
                choices.zeros.insert(&node.id);
            }
            if let Op::Choose { decision } = &node.op
                && let Some(&d) = choices.decisions.get(decision.as_str())
            {
                choices.choosers.insert(&node.id, d);
                let chosen = genome
                    .get(d)
                    .and_then(|choice| node.inputs.get(*choice as usize));
                if chosen.is_some_and(|chosen| choices.zeros.contains(chosen.as_str())) {
                    choices.zeros.insert(&node.id);
                }
                if index < graph.space().nodes.len() {
                    choices.outer.insert(&node.id);
                }
            }
        }
        choices
    }

    /// The decisions of a scope's nodes, including those in the bodies of scans if `scans` is set.
    fn inside(&self, scope: &str, scans: bool) -> BTreeSet<usize> {
        let prefix = format!("{scope}/");
        let from = self
            .choosers
            .range(prefix.as_str()..)
            .take_while(|(id, _)| id.starts_with(&prefix));
        from.filter(|(id, _)| scans || self.outer.contains(*id))
            .map(|(_, d)| *d)
            .collect()
    }

    /// The label of the op that a scope chooses, if it chooses exactly one.
    pub(super) fn op_in(&self, scope: &str) -> Option<&'a str> {
        let inside = self.inside(scope, true);
        let mut ops = inside
            .iter()
            .filter(|&&d| matches!(self.kind(d), Kind::Op { .. }));
        match (ops.next(), ops.next()) {
            (Some(&d), None) => self.label(d),
            _ => None,
        }
    }

    /// The label of the op that a node chooses.
    pub(super) fn op_at(&self, node: &str) -> Option<&'a str> {
        self.label(*self.choosers.get(node)?)
    }

    /// Whether a node's value is zero.
    pub(super) fn is_zero(&self, node: &str) -> bool {
        self.zeros.contains(node)
    }

    /// The decisions of a scope's nodes if they include choices of inputs or of edges, which
    /// characterise a cell. The body of a scan is a cell by itself, and counts as one op here.
    pub(super) fn cell_in(&self, scope: &str) -> Option<BTreeSet<usize>> {
        let decisions = self.inside(scope, false);
        let of_cells = |&d: &usize| {
            matches!(self.kind(d), Kind::Input { .. }) || self.grouped.contains(self.id(d))
        };
        decisions.iter().any(of_cells).then_some(decisions)
    }

    /// The name of a decision.
    pub(super) fn id(&self, decision: usize) -> &'a str {
        &self.graph.space().decisions[decision].id
    }

    fn kind(&self, decision: usize) -> &'a Kind {
        &self.graph.space().decisions[decision].kind
    }

    fn label(&self, decision: usize) -> Option<&'a str> {
        match self.kind(decision) {
            Kind::Op { choices } => choices
                .get(*self.genome.get(decision)? as usize)
                .map(String::as_str),
            _ => None,
        }
    }
}
