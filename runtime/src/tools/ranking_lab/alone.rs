//! Networks that are trained alone, each with several seeds.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use supernet_strategy::{Genome, Score};

use super::folder::LabFolder;
use super::processor_time::TimedCpu;
use super::{RankedNetwork, locked};
use crate::error::Error;
use crate::events::Event;
use crate::experiment::Experiment;
use crate::results::{Metric, ranking};
use crate::retrain::{RetrainPlan, Retraining};

/// How networks are trained alone: as by a retraining.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "an application creates it, and names every field"
)]
pub struct AloneOptions {
    /// Passes over the training and validation splits together.
    pub epochs: u32,
    /// Number of trainings of each network, at least 2, so that it is known how far one agrees with
    /// another.
    pub seeds: u32,
}

/// One training of one network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Training {
    seed: u64,
    /// On the test split; the worst score if it diverged.
    test: Score,
    /// The mean loss of every training pass.
    losses: Vec<f32>,
}

/// A network with its trainings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct TrainedAlone {
    genome: Genome,
    seconds: f64,
    trainings: Vec<Training>,
}

/// All networks that were trained alone: a file of the laboratory.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Trainings {
    pub(super) options: AloneOptions,
    pub(super) metric: Metric,
    networks: BTreeMap<Genome, TrainedAlone>,
}

/// Trains a network with every seed.
pub(super) fn train(
    experiment: &Arc<Experiment>,
    genome: &[u32],
    options: AloneOptions,
) -> Result<TrainedAlone, Error> {
    let plan = RetrainPlan::new(experiment, genome, options.seeds, 0)?;
    let losses: Mutex<BTreeMap<u64, Vec<f32>>> = Mutex::default();
    let mut listen = |record: &crate::events::Record| {
        if let Event::RetrainEpoch { seed, score, .. } = &record.event {
            locked(&losses).entry(*seed).or_default().push(score.loss);
        }
    };
    let mut cpu = TimedCpu::new()?;
    let retraining = Retraining::planned(Arc::clone(experiment), plan);
    let trained = retraining.run(&mut cpu.device, None, &mut listen, &|| false)?;
    let networks = trained.map(|trained| trained.networks).unwrap_or_default();
    let mut losses = locked(&losses);
    let trainings = networks.into_iter().map(|network| Training {
        seed: network.seed,
        test: network.test.unwrap_or(Score::WORST),
        losses: losses.remove(&network.seed).unwrap_or_default(),
    });
    Ok(TrainedAlone {
        genome: genome.to_vec(),
        trainings: trainings.collect(),
        seconds: cpu.seconds(),
    })
}

fn name(options: AloneOptions) -> String {
    format!("alone-{}.json", options.epochs)
}

impl Trainings {
    /// Those that the folder has.
    pub(super) fn read(
        folder: &LabFolder,
        experiment: &Experiment,
        options: AloneOptions,
    ) -> Result<Self, Error> {
        let found: Vec<TrainedAlone> = folder.read(&name(options))?.unwrap_or_default();
        let networks = found
            .into_iter()
            .map(|network| (network.genome.clone(), network));
        Ok(Self {
            options,
            metric: experiment.metric(),
            networks: networks.collect(),
        })
    }

    pub(super) fn write(&self, folder: &LabFolder) -> Result<(), Error> {
        let networks: Vec<&TrainedAlone> = self.networks.values().collect();
        folder.write_json(&name(self.options), &networks)
    }

    /// Whether a network was trained with as many seeds as are asked for.
    pub(super) fn has(&self, genome: &[u32]) -> bool {
        let trained = self.networks.get(genome);
        trained.is_some_and(|trained| trained.trainings.len() >= self.options.seeds as usize)
    }

    pub(super) fn add(&mut self, network: TrainedAlone) {
        self.networks.insert(network.genome.clone(), network);
    }

    /// One number for each network, from its training with the `seed`-th seed.
    fn each(
        &self,
        networks: &[RankedNetwork],
        seed: usize,
        value: impl Fn(&Training) -> f64,
    ) -> Vec<f64> {
        let of = |network: &RankedNetwork| {
            let trained = self.networks.get(&network.genome);
            trained
                .and_then(|trained| trained.trainings.get(seed))
                .map_or(f64::NEG_INFINITY, &value)
        };
        networks.iter().map(of).collect()
    }

    /// What is true of every network by its training with a seed: the accuracy in per cent, or for
    /// text the negated loss.
    pub(super) fn truth_of_seed(&self, networks: &[RankedNetwork], seed: usize) -> Vec<f64> {
        let accuracy = self.metric.is_accuracy();
        self.each(networks, seed, |training| match accuracy {
            true => 100.0 * f64::from(training.test.reward),
            false => -f64::from(training.test.loss),
        })
    }

    /// The negated loss of every network on the test split, for a training with a seed.
    pub(super) fn losses_of_seed(&self, networks: &[RankedNetwork], seed: usize) -> Vec<f64> {
        self.each(networks, seed, |training| -f64::from(training.test.loss))
    }

    /// The negated sum of the training losses over the first quarter of the passes, for a training
    /// with a seed: what a short training knows (Ru et al. 2021).
    pub(super) fn early_of_seed(&self, networks: &[RankedNetwork], seed: usize) -> Vec<f64> {
        let passes = (self.options.epochs as usize).div_ceil(4);
        self.each(networks, seed, |training| {
            let sum: f64 = training
                .losses
                .iter()
                .take(passes)
                .copied()
                .map(f64::from)
                .sum();
            // A training that diverged early has no losses.
            if training.losses.is_empty() {
                f64::NEG_INFINITY
            } else {
                -sum
            }
        })
    }

    /// The mean over the seeds except one.
    pub(super) fn truth(&self, networks: &[RankedNetwork], except: Option<usize>) -> Vec<f64> {
        let seeds = (0..self.options.seeds as usize).filter(|seed| Some(*seed) != except);
        let all: Vec<Vec<f64>> = seeds
            .map(|seed| self.truth_of_seed(networks, seed))
            .collect();
        mean(&all)
    }

    /// τ between the trainings of the same networks with two seeds: the mean over all pairs.
    pub(super) fn reliability(&self) -> Option<f64> {
        let networks: Vec<RankedNetwork> = self
            .networks
            .keys()
            .map(|genome| RankedNetwork {
                genome: genome.clone(),
                parameters: 0,
                macs: 0,
                weighted_ops: 0,
            })
            .collect();
        let truths: Vec<Vec<f64>> = (0..self.options.seeds as usize)
            .map(|seed| self.truth_of_seed(&networks, seed))
            .collect();
        let pairs = (0..truths.len()).flat_map(|b| (0..b).map(move |a| (a, b)));
        let taus: Vec<f64> = pairs
            .filter_map(|(a, b)| ranking::tau(&truths[a], &truths[b]))
            .collect();
        (!taus.is_empty()).then(|| taus.iter().sum::<f64>() / taus.len() as f64)
    }

    /// Processor seconds of all trainings.
    pub(super) fn seconds(&self) -> f64 {
        self.networks.values().map(|network| network.seconds).sum()
    }

    pub(super) fn describe(&self) -> String {
        let (networks, seeds) = (self.networks.len(), self.options.seeds);
        let tau = self.reliability();
        let tau = tau.map_or_else(|| "unknown".to_owned(), |tau| format!("{tau:.3}"));
        let low = "; below 0.7 the truth is mostly noise: train longer or with more seeds, or on fewer images";
        let low = if self.reliability().is_none_or(|tau| tau < 0.7) {
            low
        } else {
            ""
        };
        format!(
            "reliability: tau {tau} between two of {seeds} seeds of {networks} networks trained alone{low}"
        )
    }
}

/// The mean of vectors of equal length.
pub(super) fn mean(all: &[Vec<f64>]) -> Vec<f64> {
    let count = all.first().map_or(0, Vec::len);
    let at = |i: usize| all.iter().map(|values| values[i]).sum::<f64>() / all.len() as f64;
    (0..count).map(at).collect()
}
