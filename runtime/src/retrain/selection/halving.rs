//! Successive halving (Jamieson and Talwalkar 2016) as a state machine: it says which network is
//! trained next, and takes the results. It knows no device, and all of its state follows from the
//! candidates, the plan and the results so far.

use supernet_plugin::{GenomeError, Supergraph};
use supernet_strategy::Score;

use super::calibration::calibration_set;
use super::plan::SelectionPlan;
use super::predict::Predictors;
use crate::results::{Candidate, PredictorComparison, Selection, ShortTraining};
use crate::retrain::training_run::Training;

/// A selection among candidates by short trainings.
pub(crate) struct Halving {
    candidates: Vec<Candidate>,
    predictors: Predictors,
    plan: SelectionPlan,
    seed: u64,
    /// The networks of each rung so far, as indices of candidates, in training order.
    rungs: Vec<Vec<usize>>,
    /// Results, in training order.
    trainings: Vec<ShortTraining>,
    comparison: Option<PredictorComparison>,
    /// What has been spent, in multiply-accumulates.
    spent: f64,
}

impl Halving {
    /// A selection among `candidates`, of which `best` is the best so far.
    ///
    /// # Errors
    /// If a genome does not belong to the space.
    pub(crate) fn new(
        supergraph: &Supergraph,
        candidates: Vec<Candidate>,
        best: usize,
        plan: SelectionPlan,
        seed: u64,
    ) -> Result<Self, GenomeError> {
        let canonical = candidates
            .iter()
            .map(|candidate| supergraph.canonical(&candidate.genome))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self::among(candidates, &canonical, best, plan, seed))
    }

    fn among(
        candidates: Vec<Candidate>,
        canonical: &[Vec<u32>],
        best: usize,
        plan: SelectionPlan,
        seed: u64,
    ) -> Self {
        let networks = plan.rungs.first().map_or(0, |rung| rung.networks);
        let first = calibration_set(&candidates, best, networks as usize);
        Self {
            predictors: Predictors::new(&candidates, canonical),
            candidates,
            plan,
            seed,
            rungs: vec![first],
            trainings: Vec::new(),
            comparison: None,
            spent: 0.0,
        }
    }

    pub(crate) fn plan(&self) -> &SelectionPlan {
        &self.plan
    }

    pub(crate) fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    /// Results, in training order.
    pub(crate) fn trainings(&self) -> &[ShortTraining] {
        &self.trainings
    }

    /// The predictors, compared once the first rung is trained.
    pub(crate) fn comparison(&self) -> Option<&PredictorComparison> {
        self.comparison.as_ref()
    }

    /// The next training; none at the end.
    pub(crate) fn next(&self) -> Option<Training<'_>> {
        let (rung, index) = self.position()?;
        Some(Training {
            genome: &self.candidates[index].genome,
            // Equal within a rung, so that its networks differ in their architecture alone; fresh
            // in each, so that luck does not carry over.
            seed: self.seed.wrapping_add(rung as u64),
            epochs: self.plan.rungs[rung].epochs,
        })
    }

    /// The rung and the candidate of the next training.
    fn position(&self) -> Option<(usize, usize)> {
        let rung = self.rungs.len() - 1;
        let before: usize = self.rungs[..rung].iter().map(Vec::len).sum();
        let index = self.rungs[rung].get(self.trainings.len() - before)?;
        Some((rung, *index))
    }

    /// Takes the validation score of the next training; none if it diverged.
    pub(crate) fn complete(&mut self, alone: Option<Score>) {
        let Some((rung, index)) = self.position() else {
            return;
        };
        let (epochs, candidate) = (self.plan.rungs[rung].epochs, &self.candidates[index]);
        self.spent += self.cost(index, epochs);
        self.trainings.push(ShortTraining {
            rung: rung as u32,
            epochs,
            seed: self.seed.wrapping_add(rung as u64),
            genome: candidate.genome.clone(),
            parameters: candidate.parameters,
            macs: candidate.macs,
            shared: candidate.shared(),
            alone,
        });
        if self.position().is_some() {
            return;
        }
        if rung == 0 {
            let known = self.losses();
            self.comparison = Some(self.predictors.compare(&known, self.seed));
        }
        if self.rungs.len() < self.plan.rungs.len() {
            let next = self.next_rung();
            self.rungs.push(next);
        }
    }

    /// The result, once there is no next training.
    pub(crate) fn result(&self) -> Selection {
        let mut top: Vec<ShortTraining> = Vec::new();
        for rung in (0..self.rungs.len()).rev() {
            for (position, _) in self.ranked(rung) {
                let training = &self.trainings[position];
                let known = top.iter().any(|other| other.genome == training.genome);
                if training.alone.is_some() && !known {
                    top.push(training.clone());
                }
            }
        }
        top.truncate(self.plan.finalists as usize);
        Selection {
            trainings: self.trainings.clone(),
            predictors: self.comparison.clone(),
            top,
        }
    }

    /// The trainings of a rung as (position, candidate), the lowest loss first.
    fn ranked(&self, rung: usize) -> Vec<(usize, usize)> {
        let before: usize = self.rungs[..rung].iter().map(Vec::len).sum();
        let networks = self.rungs[rung].iter().enumerate();
        let mut ranked: Vec<(usize, usize)> = networks
            .map(|(position, index)| (before + position, *index))
            .filter(|(position, _)| *position < self.trainings.len())
            .collect();
        ranked.sort_by(|(a, _), (b, _)| {
            let (a, b) = (&self.trainings[*a], &self.trainings[*b]);
            a.loss()
                .total_cmp(&b.loss())
                .then(a.parameters.cmp(&b.parameters))
                .then_with(|| a.genome.cmp(&b.genome))
        });
        ranked
    }

    /// The candidates of the first rung with their losses, without diverged ones.
    fn losses(&self) -> Vec<(usize, f64)> {
        let first = self.rungs[0].iter().zip(&self.trainings);
        first
            .filter(|(_, training)| training.alone.is_some())
            .map(|(index, training)| (*index, training.loss()))
            .collect()
    }

    /// The networks of the next rung. It has half as many places as the last one. They go to the
    /// lowest losses; of the second rung, every other place goes to the most promising candidate
    /// that was not trained. If the networks are larger than the mean, the last places go to none,
    /// so that the rung costs no more than its share of what is left; two are always trained.
    fn next_rung(&self) -> Vec<usize> {
        let number = self.rungs.len();
        let rung = self.plan.rungs[number];
        let mut survivors = self
            .ranked(number - 1)
            .into_iter()
            .map(|(_, index)| index)
            .collect::<Vec<_>>()
            .into_iter();
        let mut newcomers = match number {
            1 => self.newcomers(),
            _ => Vec::new(),
        }
        .into_iter();
        let share = (self.plan.budget - self.spent) / (self.plan.rungs.len() - number) as f64;
        let (mut networks, mut cost) = (Vec::new(), 0.0);
        while networks.len() < rung.networks as usize {
            let survivor = networks.len() % 2 == 0;
            let next = match survivor {
                true => survivors.next().or_else(|| newcomers.next()),
                false => newcomers.next().or_else(|| survivors.next()),
            };
            let Some(next) = next else { break };
            cost += self.cost(next, rung.epochs);
            if networks.len() >= 2 && cost > share {
                break;
            }
            networks.push(next);
        }
        networks
    }

    /// The candidates that were not trained, the most promising first.
    fn newcomers(&self) -> Vec<usize> {
        let chosen = self.comparison.as_ref().and_then(|of| of.chosen);
        let Some(predictor) = chosen else {
            return Vec::new();
        };
        let predicted = self.predictors.predict(predictor, &self.losses());
        let mut fresh: Vec<usize> = (0..self.candidates.len())
            .filter(|index| !self.rungs[0].contains(index))
            .collect();
        fresh.sort_by(|a, b| {
            let (first, second) = (&self.candidates[*a], &self.candidates[*b]);
            predicted[*a]
                .total_cmp(&predicted[*b])
                .then_with(|| first.genome.cmp(&second.genome))
        });
        fresh
    }

    /// The cost of a training, in multiply-accumulates.
    fn cost(&self, index: usize, epochs: u32) -> f64 {
        self.candidates[index].macs as f64 * self.plan.costs.training(epochs)
    }
}

#[cfg(test)]
#[path = "halving_tests.rs"]
mod tests;
