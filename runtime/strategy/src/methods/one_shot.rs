//! One-Shot (Bender et al. 2018): everything trains at once, with path dropout; nothing is learnt
//! but the weights.

use supernet_plugin::{GenomeError, Supergraph};
use supernet_shaders::random::Random;

use crate::table_policy::PathDropout;
use crate::{Genome, Moment, SearchMethod, StepWork, StrategyError, from_prior};

/// One-Shot: all branches run, and each input of a node is dropped at random, at a rate that rises
/// to the end of the search. The answer is the best of random samples.
pub struct OneShot {
    space: Supergraph,
    dropout: PathDropout,
    choices: Vec<u32>,
    /// The `Choose` nodes with their numbers of inputs, each of which drops inputs of its own.
    nodes: Vec<(u32, u32)>,
}

impl OneShot {
    /// The method on `space`, with the dropout of its steps.
    pub fn new(space: Supergraph, dropout: PathDropout) -> Self {
        let choices: Vec<u32> = (0..space.genome_len()).map(|d| space.choices(d)).collect();
        let all = 0..space.node_count() as u32;
        let nodes = all.filter_map(|node| {
            let decision = space.decision_of(node)?;
            Some((node, choices[decision as usize]))
        });
        Self {
            nodes: nodes.collect(),
            choices,
            dropout,
            space,
        }
    }
}

impl SearchMethod for OneShot {
    fn training(
        &mut self,
        moment: &Moment,
        random: &mut Random,
    ) -> Result<StepWork, StrategyError> {
        let path = self
            .dropout
            .draw(&self.choices, &self.nodes, moment.step, random);
        Ok(StepWork::Mixture(path))
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
