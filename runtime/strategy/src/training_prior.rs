//! The distribution of the paths that train the shared weights.

use supernet_plugin::{GenomeError, Supergraph};
use supernet_shaders::random::Random;

use super::Genome;

/// The distribution from which paths are drawn to train the shared weights, while no policy is
/// learnt: the space's prior, in which choices with weights of their own may count more.
///
/// A choice without weights needs no training, and one with weights only learns in the steps that
/// draw it: in a short training, drawing it more often makes its score say more. (On NAS-Bench-201's
/// cells a factor of 3 raised Kendall's τ of the shared scores; see `runtime/docs/ranking.md`.)
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingPrior {
    /// One weight per choice of every decision.
    weights: Vec<Vec<f32>>,
}

impl TrainingPrior {
    /// The space's prior.
    pub fn of(space: &Supergraph) -> Self {
        let weights = (0..space.genome_len()).map(|d| space.prior(d)).collect();
        Self { weights }
    }

    /// The space's prior, in which every choice that reads weights of its own counts `emphasis`
    /// times as much.
    pub fn emphasised(space: &Supergraph, emphasis: f32) -> Self {
        let mut prior = Self::of(space);
        if emphasis != 1.0 {
            let weights = prior.weights.iter_mut().flatten();
            for (weight, own) in weights.zip(space.own_weights().into_iter().flatten()) {
                *weight *= if own { emphasis } else { 1.0 };
            }
        }
        prior
    }

    /// A genome from the distribution, under the space's constraints.
    ///
    /// # Errors
    /// If the constraints leave no genome to sample.
    pub fn sample(&self, space: &Supergraph, random: &mut Random) -> Result<Genome, GenomeError> {
        space.sample_from(&self.weights, &mut |weights| random.weighted(weights))
    }
}
