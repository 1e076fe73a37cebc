//! From minutes to settings: how long shared training, derivation, selection and retraining may
//! each be, so that together they take the time that was asked for.
//!
//! A few steps of everything are timed. Then all lengths are settings like any others: the run keeps
//! them in its `config.toml`, and nothing depends on time any more.

use std::sync::Arc;
use std::time::{Duration, Instant};

use supernet_engine::device::Device;
use supernet_shaders::random::{Random, RngStream};
use supernet_strategy::{Genome, from_prior};

use super::selection::{PassCosts, SelectionPlan, smallest};
use super::training_run::{Training, TrainingRun};
use super::{RetrainError, plan};
use crate::events::TRAINING_PASSES;
use crate::experiment::{
    Experiment, ExperimentError, GENERATION, Lengths, SharedPace, UPDATES_APART,
};
use crate::space::Extremes;

/// Passes of shared training, and samples shown to the weights, below which these rank nothing: as
/// many samples as gave the ranking of `runtime/docs/ranking.md`.
const FEWEST_EPOCHS: u32 = 8;
const FEWEST_SHOWN: u32 = 24_000;
/// Candidates that are scored at least.
const FEWEST_CANDIDATES: u32 = 20;
/// Samples on each side of a report at least.
const FEWEST_REPORTED: u32 = 20;
/// Networks that retraining compares at least: the one that was found, a random one, one of the same
/// size, and the largest.
const FEWEST_RETRAINED: u32 = 4;
/// The share of the time that timing may take.
const TIMING: f64 = 0.05;
/// Samples of the prior of which the mean size is taken.
const SIZED: usize = 64;
/// Random networks that are timed alone.
const TIMED: usize = 3;
/// Steps of each that do not count.
const WARM: u32 = 2;
/// Steps of each that count at most.
const COUNTED: u32 = 12;

/// Seconds of the parts of a search, on a device.
#[derive(Clone, Copy, Debug)]
struct Pace {
    shared: SharedPace,
    /// Scoring one network on one minibatch.
    score: f64,
    /// A training step of a network alone: this much, and so much for each multiply-accumulate of a
    /// sample.
    alone: [f64; 2],
    /// Multiply-accumulates of a network of mean size, and of the largest.
    macs: [f64; 2],
}

impl Pace {
    /// A training step of a network alone.
    fn alone(&self, macs: f64) -> f64 {
        self.alone[0] + self.alone[1] * macs
    }
}

impl Experiment {
    /// Sets the lengths of all phases such that the whole search takes about `minutes` on this
    /// device: the number of epochs, and, if it would be small, fewer candidates, a smaller selection
    /// and fewer retrained networks. Scaled-down phases with separate weights are timed first, which
    /// is part of the time. If the time is too short for a search that means anything, the search
    /// says so and what would be needed ([`WarningKind::TooShort`](crate::events::WarningKind)).
    ///
    /// # Errors
    /// If `minutes` is not positive, or a child fails.
    pub fn fit(&mut self, minutes: f64, device: &mut dyn Device) -> Result<(), RetrainError> {
        if !(minutes > 0.0 && minutes.is_finite()) {
            return Err(ExperimentError::NoTime { minutes }.into());
        }
        let (began, seconds) = (Instant::now(), 60.0 * minutes);
        self.reserve(device)?;
        let pace = timed(self, device, Duration::from_secs_f64(TIMING * seconds))?;
        device.forget();
        let left = seconds - began.elapsed().as_secs_f64();
        let asked = Lengths::of(self.config());
        let planner = Planner {
            asked,
            experiment: self,
            pace,
        };
        let needed = planner.fill(left);
        let sentence = needed.map(|needed| self.too_little(minutes, needed, asked));
        self.set_minutes(minutes, sentence);
        Ok(())
    }

    /// Passes of shared training below which its weights rank nothing.
    fn least_epochs(&self) -> u32 {
        let shown = self.schedule().steps * self.config().train.batch;
        FEWEST_SHOWN.div_ceil(shown.max(1)).max(FEWEST_EPOCHS)
    }

    fn too_little(&self, minutes: f64, needed: f64, asked: Lengths) -> String {
        let epochs = self.least_epochs().min(asked.epochs);
        let (config, retrains) = (self.config(), self.config().retrain.epochs > 0);
        let parts = [
            format!("{epochs} epochs of shared training with the scores of candidates"),
            "a choice among these by short trainings".to_owned(),
            "trainings of the best and a few others from scratch".to_owned(),
        ];
        let there = [
            true,
            retrains && asked.share > 0.0,
            retrains && asked.budget > 0.0,
        ];
        let parts = parts.into_iter().zip(there).filter(|(_, there)| *there);
        let parts = parts
            .map(|(part, _)| part)
            .collect::<Vec<_>>()
            .join(", and ");
        let (needed, space) = ((needed / 6.0).ceil() / 10.0, &config.search.space);
        format!(
            "{minutes} minutes are too short for a search of `{space}` on `{}` that means anything: {parts} take about {needed} \
             minutes on this device; ask for as many, for a smaller network (`space.filters`, `space.layers`), or for less \
             data (`data.train`)",
            self.data().name(),
        )
    }
}

/// Times a scaled-down search, and a few networks alone, for about as long as `most`.
fn timed(
    experiment: &Experiment,
    device: &mut dyn Device,
    most: Duration,
) -> Result<Pace, RetrainError> {
    let shared = experiment.pace(device, most / 2)?;
    let supergraph = experiment.supergraph();
    let mut random = Random::new(0, RngStream::MemoryPlan);
    let sample = (0..SIZED).map(|_| from_prior(supergraph, &mut random));
    let sample: Vec<Genome> = sample.collect::<Result<_, _>>()?;
    let macs = sample.iter().map(|genome| supergraph.macs(genome));
    let macs = macs.sum::<Result<u64, _>>()? as f64 / SIZED as f64;
    let largest = Extremes::of(supergraph)?.largest;
    let mut timed = Vec::new();
    let each = most / (2 * (TIMED as u32 + 1));
    for genome in sample.iter().take(TIMED).chain([&largest.genome]) {
        let step = step_alone(experiment, genome, device, each)?;
        timed.push((supergraph.macs(genome)? as f64, step));
    }
    Ok(Pace {
        shared,
        score: shared.update / f64::from(experiment.schedule().rollouts),
        alone: line(&timed),
        macs: [macs, largest.size.macs as f64],
    })
}

/// Seconds of a step of a network that is trained alone.
fn step_alone(
    experiment: &Experiment,
    genome: &[u32],
    device: &mut dyn Device,
    most: Duration,
) -> Result<f64, RetrainError> {
    let data = Arc::clone(&experiment.task().data);
    let (seed, epochs) = (experiment.config().search.seed, WARM + COUNTED);
    let training = Training {
        genome,
        seed,
        epochs,
    };
    let mut network = TrainingRun::new(experiment, &data, training)?;
    network.reserve(experiment, device)?;
    for _ in 0..WARM {
        network.step(device)?;
    }
    network.sync(device)?;
    let (began, mut counted) = (Instant::now(), 0);
    while counted < COUNTED && (counted < 2 || began.elapsed() < most) {
        network.step(device)?;
        counted += 1;
    }
    network.sync(device)?;
    Ok(began.elapsed().as_secs_f64() / f64::from(counted))
}

/// The line through points, by least squares: its value at 0, and its slope, neither negative.
fn line(points: &[(f64, f64)]) -> [f64; 2] {
    let count = points.len().max(1) as f64;
    let mean = |of: &dyn Fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(&|(x, _)| *x), mean(&|(_, y)| *y));
    let spread = mean(&|point| (point.0 - x).powi(2));
    let slope = match spread > 0.0 {
        true => mean(&|point| (point.0 - x) * (point.1 - y)) / spread,
        false => 0.0,
    };
    let slope = slope.clamp(0.0, if x > 0.0 { y / x } else { 0.0 });
    [y - slope * x, slope]
}

/// Looks for the lengths that fill a time.
struct Planner<'a> {
    experiment: &'a mut Experiment,
    /// The lengths that the settings have.
    asked: Lengths,
    pace: Pace,
}

/// How much of the phases after shared training there is.
#[derive(Clone, Copy, Debug)]
enum Alone {
    /// No selection, and so many retrained networks at most.
    Retrained(u32),
    /// The part, from 0 to 1, of what lies between the least selection and retraining and what the
    /// settings ask for.
    Part(f64),
}

/// Parts that are tried between the least and all.
const PARTS: u32 = 16;
/// The most epochs that a setting may have.
const MOST_EPOCHS: u32 = 1 << 20;

impl Planner<'_> {
    /// Sets the lengths that fill `seconds` best. If these are too few, they are filled as far as
    /// possible, and the seconds that would be needed are returned.
    fn fill(mut self, seconds: f64) -> Option<f64> {
        let usual = self.asked.epochs;
        let least = self.experiment.least_epochs().min(usual);
        let needed = self.try_on(least, Alone::Part(0.0));
        if needed > seconds {
            self.fill_too_little(least, seconds);
            return Some(needed);
        }
        // First the shared weights are trained as long as usual, then selection and retraining grow,
        // then the shared weights are trained for longer.
        let mut fits = |epochs: u32, alone: Alone| self.try_on(epochs, alone) <= seconds;
        let (epochs, alone) = if !fits(usual, Alone::Part(0.0)) {
            let part = Alone::Part(0.0);
            (last(least, usual, |epochs| fits(epochs, part)), part)
        } else if !fits(usual, Alone::Part(1.0)) {
            let part = |parts: u32| Alone::Part(f64::from(parts) / f64::from(PARTS));
            (
                usual,
                part(last(0, PARTS, |parts| fits(usual, part(parts)))),
            )
        } else {
            let whole = Alone::Part(1.0);
            (
                last(usual, MOST_EPOCHS, |epochs| fits(epochs, whole)),
                whole,
            )
        };
        self.try_on(epochs, alone);
        None
    }

    /// Sets what fits of a search that means little: as much shared training as there is time for,
    /// then a few networks alone.
    fn fill_too_little(&mut self, least: u32, seconds: f64) {
        let mut fits =
            |epochs, networks| self.try_on(epochs, Alone::Retrained(networks)) <= seconds;
        let epochs = last(1, least, |epochs| fits(epochs, 0));
        let networks = match epochs == least {
            true => last(0, FEWEST_RETRAINED, |networks| fits(least, networks)),
            false => 0,
        };
        self.try_on(epochs, Alone::Retrained(networks));
    }

    /// Sets the lengths of a search with so many epochs, and returns the seconds that it takes.
    fn try_on(&mut self, epochs: u32, alone: Alone) -> f64 {
        let mut lengths = self.judged(epochs);
        self.experiment.set_lengths(lengths);
        let cost = self.experiment.cost();
        let (asked, settings) = (self.asked, self.experiment.config().retrain);
        let each = plan::cost(self.experiment) / cost;
        let all = (asked.budget / each)
            .floor()
            .min(f64::from(self.networks())) as u32;
        // Selection and retraining may take more than their usual share of a short search.
        let least = 1.000_001 * smallest(PassCosts::of(self.experiment)) / cost;
        let off = asked.share == 0.0 || settings.epochs == 0;
        let most = asked.share.max(least);
        let fewest = self.networks().min(FEWEST_RETRAINED);
        let (share, networks) = match alone {
            Alone::Retrained(networks) => (0.0, networks.min(fewest)),
            Alone::Part(part) => {
                let more = part * f64::from(all.saturating_sub(fewest));
                (least + part * (most - least), fewest + more as u32)
            }
        };
        lengths.share = if off { 0.0 } else { share };
        lengths.budget = match networks {
            _ if asked.budget == 0.0 || settings.epochs == 0 => asked.budget,
            0 => 0.0,
            networks if networks == all => asked.budget,
            networks => (f64::from(networks) + 0.5) * each,
        };
        self.experiment.set_lengths(lengths);
        self.seconds()
    }

    /// The lengths of shared training and of derivation, which takes no longer.
    fn judged(&self, epochs: u32) -> Lengths {
        let asked = self.asked;
        let (training, each) = (self.training(epochs), self.evaluation());
        let fit = (training / each).floor().min(f64::from(u32::MAX)) as u32;
        let least = |fewest: u32, asked: u32, fit: u32| fit.max(fewest).min(asked);
        let generations = fit / GENERATION as u32;
        Lengths {
            epochs,
            candidates: least(FEWEST_CANDIDATES, asked.candidates, fit),
            generations: generations.min(asked.generations),
            report: least(FEWEST_REPORTED, asked.report, fit / 2),
            ..asked
        }
    }

    /// Networks that retraining compares if nothing limits it.
    fn networks(&self) -> u32 {
        self.sides().iter().sum()
    }

    /// Those of the sides, in the order of the plan: found, random, same size, largest, runners-up.
    fn sides(&self) -> [u32; 5] {
        let settings = self.experiment.config().retrain;
        let runners_up = self
            .selection()
            .map_or(0, |plan| plan.finalists.saturating_sub(1));
        let [seeds, random] = [settings.seeds, settings.random];
        [
            seeds,
            random,
            settings.same_size,
            settings.largest,
            runners_up,
        ]
    }

    /// Seconds of shared training for so many epochs, with the updates of the strategy.
    fn training(&self, epochs: u32) -> f64 {
        let (schedule, shared) = (self.experiment.schedule(), self.pace.shared);
        let controlled = 1.0 - self.experiment.config().search.warm_up;
        let updates = controlled * f64::from(schedule.updates) * shared.update;
        let updates = updates * (1.0 + 1.0 / UPDATES_APART as f64);
        f64::from(epochs) * (f64::from(schedule.steps) * shared.step + updates)
    }

    /// Seconds of scoring a network on the whole validation split.
    fn evaluation(&self) -> f64 {
        f64::from(self.experiment.batches()) * self.pace.score
    }

    fn selection(&self) -> Option<SelectionPlan> {
        let (experiment, config) = (&*self.experiment, self.experiment.config());
        if config.selection.share == 0.0 || config.retrain.epochs == 0 {
            return None;
        }
        let (costs, budget) = (
            PassCosts::of(experiment),
            config.selection.share * experiment.cost(),
        );
        let count = experiment.evaluations();
        SelectionPlan::new(budget, costs, 1.0, count, config.retrain.epochs)
    }

    /// Seconds of the whole search with the lengths that are set.
    fn seconds(&self) -> f64 {
        let (experiment, pace) = (&*self.experiment, self.pace);
        let config = experiment.config();
        let [mean, largest] = pace.macs;
        // Candidates that are bred from the best, and the best of them, are larger than the mean.
        let found = 0.5 * (mean + largest);
        let (evaluated, bred) = (
            f64::from(experiment.evaluations()),
            f64::from(experiment.generations() * GENERATION as u32),
        );
        let candidate = mean + (found - mean) * bred / evaluated;
        let evaluation = self.evaluation();
        let mut seconds = self.training(config.search.epochs) + (evaluated + 1.0) * evaluation;
        if let Some(plan) = self.selection() {
            let steps = f64::from(plan.epochs() * experiment.schedule().steps);
            seconds += steps * pace.alone(candidate) + f64::from(plan.trainings()) * evaluation;
        }
        let macs = [found, mean, found, largest, found];
        seconds
            + self
                .retrained()
                .into_iter()
                .zip(macs)
                .map(|(n, macs)| f64::from(n) * self.network(macs))
                .sum::<f64>()
    }

    /// The networks of each side that the budget pays for; the sides take turns.
    fn retrained(&self) -> [u32; 5] {
        let config = self.experiment.config();
        if config.retrain.epochs == 0 {
            return [0; 5];
        }
        let fit = config.retrain.budget * self.experiment.cost() / plan::cost(self.experiment);
        let (all, mut left, mut trained) = (self.sides(), fit.floor() as u32, [0; 5]);
        while left > 0 && trained != all {
            for (trained, all) in trained.iter_mut().zip(all) {
                if *trained < all && left > 0 {
                    (*trained, left) = (*trained + 1, left - 1);
                }
            }
        }
        trained
    }

    /// Seconds of a training from scratch, with the pass that estimates statistics and the test.
    fn network(&self, macs: f64) -> f64 {
        let (experiment, config) = (&*self.experiment, self.experiment.config());
        let steps = f64::from(plan::steps(experiment));
        let test = experiment.parts().test.len() as f64 / f64::from(config.train.batch);
        let trained = f64::from(config.retrain.epochs) * steps;
        (trained + (steps + test) / TRAINING_PASSES) * self.pace.alone(macs)
    }
}

/// The last number from `first` to `most` that holds, if all up to some number hold; `first`, if
/// none does.
fn last(first: u32, most: u32, mut holds: impl FnMut(u32) -> bool) -> u32 {
    let (mut low, mut high) = (first, most + 1);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
#[path = "time_budget_tests.rs"]
mod tests;
