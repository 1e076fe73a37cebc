//! Random search: the baseline of every other strategy.

use std::collections::BTreeSet;

use serde::de::Error as _;
use serde::{Deserialize, Serialize};
use supernet_plugin::{GenomeError, Supergraph};
use supernet_shaders::random::{Random, RngStream};

use super::agenda::{Agenda, Pending, reward};
use super::{
    Genome, Outcome, Schedule, Strategy, StrategyError, StrategyStats, Task, TrainingPrior, Work,
};

/// Samples from the space's prior throughout and learns nothing, with the same budget as every
/// other strategy: the same training steps, the same score tasks on the same minibatches.
///
/// With the same seed its warm-up trains the same children as [`Enas`](super::enas::Enas)'s. (Li
/// and Talwalkar 2019, §3.)
///
/// [`RandomSearch::new`], for training searches, may draw a genome again: its reward is measured
/// anew each time. [`RandomSearch::without_repetition`], for searches of a table, does not: there
/// the answer would be the same.
pub struct RandomSearch {
    space: Supergraph,
    schedule: Schedule,
    training: TrainingPrior,
    state: State,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct State {
    strategy: Tag,
    agenda: Agenda,
    random: Random,
    /// Genomes that were handed out already, if none may be handed out twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    asked: Option<BTreeSet<Genome>>,
}

/// Draws from the prior without a new genome, after which the remaining genomes are listed.
const DRAWS: u32 = 100;
/// The largest space whose genomes are listed.
const LISTED: u64 = 1 << 18;

/// Identifies the strategy of a saved state.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Tag {
    Random,
}

impl RandomSearch {
    /// A search of `space`. Its samples are a function of `seed`.
    pub fn new(space: Supergraph, schedule: Schedule, seed: u64) -> Self {
        let random = Random::new(seed, RngStream::Strategy);
        let state = State {
            strategy: Tag::Random,
            agenda: Agenda::new(),
            random,
            asked: None,
        };
        Self {
            training: TrainingPrior::of(&space),
            space,
            schedule,
            state,
        }
    }

    /// The same search, but the paths of its training steps come from `prior`.
    #[must_use]
    pub fn training(mut self, prior: TrainingPrior) -> Self {
        self.training = prior;
        self
    }

    /// A search of `space` that hands out no genome again before it has handed out all genomes with
    /// a positive prior; then it starts over. In a space of more than 262,144 genomes, one is
    /// repeated if a hundred consecutive draws give nothing new.
    pub fn without_repetition(space: Supergraph, schedule: Schedule, seed: u64) -> Self {
        let mut search = Self::new(space, schedule, seed);
        search.state.asked = Some(BTreeSet::new());
        search
    }

    /// The paths of a training step.
    fn paths(&mut self) -> Result<Vec<Genome>, GenomeError> {
        let one = |search: &mut Self| match search.state.asked {
            Some(_) => search.draw(),
            None => search
                .training
                .sample(&search.space, &mut search.state.random),
        };
        (0..self.schedule.paths).map(|_| one(self)).collect()
    }

    fn draw(&mut self) -> Result<Genome, GenomeError> {
        let State { random, asked, .. } = &mut self.state;
        let Some(asked) = asked else {
            return from_prior(&self.space, random);
        };
        let mut genome = from_prior(&self.space, random)?;
        for _ in 1..DRAWS {
            if !asked.contains(&genome) {
                break;
            }
            genome = from_prior(&self.space, random)?;
        }
        if asked.contains(&genome) {
            let left = left(&self.space, asked);
            match u32::try_from(left.len()) {
                Ok(among) if among > 0 => genome.clone_from(&left[random.below(among) as usize]),
                _ => asked.clear(),
            }
        }
        asked.insert(genome.clone());
        Ok(genome)
    }
}

/// Genomes with a positive prior that were not handed out, in lexicographic order; none for a space
/// too large to be listed.
fn left(space: &Supergraph, asked: &BTreeSet<Genome>) -> Vec<Genome> {
    let priors: Vec<Vec<f32>> = (0..space.genome_len()).map(|d| space.prior(d)).collect();
    let given = |genome: &Genome| {
        let known: Vec<Option<u32>> = genome.iter().copied().map(Some).collect();
        genome
            .iter()
            .enumerate()
            .all(|(d, choice)| match space.active(&known, d) {
                true => priors[d][*choice as usize] > 0.0,
                false => *choice == 0,
            })
    };
    let all = space.enumerate(LISTED).into_iter().flatten();
    all.filter(|genome| !asked.contains(genome) && given(genome))
        .collect()
}

/// A genome from the space's prior (see [`Supergraph::prior`]), under its constraints.
pub fn from_prior(space: &Supergraph, random: &mut Random) -> Result<Genome, GenomeError> {
    space.sample(&mut |weights| random.weighted(weights))
}

impl Strategy for RandomSearch {
    fn next(&mut self) -> Result<Option<Task>, StrategyError> {
        let work = match self.state.agenda.pending(&self.schedule) {
            Pending::Again(task) => return Ok(Some(task)),
            Pending::Through => return Ok(None),
            Pending::Train { epoch } => Work::Train {
                paths: self.paths()?,
                epoch,
            },
            Pending::Score { batch } => {
                let rollouts = 0..self.schedule.rollouts;
                let genomes = rollouts
                    .map(|_| self.draw())
                    .collect::<Result<_, GenomeError>>()?;
                Work::Score { genomes, batch }
            }
        };
        Ok(Some(self.state.agenda.hand_out(work)))
    }

    /// The statistics hold the mean reward, which is also the baseline; values that only a controller
    /// has are 0.
    fn observe(&mut self, outcome: &Outcome) -> Option<StrategyStats> {
        let (_, scores) = self.state.agenda.close(outcome)?;
        let mean = (scores.iter().map(|s| f64::from(reward(s))).sum::<f64>()
            / scores.len().max(1) as f64) as f32;
        Some(StrategyStats {
            reward: mean,
            baseline: mean,
            ..StrategyStats::default()
        })
    }

    fn sample(&self, count: usize, random: &mut Random) -> Result<Vec<Genome>, GenomeError> {
        (0..count)
            .map(|_| from_prior(&self.space, random))
            .collect()
    }

    fn save(&self) -> serde_json::Value {
        serde_json::json!(self.state)
    }

    fn load(&mut self, saved: serde_json::Value) -> Result<(), serde_json::Error> {
        let mut state: State = serde_json::from_value(saved)?;
        super::check_genomes(&self.space, &state.agenda)?;
        if state.asked.is_some() != self.state.asked.is_some() {
            let reason = "one of the two, the saved search and this one, repeats genomes, and the other does not";
            return Err(serde_json::Error::custom(reason));
        }
        state.agenda.resume();
        self.state = state;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_spaces;

    const SCHEDULE: Schedule = Schedule {
        epochs: 20,
        steps: 0,
        warm_up: 0,
        updates: 1,
        rollouts: 7,
        paths: 1,
    };

    fn all(search: &mut RandomSearch) -> Vec<Genome> {
        let tasks = std::iter::from_fn(|| search.next().unwrap());
        let genomes = tasks.flat_map(|task| match task.work {
            Work::Score { genomes, .. } => genomes,
            Work::Train { .. } | Work::Step { .. } | Work::Alone { .. } => vec![],
        });
        genomes.collect()
    }

    #[test]
    fn nothing_is_repeated_before_everything_was_asked() {
        let op = |id: &str| test_spaces::op(id, &["a", "b", "c", "d"]);
        let steps = ["x", "y", "z"].map(|id| test_spaces::step(&[id.to_owned()], None));
        let mut skewed = op("z");
        // One choice is rare and one is never drawn.
        skewed["prior"] = serde_json::json!([1.0, 1.0, 1e-6, 0.0]);
        let space = test_spaces::space(vec![op("x"), op("y"), skewed], steps.to_vec(), vec![]);
        let asked = all(&mut RandomSearch::without_repetition(space, SCHEDULE, 1));
        assert_eq!(asked.len(), 140);
        for round in asked.chunks(48) {
            assert_eq!(round.iter().collect::<BTreeSet<_>>().len(), round.len());
            assert!(round.iter().all(|genome| genome[2] < 3));
        }
    }

    #[test]
    fn constraints_hold_without_repetition_and_a_save_goes_on() {
        let start = |seed| RandomSearch::without_repetition(test_spaces::guarded(), SCHEDULE, seed);
        let whole = all(&mut start(2));
        let space = test_spaces::guarded();
        assert!(whole.iter().all(|genome| space.check(genome).is_ok()));
        let different: BTreeSet<_> = whole.iter().collect();
        let round = whole.iter().take(different.len()).collect::<BTreeSet<_>>();
        assert_eq!(round.len(), different.len(), "all before any again");
        let mut first = start(2);
        let score = super::super::Score {
            reward: 0.5,
            loss: 1.0,
        };
        for _ in 0..3 {
            first.next().unwrap();
            first.observe(&Outcome::Scored(vec![score; 7]));
        }
        let mut second = start(3);
        second
            .load(serde_json::from_str(&first.save().to_string()).unwrap())
            .unwrap();
        assert_eq!(all(&mut second), whole[21..]);
        let mut other = RandomSearch::new(test_spaces::guarded(), SCHEDULE, 2);
        assert!(
            other
                .load(first.save())
                .unwrap_err()
                .to_string()
                .contains("repeats genomes")
        );
        assert!(other.save().get("asked").is_none());
    }
}
