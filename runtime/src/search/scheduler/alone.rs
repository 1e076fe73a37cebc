//! Networks that are trained from scratch as tasks of a strategy, and the answer among them.

use supernet_strategy::{Genome, Score, Work};

use super::Scheduler;
use crate::events::Event;
use crate::results::{Candidate, Selection, ShortTraining};
use crate::search::SearchOutcome;
use crate::search::error::SearchError;
use crate::training::JobResult;

/// The best networks, of which the last phase trains the first with several seeds.
const FINALISTS: usize = 3;

impl Scheduler {
    /// Whether the strategy trains shared weights: those of a custom strategy are never trained if it
    /// only trains networks from scratch.
    pub(super) fn has_shared_weights(&self) -> bool {
        let named = self.experiment.config().search.strategy.shares_weights();
        named && (self.tally.version > 0 || self.alone.is_empty())
    }

    /// Whether networks that a strategy would have trained from scratch cost more than is left of the
    /// budget, and the search ends with those that it has.
    pub(super) fn exceeds_budget(&mut self, work: &Work) -> Result<bool, SearchError> {
        let budget = self.experiment.config().search.budget;
        let Work::Alone {
            genomes, epochs, ..
        } = work
        else {
            return Ok(false);
        };
        if budget == 0.0 || self.alone.is_empty() {
            return Ok(false);
        }
        let mut macs = 0.0;
        for genome in genomes {
            macs += self.account.of_child(genome)?;
        }
        let spent = self.tally.ledger.total();
        Ok(spent + macs * self.experiment.alone_cost(*epochs) > budget)
    }

    /// Says how many networks will be trained from scratch.
    pub(super) fn announce_alone(&mut self) {
        if let Some(event) = self.experiment.trainings() {
            self.emit(event);
        }
    }

    /// Records the trainings of a task, and returns their scores.
    pub(super) fn trained_alone(
        &mut self,
        genomes: &[Genome],
        results: Vec<Option<JobResult>>,
        [epochs, first]: [u64; 2],
    ) -> Result<Vec<Score>, SearchError> {
        let mut scores = Vec::with_capacity(genomes.len());
        for (number, (genome, result)) in genomes
            .iter()
            .zip(results.into_iter().flatten())
            .enumerate()
        {
            let has_score = result.is_ok();
            let score = self.score(genome, result)?;
            let Candidate {
                parameters, macs, ..
            } = Candidate::new(self.experiment.supergraph(), genome, score)?;
            self.tally.ledger.scratch += macs as f64 * self.experiment.alone_cost(epochs as u32);
            let trained = ShortTraining {
                rung: 0,
                epochs: epochs as u32,
                seed: self.experiment.seed_alone(first + number as u64),
                genome: genome.clone(),
                parameters,
                macs,
                shared: None,
                alone: has_score.then_some(score),
            };
            self.emit(Event::TrainedAlone {
                network: self.alone.len() as u32,
                trained: trained.clone(),
            });
            self.alone.push(trained);
            scores.push(score);
        }
        Ok(scores)
    }

    /// The outcome of a search without shared weights: the best networks that were trained, or, if
    /// none was, what the last phase has yet to find.
    pub(super) fn choose_alone(&mut self) -> SearchOutcome {
        let mut outcome = SearchOutcome::without_scores(&self.experiment);
        outcome.ledger = self.tally.ledger;
        if self.alone.is_empty() {
            return outcome;
        }
        let selection = Selection {
            top: best(&self.alone),
            trainings: self.alone.clone(),
            predictors: None,
        };
        self.emit(Event::Selected {
            top: selection.top.clone(),
        });
        self.emit(Event::Ledger {
            ledger: outcome.ledger,
            summary: outcome.ledger.summary(),
        });
        outcome.selection = Some(selection);
        outcome
    }
}

/// The best networks by reward, which is what the strategy maximises, each once; on a tie the one
/// of lower loss, then the first.
fn best(trainings: &[ShortTraining]) -> Vec<ShortTraining> {
    let scored = |of: &&ShortTraining| of.alone.is_some();
    let mut ranked: Vec<_> = trainings.iter().filter(scored).cloned().collect();
    let key = |of: &ShortTraining| of.alone.unwrap_or(Score::WORST);
    ranked.sort_by(|a, b| {
        let (a, b) = (key(a), key(b));
        b.reward
            .total_cmp(&a.reward)
            .then(a.loss.total_cmp(&b.loss))
    });
    let mut top: Vec<ShortTraining> = Vec::new();
    for one in ranked {
        if top.len() < FINALISTS && top.iter().all(|known| known.genome != one.genome) {
            top.push(one);
        }
    }
    top
}
