//! One loop for every method with shared weights: before a training step the method may learn from
//! some passes of the network, then it says what the step trains.

use serde::de::Error as _;
use serde::{Deserialize, Serialize};
use supernet_plugin::{GenomeError, Path, Supergraph};
use supernet_shaders::random::{Random, RngStream};

use crate::agenda::{Agenda, Pending};
use crate::{
    Genome, Outcome, Pass, Schedule, StepOutcome, Strategy, StrategyError, StrategyStats, Task,
    Work,
};

/// The position of a training step in a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Moment {
    /// The pass over the training split, from 0.
    pub epoch: u32,
    /// The number of the step over the whole search, from 0.
    pub step: u32,
    /// The number of steps of the search.
    pub steps: u32,
    /// The number of steps of the warm-up.
    pub warm_up: u32,
}

impl Moment {
    /// Whether the step belongs to the warm-up, in which only the weights learn.
    pub fn is_warm_up(&self) -> bool {
        self.step < self.warm_up
    }

    /// Whether all training steps are done.
    pub fn is_end(&self) -> bool {
        self.step >= self.steps
    }
}

/// What a training step runs.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a method says one of these, and there is nothing else to run"
)]
pub enum StepWork {
    /// Children, each on its own part of the minibatch; every weight moves by its mean gradient over
    /// those that read it.
    Paths(Vec<Genome>),
    /// A network with several branches at once. If its picks ask for gradients, the method learns
    /// from the step.
    Mixture(Path),
}

/// A search method: a *sampler*, which turns a policy into what a training step runs, and a
/// *learner*, which turns path gradients or scores into a better policy.
///
/// A method is synchronous, knows no device, and draws only from the random numbers that it is
/// given, so that a search can be repeated and resumed. [`MethodStrategy`] makes it a
/// [`Strategy`]: it keeps the schedule and the tasks in flight.
pub trait SearchMethod: Send {
    /// What the next training step runs.
    ///
    /// # Errors
    /// If the space's constraints leave no genome to sample.
    fn training(&mut self, moment: &Moment, random: &mut Random)
    -> Result<StepWork, StrategyError>;

    /// The passes from which the policy learns before this training step; none if it does not learn
    /// now. None of them may make an update. `batch` is the index of a fresh minibatch of the
    /// validation split, for [`PassSamples::Validation`](crate::PassSamples::Validation).
    ///
    /// # Errors
    /// If the space's constraints leave no genome to sample.
    fn policy_passes(
        &mut self,
        _moment: &Moment,
        _batch: u64,
        _random: &mut Random,
    ) -> Result<Vec<Pass>, StrategyError> {
        Ok(Vec::new())
    }

    /// Learns from the passes of a policy step, or from a mixture that asked for gradients. Not
    /// called if a number of the outcome is not finite.
    fn learn(&mut self, _moment: &Moment, _outcome: &StepOutcome) -> StrategyStats {
        StrategyStats::default()
    }

    /// Passes that measure the network beside what the policy learns from: asked before every
    /// training step and after the last one ([`Moment::is_end`]), again and again, with `round`
    /// counting from 0, until there are none. None of them may make an update. `batch` is the index
    /// of the next minibatch of the validation split, which stays the next one.
    ///
    /// # Errors
    /// If the space's constraints leave no genome to sample.
    fn measuring_passes(
        &mut self,
        _moment: &Moment,
        _round: u32,
        _batch: u64,
        _random: &mut Random,
    ) -> Result<Vec<Pass>, StrategyError> {
        Ok(Vec::new())
    }

    /// Takes what [`SearchMethod::measuring_passes`] asked for; none if a number of the outcome is not
    /// finite.
    fn measure(&mut self, _moment: &Moment, _outcome: Option<&StepOutcome>) {}

    /// Whether the search ends here, before its schedule does.
    fn is_ended(&self) -> bool {
        false
    }

    /// What has to be known about the answer, in a sentence, such as why the search ended early.
    fn verdict(&self) -> Option<String> {
        None
    }

    /// Fresh samples of the policy, drawn with `random`.
    ///
    /// # Errors
    /// If the space's constraints leave no genome to sample.
    fn sample(&self, count: usize, random: &mut Random) -> Result<Vec<Genome>, GenomeError>;

    /// The architecture that the policy prefers; none if the answer is the best of its samples.
    ///
    /// # Errors
    /// If the space's constraints leave no genome.
    fn favourite(&self) -> Result<Option<Genome>, GenomeError> {
        Ok(None)
    }

    /// The state of the policy.
    fn save(&self) -> serde_json::Value;

    /// Continues from what [`SearchMethod::save`] returned.
    ///
    /// # Errors
    /// If the value was not saved by this method for this space.
    fn load(&mut self, saved: serde_json::Value) -> Result<(), serde_json::Error>;
}

/// The strategy that a [`SearchMethod`] makes.
pub struct MethodStrategy<M> {
    name: String,
    space: Supergraph,
    schedule: Schedule,
    method: M,
    agenda: Agenda,
    random: Random,
    /// The last training step before which the method was asked for passes.
    asked: Option<u32>,
    /// The position of the outcome that the method learns from next.
    learning: Option<Moment>,
    measuring: Measuring,
}

/// How far measuring beside the training is.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Measuring {
    /// The last training step before which everything was measured.
    done: Option<u32>,
    /// The next round.
    round: u32,
    /// Whether the outcome that is awaited is a measurement.
    awaited: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    strategy: String,
    method: serde_json::Value,
    agenda: Agenda,
    random: Random,
    asked: Option<u32>,
    learning: Option<Moment>,
    /// Absent in older checkpoints.
    #[serde(default)]
    measuring: Measuring,
}

impl<M: SearchMethod> MethodStrategy<M> {
    /// A search of `space` with a method, whose name identifies a saved state. Everything that the
    /// method draws is a function of `seed`. The schedule's score tasks are left out: a method
    /// learns from passes.
    pub fn new(name: &str, space: Supergraph, schedule: Schedule, method: M, seed: u64) -> Self {
        Self {
            name: name.to_owned(),
            space,
            schedule: Schedule {
                updates: 0,
                ..schedule
            },
            method,
            agenda: Agenda::new(),
            random: Random::new(seed, RngStream::Strategy),
            asked: None,
            learning: None,
            measuring: Measuring::default(),
        }
    }

    /// The next measurement before this training step, or after the last one.
    fn measurement(&mut self, moment: Moment) -> Result<Option<Task>, StrategyError> {
        if self.measuring.done == Some(moment.step) {
            return Ok(None);
        }
        let (round, batch) = (self.measuring.round, self.agenda.batch());
        let passes = self
            .method
            .measuring_passes(&moment, round, batch, &mut self.random)?;
        if passes.is_empty() {
            (self.measuring.done, self.measuring.round) = (Some(moment.step), 0);
            return Ok(None);
        }
        (self.measuring.round, self.measuring.awaited) = (round + 1, true);
        self.learning = Some(moment);
        let epoch = moment.epoch.min(self.schedule.epochs.saturating_sub(1));
        Ok(Some(self.agenda.hand_out(Work::Step { passes, epoch })))
    }

    fn moment(&self, epoch: u32) -> Moment {
        let Schedule {
            epochs,
            steps,
            warm_up,
            ..
        } = self.schedule;
        Moment {
            epoch,
            step: self.agenda.step(&self.schedule),
            steps: epochs * steps,
            warm_up: warm_up * steps,
        }
    }
}

impl<M: SearchMethod> Strategy for MethodStrategy<M> {
    fn next(&mut self) -> Result<Option<Task>, StrategyError> {
        let epoch = match self.agenda.pending(&self.schedule) {
            Pending::Again(task) => return Ok(Some(task)),
            // Its outcome changes the policy that all later steps come from.
            _ if self.agenda.is_learning() => return Ok(None),
            Pending::Through if self.method.is_ended() => return Ok(None),
            Pending::Through => {
                let end = self.moment(self.schedule.epochs);
                return self.measurement(end);
            }
            Pending::Train { .. } if self.method.is_ended() => return Ok(None),
            Pending::Train { epoch } => epoch,
            // There are no score tasks.
            Pending::Score { .. } => return Ok(None),
        };
        let moment = self.moment(epoch);
        if self.asked != Some(moment.step) {
            self.asked = Some(moment.step);
            let batch = self.agenda.batch();
            let passes = self
                .method
                .policy_passes(&moment, batch, &mut self.random)?;
            if !passes.is_empty() {
                self.agenda.take_batch();
                self.learning = Some(moment);
                return Ok(Some(self.agenda.hand_out(Work::Step { passes, epoch })));
            }
        }
        if let Some(task) = self.measurement(moment)? {
            return Ok(Some(task));
        }
        if self.method.is_ended() {
            return Ok(None);
        }
        let work = match self.method.training(&moment, &mut self.random)? {
            StepWork::Paths(paths) => Work::Train { paths, epoch },
            StepWork::Mixture(path) => Work::Step {
                passes: vec![Pass::update(path)],
                epoch,
            },
        };
        let task = self.agenda.hand_out(work);
        if self.agenda.is_learning() {
            self.learning = Some(moment);
        }
        Ok(Some(task))
    }

    fn observe(&mut self, outcome: &Outcome) -> Option<StrategyStats> {
        let was_learning = self.agenda.is_learning();
        let closed = self.agenda.close_step(outcome);
        // The only task that is learnt from has ended, with whatever outcome.
        let ended = was_learning && !self.agenda.is_learning();
        let moment = if ended { self.learning.take() } else { None };
        if ended && std::mem::take(&mut self.measuring.awaited) {
            let outcome = closed.map(|(_, outcome)| outcome);
            let finite = outcome.filter(|outcome| outcome.is_finite());
            self.method.measure(&moment?, finite);
            return None;
        }
        let (_, outcome) = closed?;
        let moment = moment.filter(|_| outcome.is_finite())?;
        Some(self.method.learn(&moment, outcome))
    }

    fn sample(&self, count: usize, random: &mut Random) -> Result<Vec<Genome>, GenomeError> {
        self.method.sample(count, random)
    }

    fn favourite(&self) -> Result<Option<Genome>, GenomeError> {
        self.method.favourite()
    }

    fn verdict(&self) -> Option<String> {
        self.method.verdict()
    }

    fn save(&self) -> serde_json::Value {
        serde_json::json!(State {
            strategy: self.name.clone(),
            method: self.method.save(),
            agenda: self.agenda.clone(),
            random: self.random.clone(),
            asked: self.asked,
            learning: self.learning,
            measuring: self.measuring,
        })
    }

    fn load(&mut self, saved: serde_json::Value) -> Result<(), serde_json::Error> {
        let state: State = serde_json::from_value(saved)?;
        if state.strategy != self.name {
            let reason = format!(
                "the state was saved by the method `{}`, and this is `{}`",
                state.strategy, self.name
            );
            return Err(serde_json::Error::custom(reason));
        }
        super::check_genomes(&self.space, &state.agenda)?;
        let fits = |path| self.space.relaxed(path).map(drop);
        state
            .agenda
            .paths()
            .try_for_each(fits)
            .map_err(serde_json::Error::custom)?;
        self.method.load(state.method)?;
        self.agenda = state.agenda;
        self.agenda.resume();
        (self.random, self.asked, self.learning) = (state.random, state.asked, state.learning);
        self.measuring = state.measuring;
        Ok(())
    }
}

#[cfg(test)]
#[path = "method_tests.rs"]
mod tests;
