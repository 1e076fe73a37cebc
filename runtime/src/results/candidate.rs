//! Derivation of architectures from a policy: many samples are scored on the whole validation
//! split, and the best are kept.

use serde::{Deserialize, Serialize};
use supernet_plugin::{Count, GenomeError, Supergraph};
use supernet_strategy::{Genome, Score};

use crate::config::RankBy;

/// An architecture with its score and its costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Candidate {
    /// The genome as it was sampled. Inactive decisions have values as well.
    pub genome: Genome,
    /// Its score on the whole validation split with the shared weights; [`Score::WORST`] if it has
    /// none.
    pub score: Score,
    /// Its number of parameters.
    pub parameters: u64,
    /// Multiply-accumulates for one sample.
    pub macs: u64,
}

impl Candidate {
    /// Creates a candidate from an architecture and its score.
    pub(crate) fn new(
        supergraph: &Supergraph,
        genome: &[u32],
        score: Score,
    ) -> Result<Self, GenomeError> {
        Ok(Self {
            score,
            parameters: supergraph.count(genome, Count::Live)?,
            macs: supergraph.macs(genome)?,
            genome: genome.to_vec(),
        })
    }

    /// Its score with the shared weights; none if it has none, as where no weights are shared.
    pub fn shared(&self) -> Option<Score> {
        Some(self.score).filter(|score| score.loss < Score::WORST.loss)
    }
}

/// Sorts the candidates, best first: by lower cross-entropy or higher reward, then by the other of
/// the two, then by fewer parameters, then by the smaller genome.
pub(crate) fn rank(candidates: &mut [Candidate], by: RankBy) {
    candidates.sort_by(|a, b| {
        let reward = b.score.reward.total_cmp(&a.score.reward);
        let loss = a.score.loss.total_cmp(&b.score.loss);
        let size = a.parameters.cmp(&b.parameters);
        let score = match by {
            RankBy::Loss => loss.then(reward),
            RankBy::Reward => reward.then(loss),
        };
        score.then(size).then_with(|| a.genome.cmp(&b.genome))
    });
}

/// The distinct architectures among `samples`, in the order of their first appearance.
///
/// # Errors
/// If a genome does not belong to the space.
pub(crate) fn distinct(
    supergraph: &Supergraph,
    samples: &[Genome],
) -> Result<Vec<Genome>, GenomeError> {
    let mut seen = std::collections::BTreeSet::new();
    let mut distinct = Vec::new();
    for genome in samples {
        if seen.insert(supergraph.canonical(genome)?) {
            distinct.push(genome.clone());
        }
    }
    Ok(distinct)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_go_to_lower_loss_then_fewer_parameters() {
        let one = |reward, loss, parameters| Candidate {
            genome: vec![parameters as u32],
            score: Score { reward, loss },
            parameters,
            macs: 0,
        };
        let mut all = [
            one(0.9, 0.5, 1),
            one(0.95, 0.4, 7),
            one(0.95, 0.3, 9),
            one(0.95, 0.3, 8),
        ];
        rank(&mut all, RankBy::Reward);
        assert_eq!(all.clone().map(|c| c.parameters), [8, 9, 7, 1]);
        all[3].score.loss = 0.1;
        rank(&mut all, RankBy::Loss);
        assert_eq!(all.map(|c| c.parameters), [1, 8, 9, 7]);
    }
}
