//! The op composition of genomes: how many of their ops have no parameters, and how many of their
//! skips are on.

use std::collections::{BTreeMap, HashMap};

use supernet_plugin::{Child, GenomeError, Kind, Node, Op, Supergraph};
use supernet_shaders::random::{Random, RngStream};
use supernet_strategy::Genome;
use supernet_strategy::random::from_prior;

use crate::results::OpShares;

/// Number of samples for the composition under the prior.
const USUAL: usize = 200;

/// Which choices of a space have no parameters, and which decisions are skip connections.
///
/// A branch's own nodes are those that it does not share with all other branches of its decision. A
/// choice is parameter-free if none of its own nodes reads a parameter, wherever the decision is
/// used. ENAS's macro space puts a 1x1 convolution before its pooling, so nothing is parameter-free
/// there. Decisions whose choices do not differ in this respect, such as activations, are ignored.
#[derive(Clone, Debug)]
pub struct OpComposition {
    space: Supergraph,
    /// For each relevant decision: which choices are parameter-free.
    ops: Vec<(usize, Vec<bool>)>,
    skips: Vec<usize>,
}

impl OpComposition {
    /// Analyses a space.
    pub fn new(space: &Supergraph) -> Self {
        let mut nodes = Vec::new();
        flatten(&space.space().nodes, &mut nodes);
        // Used for look-ups only, never iterated.
        let index: HashMap<&str, usize> = nodes
            .iter()
            .enumerate()
            .map(|(i, node)| (node.id.as_str(), i))
            .collect();
        let mut free: Vec<Option<Vec<bool>>> = vec![None; space.genome_len()];
        for node in &nodes {
            let Op::Choose { decision } = &node.op else {
                continue;
            };
            let Some(decision) = space.decision(decision).map(|d| d as usize) else {
                continue;
            };
            if !matches!(space.space().decisions[decision].kind, Kind::Op { .. }) {
                continue;
            }
            let bare = bare(&nodes, &index, node);
            let known = free[decision].get_or_insert_with(|| vec![true; bare.len()]);
            known
                .iter_mut()
                .zip(bare)
                .for_each(|(known, bare)| *known &= bare);
        }
        let mixed = |free: &Vec<bool>| free.contains(&true) && free.contains(&false);
        let ops = free
            .into_iter()
            .enumerate()
            .filter_map(|(d, free)| Some((d, free.filter(mixed)?)))
            .collect();
        let skip =
            |d: &usize| matches!(space.space().decisions[*d].kind, Kind::Skip { of: Some(_) });
        let skips = (0..space.genome_len()).filter(skip).collect();
        Self {
            space: space.clone(),
            ops,
            skips,
        }
    }

    /// For each relevant decision: which of its choices are parameter-free.
    pub fn ops(&self) -> &[(usize, Vec<bool>)] {
        &self.ops
    }

    /// Number of decisions that are skip connections.
    pub fn skips(&self) -> usize {
        self.skips.len()
    }

    /// Fractions over all `genomes`; a decision that is inactive in a genome is not counted there.
    pub fn of(&self, genomes: &[Genome]) -> OpShares {
        let (mut free, mut ops, mut on, mut skips) = (0_u32, 0_u32, 0_u32, 0_u32);
        for genome in genomes {
            let known: Vec<Option<u32>> = genome.iter().copied().map(Some).collect();
            let active =
                |d: usize| known.len() == self.space.genome_len() && self.space.active(&known, d);
            for (d, choices) in self.ops.iter().filter(|(d, _)| active(*d)) {
                ops += 1;
                free += u32::from(choices.get(genome[*d] as usize) == Some(&true));
            }
            for d in self.skips.iter().filter(|d| active(**d)) {
                skips += 1;
                on += u32::from(genome[*d] == 1);
            }
        }
        let share = |part: u32, all: u32| (all > 0).then(|| part as f32 / all as f32);
        OpShares {
            parameter_free: share(free, ops),
            skips_on: share(on, skips),
        }
    }

    /// The label of the op that every active decision of the genome takes; none if they differ, or
    /// if nothing is decided.
    pub fn only_op<'a>(&'a self, genome: &[u32]) -> Option<&'a str> {
        let known: Vec<Option<u32>> = genome.iter().copied().map(Some).collect();
        let label = |d: usize| match &self.space.space().decisions[d].kind {
            Kind::Op { choices } => choices.get(genome[d] as usize).map(String::as_str),
            _ => None,
        };
        let active = self
            .ops
            .iter()
            .filter(|(d, _)| self.space.active(&known, *d));
        let mut labels = active.map(|(d, _)| label(*d));
        let first = labels.next()??;
        labels.all(|label| label == Some(first)).then_some(first)
    }

    /// The share of the decisions of a genome whose op has parameters that matter: an op that reads
    /// nothing but zeros, or that nothing reads, counts as one without. None if there are no such
    /// decisions.
    ///
    /// # Errors
    /// If the genome does not belong to the space.
    pub fn alive(&self, genome: &[u32]) -> Result<Option<f32>, GenomeError> {
        let all = weighted(&self.space.child(genome)?);
        let known: Vec<Option<u32>> = genome.iter().copied().map(Some).collect();
        let (mut ops, mut alive) = (0_u32, 0_u32);
        for (d, free) in self
            .ops
            .iter()
            .filter(|(d, _)| self.space.active(&known, *d))
        {
            ops += 1;
            let Some(other) = free.iter().position(|free| *free) else {
                continue;
            };
            if free.get(genome[*d] as usize) == Some(&true) {
                continue;
            }
            // Without an op that matters, fewer have parameters.
            let mut without = genome.to_vec();
            without[*d] = other as u32;
            let child = self.space.child(&without);
            alive += u32::from(child.map_or(true, |child| weighted(&child) < all));
        }
        Ok((ops > 0).then(|| alive as f32 / ops as f32))
    }

    /// The composition of samples of the prior.
    ///
    /// # Errors
    /// If the space's constraints leave no genome to sample.
    pub fn usual(&self) -> Result<OpShares, GenomeError> {
        let mut random = Random::new(0, RngStream::UsualComposition);
        let genomes: Result<Vec<_>, _> = (0..USUAL)
            .map(|_| from_prior(&self.space, &mut random))
            .collect();
        Ok(self.of(&genomes?))
    }
}

/// The number of nodes of a network that have parameters and depend on its input: a network consists
/// of what its output reads.
fn weighted(child: &Child) -> usize {
    let mut depends = vec![false; child.len()];
    for position in 0..child.len() {
        depends[position] = match child.op_node(position).op {
            Op::Input { .. } => true,
            Op::Zero { .. } => false,
            _ => {
                let mut inputs = child.inputs(position).iter();
                inputs.any(|input| depends.get(*input as usize) == Some(&true))
            }
        };
    }
    let has_parameters = |position: &usize| {
        let inside = |body: &Child| (0..body.len()).any(|at| !body.params(at).is_empty());
        !child.params(*position).is_empty() || child.body(*position).is_some_and(inside)
    };
    let counted = |position: &usize| depends[*position] && has_parameters(position);
    (0..child.len()).filter(counted).count()
}

/// All nodes, with the bodies of scans before the scan: every node comes after the nodes that it
/// reads.
fn flatten<'a>(nodes: &'a [Node], into: &mut Vec<&'a Node>) {
    for node in nodes {
        if let Op::Scan { nodes, .. } = &node.op {
            flatten(nodes, into);
        }
        into.push(node);
    }
}

/// For each branch of a choice node: whether none of its own nodes reads a parameter.
fn bare(nodes: &[&Node], index: &HashMap<&str, usize>, choose: &Node) -> Vec<bool> {
    let branches = choose.inputs.len();
    let mut bare = vec![true; branches];
    // The branches that each node belongs to. Nodes are visited from the last to the first, after
    // all of their readers.
    let mut met: BTreeMap<usize, Vec<bool>> = BTreeMap::new();
    let reach = |met: &mut BTreeMap<usize, Vec<bool>>, id: &str, of: &[bool]| {
        // An operand without a node, such as one step of a scan's input, has no parameters either.
        let Some(at) = index.get(id) else { return };
        let known = met.entry(*at).or_insert_with(|| vec![false; branches]);
        known
            .iter_mut()
            .zip(of)
            .for_each(|(known, of)| *known |= of);
    };
    for (branch, input) in choose.inputs.iter().enumerate() {
        let of: Vec<bool> = (0..branches).map(|b| b == branch).collect();
        reach(&mut met, input, &of);
    }
    // Once all remaining nodes are shared by every branch, so are all nodes before them.
    while met.values().any(|of| of.contains(&false)) {
        let Some((at, of)) = met.pop_last() else {
            break;
        };
        if of.contains(&false) && parameterised(nodes[at]) {
            bare.iter_mut().zip(&of).for_each(|(bare, of)| *bare &= !of);
        }
        nodes[at]
            .inputs
            .iter()
            .for_each(|input| reach(&mut met, input, &of));
    }
    bare
}

fn parameterised(node: &Node) -> bool {
    let inside = |nodes: &[Node]| nodes.iter().any(parameterised);
    !node.params.is_empty() || matches!(&node.op, Op::Scan { nodes, .. } if inside(nodes))
}

#[cfg(test)]
mod tests {
    use supernet_data::Dataset;
    use supernet_enas as _;
    use supernet_plugin::Setting;
    use supernet_strategy::test_spaces;

    use super::*;
    use crate::config::Config;
    use crate::space::Spaces;

    fn space(name: &str, settings: &[(&str, i64)]) -> Supergraph {
        let mut config = Config::default();
        config.search.space = name.to_owned();
        config.space = settings
            .iter()
            .map(|(key, value)| ((*key).to_owned(), Setting::Int(*value)))
            .collect();
        let facts = Dataset::named("digits").unwrap().facts();
        Spaces::linked()
            .build(&mut config, &facts)
            .unwrap()
            .supergraph
    }

    #[test]
    fn pooling_behind_a_convolution_is_not_parameter_free() {
        let composition = OpComposition::new(&space("enas-macro", &[("layers", 4)]));
        assert!(composition.ops().is_empty());
        assert_eq!(composition.skips(), 6);
        let usual = composition.usual().unwrap();
        assert_eq!(usual.parameter_free, None);
        assert!((usual.skips_on.unwrap() - 0.4).abs() < 0.05, "{usual:?}");
    }

    #[test]
    fn pools_and_identity_of_the_micro_space_are_parameter_free() {
        let space = space("enas-micro", &[]);
        let composition = OpComposition::new(&space);
        // Two cells, five nodes, two sides; sepconv3x3, sepconv5x5, avgpool3x3, maxpool3x3,
        // identity.
        assert_eq!(composition.ops().len(), 20);
        assert!(
            composition
                .ops()
                .iter()
                .all(|(_, free)| *free == [false, false, true, true, true]),
            "{:?}",
            composition.ops()
        );
        assert!((composition.usual().unwrap().parameter_free.unwrap() - 0.6).abs() < 0.03);
    }

    #[test]
    fn what_is_inactive_does_not_count() {
        let composition = OpComposition::new(&test_spaces::guarded());
        // Two skips of anchors, the second only in a deep net; nothing in this space has
        // parameters.
        assert_eq!((composition.skips(), composition.ops().len()), (2, 0));
        assert_eq!(
            composition.of(&[vec![0, 0, 0, 0, 1, 0]]).skips_on,
            Some(1.0)
        );
        assert_eq!(
            composition.of(&[vec![1, 0, 0, 0, 1, 0]]).skips_on,
            Some(0.5)
        );
        assert_eq!(composition.of(&[]), OpShares::default());
    }
}
