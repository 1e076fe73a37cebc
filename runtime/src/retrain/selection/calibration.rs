//! The calibration set: the networks of the first rung, which are trained alone whatever is
//! predicted of them.

use crate::results::Candidate;

/// Chooses `count` of the candidates, as indices in ascending order of their shared loss: a quarter
/// are the best by shared loss, `best` among them, and the others are spread evenly over the
/// quantiles of the number of parameters and of the shared loss, in turn. So the smallest and the
/// largest, the best and the worst are among them.
pub(crate) fn calibration_set(candidates: &[Candidate], best: usize, count: usize) -> Vec<usize> {
    let count = count.min(candidates.len());
    let by_loss = sorted(candidates, |candidate| candidate.score.loss.into());
    let by_size = sorted(candidates, |candidate| candidate.parameters as f64);
    let mut chosen = vec![false; candidates.len()];
    if count > 0
        && let Some(best) = chosen.get_mut(best)
    {
        *best = true;
    }
    let number = |chosen: &[bool]| chosen.iter().filter(|is| **is).count();
    for index in &by_loss {
        if number(&chosen) >= count.div_ceil(4) {
            break;
        }
        chosen[*index] = true;
    }
    let rest = count - number(&chosen);
    let (of_size, of_loss) = (rest.div_ceil(2), rest / 2);
    for (order, places) in [(&by_size, of_size), (&by_loss, of_loss)] {
        for place in 0..places {
            let last = order.len() - 1;
            // From one end to the other; a single place is in the middle.
            let at = match places {
                1 => last / 2,
                _ => place * last / (places - 1),
            };
            if let Some(index) = nearest_free(order, &chosen, at) {
                chosen[index] = true;
            }
        }
    }
    by_loss.into_iter().filter(|index| chosen[*index]).collect()
}

/// The indices in ascending order of a number; equal ones in the order of their genomes.
fn sorted(candidates: &[Candidate], key: impl Fn(&Candidate) -> f64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by(|a, b| {
        let (a, b) = (&candidates[*a], &candidates[*b]);
        key(a)
            .total_cmp(&key(b))
            .then_with(|| a.genome.cmp(&b.genome))
    });
    order
}

/// The candidate nearest to a position that is not chosen yet.
fn nearest_free(order: &[usize], chosen: &[bool], at: usize) -> Option<usize> {
    let free = |position: usize| {
        let index = *order.get(position)?;
        (!chosen[index]).then_some(index)
    };
    (0..order.len()).find_map(|away| {
        let below = at.checked_sub(away).and_then(free);
        below.or_else(|| free(at + away))
    })
}

#[cfg(test)]
mod tests {
    use supernet_strategy::Score;

    use super::*;

    /// Candidate i has loss i, and the parameters of a permutation.
    fn candidates(count: usize) -> Vec<Candidate> {
        (0..count)
            .map(|i| Candidate {
                genome: vec![i as u32],
                score: Score {
                    reward: 0.5,
                    loss: i as f32,
                },
                parameters: (i * 37 % count) as u64,
                macs: 1,
            })
            .collect()
    }

    #[test]
    fn it_has_the_promising_and_the_ends_of_size_and_loss() {
        let all = candidates(100);
        let set = calibration_set(&all, 50, 16);
        assert_eq!(set.len(), 16);
        assert!(set.is_sorted_by(|a, b| a < b), "{set:?}");
        assert!(set.starts_with(&[0, 1, 2]) && set.contains(&50), "{set:?}");
        let sizes: Vec<u64> = set.iter().map(|i| all[*i].parameters).collect();
        assert!(sizes.contains(&0) && sizes.contains(&99), "{sizes:?}");
        assert!(set.contains(&99), "{set:?}");
        // Spread: every fifth of the sizes has one.
        for fifth in 0..5 {
            assert!(sizes.iter().any(|size| size / 20 == fifth), "{sizes:?}");
        }
    }

    #[test]
    fn few_candidates_are_all_chosen_once() {
        for count in [0, 1, 2, 7, 8] {
            assert_eq!(
                calibration_set(&candidates(count), 0, 8),
                (0..count).collect::<Vec<_>>()
            );
        }
        assert!(calibration_set(&candidates(5), 2, 0).is_empty());
    }
}
