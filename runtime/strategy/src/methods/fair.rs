//! Fair training of the shared weights: every choice once per step, or both ends of the space in
//! every step.

use supernet_plugin::{GenomeError, Supergraph};
use supernet_shaders::random::Random;

use crate::table_policy::permutations;
use crate::{Genome, Moment, SearchMethod, StepWork, StrategyError, TrainingPrior, from_prior};

/// Which paths a fair step trains.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Fairness {
    /// As many paths as a decision has choices, of random permutations, so that each choice is
    /// trained once per step (Chu et al. 2021, §3.2, "strict fairness").
    Permutations,
    /// The largest child, the smallest one, and random ones (Yu and Huang 2019, §3.1, the "sandwich
    /// rule").
    Sandwich {
        /// The child with the most parameters.
        largest: Genome,
        /// The child with the fewest.
        smallest: Genome,
        /// How many random ones are trained beside them.
        random: u32,
    },
}

/// Fair training. Nothing is learnt but the weights, and the answer is the best of samples.
pub struct Fair {
    space: Supergraph,
    fairness: Fairness,
    training: TrainingPrior,
    choices: Vec<u32>,
}

impl Fair {
    /// The method on `space`, whose constraints must not forbid any genome if every choice is to be
    /// trained once per step.
    pub fn new(space: Supergraph, fairness: Fairness, training: TrainingPrior) -> Self {
        let choices = (0..space.genome_len()).map(|d| space.choices(d)).collect();
        Self {
            space,
            fairness,
            training,
            choices,
        }
    }

    /// The number of paths of a step.
    pub fn paths(space: &Supergraph) -> u32 {
        (0..space.genome_len())
            .map(|d| space.choices(d))
            .max()
            .unwrap_or(1)
    }
}

impl SearchMethod for Fair {
    fn training(
        &mut self,
        _moment: &Moment,
        random: &mut Random,
    ) -> Result<StepWork, StrategyError> {
        Ok(StepWork::Paths(match &self.fairness {
            Fairness::Permutations => permutations(&self.choices, random)
                .iter()
                .map(|genome| self.space.canonical(genome))
                .collect::<Result<_, _>>()?,
            Fairness::Sandwich {
                largest,
                smallest,
                random: count,
            } => {
                let mut paths = vec![largest.clone(), smallest.clone()];
                for _ in 0..*count {
                    paths.push(self.training.sample(&self.space, random)?);
                }
                paths
            }
        }))
    }

    fn sample(&self, count: usize, random: &mut Random) -> Result<Vec<Genome>, GenomeError> {
        (0..count)
            .map(|_| from_prior(&self.space, random))
            .collect()
    }

    fn save(&self) -> serde_json::Value {
        serde_json::Value::Null
    }

    fn load(&mut self, _saved: serde_json::Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}
