//! What ranks networks without shared weights.

use supernet_plugin::{GenomeError, Supergraph};
use supernet_shaders::random::{Random, RngStream};

use super::RankedNetwork;
use super::alone::Trainings;
use super::figures::{Basis, RankingFigures};
use crate::results::ranking;
use crate::results::ridge::Ridge;

/// The penalty on the coefficients of one-hot choices.
const PENALTY: f64 = 1.0;

/// Baselines by name.
pub(super) struct Baselines<'a> {
    pub(super) supergraph: &'a Supergraph,
    pub(super) networks: &'a [RankedNetwork],
    pub(super) basis: &'a Basis,
    /// The trainings alone, and whether they are the truth.
    pub(super) alone: Option<(&'a Trainings, bool)>,
    /// Number of shuffles.
    pub(super) seeds: u32,
    pub(super) seed: u64,
}

impl Baselines<'_> {
    /// The figures of every baseline.
    pub(super) fn all(&self) -> Result<Vec<(String, RankingFigures)>, GenomeError> {
        let counts = |count: fn(&RankedNetwork) -> u64| -> Vec<Vec<f64>> {
            vec![
                self.networks
                    .iter()
                    .map(|network| count(network) as f64)
                    .collect(),
            ]
        };
        let count = self.networks.len();
        let mut all = vec![
            (
                "parameters".to_owned(),
                counts(|network| network.parameters),
            ),
            ("multiply-adds".to_owned(), counts(|network| network.macs)),
            (
                "ops with weights".to_owned(),
                counts(|network| network.weighted_ops),
            ),
            (
                format!("additive model, {} trained", count.saturating_sub(1)),
                vec![self.additive()?],
            ),
        ];
        if let Some((alone, false)) = self.alone {
            let (epochs, seeds) = (alone.options.epochs, 0..alone.options.seeds as usize);
            let each = |value: &dyn Fn(usize) -> Vec<f64>| seeds.clone().map(value).collect();
            all.push((
                format!("alone, {epochs} epochs, loss"),
                each(&|seed| alone.losses_of_seed(self.networks, seed)),
            ));
            all.push((
                format!("alone, {epochs} epochs, reward"),
                each(&|seed| alone.truth_of_seed(self.networks, seed)),
            ));
        }
        all.push(("shuffled".to_owned(), self.shuffled()));
        let mut figures: Vec<(String, RankingFigures)> = all
            .into_iter()
            .map(|(name, scores)| (name, self.basis.figures(&scores)))
            .collect();
        if let Some((alone, true)) = self.alone {
            figures.extend(self.one_seed_against_others(alone));
        }
        Ok(figures)
    }

    /// What one training knows of the truth by the other seeds: to its end, the ceiling of any
    /// score, and after the first quarter of its passes.
    fn one_seed_against_others(&self, alone: &Trainings) -> [(String, RankingFigures); 2] {
        let seeds = || 0..alone.options.seeds as usize;
        let others: Vec<Vec<f64>> = seeds()
            .map(|seed| alone.truth(self.networks, Some(seed)))
            .collect();
        let figures =
            |scores: Vec<Vec<f64>>| self.basis.figures_against(&scores, &|seed| &others[seed]);
        let ends = seeds().map(|seed| alone.truth_of_seed(self.networks, seed));
        let early = seeds().map(|seed| alone.early_of_seed(self.networks, seed));
        let epochs = alone.options.epochs;
        [
            ("another seed alone".to_owned(), figures(ends.collect())),
            (
                format!("alone, {} of {epochs} epochs", epochs.div_ceil(4)),
                figures(early.collect()),
            ),
        ]
    }

    /// The rank of every network by a sum over its choices, fitted to the ranks of all others.
    fn additive(&self) -> Result<Vec<f64>, GenomeError> {
        let rows: Result<Vec<Vec<f64>>, GenomeError> = self
            .networks
            .iter()
            .map(|network| self.one_hot(&network.genome))
            .collect();
        let ranks = ranking::ranks(&self.basis.truth);
        Ok(Ridge::fit(&rows?, &ranks, PENALTY).leave_one_out().to_vec())
    }

    /// One number for each choice of each decision: 1 if the child uses it.
    fn one_hot(&self, genome: &[u32]) -> Result<Vec<f64>, GenomeError> {
        let child = self.supergraph.child(genome)?;
        let mut features = Vec::new();
        for (decision, chosen) in (0..).zip(genome) {
            let asked = child.asked().binary_search(&decision).is_ok();
            let choices = 0..self.supergraph.choices(decision as usize);
            features.extend(choices.map(|choice| f64::from(u8::from(asked && choice == *chosen))));
        }
        Ok(features)
    }

    /// Scores that know nothing.
    fn shuffled(&self) -> Vec<Vec<f64>> {
        let mut random = Random::new(self.seed, RngStream::ShuffledScores);
        let mut shuffle = |_| {
            let mut scores: Vec<f64> = (0..self.networks.len()).map(|i| i as f64).collect();
            random.shuffle(&mut scores);
            scores
        };
        (0..self.seeds.max(1)).map(&mut shuffle).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::networks::{self, tests::chain};
    use super::*;

    #[test]
    fn an_additive_truth_is_known_to_the_additive_model_and_not_to_chance() {
        let supergraph = chain();
        let networks = networks::select(&supergraph, 60, 0, &|_| true).unwrap();
        // Skips are worth more than convolutions, so that size is misleading.
        let worth = |network: &RankedNetwork| -> f64 {
            let choices = (1..).zip(&network.genome);
            choices
                .map(|(weight, choice)| f64::from(weight * (4 - choice)))
                .sum()
        };
        let truth = networks.iter().map(worth).collect();
        let basis = Basis::new(&networks, truth, 0.1, 0);
        let baselines = Baselines {
            supergraph: &supergraph,
            networks: &networks,
            basis: &basis,
            alone: None,
            seeds: 5,
            seed: 0,
        };
        let all = baselines.all().unwrap();
        let tau = |wanted: &str| {
            let (_, figures) = all.iter().find(|(name, _)| name == wanted).unwrap();
            figures.tau.unwrap()
        };
        assert!(tau("additive model, 59 trained").mean > 0.9);
        assert!(tau("parameters").mean < -0.3);
        let chance = tau("shuffled");
        assert_eq!(chance.count, 5);
        assert!(
            chance.mean.abs() < 3.0 * chance.standard_error.unwrap(),
            "{chance:?}"
        );
    }
}
