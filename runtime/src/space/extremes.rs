//! The smallest and the largest child of a space.

use serde::Serialize;
use supernet_plugin::{Count, GenomeError, Supergraph};
use supernet_shaders::random::{Random, RngStream};
use supernet_strategy::Genome;
use supernet_strategy::random::from_prior;

/// Spaces up to this size are enumerated.
const ENUMERATED: u64 = 20_000;
/// Maximum number of random children from which the search of a larger space starts.
const SAMPLED: u64 = 2_000;
/// Maximum number of visited supergraph nodes over all children: about a second's work.
const WALKED: u64 = 30_000_000;

/// The cost of a child: parameters first, then multiply-accumulates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct ChildSize {
    /// Its number of parameters.
    pub parameters: u64,
    /// Multiply-accumulates for one sample.
    pub macs: u64,
}

/// A child at one of the extremes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Extreme {
    /// The child.
    pub genome: Genome,
    /// Its cost.
    pub size: ChildSize,
}

/// The smallest and the largest child of a space by parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Extremes {
    /// The fewest parameters; among equals the fewest multiply-accumulates.
    pub smallest: Extreme,
    /// The most parameters; among equals the most multiply-accumulates.
    pub largest: Extreme,
    /// Whether every child was examined.
    pub exact: bool,
    /// How they were found, as the beginning of a sentence.
    pub how: String,
}

impl Extremes {
    /// Examines every child of a small space. For a larger one, takes the best of random children
    /// and then changes one decision at a time for as long as that helps.
    ///
    /// # Errors
    /// If the space's constraints leave no genome to sample.
    pub fn of(supergraph: &Supergraph) -> Result<Self, GenomeError> {
        if let Some(all) = supergraph.enumerate(ENUMERATED) {
            let mut range = Range::default();
            for genome in all {
                range.see(supergraph, &genome)?;
            }
            let how = "exact: every child was counted".to_owned();
            return range.extremes(supergraph, true, how);
        }
        // Constraints, counts and multiply-accumulates each walk the graph.
        let children = WALKED / (3 * supergraph.node_count() as u64).max(1);
        let sampled = SAMPLED.min(children / 4).max(1);
        let mut range = Range {
            left: children,
            ..Range::default()
        };
        let mut random = Random::new(0, RngStream::Extremes);
        for _ in 0..sampled {
            range.see(supergraph, &from_prior(supergraph, &mut random)?)?;
        }
        while range.improve(supergraph)? {}
        let how = format!(
            "found: the best of {sampled} random children, then one decision changed at a time while that helped{}",
            if range.left == 0 {
                ", within a second's work"
            } else {
                ""
            }
        );
        range.extremes(supergraph, false, how)
    }
}

#[derive(Default)]
struct Range {
    /// Number of children that may still be examined.
    left: u64,
    ends: Option<(Extreme, Extreme)>,
}

impl Range {
    /// Whether the genome is a new extreme.
    fn see(&mut self, supergraph: &Supergraph, genome: &[u32]) -> Result<bool, GenomeError> {
        let size = ChildSize {
            parameters: supergraph.count(genome, Count::Live)?,
            macs: supergraph.macs(genome)?,
        };
        let extreme = || Extreme {
            genome: genome.to_vec(),
            size,
        };
        let Some((smallest, largest)) = &mut self.ends else {
            self.ends = Some((extreme(), extreme()));
            return Ok(true);
        };
        let (smaller, larger) = (size < smallest.size, size > largest.size);
        if smaller {
            *smallest = extreme();
        }
        if larger {
            *largest = extreme();
        }
        Ok(smaller || larger)
    }

    /// Tries all other choices of every single decision at both extremes; returns whether one was
    /// better.
    fn improve(&mut self, supergraph: &Supergraph) -> Result<bool, GenomeError> {
        let Some((smallest, largest)) = self.ends.clone() else {
            return Ok(false);
        };
        let mut better = false;
        for start in [smallest, largest] {
            let mut genome = start.genome;
            for decision in 0..genome.len() {
                let was = genome[decision];
                for choice in 0..supergraph.choices(decision) {
                    if self.left == 0 {
                        return Ok(false);
                    }
                    self.left -= 1;
                    genome[decision] = choice;
                    if supergraph.check(&genome).is_ok() {
                        better |= self.see(supergraph, &genome)?;
                    }
                }
                genome[decision] = was;
            }
        }
        Ok(better)
    }

    fn extremes(
        self,
        supergraph: &Supergraph,
        exact: bool,
        how: String,
    ) -> Result<Extremes, GenomeError> {
        match self.ends {
            Some((smallest, largest)) => Ok(Extremes {
                smallest,
                largest,
                exact,
                how,
            }),
            // No genome at all: sampling reports the constraint that is responsible.
            None => supergraph
                .sample(&mut |_| 0)
                .and_then(|_| Self::default().extremes(supergraph, exact, how)),
        }
    }
}
