//! Single paths: uniform, by the table, fair, and the strongest.

use supernet_plugin::{GenomeError, Group, Supergraph};
use supernet_shaders::random::{Random, RngStream};

use super::LogitTable;
use super::softmax::softmax;
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
    /// A genome drawn from the table, decision by decision, under the constraints of `space`.
    ///
    /// # Errors
    /// If the constraints leave no genome to sample.
    pub fn sample(&self, space: &Supergraph, random: &mut Random) -> Result<Genome, GenomeError> {
        let weights = |logits: &Vec<f64>| -> Vec<f32> {
            // A choice that underflowed is drawn where a constraint leaves no other.
            softmax(logits)
                .into_iter()
                .map(|p| (p as f32).max(f32::MIN_POSITIVE))
                .collect()
        };
        let weights: Vec<Vec<f32>> = self.logits().iter().map(weights).collect();
        space.sample_from(&weights, &mut |weights| random.weighted(weights))
    }

    /// The strongest genome: in a group of decisions of which so many are kept, those are kept
    /// whose strongest choice other than `none` has the largest probability (Liu et al. 2019, §2.4);
    /// every decision takes its most likely choice, the first on a tie, among those that the
    /// constraints of `space` allow, decided in the order of its plan. Where constraints interact
    /// so that this is no valid genome, the most likely one of a thousand samples is.
    ///
    /// # Errors
    /// If the constraints leave no genome.
    pub fn strongest(&self, space: &Supergraph) -> Result<Genome, GenomeError> {
        let mut preferences = self.probabilities();
        for group in &space.space().groups {
            keep(space, group, &mut preferences);
        }
        let mut prefix = vec![None; space.genome_len()];
        let steps = space.plan().steps.iter().flat_map(|step| &step.decide);
        for d in steps.map(|decision| decision.decision as usize) {
            let choice = if space.active(&prefix, d) {
                let allowed = space.allowed(&prefix, d);
                best(&preferences[d], |choice| allowed[choice])
            } else {
                None
            };
            prefix[d] = Some(choice.unwrap_or(0) as u32);
        }
        let genome: Genome = prefix.into_iter().map(|c| c.unwrap_or(0)).collect();
        if space.check(&genome).is_ok() {
            return Ok(genome);
        }
        let mut random = Random::new(0, RngStream::Candidates);
        let all: Vec<u32> = (0..space.genome_len() as u32).collect();
        let mut found: Option<(f64, Genome)> = None;
        for _ in 0..SAMPLES {
            let genome = self.sample(space, &mut random)?;
            let likelihood = self.log_probability(&genome, &all);
            if found.as_ref().is_none_or(|(best, _)| likelihood > *best) {
                found = Some((likelihood, genome));
            }
        }
        Ok(found.map(|(_, genome)| genome).unwrap_or_default())
    }
}

/// Samples where the strongest choices together are not valid.
const SAMPLES: u32 = 1000;

/// The choice with the largest preference among those that are open, the first on a tie.
fn best(preferences: &[f64], open: impl Fn(usize) -> bool) -> Option<usize> {
    let open = (0..preferences.len()).filter(|choice| open(*choice));
    open.reduce(
        |best, choice| match preferences[choice] > preferences[best] {
            true => choice,
            false => best,
        },
    )
}

/// Lets the strongest decisions of a group prefer anything but `none`, and the others nothing else.
fn keep(space: &Supergraph, group: &Group, preferences: &mut [Vec<f64>]) {
    let none = group.none as usize;
    let decisions = group.decisions.iter().filter_map(|id| space.decision(id));
    let mut ranked: Vec<(f64, usize)> = decisions
        .map(|d| {
            let p = &preferences[d as usize];
            let strength = best(p, |choice| choice != none).map_or(0.0, |choice| p[choice]);
            (strength, d as usize)
        })
        .collect();
    // The sort is stable: the first on a tie.
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    for (rank, (_, d)) in ranked.into_iter().enumerate() {
        let kept = rank < group.keep as usize;
        for (choice, preference) in preferences[d].iter_mut().enumerate() {
            if (choice == none) == kept {
                *preference = -1.0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use supernet_enas as _;
    use supernet_plugin::{Facts, Setting};

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
            .map(|_| table.sample(&space, &mut random).unwrap())
            .collect();
        assert!(genomes.iter().all(|genome| genome[0] == 4));
        assert!(genomes.iter().all(|genome| space.check(genome).is_ok()));
        assert!(genomes.iter().any(|genome| *genome != genomes[0]));
    }
}
