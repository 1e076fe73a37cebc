//! What-if queries on a run: any architecture of its space, scored with its shared weights.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use supernet_data::Dataset;
use supernet_engine::device::Device;
use supernet_engine::weights::Weights;
use supernet_plugin::{Count, Supergraph};
use supernet_shaders::random::{Random, RngStream};
use supernet_strategy::{Genome, Score};

use crate::config::Config;
use crate::error::Error;
use crate::events::Event;
use crate::experiment::{Experiment, ExperimentError, data_of, same_data, same_space};
use crate::results;
use crate::results::format::thousands;
use crate::results::{Candidate, Metric};
use crate::search::{SchedulerState, snapshot as checkpoint};
use crate::space::Spaces;
use crate::storage::{RunFolder, StorageError, read_events};
use crate::training::Evaluator;

/// A run's shared weights and policy from its last checkpoint, which at the end of a search is the
/// final state.
///
/// Scores are those of the search's own reports: the whole validation split, in minibatches of one
/// size. They rank architectures; they do not predict the accuracy after training alone.
#[derive(Debug)]
pub struct TrainedSupernet {
    experiment: Experiment,
    run: PathBuf,
    weights: Weights,
    scheduler: SchedulerState,
    evaluator: Evaluator,
}

/// Limits on the cost of architectures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "an application creates it, and names every field"
)]
pub struct Limits {
    /// Maximum number of parameters.
    pub parameters: Option<u64>,
    /// Maximum number of multiply-accumulates for one sample.
    pub macs: Option<u64>,
}

impl Limits {
    fn hold(self, parameters: u64, macs: u64) -> bool {
        self.parameters.is_none_or(|most| parameters <= most)
            && self.macs.is_none_or(|most| macs <= most)
    }

    fn describe(self) -> String {
        let parameters = self
            .parameters
            .map(|most| format!("{} parameters", thousands(most)));
        let macs = self
            .macs
            .map(|most| format!("{} multiply-accumulates", thousands(most)));
        parameters
            .into_iter()
            .chain(macs)
            .collect::<Vec<_>>()
            .join(" and ")
    }
}

impl TrainedSupernet {
    /// Opens the run at `path`, which is not modified. The plugin of its space, if it has one, must
    /// be among `spaces`.
    ///
    /// # Errors
    /// If `path` is not a run, its space is missing, its data have changed, or none of its
    /// checkpoints is usable.
    pub fn open(path: &Path, spaces: &Spaces) -> Result<Self, Error> {
        Self::with(path, spaces, None)
    }

    /// As [`TrainedSupernet::open`], for a run whose data an application made and hands over again.
    ///
    /// # Errors
    /// As [`TrainedSupernet::open`].
    pub fn open_on(data: Dataset, path: &Path, spaces: &Spaces) -> Result<Self, Error> {
        Self::with(path, spaces, Some(data))
    }

    fn with(path: &Path, spaces: &Spaces, data: Option<Dataset>) -> Result<Self, Error> {
        let (config, earlier) = RunFolder::peek(path)?;
        if !checkpoint::parent(path).exists() {
            return Err(StorageError::NoSearch {
                path: path.to_owned(),
            }
            .into());
        }
        let config = Config::of_run::<&str>(&config, &[])?;
        if !config.search.strategy.shares_weights() {
            return Err(ExperimentError::NoSharedWeights {
                therefore: "it has none to score architectures with; `supernet retrain` trains one from scratch",
            }
            .into());
        }
        let data = data_of(path, &config, data)?;
        let experiment = same_space(
            Experiment::again(spaces, data, config, earlier.as_ref()),
            earlier,
            path,
        )?;
        same_data(&experiment, path)?;
        let snapshot = checkpoint::last(path, &experiment)?;
        let (weights, evaluator) = (Weights::clone(&snapshot.weights), experiment.evaluator());
        Ok(Self {
            experiment,
            run: path.to_owned(),
            weights,
            scheduler: snapshot.scheduler,
            evaluator,
        })
    }

    /// The space.
    pub fn supergraph(&self) -> &Supergraph {
        self.experiment.supergraph()
    }

    /// The meaning of a score's reward.
    pub fn metric(&self) -> Metric {
        self.experiment.task().metric
    }

    /// Version of the shared weights: the number of updates.
    pub fn version(&self) -> u64 {
        self.weights.version
    }

    /// Scores an architecture on the whole validation split.
    ///
    /// # Errors
    /// If the genome does not belong to the space, or the device fails.
    pub fn score(&mut self, device: &mut dyn Device, genome: &[u32]) -> Result<Candidate, Error> {
        self.experiment.supergraph().check(genome)?;
        let score = self.evaluator.validation(device, &self.weights, genome)?;
        Ok(Candidate::new(self.experiment.supergraph(), genome, score)?)
    }

    /// The best `count` within `limits`, best first: of all that the search scored with these
    /// weights at its end, and of `samples` fresh samples of its policy.
    ///
    /// # Errors
    /// If nothing is within the limits, the strategy is a custom one, or the device fails.
    pub fn top(
        &mut self,
        device: &mut dyn Device,
        count: u32,
        limits: Limits,
        samples: u32,
    ) -> Result<Vec<Candidate>, Error> {
        let (supergraph, seed) = (
            self.experiment.supergraph().clone(),
            self.experiment.config().search.seed,
        );
        let mut known: BTreeMap<Genome, Score> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for (genome, score) in self.final_scores()? {
            if seen.insert(supergraph.canonical(&genome)?) {
                known.insert(genome, score);
            }
        }
        let mut genomes: Vec<Genome> = known.keys().cloned().collect();
        let strategy = self.scheduler.strategy(&self.experiment)?;
        let fresh = strategy.sample(
            samples as usize,
            &mut Random::new(seed, RngStream::TopSamples),
        )?;
        for genome in fresh {
            if seen.insert(supergraph.canonical(&genome)?) {
                genomes.push(genome);
            }
        }
        let (mut top, mut smallest) = (Vec::new(), [u64::MAX; 2]);
        for genome in &genomes {
            let (parameters, macs) = (
                supergraph.count(genome, Count::Live)?,
                supergraph.macs(genome)?,
            );
            smallest = [smallest[0].min(parameters), smallest[1].min(macs)];
            if limits.hold(parameters, macs) {
                top.push(match known.get(genome) {
                    Some(score) => Candidate {
                        genome: genome.clone(),
                        score: *score,
                        parameters,
                        macs,
                    },
                    None => self.score(device, genome)?,
                });
            }
        }
        if top.is_empty() {
            let (looked_at, [parameters, macs]) = (genomes.len() as u32, smallest);
            return Err(Error::NothingFits {
                looked_at,
                limits: limits.describe(),
                parameters,
                macs,
            });
        }
        results::rank(&mut top, self.experiment.config().derive.by);
        top.truncate(count as usize);
        Ok(top)
    }

    /// The scores of the final evaluation of the search, with the current weights.
    fn final_scores(&self) -> Result<Vec<(Genome, Score)>, StorageError> {
        let records = read_events(&self.run)?.into_iter();
        let final_scores = records.filter_map(|record| match record.event {
            Event::Evaluated {
                version,
                genome,
                score,
                ..
            } if version == self.weights.version => Some((genome, score)),
            _ => None,
        });
        Ok(final_scores.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_hold_and_say_what_would_fit() {
        let limits = Limits {
            parameters: Some(1000),
            macs: None,
        };
        assert!(
            limits.hold(1000, u64::MAX)
                && !limits.hold(1001, 0)
                && Limits::default().hold(u64::MAX, u64::MAX)
        );
        let both = Limits {
            parameters: Some(1000),
            macs: Some(20),
        };
        let said = Error::NothingFits {
            looked_at: 7,
            limits: both.describe(),
            parameters: 1200,
            macs: 30,
        }
        .to_string();
        assert_eq!(
            said,
            "none of 7 architectures has at most 1,000 parameters and 20 multiply-accumulates; the smallest has 1,200 \
             parameters, and the one with the least to compute 30 multiply-accumulates: raise the limit, or take more \
             samples"
        );
    }
}
