//! Single paths: uniform, by the table, and fair.

use supernet_plugin::Supergraph;
use supernet_shaders::random::Random;

use super::LogitTable;
use crate::Genome;

/// A genome in which every choice is equally likely, for decisions with these numbers of choices
/// (SPOS). Constraints of a space are not considered.
pub fn uniform(choices: &[u32], random: &mut Random) -> Genome {
    let draw = |count: &u32| random.below((*count).max(1));
    choices.iter().map(draw).collect()
}

/// The genomes of one strictly fair step (FairNAS, §3.2): as many as the largest number of choices
/// m. The k-th genome takes the k-th entry of a random order of every decision's choices, so that
/// each choice of a decision with m choices occurs once.
///
/// A decision with fewer choices goes through several random orders, of which the last is cut off
/// at m: its choices occur equally often, or some once more than others. Decisions that a child
/// does not ask take part too, without effect.
pub fn permutations(choices: &[u32], random: &mut Random) -> Vec<Genome> {
    let most = choices.iter().copied().max().unwrap_or(0) as usize;
    let mut genomes = vec![Vec::with_capacity(choices.len()); most];
    for count in choices {
        let mut order = Vec::with_capacity(most);
        while order.len() < most {
            let mut again: Vec<u32> = (0..(*count).max(1)).collect();
            random.shuffle(&mut again);
            order.extend(again);
        }
        for (genome, choice) in genomes.iter_mut().zip(order) {
            genome.push(choice);
        }
    }
    genomes
}

impl LogitTable {
    /// A genome drawn from the table, decision by decision. Choices that a constraint of `space`
    /// rules out, given the decisions before, are not drawn; where several constraints interact the
    /// genome may still be invalid, so check it. A decision that the table or the space does not
    /// have takes choice 0.
    pub fn sample(&self, space: &Supergraph, random: &mut Random) -> Genome {
        let mut prefix = vec![None; space.genome_len()];
        for (d, p) in self.probabilities().iter().enumerate().take(prefix.len()) {
            let allowed = space.allowed(&prefix, d);
            let weights: Vec<f32> = p
                .iter()
                .zip(&allowed)
                .map(|(p, allowed)| if *allowed { *p as f32 } else { 0.0 })
                .collect();
            let choice = match weights.iter().any(|weight| *weight > 0.0) {
                true => random.weighted(&weights),
                false => allowed.iter().position(|allowed| *allowed).unwrap_or(0),
            };
            prefix[d] = Some(choice as u32);
        }
        prefix
            .into_iter()
            .map(|choice| choice.unwrap_or(0))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use supernet_enas as _;
    use supernet_plugin::{Facts, Setting};
    use supernet_shaders::random::RngStream;

    fn random() -> Random {
        Random::new(3, RngStream::Test(0))
    }

    #[test]
    fn every_choice_is_updated_once_in_a_fair_step() {
        let (choices, steps) = ([4, 4, 4, 2, 3], 24);
        let mut counts: Vec<Vec<u32>> = choices.iter().map(|n| vec![0; *n as usize]).collect();
        let mut random = random();
        let mut orders = std::collections::BTreeSet::new();
        for _ in 0..steps {
            let genomes = permutations(&choices, &mut random);
            assert_eq!(genomes.len(), 4);
            for genome in &genomes {
                for (d, choice) in genome.iter().enumerate() {
                    counts[d][*choice as usize] += 1;
                }
            }
            orders.insert(genomes);
        }
        assert!(counts[..3].iter().all(|counts| *counts == [steps; 4]));
        // Two choices repeat their order; of three, one per step occurs twice.
        assert_eq!(counts[3], [2 * steps; 2]);
        assert_eq!(counts[4].iter().sum::<u32>(), 4 * steps);
        assert!(counts[4].iter().all(|n| (steps..=2 * steps).contains(n)));
        assert!(orders.len() > 20, "the orders differ from step to step");
    }

    #[test]
    fn uniform_genomes_are_uniform() {
        let mut random = random();
        let mut counts = [0; 3];
        for _ in 0..30_000 {
            let genome = uniform(&[3, 1], &mut random);
            assert_eq!(genome[1], 0);
            counts[genome[0] as usize] += 1;
        }
        assert!(
            counts.iter().all(|n| (9_700..10_300).contains(n)),
            "{counts:?}"
        );
    }

    #[test]
    fn samples_follow_the_table() {
        let facts = Facts::images(&[8, 8, 1], 10);
        let entry = supernet_plugin::find("enas-macro").unwrap();
        let settings = [("layers".to_owned(), Setting::Int(2))].into();
        let config = entry.configure(&settings, &facts).unwrap();
        let space = Supergraph::new(entry.space(&config).unwrap()).unwrap();
        let mut table = LogitTable::of(&space);
        table.logits_mut()[0][4] = 50.0;
        let mut random = random();
        let genomes: Vec<Genome> = (0..100)
            .map(|_| table.sample(&space, &mut random))
            .collect();
        assert!(genomes.iter().all(|genome| genome[0] == 4));
        assert!(genomes.iter().all(|genome| space.check(genome).is_ok()));
        assert!(genomes.iter().any(|genome| *genome != genomes[0]));
    }
}
