//! Selection: the best candidates of a search are trained alone for a few epochs, and successive
//! halving finds the best of them.
//!
//! Shared weights rank architectures at no cost, but how well they do depends on the space and on
//! the data, and size alone is often as good (Yu et al. 2020; White et al. 2021). So a search
//! measures itself: candidates spread over size and shared loss are trained alone on the training
//! split, each for equally long, and scored on the validation split. This is the first rung of
//! successive halving (Jamieson and Talwalkar 2016), and the calibration set on which predictors of
//! the loss are compared. The best predictor then chooses which other candidates join the best of
//! the first rung. Each further rung trains half as many networks from scratch, for twice as many
//! epochs. A network that was trained for longer outranks what was trained for less long, and what
//! was only predicted.
//!
//! Where no weights are shared (`halving`), the candidates are random, all of them are in the first
//! rung, and nothing predicts. This is the whole search, and has the budget of one by shared weights.
//!
//! The test split is not read.

mod calibration;
mod halving;
mod plan;
mod predict;
mod saved;
mod words;

use std::collections::BTreeSet;
use std::sync::Arc;

use halving::Halving;
use plan::{FEWEST, SHORTEST};
pub(super) use plan::{PassCosts, SelectionPlan, smallest};
use supernet_engine::device::Device;
use supernet_shaders::random::RngStream;
use supernet_strategy::{Genome, Score};

use super::RetrainError;
use super::opponents;
use super::phase::{Phase, Trained};
use super::training_run::{Passed, TrainingRun};
use crate::config::StrategyName;
use crate::events::{Event, WarningKind};
use crate::experiment::Experiment;
use crate::results::{Candidate, Ledger, Selection, ShortTraining};
use crate::storage::{Observer, StorageError};
use crate::training::Evaluator;

/// A selection in progress.
pub(crate) struct SelectionRun {
    experiment: Arc<Experiment>,
    halving: Halving,
    current: Option<TrainingRun>,
    /// Index of the best candidate by the shared weights.
    best: usize,
    /// Multiply-adds of the search before it.
    spent: f64,
    /// Whether the start event was recorded.
    begun: bool,
}

/// Whether a search selects.
pub(crate) enum SelectionStart {
    /// The settings leave it out.
    Off,
    /// It has too little to work with; the sentence says why.
    Skipped(String),
    /// It can run.
    Run(Box<SelectionRun>),
}

impl SelectionRun {
    /// A selection among the scored architectures of a search that has spent so many multiply-adds;
    /// its best one by the shared weights is `best`.
    ///
    /// # Errors
    /// If a genome does not belong to the space.
    pub(crate) fn of_search(
        experiment: &Arc<Experiment>,
        scored: &[Candidate],
        best: &Candidate,
        spent: f64,
    ) -> Result<SelectionStart, RetrainError> {
        let config = experiment.config();
        // A space without decisions has nothing to choose.
        let single = experiment.supergraph().genome_len() == 0;
        if single || config.selection.share == 0.0 || config.retrain.epochs == 0 {
            return Ok(SelectionStart::Off);
        }
        let has_score = |candidate: &&Candidate| candidate.score.loss < Score::WORST.loss;
        let candidates: Vec<Candidate> = scored.iter().filter(has_score).cloned().collect();
        let genome = &best.genome;
        let best = candidates.iter().position(|other| other.genome == *genome);
        match Self::among(experiment, candidates, best.unwrap_or_default(), spent)? {
            Ok(run) => Ok(SelectionStart::Run(Box::new(run))),
            Err(reason) => Ok(SelectionStart::Skipped(reason)),
        }
    }

    /// The whole search of a strategy that shares no weights: a selection among random
    /// architectures.
    ///
    /// # Errors
    /// If the budget is too small, or the space has too few architectures.
    pub(crate) fn of_prior(experiment: &Arc<Experiment>) -> Result<Self, RetrainError> {
        let supergraph = experiment.supergraph();
        let most = plan_alone(experiment, u32::MAX, 1.0)?.rungs[0].networks;
        let genomes =
            opponents::distinct(experiment, RngStream::Candidates, BTreeSet::new(), most)?;
        let unscored = |genome: &Genome| Candidate::new(supergraph, genome, Score::WORST);
        let candidates = genomes.iter().map(unscored).collect::<Result<_, _>>()?;
        Self::unscored(experiment, candidates)
    }

    /// The same, among the candidates that were drawn.
    fn unscored(
        experiment: &Arc<Experiment>,
        candidates: Vec<Candidate>,
    ) -> Result<Self, RetrainError> {
        let (count, mean) = (candidates.len() as u32, mean_macs(&candidates));
        let mut plan = plan_alone(experiment, u32::MAX, mean)?;
        if count < plan.rungs[0].networks {
            plan = plan_alone(experiment, count, mean)?;
        }
        Self::planned(experiment, candidates, 0, plan)
    }

    /// Checks, before anything is done, that a strategy that shares no weights can train what it
    /// takes; there is nothing to check of any other.
    ///
    /// # Errors
    /// As [`SelectionRun::of_prior`].
    pub(crate) fn check(experiment: &Arc<Experiment>) -> Result<(), RetrainError> {
        match experiment.config().search.strategy {
            StrategyName::Halving => Self::of_prior(experiment).map(|_| ()),
            _ => Ok(()),
        }
    }

    /// A selection among candidates; a sentence if there are too few, or the budget is too small.
    fn among(
        experiment: &Arc<Experiment>,
        candidates: Vec<Candidate>,
        best: usize,
        spent: f64,
    ) -> Result<Result<Self, String>, RetrainError> {
        let config = experiment.config();
        if config.search.strategy == StrategyName::Halving {
            return Self::unscored(experiment, candidates).map(Ok);
        }
        let costs = PassCosts::of(experiment);
        let count = candidates.len() as u32;
        if count < FEWEST {
            return Ok(Err(format!(
                "no candidates are trained alone to choose among them: the final evaluation scored {count} architectures, \
                 and it takes {FEWEST}"
            )));
        }
        let (mean, share) = (mean_macs(&candidates), config.selection.share);
        let budget = match config.search.budget {
            0.0 => share * experiment.cost(),
            // What the search has left of it.
            budget => (budget - spent).max(0.0) / mean.max(1.0),
        };
        let plan = SelectionPlan::new(budget, costs, mean, count, config.retrain.epochs);
        let Some(plan) = plan else {
            let least = smallest(costs) / experiment.cost();
            if config.search.budget > 0.0 {
                return Ok(Err(format!(
                    "no candidates are trained alone to choose among them: {FEWEST} networks for {SHORTEST} epochs and half \
                     of them again for twice as long take more than the search leaves of `search.budget`; a larger budget \
                     or a larger `selection.share` has a selection, and a share of 0 turns it off"
                )));
            }
            return Ok(Err(format!(
                "no candidates are trained alone to choose among them: {FEWEST} networks for {SHORTEST} epochs and half of \
                 them again for twice as long cost {least:.1} times the search, and `selection.share` is {share}; a longer \
                 search or a larger share has a selection, and a share of 0 turns it off"
            )));
        };
        let run = Self::planned(experiment, candidates, best, plan)?;
        Ok(Ok(Self { spent, ..run }))
    }

    fn planned(
        experiment: &Arc<Experiment>,
        candidates: Vec<Candidate>,
        best: usize,
        plan: SelectionPlan,
    ) -> Result<Self, RetrainError> {
        let seed = experiment.config().search.seed;
        let halving = Halving::new(experiment.supergraph(), candidates, best, plan, seed)?;
        Ok(Self {
            experiment: Arc::clone(experiment),
            halving,
            current: None,
            best,
            spent: 0.0,
            begun: false,
        })
    }

    /// The warning of a selection that is skipped.
    pub(crate) fn skipped(reason: String) -> Event {
        Event::Warning {
            kind: WarningKind::NoSelection,
            sentence: reason,
        }
    }

    /// Records the start event, unless it was recorded before.
    pub(crate) fn announce(&mut self, observer: &mut dyn Observer) -> Result<(), StorageError> {
        if self.begun {
            return Ok(());
        }
        self.begun = true;
        let plan = self.halving.plan();
        let first = plan.rungs.first();
        observer.event(Event::SelectionStarted {
            candidates: self.halving.candidates().len() as u32,
            networks: first.map_or(0, |rung| rung.networks),
            epochs: first.map_or(0, |rung| rung.epochs),
            rungs: plan.rungs.len() as u32,
            trainings: plan.trainings(),
            total_epochs: plan.epochs(),
            steps: self.experiment.schedule().steps,
            budget: plan.budget,
            metric: self.experiment.task().metric,
        })
    }

    /// Trains the remaining networks; none if it was stopped.
    pub(crate) fn go(
        mut self,
        device: &mut dyn Device,
        observer: &mut dyn Observer,
    ) -> Result<Option<Selection>, RetrainError> {
        while let Some(training) = self.halving.next() {
            let (genome, seed) = (training.genome.to_vec(), training.seed);
            let network = match self.current.take() {
                Some(network) => network,
                None => {
                    let data = Arc::clone(&self.experiment.task().data);
                    TrainingRun::new(&self.experiment, &data, training)?
                }
            };
            let alone = match self.train(network, device, observer)? {
                Trained::Stopped => return Ok(None),
                Trained::Diverged => None,
                Trained::Through(_) => self.score(&genome, seed, device)?,
            };
            self.current = None;
            self.complete(alone, observer)?;
            self.save(device, observer)?;
        }
        let selection = self.halving.result();
        observer.event(Event::Selected {
            top: selection.top.clone(),
        })?;
        let ledger = Self::ledger(&self.experiment, &selection);
        observer.event(Event::Ledger {
            ledger,
            summary: ledger.summary(),
        })?;
        if let Some(folder) = observer.folder() {
            folder.sync()?;
            folder.write_json("best/selection.json", &selection)?;
        }
        Ok(Some(selection))
    }

    /// What a selection computed.
    pub(crate) fn ledger(experiment: &Experiment, selection: &Selection) -> Ledger {
        let costs = PassCosts::of(experiment);
        let one = |of: &ShortTraining| of.macs as f64 * costs.training(of.epochs);
        Ledger {
            scratch: selection.trainings.iter().map(one).sum(),
            ..Ledger::default()
        }
    }

    /// Scores the current network on the validation split; none if its loss is not a number.
    fn score(
        &mut self,
        genome: &[u32],
        seed: u64,
        device: &mut dyn Device,
    ) -> Result<Option<Score>, RetrainError> {
        let Some(network) = &mut self.current else {
            return Ok(None);
        };
        network.finalize(device)?;
        let batch = self.experiment.config().score.batch;
        let mut evaluator = Evaluator::new(network.task.clone(), batch, seed);
        let score = evaluator.validation(device, &network.weights, genome)?;
        Ok((score.loss < Score::WORST.loss).then_some(score))
    }

    /// Takes the score of a network, and records what follows from it.
    fn complete(
        &mut self,
        alone: Option<Score>,
        observer: &mut dyn Observer,
    ) -> Result<(), StorageError> {
        let (network, compared) = (
            self.halving.trainings().len() as u32,
            self.halving.comparison().is_some(),
        );
        self.halving.complete(alone);
        if let Some(trained) = self.halving.trainings().last() {
            observer.event(Event::TrainedAlone {
                network,
                trained: trained.clone(),
            })?;
        }
        match self.halving.comparison() {
            Some(comparison) if !compared => observer.event(Event::Calibrated {
                comparison: comparison.clone(),
            }),
            _ => Ok(()),
        }
    }
}

/// The plan of a search without shared weights, with up to `candidates` networks of `mean`
/// multiply-accumulates.
fn plan_alone(
    experiment: &Experiment,
    candidates: u32,
    mean: f64,
) -> Result<SelectionPlan, RetrainError> {
    let (config, costs) = (experiment.config(), pass_costs(experiment));
    let budget = match config.search.budget {
        0.0 => (1.0 + config.selection.share) * experiment.cost(),
        budget => budget / mean.max(1.0),
    };
    let plan = SelectionPlan::alone(budget, costs, mean, candidates, config.retrain.epochs);
    plan.ok_or_else(|| RetrainError::NoHalving {
        reason: if candidates < FEWEST {
            format!(
                "the strategy `halving` takes {FEWEST} different architectures, and the space has {candidates} of positive \
                 probability; train each with `supernet retrain --genome`"
            )
        } else {
            let times = plan::smallest(costs) / budget;
            let epochs = config.search.epochs;
            if config.search.budget > 0.0 {
                return RetrainError::NoHalving {
                    reason: format!(
                        "the strategy `halving` trains at least {FEWEST} networks for {SHORTEST} epochs and half of them \
                         again for twice as long, which costs {times:.1} times `search.budget`; raise it"
                    ),
                };
            }
            format!(
                "the strategy `halving` trains at least {FEWEST} networks for {SHORTEST} epochs and half of them again for \
                 twice as long, which costs {times:.1} times its budget: what a search by shared weights with `search.epochs` \
                 = {epochs} and `selection.share` = {} would cost; raise either",
                config.selection.share
            )
        },
    })
}

fn pass_costs(experiment: &Experiment) -> PassCosts {
    PassCosts {
        epoch: experiment.training_cost(1, experiment.schedule().steps),
        evaluation: experiment.evaluation_cost(),
    }
}

fn mean_macs(candidates: &[Candidate]) -> f64 {
    let macs: f64 = candidates.iter().map(|of| of.macs as f64).sum();
    macs / candidates.len().max(1) as f64
}

impl Phase for SelectionRun {
    fn experiment(&self) -> &Experiment {
        &self.experiment
    }

    fn current(&mut self) -> &mut Option<TrainingRun> {
        &mut self.current
    }

    fn steps(&self) -> u64 {
        let in_pass = u64::from(self.experiment.schedule().steps);
        let trainings = self.halving.trainings().iter();
        let finished: u64 = trainings.map(|of| u64::from(of.epochs) * in_pass).sum();
        let current = self.current.as_ref().map_or(0, TrainingRun::done);
        finished + u64::from(current)
    }

    fn save(
        &mut self,
        device: &mut dyn Device,
        observer: &mut dyn Observer,
    ) -> Result<(), RetrainError> {
        let Some((folder, log, events)) = observer.save_point()? else {
            return Ok(());
        };
        let path = folder.path().to_owned();
        self.write(&path, log, events, device)?;
        let steps = self.steps();
        Ok(observer.incident(Event::Saved { steps })?)
    }

    /// Short trainings are reported as a whole.
    fn passed(&self, _passed: Passed, _observer: &mut dyn Observer) -> Result<(), StorageError> {
        Ok(())
    }
}
