//! The networks that a laboratory ranks.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use supernet_plugin::{Child, Count, GenomeError, Op, Supergraph};
use supernet_shaders::random::{Random, RngStream};
use supernet_strategy::{Genome, from_prior};

use super::FEWEST_NETWORKS;
use crate::error::Error;

/// Spaces up to this size are enumerated; of larger ones, samples of the prior are taken.
const ENUMERATED: u64 = 20_000;
/// Samples of the prior for each network that is wanted.
const DRAWS: u32 = 10;

/// A network with what is known of it without training.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RankedNetwork {
    /// Its genome.
    pub genome: Genome,
    /// Number of parameters that run.
    pub parameters: u64,
    /// Multiply-accumulates for one sample.
    pub macs: u64,
    /// Number of its ops with weights, normalisation aside.
    pub weighted_ops: u64,
}

/// Selects `count` networks: the smallest and the largest, and one at random from each of as many
/// equal parts of all networks, sorted by size, as are left. Networks that do not read their input
/// are left out, since any score tells them from the others, and so is all but one of those that
/// are the same child.
///
/// # Errors
/// If there are fewer than ten.
pub(super) fn select(
    supergraph: &Supergraph,
    count: u32,
    seed: u64,
    wanted: &dyn Fn(&[u32]) -> bool,
) -> Result<Vec<RankedNetwork>, Error> {
    let mut random = Random::new(seed, RngStream::RankedNetworks);
    let mut pool = Pool {
        supergraph,
        wanted,
        seen: BTreeSet::new(),
        networks: Vec::new(),
    };
    match supergraph.enumerate(ENUMERATED) {
        Some(mut all) => all.try_for_each(|genome| pool.see(&genome))?,
        None => (0..count.saturating_mul(DRAWS))
            .try_for_each(|_| pool.see(&from_prior(supergraph, &mut random)?))?,
    }
    let Pool { mut networks, .. } = pool;
    networks.sort_by(|a, b| order(a).cmp(&order(b)));
    let found = networks.len();
    if count < FEWEST_NETWORKS || found < FEWEST_NETWORKS as usize {
        return Err(Error::FewNetworks {
            networks: count.min(found as u32),
            found: found as u32,
            least: FEWEST_NETWORKS,
        });
    }
    if found <= count as usize {
        return Ok(networks);
    }
    let (inner, parts) = (found - 2, count as usize - 2);
    let mut selected = vec![networks[0].clone()];
    for part in 0..parts {
        let (from, to) = (inner * part / parts, inner * (part + 1) / parts);
        let drawn = from + random.below((to - from) as u32) as usize;
        selected.push(networks[1 + drawn].clone());
    }
    selected.push(networks[found - 1].clone());
    Ok(selected)
}

fn order(network: &RankedNetwork) -> (u64, u64, &Genome) {
    (network.parameters, network.macs, &network.genome)
}

/// The networks from which a laboratory selects.
struct Pool<'a> {
    supergraph: &'a Supergraph,
    wanted: &'a dyn Fn(&[u32]) -> bool,
    seen: BTreeSet<Genome>,
    networks: Vec<RankedNetwork>,
}

impl Pool<'_> {
    fn see(&mut self, genome: &[u32]) -> Result<(), GenomeError> {
        if !self.seen.insert(self.supergraph.canonical(genome)?) {
            return Ok(());
        }
        let child = self.supergraph.child(genome)?;
        if reads_input(&child) && (self.wanted)(genome) {
            self.networks.push(RankedNetwork {
                genome: genome.to_vec(),
                parameters: self.supergraph.count(genome, Count::Live)?,
                macs: child.macs(),
                weighted_ops: weighted_ops(&child),
            });
        }
        Ok(())
    }
}

/// Whether the input of a network has a path to its output: a child consists of what its output
/// reads.
fn reads_input(child: &Child) -> bool {
    (0..child.len()).any(|position| matches!(child.op_node(position).op, Op::Input { .. }))
}

/// The number of ops with weights; normalisation follows a convolution and is not counted.
fn weighted_ops(child: &Child) -> u64 {
    let weighted = |position: &usize| {
        *position >= child.given()
            && !child.params(*position).is_empty()
            && !matches!(
                child.op_node(*position).op,
                Op::BatchNorm { .. } | Op::LayerNorm { .. } | Op::GroupNorm { .. } | Op::Bias
            )
    };
    let bodies = (0..child.len()).filter_map(|position| child.body(position));
    (0..child.len()).filter(weighted).count() as u64 + bodies.map(weighted_ops).sum::<u64>()
}

#[cfg(test)]
pub(super) mod tests {
    use supernet_plugin::Space;

    use super::*;

    /// Four edges in a row, each with nothing, a skip or a convolution of one of two kernels.
    pub(crate) fn chain() -> Supergraph {
        let s = Space::new("chain");
        let ops: Vec<_> = (0..4)
            .map(|i| s.op(format!("op{i}"), &["none", "skip", "conv1x1", "conv3x3"]))
            .collect();
        let mut x = s.input("image", &[8, 8, 1]).conv(1, 4).norm();
        for (i, op) in ops.into_iter().enumerate() {
            x = s.scope(format!("edge{i}"), || {
                let convs = [1, 3].map(|k| s.scope(format!("{k}"), || x.conv(k, 4).norm()));
                s.choose(op, &[x.zero(1), x, convs[0], convs[1]])
            });
        }
        s.output(x.global_avg_pool().linear(10, true));
        Supergraph::new(s.finish().unwrap()).unwrap()
    }

    #[test]
    fn networks_are_spread_over_sizes_with_both_extremes() {
        let space = chain();
        let chosen = select(&space, 20, 3, &|_| true).unwrap();
        assert_eq!(chosen.len(), 20);
        assert!(chosen.is_sorted_by_key(|network| network.parameters));
        assert_eq!(chosen[0].genome, [1; 4]);
        assert_eq!(chosen[19].genome, [3; 4]);
        // The stem, four convolutions and the linear layer.
        assert_eq!((chosen[0].weighted_ops, chosen[19].weighted_ops), (2, 6));
        assert_eq!(chosen, select(&space, 20, 3, &|_| true).unwrap());
        assert_ne!(chosen, select(&space, 20, 4, &|_| true).unwrap());
        let genomes: BTreeSet<&Genome> = chosen.iter().map(|network| &network.genome).collect();
        assert_eq!(genomes.len(), 20);
    }

    #[test]
    fn networks_without_a_path_or_a_truth_are_left_out() {
        // Of 4^4 genomes, 3^4 have a path through all edges.
        let all = select(&chain(), 10_000, 0, &|_| true).unwrap();
        assert_eq!(all.len(), 81);
        assert!(all.iter().all(|network| !network.genome.contains(&0)));
        let some = select(&chain(), 10_000, 0, &|genome| genome[0] == 1).unwrap();
        assert_eq!(some.len(), 27);
        let few = select(&chain(), 50, 0, &|genome| genome[..3] == [1; 3]).unwrap_err();
        assert_eq!(
            few.to_string(),
            "a ranking of 3 networks says nothing; it takes at least 10, and 3 of the space differ, read their input and \
             have a truth: ask for more networks, or give a table with more of them"
        );
    }
}
