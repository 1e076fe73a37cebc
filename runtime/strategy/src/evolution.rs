//! Regularised evolution: children of the fittest, and the oldest die (Real et al. 2019).

use std::collections::VecDeque;

use serde::de::Error as _;
use serde::{Deserialize, Serialize};
use supernet_plugin::{GenomeError, Supergraph};
use supernet_shaders::random::{Random, RngStream};

use super::agenda::{Agenda, Pending, reward};
use super::random::from_prior;
use super::{
    Genome, Outcome, Schedule, Strategy, StrategyError, StrategyStats, Task, TrainingPrior, Work,
};

/// Attempts at a mutation that satisfies the constraints before a sample of the prior takes its
/// place.
const TRIES: u32 = 100;

/// Settings of evolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct EvolutionSettings {
    /// Size of the population, P. A search that scores fewer than 2 P genomes uses half the number
    /// of scored genomes instead.
    pub population: u32,
    /// Size of a tournament, S, drawn from the population with replacement. 1 means no selection at
    /// all.
    pub tournament: u32,
}

impl Default for EvolutionSettings {
    fn default() -> Self {
        Self {
            population: 50,
            tournament: 10,
        }
    }
}

/// Regularised evolution (Real et al. 2019, "Regularized Evolution for Image Classifier
/// Architecture Search", Algorithm 1): the first genomes come from the space's prior. Then the best
/// of a tournament of S, drawn with replacement, wins; a copy of the winner with one decision
/// changed joins the population, and the oldest member leaves, however good it is.
///
/// The paper's workers are asynchronous; here they run in groups: the `rollouts` children of a
/// score task all descend from the population as it was before them, and join it together. In
/// training searches the training steps draw members of the population uniformly, since these are
/// the ones that the shared weights must suit; [`Strategy::sample`] does the same. With the same
/// seed its warm-up trains the same children as the other strategies'.
///
/// A mutation changes one active decision of the child to another choice, all equally likely; the
/// paper's identity mutation is left out. Decisions that become active are drawn from the prior,
/// those that become inactive are set to 0.
pub struct Evolution {
    space: Supergraph,
    schedule: Schedule,
    population: usize,
    tournament: u32,
    training: TrainingPrior,
    state: State,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct State {
    strategy: Tag,
    agenda: Agenda,
    /// Oldest first.
    alive: VecDeque<Member>,
    random: Random,
}

/// A member of the population.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Member {
    genome: Genome,
    reward: f32,
}

/// Identifies the strategy of a saved state.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Tag {
    Evolution,
}

impl Evolution {
    /// A search of `space`. All its samples are a function of `seed` and the outcomes. Settings of
    /// 0 count as 1.
    pub fn new(
        space: Supergraph,
        schedule: Schedule,
        settings: EvolutionSettings,
        seed: u64,
    ) -> Self {
        let Schedule {
            epochs,
            warm_up,
            updates,
            rollouts,
            ..
        } = schedule;
        let scored = [updates, rollouts]
            .into_iter()
            .fold(u64::from(epochs.saturating_sub(warm_up)), |scored, n| {
                scored.saturating_mul(n.into())
            });
        let population = u64::from(settings.population).min(scored / 2).max(1) as usize;
        let random = Random::new(seed, RngStream::Strategy);
        let state = State {
            strategy: Tag::Evolution,
            agenda: Agenda::new(),
            alive: VecDeque::new(),
            random,
        };
        Self {
            training: TrainingPrior::of(&space),
            space,
            schedule,
            population,
            tournament: settings.tournament.max(1),
            state,
        }
    }

    /// The same search, but the paths of its warm-up come from `prior`.
    #[must_use]
    pub fn training(mut self, prior: TrainingPrior) -> Self {
        self.training = prior;
        self
    }

    /// Size of the population once the first genomes are scored.
    pub fn population(&self) -> usize {
        self.population
    }

    /// The next genome to score, with `ahead` others about to join the population.
    fn born(&mut self, ahead: usize) -> Result<Genome, GenomeError> {
        let State { alive, random, .. } = &mut self.state;
        if alive.len() + ahead < self.population {
            return from_prior(&self.space, random);
        }
        let mut winner: Option<&Member> = None;
        for _ in 0..self.tournament {
            let rival = member(alive, random);
            // Ties go to the one drawn first.
            if rival.is_some_and(|rival| winner.is_none_or(|winner| rival.reward > winner.reward)) {
                winner = rival;
            }
        }
        match winner {
            Some(winner) => mutated(&self.space, &winner.genome, random),
            // At the very beginning, with a group as large as the population.
            None => from_prior(&self.space, random),
        }
    }

    /// Mean reward of the population.
    fn mean(&self) -> Option<f32> {
        let alive = &self.state.alive;
        let sum: f64 = alive.iter().map(|member| f64::from(member.reward)).sum();
        (!alive.is_empty()).then(|| (sum / alive.len() as f64) as f32)
    }
}

/// A uniformly drawn member of the population.
fn member<'a>(alive: &'a VecDeque<Member>, random: &mut Random) -> Option<&'a Member> {
    let among = u32::try_from(alive.len()).ok().filter(|among| *among > 0)?;
    alive.get(random.below(among) as usize)
}

/// A valid genome that differs from its parent in one active decision.
pub(super) fn mutated(
    space: &Supergraph,
    parent: &Genome,
    random: &mut Random,
) -> Result<Genome, GenomeError> {
    let open = |d: &usize| space.choices(*d) > 1;
    let mut asked: Vec<usize> = space
        .child(parent)?
        .asked()
        .iter()
        .map(|d| *d as usize)
        .filter(open)
        .collect();
    if asked.is_empty() {
        let known: Vec<Option<u32>> = parent.iter().copied().map(Some).collect();
        asked = (0..parent.len())
            .filter(open)
            .filter(|d| space.active(&known, *d))
            .collect();
    }
    let Some(most) = u32::try_from(asked.len()).ok().filter(|most| *most > 0) else {
        return from_prior(space, random);
    };
    for _ in 0..TRIES {
        let decision = asked[random.below(most) as usize];
        let mut child = parent.clone();
        let other = random.below(space.choices(decision) - 1);
        child[decision] = other + u32::from(other >= parent[decision]);
        settle(space, parent, &mut child, random);
        if space.check(&child).is_ok() {
            return Ok(child);
        }
    }
    from_prior(space, random)
}

/// Makes a choice for the decisions that a mutation activated, and resets those that it
/// deactivated.
pub(super) fn settle(space: &Supergraph, parent: &Genome, child: &mut Genome, random: &mut Random) {
    let before: Vec<Option<u32>> = parent.iter().copied().map(Some).collect();
    let mut after: Vec<Option<u32>> = child.iter().copied().map(Some).collect();
    // In the plan's order: whether a decision is active depends on earlier ones.
    for decided in space.plan().steps.iter().flat_map(|step| &step.decide) {
        let d = decided.decision as usize;
        if !space.active(&after, d) {
            child[d] = 0;
        } else if !space.active(&before, d) {
            child[d] = random.weighted(&space.prior(d)) as u32;
        }
        after[d] = Some(child[d]);
    }
}

impl Strategy for Evolution {
    fn next(&mut self) -> Result<Option<Task>, StrategyError> {
        let work = match self.state.agenda.pending(&self.schedule) {
            Pending::Again(task) => return Ok(Some(task)),
            Pending::Through => return Ok(None),
            // Its outcome changes the population that everything after it descends from.
            _ if self.state.agenda.scoring() => return Ok(None),
            Pending::Train { epoch } => {
                let State { alive, random, .. } = &mut self.state;
                let one = |_| match member(alive, random) {
                    Some(member) if epoch >= self.schedule.warm_up => Ok(member.genome.clone()),
                    _ => self.training.sample(&self.space, random),
                };
                let paths = (0..self.schedule.paths).map(one);
                Work::Train {
                    paths: paths.collect::<Result<_, GenomeError>>()?,
                    epoch,
                }
            }
            Pending::Score { batch } => {
                let rollouts = 0..self.schedule.rollouts as usize;
                let genomes = rollouts
                    .map(|ahead| self.born(ahead))
                    .collect::<Result<_, GenomeError>>()?;
                Work::Score { genomes, batch }
            }
        };
        Ok(Some(self.state.agenda.hand_out(work)))
    }

    /// The baseline is the mean reward of the population before the group joins it, or of
    /// the group itself if it is the first; values that only a controller has are 0.
    fn observe(&mut self, outcome: &Outcome) -> Option<StrategyStats> {
        let (genomes, scores) = self.state.agenda.close(outcome)?;
        let before = self.mean();
        let rewards: Vec<f32> = scores.iter().map(reward).collect();
        let mean = (rewards.iter().map(|x| f64::from(*x)).sum::<f64>()
            / rewards.len().max(1) as f64) as f32;
        let born = genomes
            .into_iter()
            .zip(rewards)
            .map(|(genome, reward)| Member { genome, reward });
        let alive = &mut self.state.alive;
        alive.extend(born);
        alive.drain(..alive.len().saturating_sub(self.population));
        let baseline = before.unwrap_or(mean);
        Some(StrategyStats {
            reward: mean,
            baseline,
            ..StrategyStats::default()
        })
    }

    fn sample(&self, count: usize, random: &mut Random) -> Result<Vec<Genome>, GenomeError> {
        let one = |_| match member(&self.state.alive, random) {
            Some(member) => Ok(member.genome.clone()),
            None => from_prior(&self.space, random),
        };
        (0..count).map(one).collect()
    }

    fn save(&self) -> serde_json::Value {
        serde_json::json!(self.state)
    }

    fn load(&mut self, saved: serde_json::Value) -> Result<(), serde_json::Error> {
        let mut state: State = serde_json::from_value(saved)?;
        super::check_genomes(&self.space, &state.agenda)?;
        let mut alive = state.alive.iter();
        alive
            .try_for_each(|member| self.space.check(&member.genome))
            .map_err(serde_json::Error::custom)?;
        if state.alive.len() > self.population {
            let (found, most) = (state.alive.len(), self.population);
            let reason = format!(
                "the saved population has {found} genomes, and this search's at most {most}"
            );
            return Err(serde_json::Error::custom(reason));
        }
        state.agenda.resume();
        self.state = state;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
