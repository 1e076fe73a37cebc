//! Random search: the control that every other strategy is measured against.

use serde::{Deserialize, Serialize};
use supernet_plugin::{GenomeError, Supergraph};
use supernet_shaders::random::Random;

use super::agenda::{Agenda, Ahead, reward};
use super::{Genome, Insight, Outcome, Schedule, Strategy, StrategyError, Task, Work};
use crate::stream;

/// Samples from the space's prior throughout and learns nothing, at the same budget as every other strategy: the same
/// training steps, the same score tasks on the same minibatches.
///
/// Under one seed its warm-up trains the same children as [`Enas`](super::enas::Enas)'s. (Li and Talwalkar 2019, §3.)
pub struct RandomSearch {
    space: Supergraph,
    schedule: Schedule,
    state: State,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct State {
    strategy: Tag,
    agenda: Agenda,
    random: Random,
}

/// Says whose state a saved one is.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Tag {
    Random,
}

impl RandomSearch {
    /// A search of `space`. Its samples are a function of `seed`.
    pub fn new(space: Supergraph, schedule: Schedule, seed: u64) -> Self {
        let state = State { strategy: Tag::Random, agenda: Agenda::new(), random: Random::new(seed, stream::STRATEGY) };
        Self { space, schedule, state }
    }
}

/// A genome from the space's prior (see [`Supergraph::prior`]), under its constraints.
pub(crate) fn from_prior(space: &Supergraph, random: &mut Random) -> Result<Genome, GenomeError> {
    space.sample(&mut |weights| random.weighted(weights))
}

impl Strategy for RandomSearch {
    fn next(&mut self) -> Result<Option<Task>, StrategyError> {
        let State { agenda, random, .. } = &mut self.state;
        let work = match agenda.ahead(&self.schedule) {
            Ahead::Again(task) => return Ok(Some(task)),
            Ahead::Through => return Ok(None),
            Ahead::Train { epoch } => Work::Train { genome: from_prior(&self.space, random)?, epoch },
            Ahead::Score { batch } => {
                let rollouts = 0..self.schedule.rollouts;
                let genomes = rollouts.map(|_| from_prior(&self.space, random)).collect::<Result<_, GenomeError>>()?;
                Work::Score { genomes, batch }
            }
        };
        Ok(Some(agenda.hand_out(work)))
    }

    /// The insight holds the mean reward, which is also its baseline; what there is no controller for is 0.
    fn observe(&mut self, outcome: &Outcome) -> Option<Insight> {
        let (_, scores) = self.state.agenda.close(outcome)?;
        let mean = (scores.iter().map(|s| f64::from(reward(s))).sum::<f64>() / scores.len().max(1) as f64) as f32;
        Some(Insight { reward: mean, baseline: mean, entropy: 0.0, skip_penalty: 0.0, gradient_norm: 0.0 })
    }

    fn sample(&self, count: usize, random: &mut Random) -> Result<Vec<Genome>, GenomeError> {
        (0..count).map(|_| from_prior(&self.space, random)).collect()
    }

    fn save(&self) -> serde_json::Value {
        serde_json::json!(self.state)
    }

    fn load(&mut self, saved: serde_json::Value) -> Result<(), serde_json::Error> {
        let mut state: State = serde_json::from_value(saved)?;
        super::check_genomes(&self.space, &state.agenda)?;
        state.agenda.resume();
        self.state = state;
        Ok(())
    }
}
