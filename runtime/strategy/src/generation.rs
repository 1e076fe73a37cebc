//! Evolution of architectures whose scores are known: the second stage of single-path one-shot
//! search (Guo et al. 2020, §3.4).

use supernet_plugin::{GenomeError, Supergraph};
use supernet_shaders::random::Random;

use super::evolution::{mutated, settle};
use super::{Genome, from_prior};

/// The probability with which a mutation changes a decision (Guo et al. 2020, §4).
const RATE: f32 = 0.1;
/// Crossovers of parents that are tried before a child is a sample of the prior.
const TRIES: u32 = 16;

/// The children of the best architectures so far: mutations and uniform crossovers in turn. A child
/// may equal one of its parents, or another child.
///
/// # Errors
/// If the space's constraints leave no genome to sample.
pub fn next_generation(
    space: &Supergraph,
    parents: &[Genome],
    count: usize,
    random: &mut Random,
) -> Result<Vec<Genome>, GenomeError> {
    let Some(most) = u32::try_from(parents.len()).ok().filter(|most| *most > 0) else {
        return (0..count).map(|_| from_prior(space, random)).collect();
    };
    let mut children = Vec::with_capacity(count);
    for child in 0..count {
        let [one, other] = [(); 2].map(|()| &parents[random.below(most) as usize]);
        children.push(match child % 2 {
            0 => mutation(space, one, random)?,
            _ => crossover(space, one, other, random)?,
        });
    }
    Ok(children)
}

/// Changes at least one decision, and every further one with a small probability.
fn mutation(
    space: &Supergraph,
    parent: &Genome,
    random: &mut Random,
) -> Result<Genome, GenomeError> {
    let mut child = mutated(space, parent, random)?;
    for _ in 1..parent.len() {
        if random.unit() < RATE {
            child = mutated(space, &child, random)?;
        }
    }
    Ok(child)
}

/// Takes every decision from either parent.
fn crossover(
    space: &Supergraph,
    one: &Genome,
    other: &Genome,
    random: &mut Random,
) -> Result<Genome, GenomeError> {
    for _ in 0..TRIES {
        let mut child = one.clone();
        for (choice, other) in child.iter_mut().zip(other) {
            if random.below(2) == 1 {
                *choice = *other;
            }
        }
        settle(space, one, &mut child, random);
        if space.check(&child).is_ok() {
            return Ok(child);
        }
    }
    mutated(space, one, random)
}

#[cfg(test)]
mod tests {
    use supernet_shaders::random::RngStream;

    use super::*;
    use crate::test_spaces;

    #[test]
    fn children_are_valid_and_descend_from_their_parents() {
        let space = test_spaces::guarded();
        let mut random = Random::new(1, RngStream::Test(0));
        let draw = |random: &mut Random| from_prior(&space, random).unwrap();
        let parents: Vec<Genome> = (0..4).map(|_| draw(&mut random)).collect();
        let children = next_generation(&space, &parents, 200, &mut random).unwrap();
        assert_eq!(children.len(), 200);
        assert!(children.iter().all(|child| space.check(child).is_ok()));
        // Where both parents agree, a crossover in a space without conditions does too.
        let free = test_spaces::space(
            ["x", "y", "z"]
                .map(|id| test_spaces::op(id, &["a", "b", "c", "d"]))
                .to_vec(),
            ["x", "y", "z"]
                .map(|id| test_spaces::step(&[id.to_owned()], None))
                .to_vec(),
            vec![],
        );
        let parents = [vec![0, 1, 2], vec![3, 1, 0]];
        let children = next_generation(&free, &parents, 100, &mut random).unwrap();
        let crossed = children.iter().skip(1).step_by(2);
        assert!(
            crossed
                .clone()
                .all(|child| child[1] == 1 && child[0] != 1 && child[2] != 3)
        );
        assert!(crossed.clone().any(|child| *child == [0, 1, 0]));
        // A mutation differs from its parent.
        let mutations = children.iter().step_by(2);
        assert!(mutations.clone().any(|child| child[1] != 1));
    }

    #[test]
    fn without_parents_children_come_from_the_prior() {
        let space = test_spaces::guarded();
        let mut random = Random::new(1, RngStream::Test(0));
        assert_eq!(
            next_generation(&space, &[], 5, &mut random).unwrap().len(),
            5
        );
    }
}
