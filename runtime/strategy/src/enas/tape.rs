use super::real::Real;
use super::sampled::Sampled;
use crate::Genome;

/// The forward pass of a batch of rollouts: the values that the backward pass needs, and the
/// samples.
pub(super) struct Tape<F> {
    pub(super) rollouts: usize,
    /// [steps, rollouts, 2d]: input and previous state of each step.
    pub(super) inputs: Vec<F>,
    pub(super) frames: Vec<Frame<F>>,
    /// One per rollout.
    pub(super) genomes: Vec<Genome>,
    /// The rollouts that the constraints left without a choice; their genomes are meaningless.
    pub(super) stuck: Vec<bool>,
}

/// One step of the LSTM, with one row per rollout.
pub(super) struct Frame<F> {
    /// [rollouts, 4d]: i, f, o, g after their nonlinearities.
    pub(super) gates: Vec<F>,
    /// [rollouts, d]
    pub(super) cell: Vec<F>,
    /// [rollouts, d]: tanh of the cell.
    pub(super) squashed: Vec<F>,
    /// [rollouts, d]
    pub(super) state: Vec<F>,
    /// [rollouts, d]: W₁ · state, if a later step attends to it.
    pub(super) key: Vec<F>,
    pub(super) choices: Vec<Sampled<F>>,
}

/// Statistics of the policy on the rollouts of a tape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Outlook<F> {
    /// The objective that gradient descent minimises; see [`Tape::outlook`].
    pub loss: F,
    /// Nats, the mean over the rollouts of the sum over their active decisions.
    pub entropy: F,
    /// The value of `entropy` if all open choices were equally likely.
    pub widest: F,
    /// Nats, the mean over the rollouts of the mean over their skips.
    pub penalty: F,
}

/// Weights of the terms of the loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Objective<'a, F> {
    /// One per rollout; constants through which no gradient flows.
    pub advantages: &'a [F],
    pub entropy: F,
    pub skip: F,
}

impl<F: Real> Tape<F> {
    pub(super) fn choices(&self) -> impl Iterator<Item = &Sampled<F>> {
        self.frames.iter().flat_map(|frame| &frame.choices)
    }

    /// Log-probability of each rollout's genome under the policy.
    pub(super) fn log_probabilities(&self) -> Vec<F> {
        (0..self.rollouts)
            .map(|b| {
                self.choices()
                    .fold(F::ZERO, |sum, choice| sum + choice.log_taken(b))
            })
            .collect()
    }

    /// 1 / (rollouts · skips of the rollout): the weight of one skip's divergence in the mean
    /// penalty; 0 without skips.
    pub(super) fn skip_shares(&self) -> Vec<F> {
        let share = |b| match self.choices().filter(|choice| choice.penalised(b)).count() {
            0 => F::ZERO,
            skips => F::ONE / F::of((skips * self.rollouts) as f64),
        };
        (0..self.rollouts).map(share).collect()
    }

    /// The loss
    ///
    ///   mean over rollouts of −advantage · log p(genome)
    ///   − `entropy` · mean over rollouts of the entropy, summed over active decisions
    ///   + `skip` · mean over rollouts of the mean over skips of KL(on-probability ‖ target).
    ///
    /// Descent on the first term raises the probability of samples with a positive advantage
    /// (Williams 1992). The entropy is that of each decision given the choices sampled before it.
    /// Entropy and divergence are functions of the parameters with the samples held fixed: their
    /// effect on which samples are drawn is ignored, as in every published version.
    pub(super) fn outlook(&self, objective: Objective<'_, F>) -> Outlook<F> {
        let share = F::ONE / F::of(self.rollouts.max(1) as f64);
        let (mut policy, mut entropy, mut widest, mut penalty) =
            (F::ZERO, F::ZERO, F::ZERO, F::ZERO);
        for (log, advantage) in self
            .log_probabilities()
            .into_iter()
            .zip(objective.advantages)
        {
            policy += -(*advantage * log) * share;
        }
        for (b, skips) in self.skip_shares().into_iter().enumerate() {
            for choice in self.choices() {
                entropy += choice.entropy(b) * share;
                widest += choice.widest(b) * share;
                if choice.penalised(b) {
                    penalty += choice.divergence(b) * skips;
                }
            }
        }
        Outlook {
            loss: policy - objective.entropy * entropy + objective.skip * penalty,
            entropy,
            widest,
            penalty,
        }
    }
}
