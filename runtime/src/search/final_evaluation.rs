//! The evaluation after the last epoch: candidates, the policy compared with random samples, and
//! the test score. The weights no longer change.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use supernet_shaders::random::{Random, RngStream};
use supernet_strategy::{Genome, Score, Strategy, from_prior, next_generation};

use super::error::SearchError;
use super::scheduler::{Next, Scheduler};
use crate::config::DeriveRule;
use crate::events::{EvaluationRole, Event, WarningKind};
use crate::experiment::{Experiment, GENERATION};
use crate::results::{self, Candidate, Ledger, PolicyGain, Selection};
use crate::training::{Job, JobId, JobKind, JobResult};

/// The result of a search, without the weights.
#[derive(Clone, Debug)]
pub(crate) struct SearchOutcome {
    /// All distinct architectures that were scored, in the order of their evaluation.
    pub(crate) scored: Vec<Candidate>,
    pub(crate) top: Vec<Candidate>,
    pub(crate) gain: PolicyGain,
    pub(crate) test: Score,
    pub(crate) ledger: Ledger,
    /// The choice among networks that the strategy itself trained from scratch.
    pub(crate) selection: Option<Selection>,
}

impl SearchOutcome {
    /// The outcome of a search without shared weights, before anything was trained alone.
    pub(crate) fn without_scores(experiment: &Experiment) -> Self {
        let (strategy, metric) = (
            experiment.config().search.strategy,
            experiment.task().metric,
        );
        Self {
            scored: Vec::new(),
            top: Vec::new(),
            gain: PolicyGain::new(strategy, metric, &[], &[], 0),
            test: Score::WORST,
            ledger: Ledger::default(),
            selection: None,
        }
    }
}

/// The best candidates so far, of which the next generation is bred (Guo et al. 2020, §4).
const PARENTS: usize = 10;
/// How often a generation is bred until it is full, where it has a budget.
const TRIES: u32 = 8;

pub(crate) struct FinalEvaluation {
    experiment: Arc<Experiment>,
    /// All evaluations to report, in order, each with the index of its architecture.
    roll: Vec<(EvaluationRole, Genome, usize)>,
    /// The distinct architectures; each is scored once.
    architectures: Vec<Genome>,
    /// The index of every architecture by its canonical genome.
    known: BTreeMap<Genome, usize>,
    /// Generations that have been bred from the candidates.
    generations: u32,
    /// Generations that are to be bred.
    wanted: u32,
    /// Multiply-adds before the final evaluation.
    spent: f64,
    /// Candidates that are samples of the policy: all but those generations.
    first: usize,
    results: Vec<Option<JobResult>>,
    dispatched: usize,
    /// Scores of the reported architectures.
    pub(super) scores: Vec<Score>,
    /// Number of evaluations that have been reported.
    reported: usize,
    /// Distinct architectures among the policy's samples.
    distinct: u32,
    last: Option<(Vec<Candidate>, PolicyGain)>,
    test: [Option<JobResult>; 1],
}

impl FinalEvaluation {
    pub(crate) fn new(
        experiment: &Arc<Experiment>,
        strategy: &dyn Strategy,
        spent: f64,
    ) -> Result<Self, SearchError> {
        let (supergraph, derive) = (experiment.supergraph(), experiment.config().derive);
        let random = |purpose| Random::new(experiment.config().search.seed, purpose);
        let sampled = strategy.sample(
            derive.candidates as usize,
            &mut random(RngStream::Candidates),
        )?;
        let favourite = match derive.rule {
            DeriveRule::Method | DeriveRule::Perturbation => strategy.favourite()?,
            DeriveRule::Samples => None,
        };
        let (candidates, generations) = match favourite {
            Some(favourite) => (vec![favourite], 0),
            None => (
                results::distinct(supergraph, &sampled)?,
                match experiment.shared_budget() {
                    // As many as it pays for: children that are known already cost nothing.
                    Some(_) => derive.generations,
                    None => experiment.generations(),
                },
            ),
        };
        // The first candidates of methods that learn nothing else are random paths: no other samples
        // are needed.
        let report = match experiment.config().search.strategy.learns_only_weights() {
            true => 0,
            false => derive.report,
        };
        let policy = strategy.sample(report as usize, &mut random(RngStream::PolicySamples))?;
        let distinct = results::distinct(supergraph, &policy)?.len() as u32;
        let mut third = random(RngStream::PriorSamples);
        let prior = (0..report)
            .map(|_| from_prior(supergraph, &mut third))
            .collect::<Result<Vec<_>, _>>()?;
        let mut evaluation = Self {
            experiment: Arc::clone(experiment),
            roll: Vec::new(),
            architectures: Vec::new(),
            known: BTreeMap::new(),
            generations: 0,
            wanted: generations,
            spent,
            first: candidates.len(),
            results: Vec::new(),
            dispatched: 0,
            scores: Vec::new(),
            reported: 0,
            distinct,
            last: None,
            test: [None],
        };
        evaluation.add(EvaluationRole::Candidate, candidates)?;
        evaluation.add(EvaluationRole::Policy, policy)?;
        evaluation.add(EvaluationRole::Prior, prior)?;
        Ok(evaluation)
    }

    /// Adds evaluations to the roll.
    fn add(&mut self, role: EvaluationRole, genomes: Vec<Genome>) -> Result<(), SearchError> {
        for genome in genomes {
            let canonical = self.experiment.supergraph().canonical(&genome)?;
            let next = self.architectures.len();
            let number = *self.known.entry(canonical).or_insert(next);
            if number == next {
                self.architectures.push(genome.clone());
                self.results.push(None);
            }
            self.roll.push((role, genome, number));
        }
        Ok(())
    }

    /// Adds the children of the best candidates, if all are scored and a generation is left. False
    /// if none is.
    fn breed(&mut self) -> Result<bool, SearchError> {
        if self.generations == self.wanted {
            return Ok(false);
        }
        let experiment = Arc::clone(&self.experiment);
        let mut size = GENERATION;
        if let Some(budget) = experiment.shared_budget() {
            size = size.min(self.affordable(budget, &experiment)?);
            if size == 0 {
                self.wanted = self.generations;
                return Ok(false);
            }
        }
        let (supergraph, number) = (experiment.supergraph(), self.generations);
        let mut ranked = self.candidates()?;
        results::rank(&mut ranked, experiment.config().derive.by);
        let best = ranked.into_iter().take(PARENTS);
        let parents: Vec<Genome> = best.map(|candidate| candidate.genome).collect();
        let stream = RngStream::Generation { number };
        let mut random = Random::new(experiment.config().search.seed, stream);
        let (mut new, mut seen) = (Vec::new(), BTreeSet::new());
        // What is known already costs nothing, so a budget pays for others in its place.
        let tries = if experiment.shared_budget().is_some() {
            TRIES
        } else {
            1
        };
        for _ in 0..tries {
            for child in next_generation(supergraph, &parents, size - new.len(), &mut random)? {
                let canonical = supergraph.canonical(&child)?;
                if !self.known.contains_key(&canonical) && seen.insert(canonical) {
                    new.push(child);
                }
            }
        }
        self.add(EvaluationRole::Candidate, new)?;
        self.generations += 1;
        Ok(true)
    }

    /// The number of candidates that the budget still pays for, if they are as large as those so far.
    fn affordable(&self, budget: f64, experiment: &Experiment) -> Result<usize, SearchError> {
        let scored = self.scored(experiment)?;
        let macs: f64 = scored.iter().map(|one| one.macs as f64).sum();
        let all = macs * experiment.evaluation_cost();
        let left = (budget - self.spent - all).max(0.0);
        Ok((left * scored.len() as f64 / all.max(1.0)) as usize)
    }

    /// The candidates, with their scores.
    fn candidates(&self) -> Result<Vec<Candidate>, SearchError> {
        let of_role = |(role, _, _): &&(EvaluationRole, _, _)| *role == EvaluationRole::Candidate;
        let candidates = self.roll.iter().filter(of_role).map(|(_, genome, number)| {
            let score = self.scores[*number];
            Candidate::new(self.experiment.supergraph(), genome, score)
        });
        Ok(candidates.collect::<Result<_, _>>()?)
    }

    /// Continues as if these architectures had been scored and reported.
    ///
    /// # Errors
    /// If the space's constraints leave no genome to sample.
    pub(crate) fn resume(&mut self, scores: Vec<Score>) -> Result<(), SearchError> {
        // A generation follows from the scores of those before it.
        while scores.len() > self.architectures.len() {
            self.scores = scores[..self.architectures.len()].to_vec();
            if !self.breed()? {
                break;
            }
        }
        self.dispatched = scores.len().min(self.architectures.len());
        for (result, score) in self.results.iter_mut().zip(&scores) {
            *result = Some(Ok(*score));
        }
        self.reported = self
            .roll
            .iter()
            .take_while(|(_, _, number)| *number < self.dispatched)
            .count();
        self.scores = scores;
        Ok(())
    }

    /// The slots for the results of a task, counted from the first one of the final evaluation.
    pub(crate) fn slots(&mut self, task: Option<u64>) -> Option<&mut [Option<JobResult>]> {
        let task = usize::try_from(task?).ok()?;
        match self.results.get_mut(task) {
            Some(result) if task < self.dispatched => Some(std::slice::from_mut(result)),
            None if task == self.architectures.len() && self.last.is_some() => Some(&mut self.test),
            _ => None,
        }
    }

    /// Whether every score is known and reported.
    pub(crate) fn is_scored(&self) -> bool {
        self.reported == self.roll.len() && self.generations == self.wanted
    }

    /// All architectures with their scores.
    fn scored(&self, experiment: &Experiment) -> Result<Vec<Candidate>, SearchError> {
        let all = self.architectures.iter().zip(&self.scores);
        let candidate = |(genome, score): (&Genome, &Score)| {
            Candidate::new(experiment.supergraph(), genome, *score)
        };
        Ok(all.map(candidate).collect::<Result<_, _>>()?)
    }

    fn rewards(&self, role: EvaluationRole) -> Vec<f32> {
        let of_role = self.roll.iter().filter(|(r, _, _)| *r == role);
        of_role
            .map(|(_, _, number)| self.scores[*number].reward)
            .collect()
    }
}

impl Scheduler {
    pub(crate) fn evaluate_finally(&mut self) -> Result<Next, SearchError> {
        self.report()?;
        let (observed, crowded) = (
            self.observed,
            self.in_flight >= self.concurrency.score_in_flight,
        );
        let Some(evaluation) = &mut self.final_evaluation else {
            return Ok(Next::Wait { drain: false });
        };
        let job = |number: usize, kind| {
            let task = observed + number as u64;
            Ok(Next::Job(Job {
                id: JobId { task, first: 0 },
                kind,
            }))
        };
        if let Some(genome) = evaluation
            .architectures
            .get(evaluation.dispatched)
            .filter(|_| !crowded)
        {
            evaluation.dispatched += 1;
            return job(
                evaluation.dispatched - 1,
                JobKind::Validate {
                    genome: genome.clone(),
                },
            );
        }
        if evaluation.reported < evaluation.roll.len() {
            return Ok(Next::Wait { drain: false });
        }
        if evaluation.breed()? {
            return self.evaluate_finally();
        }
        let Some((top, gain)) = &evaluation.last else {
            let last = self.derive()?;
            let best = last
                .0
                .first()
                .ok_or(SearchError::NothingDerived)?
                .genome
                .clone();
            let Some(evaluation) = &mut self.final_evaluation else {
                return Ok(Next::Wait { drain: false });
            };
            evaluation.last = Some(last);
            return job(
                evaluation.architectures.len(),
                JobKind::Test { genome: best },
            );
        };
        let Some(test) = evaluation.test[0].clone() else {
            return Ok(Next::Wait { drain: false });
        };
        let (top, gain) = (top.clone(), *gain);
        let scored = evaluation.scored(&self.experiment)?;
        let test = test.unwrap_or(Score::WORST);
        let mut ledger = self.tally.ledger;
        let samples = self.experiment.evaluation_cost();
        ledger.derivation += scored
            .iter()
            .map(|one| one.macs as f64 * samples)
            .sum::<f64>();
        // Emitted together, so that no checkpoint lies between them.
        self.emit(Event::Derived {
            version: self.tally.version,
            top: top.clone(),
        });
        self.emit(Event::PolicyGain {
            gain,
            summary: gain.summary(),
        });
        if let Some(sentence) = self.strategy.verdict() {
            self.emit(Event::Warning {
                kind: WarningKind::EndedEarly,
                sentence,
            });
        }
        if let Some(best) = top.first()
            && let Some(warning) = self.monitor.check_answer(&best.genome)
        {
            self.emit(warning);
        }
        self.emit(Event::Ledger {
            ledger,
            summary: ledger.summary(),
        });
        self.emit(Event::Tested { score: test });
        Ok(Next::Finished(Box::new(SearchOutcome {
            scored,
            top,
            gain,
            test,
            ledger,
            selection: None,
        })))
    }

    /// Reports all known scores, in order.
    pub(crate) fn report(&mut self) -> Result<(), SearchError> {
        while let Some(evaluation) = &mut self.final_evaluation {
            let Some((role, genome, number)) = evaluation.roll.get(evaluation.reported).cloned()
            else {
                break;
            };
            if number == evaluation.scores.len() {
                let Some(result) = evaluation.results[number].clone() else {
                    break;
                };
                let score = self.score(&genome, result)?;
                if let Some(evaluation) = &mut self.final_evaluation {
                    evaluation.scores.push(score);
                }
            }
            let Some(evaluation) = &mut self.final_evaluation else {
                break;
            };
            evaluation.reported += 1;
            let score = evaluation.scores[number];
            self.emit(Event::Evaluated {
                role,
                version: self.tally.version,
                genome,
                score,
            });
        }
        Ok(())
    }

    fn derive(&self) -> Result<(Vec<Candidate>, PolicyGain), SearchError> {
        let Some(evaluation) = &self.final_evaluation else {
            return Err(SearchError::NothingDerived);
        };
        let mut top = evaluation.candidates()?;
        let first = top[..evaluation.first.min(top.len())].to_vec();
        results::rank(&mut top, self.experiment.config().derive.by);
        top.truncate(10);
        let only_weights = self
            .experiment
            .config()
            .search
            .strategy
            .learns_only_weights();
        let (policy, prior) = if only_weights {
            let rewards = |some: &[Candidate]| some.iter().map(|c| c.score.reward).collect();
            let best: Vec<f32> = rewards(&top[..top.len().min(PARENTS)]);
            (best, rewards(&first))
        } else {
            (
                evaluation.rewards(EvaluationRole::Policy),
                evaluation.rewards(EvaluationRole::Prior),
            )
        };
        let gain = PolicyGain::new(
            self.experiment.config().search.strategy,
            self.experiment.task().metric,
            &policy,
            &prior,
            if only_weights {
                policy.len() as u32
            } else {
                evaluation.distinct
            },
        );
        let gain = match top.first() {
            Some(best) => gain.with_best(best.score.reward, &prior),
            None => gain,
        };
        Ok((top, gain))
    }
}
