//! The stages of a search in their order.

use std::collections::BTreeMap;

use supernet_shaders::random::Random;

use super::{Found, Search, SearchError};
use crate::derive::{self, Candidate};
use crate::device::Device;
use crate::evaluate::Evaluator;
use crate::event::{Event, Judged};
use crate::gain::Gain;
use crate::strategy::random::from_prior;
use crate::strategy::{Genome, Outcome, Score, Strategy, Task, Work};
use crate::stream;
use crate::train::{StageError, Trainer};
use crate::weights::Weights;

impl Search {
    /// Explore, then judge: the whole loop.
    pub(super) fn stages(
        self,
        device: &mut dyn Device,
        log: &mut dyn FnMut(Event) -> Result<(), SearchError>,
    ) -> Result<Found, SearchError> {
        let seed = self.config.search.seed;
        let mut strategy = self.strategy(self.schedule)?;
        let mut weights = self.weights();
        let memory = device.reserve(&self.plan()?, &weights).map_err(StageError::from)?;
        log(self.started(device.name()))?;
        log(self.planned(memory))?;
        let mut trainer = self.trainer();
        let mut evaluator = self.evaluator();
        self.explore(&mut *strategy, &mut trainer, &mut evaluator, &mut weights, device, log)?;

        // The weights stand still from here on: whatever is judged again has its score already.
        let mut known = BTreeMap::<Genome, Score>::new();
        let mut judge = |genomes: &[Genome], role| -> Result<Vec<Score>, SearchError> {
            let mut scores = Vec::with_capacity(genomes.len());
            for genome in genomes {
                let key = self.ground.supergraph.canonical(genome)?;
                let score = match known.get(&key) {
                    Some(score) => *score,
                    None => evaluator.validation(device, &weights, genome)?,
                };
                known.insert(key, score);
                log(Event::Judged { role, version: weights.version, genome: genome.clone(), score })?;
                scores.push(score);
            }
            Ok(scores)
        };
        let random = |purpose| Random::new(seed, stream::sub(stream::REPORT, purpose));
        let sampled = strategy.sample(self.config.derive.candidates as usize, &mut random(1))?;
        let candidates = derive::distinct(&self.ground.supergraph, &sampled)?;
        let scores = judge(&candidates, Judged::Candidate)?;
        let candidates = candidates.iter().zip(scores);
        let mut top = candidates
            .map(|(genome, score)| Candidate::new(&self.ground.supergraph, genome, score))
            .collect::<Result<Vec<_>, _>>()?;
        derive::rank(&mut top);
        top.truncate(10);

        let count = self.config.derive.report as usize;
        let policy = strategy.sample(count, &mut random(2))?;
        let mut third = random(3);
        let prior =
            (0..count).map(|_| from_prior(&self.ground.supergraph, &mut third)).collect::<Result<Vec<_>, _>>()?;
        let accuracy = |scores: Vec<Score>| scores.iter().map(|score| score.accuracy).collect::<Vec<_>>();
        let distinct = derive::distinct(&self.ground.supergraph, &policy)?.len() as u32;
        let gain =
            Gain::new(&accuracy(judge(&policy, Judged::Policy)?), &accuracy(judge(&prior, Judged::Prior)?), distinct);
        log(Event::Derived { version: weights.version, top: top.clone() })?;
        log(Event::Gain { gain, summary: gain.sentence() })?;

        let best = top.first().ok_or(SearchError::NothingDerived)?;
        let test = evaluator.test(device, &weights, &best.genome)?;
        log(Event::Tested { score: test })?;
        device.fetch(&mut weights).map_err(StageError::from)?;
        Ok(Found { supergraph: self.ground.supergraph, data: self.config.search.data, top, gain, test, weights })
    }

    /// Hands the strategy's tasks to trainer and evaluator until it has no more.
    fn explore(
        &self,
        strategy: &mut dyn Strategy,
        trainer: &mut Trainer,
        evaluator: &mut Evaluator,
        weights: &mut Weights,
        device: &mut dyn Device,
        log: &mut dyn FnMut(Event) -> Result<(), SearchError>,
    ) -> Result<(), SearchError> {
        let rate = self.rate();
        let mut pass = Pass::default();
        let (mut steps, mut updates) = (0, 0);
        let mut trained = |strategy: &mut dyn Strategy,
                           score: Score,
                           log: &mut dyn FnMut(Event) -> Result<(), SearchError>|
         -> Result<(), SearchError> {
            strategy.observe(&Outcome::Trained(score));
            let epoch = (steps / u64::from(self.schedule.steps)) as u32;
            steps += 1;
            log(Event::Step { epoch, step: steps, score })?;
            pass.add(score);
            if steps % u64::from(self.schedule.steps) == 0 {
                let warm_up = epoch < self.schedule.warm_up;
                log(Event::Epoch { epoch, warm_up, rate: rate.rate(epoch), score: pass.mean() })?;
                pass = Pass::default();
            }
            Ok(())
        };
        loop {
            let task = strategy.next()?;
            // Outcomes are observed in the order of their tasks, so what is under way ends before anything else begins.
            let room = if matches!(&task, Some(Task { work: Work::Train { .. }, .. })) { device.depth() } else { 1 };
            while trainer.under_way() >= room {
                trained(strategy, trainer.finish(device)?, log)?;
            }
            let Some(task) = task else { break };
            match task.work {
                Work::Train { genome, epoch } => trainer.start(device, weights, &genome, epoch)?,
                Work::Score { genomes, batch } => {
                    let scores = evaluator.minibatch(device, weights, &genomes, batch)?;
                    let best = scores.iter().map(|score| score.accuracy).fold(0.0, f32::max);
                    let insight = strategy.observe(&Outcome::Scored(scores));
                    updates += 1;
                    if let Some(insight) = insight {
                        log(Event::Update { update: updates, version: weights.version, best, insight })?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Means over a pass.
#[derive(Default)]
struct Pass {
    accuracy: f64,
    loss: f64,
    steps: u32,
}

impl Pass {
    fn add(&mut self, score: Score) {
        self.accuracy += f64::from(score.accuracy);
        self.loss += f64::from(score.loss);
        self.steps += 1;
    }

    fn mean(&self) -> Score {
        let steps = f64::from(self.steps.max(1));
        Score { accuracy: (self.accuracy / steps) as f32, loss: (self.loss / steps) as f32 }
    }
}
