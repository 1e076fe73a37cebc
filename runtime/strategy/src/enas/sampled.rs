use super::real::Real;

/// One decision as made in a batch of rollouts.
pub(super) struct Sampled<F> {
    pub(super) choices: usize,
    /// Whether it is a skip connection, to which the penalty applies.
    pub(super) skip: bool,
    /// Log of the prior over the choices; the reference of the skip penalty.
    pub(super) prior: Vec<F>,
    /// [rollouts]: whether the decision is active in this rollout. An inactive one is 0 and costs
    /// nothing.
    pub(super) active: Vec<bool>,
    /// [rollouts]
    pub(super) taken: Vec<u32>,
    /// [rollouts, choices]: the choices that the constraints allow.
    pub(super) allowed: Vec<bool>,
    /// [rollouts, choices]: the derivative of a shaped score by the raw one. A skip has one score.
    pub(super) slope: Vec<F>,
    /// [rollouts, choices]: log-probabilities among the allowed choices; a forbidden choice holds
    /// 0.
    pub(super) log: Vec<F>,
    /// [rollouts, anchors, d]: tanh of the sum inside the attention, kept for the backward pass.
    pub(super) attention: Vec<F>,
}

/// Weights of one decision of one rollout in the objective.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Weight<F> {
    /// Of the log-probability of the sampled choice.
    pub(super) log: F,
    /// Of the policy's entropy.
    pub(super) entropy: F,
    /// Of the divergence of a skip from its target.
    pub(super) divergence: F,
}

impl<F: Real> Sampled<F> {
    pub(super) fn new(choices: usize, skip: bool, prior: &[f64], rollouts: usize) -> Self {
        Self {
            choices,
            skip,
            prior: prior.iter().map(|p| F::of(*p)).collect(),
            active: vec![false; rollouts],
            taken: vec![0; rollouts],
            allowed: vec![false; rollouts * choices],
            slope: vec![F::ZERO; rollouts * choices],
            log: vec![F::ZERO; rollouts * choices],
            attention: Vec::new(),
        }
    }

    /// Log-softmax of `logits` over the choices that `allowed` leaves to rollout `b`.
    pub(super) fn settle(&mut self, b: usize, logits: &[F], allowed: &[bool]) {
        let range = b * self.choices..(b + 1) * self.choices;
        self.active[b] = true;
        self.allowed[range.clone()].copy_from_slice(allowed);
        let open = || {
            logits
                .iter()
                .zip(allowed)
                .filter(|(_, open)| **open)
                .map(|(z, _)| *z)
        };
        let top = open().fold(F::of(f64::MIN), |top, z| if z > top { z } else { top });
        let total = open().fold(F::ZERO, |sum, z| sum + (z - top).exp()).ln() + top;
        for ((log, z), open) in self.log[range].iter_mut().zip(logits).zip(allowed) {
            *log = if *open { *z - total } else { F::ZERO };
        }
    }

    /// Probability and log-probability of the choices that are open to rollout `b`.
    fn open(&self, b: usize) -> impl Iterator<Item = (usize, F, F)> + '_ {
        let row = b * self.choices;
        (0..self.choices)
            .filter(move |i| self.allowed[row + i])
            .map(move |i| {
                let log = self.log[row + i];
                (i, log.exp(), log)
            })
    }

    /// Probabilities of rollout `b`'s choices.
    pub(super) fn probabilities(&self, b: usize) -> Vec<f32> {
        let mut weights = vec![0.0; self.choices];
        self.open(b)
            .for_each(|(i, p, _)| weights[i] = p.to_f64() as f32);
        weights
    }

    /// Log-probability of the choice that rollout `b` sampled, not of the likeliest one.
    pub(super) fn log_taken(&self, b: usize) -> F {
        if self.active[b] {
            self.log[b * self.choices + self.taken[b] as usize]
        } else {
            F::ZERO
        }
    }

    /// The entropy of the whole distribution that rollout `b` sampled from, in nats.
    pub(super) fn entropy(&self, b: usize) -> F {
        -self.open(b).fold(F::ZERO, |sum, (_, p, log)| sum + p * log)
    }

    /// The largest entropy that the choices open to rollout `b` allow, in nats.
    pub(super) fn widest(&self, b: usize) -> F {
        let open = self.allowed[b * self.choices..][..self.choices]
            .iter()
            .filter(|open| **open)
            .count();
        F::of((open.max(1) as f64).ln())
    }

    /// Whether the penalty applies to rollout `b`: to an active skip that no constraint determines.
    pub(super) fn penalised(&self, b: usize) -> bool {
        self.skip
            && self.active[b]
            && self.allowed[b * self.choices..][..self.choices]
                .iter()
                .all(|open| *open)
    }

    /// KL(policy ‖ prior) in nats, of the true on-probability.
    pub(super) fn divergence(&self, b: usize) -> F {
        self.open(b)
            .fold(F::ZERO, |sum, (i, p, log)| sum + p * (log - self.prior[i]))
    }

    /// The derivative with respect to rollout `b`'s shaped logits of `weight.log` · log p(taken) +
    /// `weight.entropy` · entropy + `weight.divergence` · divergence.
    pub(super) fn gradient(&self, b: usize, weight: Weight<F>) -> Vec<F> {
        let mut slopes = vec![F::ZERO; self.choices];
        if !self.active[b] {
            return slopes;
        }
        let (entropy, penalised) = (self.entropy(b), self.penalised(b));
        let divergence = if penalised {
            self.divergence(b)
        } else {
            F::ZERO
        };
        for (i, p, log) in self.open(b) {
            // d log p(a) / dz_i = [i = a] - p_i;  dH / dz_i = -p_i (log p_i + H);
            // dKL / dz_i = p_i (log p_i - log t_i - KL)
            let hit = if i == self.taken[b] as usize {
                F::ONE
            } else {
                F::ZERO
            };
            let mut slope = weight.log * (hit - p) - weight.entropy * p * (log + entropy);
            if penalised {
                slope += weight.divergence * p * (log - self.prior[i] - divergence);
            }
            slopes[i] = slope;
        }
        slopes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(logits: &[f64], allowed: &[bool], taken: u32) -> Sampled<f64> {
        let prior: Vec<f64> = vec![(1.0 / logits.len() as f64).ln(); logits.len()];
        let mut choice = Sampled::new(logits.len(), false, &prior, 1);
        choice.settle(0, logits, allowed);
        choice.taken[0] = taken;
        choice
    }

    #[test]
    fn the_sampled_choice_counts_and_not_the_likeliest() {
        let choice = settled(&[3.0, 0.0, 1.0], &[true; 3], 1);
        let total = 3.0_f64.exp() + 1.0 + 1.0_f64.exp();
        assert!((choice.log_taken(0) - (1.0 / total).ln()).abs() < 1e-12);
        let slopes = choice.gradient(
            0,
            Weight {
                log: 1.0,
                ..Weight::default()
            },
        );
        assert!(
            slopes[1] > 0.0 && slopes[0] < 0.0 && slopes[2] < 0.0,
            "{slopes:?}"
        );
    }

    #[test]
    fn entropy_is_that_of_the_whole_distribution() {
        for taken in 0..4 {
            assert!(
                (settled(&[0.7; 4], &[true; 4], taken).entropy(0) - 4.0_f64.ln()).abs() < 1e-12
            );
        }
        let sure = settled(&[90.0, 0.0], &[true; 2], 1);
        assert!(sure.entropy(0).abs() < 1e-12 && (sure.log_taken(0) + 90.0).abs() < 1e-9);
        // A push towards more entropy lowers the likelier choice.
        let slopes = settled(&[1.0, 0.0], &[true; 2], 0).gradient(
            0,
            Weight {
                entropy: 1.0,
                ..Weight::default()
            },
        );
        assert!(slopes[0] < 0.0 && slopes[1] > 0.0);
    }

    #[test]
    fn what_is_masked_has_no_part_in_it() {
        let choice = settled(&[5.0, 1.0, 1.0], &[false, true, true], 2);
        assert_eq!(choice.probabilities(0), [0.0, 0.5, 0.5]);
        assert!((choice.entropy(0) - 2.0_f64.ln()).abs() < 1e-12);
        let forced = settled(&[5.0, 1.0], &[false, true], 1);
        assert_eq!((forced.log_taken(0), forced.entropy(0)), (0.0, 0.0));
        let weight = Weight {
            log: 1.0,
            entropy: 1.0,
            divergence: 1.0,
        };
        assert_eq!(choice.gradient(0, weight)[0], 0.0);
        assert_eq!(forced.gradient(0, weight), [0.0, 0.0]);
    }

    #[test]
    fn what_is_inactive_costs_nothing() {
        let choice = Sampled::<f64>::new(3, false, &[0.0; 3], 2);
        assert_eq!(
            (choice.log_taken(1), choice.entropy(1), choice.penalised(1)),
            (0.0, 0.0, false)
        );
        assert_eq!(choice.widest(1), 0.0);
        assert_eq!(
            choice.gradient(
                1,
                Weight {
                    log: 1.0,
                    entropy: 1.0,
                    divergence: 1.0
                }
            ),
            [0.0; 3]
        );
    }

    /// In the released code the penalty's minimum is at a sampling rate of 0.308 instead of 0.4.
    #[test]
    fn the_penalty_is_least_where_the_true_probability_is_the_target() {
        let target: f64 = 0.4;
        let divergence = |z: f64| {
            let mut skip = Sampled::new(2, true, &[(1.0 - target).ln(), target.ln()], 1);
            skip.settle(0, &[-z, z], &[true; 2]);
            assert!(skip.penalised(0));
            (
                skip.divergence(0),
                f64::from(skip.probabilities(0)[1]),
                skip.gradient(
                    0,
                    Weight {
                        divergence: 1.0,
                        ..Weight::default()
                    },
                ),
            )
        };
        let (mut z, mut least) = (1.0, f64::MAX);
        for _ in 0..400 {
            let (value, _, slopes) = divergence(z);
            assert!(value <= least + 1e-15);
            least = value;
            z -= 0.5 * (slopes[1] - slopes[0]);
        }
        let (value, on, _) = divergence(z);
        assert!((on - target).abs() < 1e-6 && value < 1e-12, "{on} {value}");
    }
}
