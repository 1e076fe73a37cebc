//! The effects of outcomes on the strategy, the tally and the events.

use supernet_strategy::{Genome, Outcome, Score, StrategyStats, Work};

use super::{InFlight, Scheduler};
use crate::events::Event;
use crate::results::InterimComparison;
use crate::search::error::SearchError;
use crate::training::JobResult;

/// A search fails after this many consecutive candidates without a score.
const FAILURES: u32 = 10;

impl Scheduler {
    /// Passes the outcome of the oldest task to the strategy, if all its results have arrived.
    pub(super) fn observe_oldest(&mut self) -> Result<bool, SearchError> {
        let Some(task) = self.tasks.pop_front_if(|task| task.is_complete()) else {
            return Ok(false);
        };
        let InFlight {
            work,
            own,
            results,
            step,
            ..
        } = task;
        let number = self.observed;
        self.observed += 1;
        self.tally.children += results.len() as u64;
        let [shared, policy] = self.account.of(&work)?;
        self.tally.ledger.shared += shared;
        self.tally.ledger.policy += policy;
        match work {
            work if work.updates() && self.skipped.contains(&number) => {
                self.strategy.observe(&Outcome::Trained(Score::WORST));
                let reason = format!(
                    "training step {} on it ruins the shared weights: its loss is not a number",
                    number + 1
                );
                for genome in architectures(&work) {
                    let reason = reason.clone();
                    self.emit(Event::SetAside { genome, reason });
                }
                self.stepped(None)?;
            }
            Work::Train { .. } => {
                let score = results.into_iter().flatten().find_map(Result::ok);
                let score = score.unwrap_or(Score::WORST);
                self.strategy.observe(&Outcome::Trained(score));
                self.stepped(Some(score))?;
            }
            Work::Step { .. } => {
                let updates = work.updates();
                let score = results.into_iter().flatten().find_map(Result::ok);
                let score = score.unwrap_or(Score::WORST);
                let outcome = match step {
                    Some(outcome) => Outcome::Stepped(outcome),
                    None => Outcome::Trained(score),
                };
                if let Some(stats) = self.strategy.observe(&outcome) {
                    self.tally.learn(stats);
                }
                if updates {
                    self.stepped(Some(score))?;
                }
            }
            Work::Score { genomes, .. } => {
                let mut scores = Vec::with_capacity(results.len());
                for (genome, result) in genomes.iter().zip(results.into_iter().flatten()) {
                    scores.push(self.score(genome, result)?);
                }
                self.updated(&genomes[..own], scores)?;
            }
            Work::Alone {
                genomes,
                epochs,
                first,
            } => {
                let scores = self.trained_alone(&genomes, results, [epochs.into(), first])?;
                self.updated(&genomes, scores)?;
            }
        }
        Ok(true)
    }

    /// Passes the scores of `genomes` to the strategy; the scores of the control samples follow in
    /// `scores`.
    fn updated(&mut self, genomes: &[Genome], mut scores: Vec<Score>) -> Result<(), SearchError> {
        let rewards =
            |scores: &[Score]| -> Vec<f32> { scores.iter().map(|score| score.reward).collect() };
        let control = rewards(&scores.split_off(genomes.len()));
        let own = rewards(&scores);
        let best = own.iter().copied().reduce(f32::max).unwrap_or_default();
        let stats = self.strategy.observe(&Outcome::Scored(scores));
        self.tally.updates += 1;
        let update = self.tally.updates;
        if let Some(stats) = stats {
            self.report_update(best, stats, genomes, &own);
        }
        if !control.is_empty() {
            let comparison = InterimComparison::new(&own, &control);
            self.emit(Event::InterimComparison { update, comparison });
            let state = &mut self.monitor_state;
            if let Some(warning) = self.monitor.check_comparison(state, update, comparison) {
                self.emit(warning);
            }
        }
        Ok(())
    }

    fn stepped(&mut self, score: Option<Score>) -> Result<(), SearchError> {
        let schedule = *self.experiment.schedule();
        let epoch = (self.tally.steps / u64::from(schedule.steps)) as u32;
        self.tally.step(score);
        if let Some(score) = score {
            self.emit(Event::Step {
                epoch,
                step: self.tally.steps,
                score,
            });
        }
        if self.tally.steps.is_multiple_of(u64::from(schedule.steps)) {
            let (warm_up, rate) = (epoch < schedule.warm_up, self.lr_schedule.rate(epoch));
            let score = self.tally.end_pass();
            self.emit(Event::Epoch {
                epoch,
                warm_up,
                rate,
                score,
            });
            self.report_policy()?;
        }
        Ok(())
    }

    /// Reports a policy that learns step by step, at the end of an epoch: the mean over its updates,
    /// and its favourite architecture.
    fn report_policy(&mut self) -> Result<(), SearchError> {
        let Some(stats) = self.tally.take_learnt() else {
            return Ok(());
        };
        let favourite = self.strategy.favourite()?;
        self.tally.updates += 1;
        self.report_update(stats.reward, stats, favourite.as_slice(), &[]);
        Ok(())
    }

    /// Reports the latest update of a policy, from which `genomes` are; warns if it looks wrong.
    fn report_update(
        &mut self,
        best: f32,
        stats: StrategyStats,
        genomes: &[Genome],
        rewards: &[f32],
    ) {
        let (update, version) = (self.tally.updates, self.tally.version);
        let shares = self.monitor.composition.of(genomes);
        self.emit(Event::Update {
            update,
            version,
            best,
            stats,
            shares,
        });
        let state = &mut self.monitor_state;
        let warnings = self
            .monitor
            .check_update(state, update, &stats, shares, rewards);
        for warning in warnings {
            self.emit(warning);
        }
    }

    /// The score of a result; a child without one is reported and gets the worst score.
    pub(in crate::search) fn score(
        &mut self,
        genome: &[u32],
        result: JobResult,
    ) -> Result<Score, SearchError> {
        match result {
            Ok(score) => {
                self.tally.failures = 0;
                Ok(score)
            }
            Err(reason) => {
                self.tally.failures += 1;
                self.emit(Event::SetAside {
                    genome: genome.to_vec(),
                    reason: reason.to_string(),
                });
                if self.tally.failures >= FAILURES {
                    return Err(SearchError::Evaluator {
                        failures: FAILURES,
                        source: reason,
                    });
                }
                Ok(Score::WORST)
            }
        }
    }
}

/// The architectures of an update: of a mixture, the choices with the largest weights.
fn architectures(work: &Work) -> Vec<Genome> {
    match work {
        Work::Train { paths, .. } => paths.clone(),
        Work::Step { passes, .. } => {
            let last = passes.last();
            last.map(|pass| pass.path.main_choices())
                .into_iter()
                .collect()
        }
        Work::Score { genomes, .. } | Work::Alone { genomes, .. } => genomes.clone(),
    }
}
