//! The table itself.

use serde::de::Error as _;
use serde::{Deserialize, Serialize};
use supernet_plugin::Supergraph;
use supernet_shaders::random::{Random, RngStream};

use super::softmax::{entropy, log_softmax, softmax};
use crate::{Genome, StrategyStats};

/// One logit per choice of each decision, in genome order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogitTable {
    logits: Vec<Vec<f64>>,
}

impl LogitTable {
    /// A table for decisions with these numbers of choices, all logits zero: every choice is
    /// equally likely.
    pub fn uniform(choices: &[u32]) -> Self {
        let logits = choices.iter().map(|count| vec![0.0; *count as usize]);
        Self {
            logits: logits.collect(),
        }
    }

    /// The uniform table of a space.
    pub fn of(space: &Supergraph) -> Self {
        let counts: Vec<u32> = (0..space.genome_len()).map(|d| space.choices(d)).collect();
        Self::uniform(&counts)
    }

    /// Adds normal noise around `mean`: DARTS and ProxylessNAS begin with a deviation of 1e-3
    /// around 0, SNAS with 0.01 around 1. The noise is a function of `seed`.
    #[must_use]
    pub fn with_noise(mut self, mean: f64, deviation: f64, seed: u64) -> Self {
        let mut random = Random::new(seed, RngStream::Controller);
        for logit in self.logits.iter_mut().flatten() {
            *logit += mean + deviation * f64::from(random.normal());
        }
        self
    }

    /// The logits of every decision.
    pub fn logits(&self) -> &[Vec<f64>] {
        &self.logits
    }

    /// The logits, to change them.
    pub fn logits_mut(&mut self) -> &mut [Vec<f64>] {
        &mut self.logits
    }

    /// The number of decisions.
    pub fn len(&self) -> usize {
        self.logits.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.logits.is_empty()
    }

    /// Whether the table has the shape of a space's decisions, and only finite numbers.
    ///
    /// # Errors
    /// If not, in a sentence.
    pub(crate) fn check_fits(&self, space: &Supergraph) -> Result<(), serde_json::Error> {
        let own = self.logits.iter().map(|logits| logits.len() as u32);
        let wanted = (0..space.genome_len()).map(|d| space.choices(d));
        if !own.eq(wanted) {
            let reason = "the saved logits belong to other decisions than those of this space";
            return Err(serde_json::Error::custom(reason));
        }
        if !self.logits.iter().flatten().all(|logit| logit.is_finite()) {
            return Err(serde_json::Error::custom("a saved logit is not a number"));
        }
        Ok(())
    }

    /// The probability of every choice of every decision.
    pub fn probabilities(&self) -> Vec<Vec<f64>> {
        self.logits.iter().map(|logits| softmax(logits)).collect()
    }

    /// The logarithm of a genome's probability, over the decisions that its child asks: pass all
    /// indices, or those of [`Child::asked`](supernet_plugin::Child::asked). Decisions and choices
    /// that the table does not have are left out.
    pub fn log_probability(&self, genome: &[u32], asked: &[u32]) -> f64 {
        let of = |d: &u32| {
            let (logits, choice) = (self.logits.get(*d as usize)?, genome.get(*d as usize)?);
            log_softmax(logits).get(*choice as usize).copied()
        };
        asked.iter().filter_map(of).sum()
    }

    /// The mean entropy of the decisions in nats; 0 for a table without decisions.
    pub fn entropy(&self) -> f64 {
        let each = self.logits.iter().map(|logits| entropy(&softmax(logits)));
        each.sum::<f64>() / self.logits.len().max(1) as f64
    }

    /// Writes the entropy of the policy, summed over its decisions, into statistics.
    pub(crate) fn note_entropy(&self, stats: &mut StrategyStats) {
        let each = self.logits.iter().map(|logits| entropy(&softmax(logits)));
        let widest = self.logits.iter().map(|logits| (logits.len() as f64).ln());
        let (sum, widest): (f64, f64) = (each.sum(), widest.sum());
        stats.entropy = sum as f32;
        stats.entropy_share = (widest > 0.0).then(|| (sum / widest).clamp(0.0, 1.0) as f32);
    }

    /// The most likely choice of every decision, the first on a tie.
    pub fn most_likely(&self) -> Genome {
        let best = |logits: &Vec<f64>| {
            let better = |best: usize, i: usize| if logits[i] > logits[best] { i } else { best };
            (1..logits.len()).fold(0, better) as u32
        };
        self.logits.iter().map(best).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_uniform_until_it_learns() {
        let mut table = LogitTable::uniform(&[2, 4]);
        assert_eq!(table.probabilities(), [vec![0.5; 2], vec![0.25; 4]]);
        let mean = (2.0_f64.ln() + 4.0_f64.ln()) / 2.0;
        assert!((table.entropy() - mean).abs() < 1e-12);
        assert_eq!(table.most_likely(), [0, 0]);
        table.logits_mut()[1][2] = 1.0;
        assert_eq!(table.most_likely(), [0, 2]);
        assert!(table.entropy() < mean);
    }

    #[test]
    fn a_probability_counts_the_decisions_that_are_asked() {
        let table = LogitTable::uniform(&[2, 4, 8]);
        let eighth = table.log_probability(&[1, 3, 0], &[0, 1]);
        assert!((eighth - 0.125_f64.ln()).abs() < 1e-12);
        let all = table.log_probability(&[1, 3, 0], &[0, 1, 2]);
        assert!((all - (1.0_f64 / 64.0).ln()).abs() < 1e-12);
    }

    #[test]
    fn noise_is_a_function_of_the_seed_and_tables_come_back_from_json() {
        let table = |seed| LogitTable::uniform(&[3; 5]).with_noise(1.0, 0.01, seed);
        assert_eq!(table(1), table(1));
        assert_ne!(table(1), table(2));
        let all: Vec<f64> = table(1).logits().concat();
        assert!(all.iter().all(|x| (x - 1.0).abs() < 0.06 && *x != 1.0));
        let json = serde_json::to_string(&table(1)).unwrap();
        assert_eq!(serde_json::from_str::<LogitTable>(&json).unwrap(), table(1));
    }
}
