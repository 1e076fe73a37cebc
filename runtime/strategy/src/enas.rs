//! ENAS: a controller learns from rewards what to sample (Pham et al. 2018).

mod adam;
mod advantage;
mod backward;
mod sampled;
mod controller;
mod forward;
mod layout;
mod packed;
mod product;
mod real;
mod settings;
mod tape;

use serde::de::Error as _;
use serde::{Deserialize, Serialize};
use supernet_plugin::{GenomeError, Supergraph};
use supernet_shaders::random::{Random, RngStream};

pub use settings::{Baseline, ControllerSettings, SettingError};

use super::agenda::{Agenda, Pending, reward};
use super::{
    Genome, Outcome, Schedule, Score, Strategy, StrategyError, StrategyStats, Task, TrainingPrior,
    Work,
};
use adam::Adam;
use advantage::MovingAverage;
use controller::Controller;
use tape::Objective;

/// Alternates between training the shared weights on children that the controller samples, and
/// training the controller on the scores of its samples (Pham et al. 2018, §2.2).
///
/// An epoch is `steps` training steps, each on a fresh child from a fixed controller, followed by
/// `updates` score tasks of `rollouts` children. Each score task has its own validation minibatch
/// and ends in one REINFORCE step with Adam, for which the next task waits. In warm-up epochs
/// children come from the space's prior, and nothing is scored.
pub struct Enas {
    space: Supergraph,
    schedule: Schedule,
    /// How children are trained before they are scored, if no weights are shared.
    alone: Option<FromScratch>,
    settings: ControllerSettings,
    controller: Controller<f32>,
    optimiser: Adam,
    average: MovingAverage,
    agenda: Agenda,
    random: Random,
    training: TrainingPrior,
}

/// How the controller learns where no weights are shared: neural architecture search with
/// reinforcement learning (Zoph and Le 2017), the method that ENAS is measured against.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct FromScratch {
    /// Passes over the training split by which every child is trained before it is scored.
    pub epochs: u32,
    /// The power of a score that is the reward: 3 for an accuracy, 2 for 1/perplexity (Zoph and Le
    /// 2017, §4).
    pub power: u32,
}

impl FromScratch {
    /// Trainings of so many epochs, whose scores are raised to this power.
    pub fn new(epochs: u32, power: u32) -> Self {
        Self { epochs, power }
    }
}

/// The saved state: everything that the next task depends on.
#[derive(Serialize, Deserialize)]
struct State {
    strategy: Tag,
    #[serde(with = "packed")]
    parameters: Vec<f32>,
    optimiser: Adam,
    average: MovingAverage,
    agenda: Agenda,
    random: Random,
}

/// Identifies the strategy of a saved state.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Tag {
    Enas,
}

impl Enas {
    /// A search of `space`. All its samples are a function of `seed` and the outcomes.
    ///
    /// # Errors
    /// If a setting is out of range.
    pub fn new(
        space: Supergraph,
        schedule: Schedule,
        settings: ControllerSettings,
        seed: u64,
    ) -> Result<Self, SettingError> {
        settings.check()?;
        let controller = Controller::new(space.clone(), settings, seed);
        let optimiser = Adam::new(controller.parameters.len());
        let random = Random::new(seed, RngStream::Strategy);
        let (average, agenda) = (MovingAverage::default(), Agenda::new());
        Ok(Self {
            training: TrainingPrior::of(&space),
            space,
            schedule,
            alone: None,
            settings,
            controller,
            optimiser,
            average,
            agenda,
            random,
        })
    }

    /// The same search, but the paths of its warm-up come from `prior`.
    #[must_use]
    pub fn training(mut self, prior: TrainingPrior) -> Self {
        self.training = prior;
        self
    }

    /// The same controller without shared weights: nothing but the children themselves is trained,
    /// each from scratch. The score tasks of the schedule become trainings.
    #[must_use]
    pub fn from_scratch(mut self, alone: FromScratch) -> Self {
        (self.schedule.steps, self.schedule.warm_up) = (0, 0);
        self.alone = Some(alone);
        self
    }

    /// The reward of a child.
    fn reward(&self, score: &Score) -> f32 {
        match self.alone {
            Some(alone) => (0..alone.power).map(|_| reward(score)).product(),
            None => reward(score),
        }
    }

    /// Number of parameters of the controller.
    pub fn parameters(&self) -> usize {
        self.controller.parameters.len()
    }

    /// One step of REINFORCE.
    fn learn(&mut self, genomes: &[Genome], rewards: &[f32]) -> StrategyStats {
        let group = self.average.advantages(rewards, &self.settings);
        let objective = Objective {
            advantages: &group.advantages,
            entropy: self.settings.entropy,
            skip: self.settings.skip,
        };
        let tape = self.controller.replay(genomes);
        let outlook = tape.outlook(objective);
        let gradient = self.controller.gradient(&tape, objective);
        let gradient_norm =
            self.optimiser
                .descend(&mut self.controller.parameters, &gradient, &self.settings);
        StrategyStats {
            reward: group.reward,
            baseline: group.baseline,
            entropy: outlook.entropy,
            entropy_share: (outlook.widest > 0.0)
                .then(|| (outlook.entropy / outlook.widest).clamp(0.0, 1.0)),
            skip_penalty: outlook.penalty,
            gradient_norm,
        }
    }
}

impl Strategy for Enas {
    fn next(&mut self) -> Result<Option<Task>, StrategyError> {
        if !self
            .controller
            .parameters
            .iter()
            .all(|parameter| parameter.is_finite())
        {
            return Err(StrategyError::Diverged {
                rate: self.settings.learning_rate,
            });
        }
        let work = match self.agenda.pending(&self.schedule) {
            Pending::Again(task) => return Ok(Some(task)),
            Pending::Through => return Ok(None),
            // Its outcome changes the policy that all later samples come from.
            _ if self.agenda.scoring() => return Ok(None),
            Pending::Train { epoch } if epoch < self.schedule.warm_up => {
                let one = |_| self.training.sample(&self.space, &mut self.random);
                let paths = (0..self.schedule.paths).map(one);
                Work::Train {
                    paths: paths.collect::<Result<_, _>>()?,
                    epoch,
                }
            }
            Pending::Train { epoch } => {
                let count = self.schedule.paths as usize;
                let paths = self.controller.sample(count, &mut self.random)?;
                Work::Train { paths, epoch }
            }
            Pending::Score { batch } => {
                let count = self.schedule.rollouts;
                let genomes = self.controller.sample(count as usize, &mut self.random)?;
                match self.alone {
                    None => Work::Score { genomes, batch },
                    Some(FromScratch { epochs, .. }) => Work::Alone {
                        genomes,
                        epochs,
                        first: batch * u64::from(count),
                    },
                }
            }
        };
        Ok(Some(self.agenda.hand_out(work)))
    }

    fn observe(&mut self, outcome: &Outcome) -> Option<StrategyStats> {
        let (genomes, scores) = self.agenda.close(outcome)?;
        let rewards: Vec<f32> = scores.iter().map(|score| self.reward(score)).collect();
        Some(self.learn(&genomes, &rewards))
    }

    fn sample(&self, count: usize, random: &mut Random) -> Result<Vec<Genome>, GenomeError> {
        self.controller.sample(count, random)
    }

    fn save(&self) -> serde_json::Value {
        serde_json::json!(State {
            strategy: Tag::Enas,
            parameters: self.controller.parameters.clone(),
            optimiser: self.optimiser.clone(),
            average: self.average,
            agenda: self.agenda.clone(),
            random: self.random.clone(),
        })
    }

    fn load(&mut self, saved: serde_json::Value) -> Result<(), serde_json::Error> {
        let state: State = serde_json::from_value(saved)?;
        let expected = self.parameters();
        let found = state.parameters.len();
        if found != expected || !state.optimiser.fits(expected) {
            let reason = format!(
                "the saved controller has {found} parameters, and this space's has {expected}"
            );
            return Err(serde_json::Error::custom(reason));
        }
        super::check_genomes(&self.space, &state.agenda)?;
        self.controller.parameters = state.parameters;
        (self.optimiser, self.average, self.random) =
            (state.optimiser, state.average, state.random);
        self.agenda = state.agenda;
        self.agenda.resume();
        Ok(())
    }
}

#[cfg(test)]
mod policy_tests;
#[cfg(test)]
mod tests;
