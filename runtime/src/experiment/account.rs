//! The multiply-adds of tasks, for the ledger.

use std::collections::BTreeMap;

use supernet_plugin::{GenomeError, Path, Pick, Supergraph};
use supernet_strategy::{Genome, Pass, PassSamples, Wanted, Work};

use crate::config::Config;
use crate::results::TRAINING;

/// Genomes whose multiply-adds are kept.
const KEPT: usize = 4096;

/// The choices of a pick, and whether each has a weight.
type Listed = Vec<(u32, bool)>;

/// Counts what tasks cost.
pub(crate) struct Account {
    space: Supergraph,
    /// Samples of a path in a training step, and of a scoring minibatch.
    train: f64,
    score: f64,
    known: BTreeMap<Genome, f64>,
    /// The cost of the latest mixture, and what it depends on.
    mixture: Option<(Vec<Listed>, [f64; 2])>,
}

impl Account {
    pub(crate) fn new(space: &Supergraph, config: &Config) -> Self {
        Self {
            space: space.clone(),
            train: f64::from(config.train.per_path()),
            score: f64::from(config.score.batch),
            known: BTreeMap::new(),
            mixture: None,
        }
    }

    /// The multiply-adds of a child for a sample.
    pub(crate) fn of_child(&mut self, genome: &[u32]) -> Result<f64, GenomeError> {
        if let Some(known) = self.known.get(genome) {
            return Ok(*known);
        }
        let macs = self.space.child(genome)?.macs() as f64;
        if self.known.len() == KEPT {
            self.known.clear();
        }
        self.known.insert(genome.to_vec(), macs);
        Ok(macs)
    }

    /// The multiply-adds of a task, apart for the update of the shared weights and for the policy.
    pub(crate) fn of(&mut self, work: &Work) -> Result<[f64; 2], GenomeError> {
        match work {
            Work::Train { paths, .. } => {
                let mut sum = 0.0;
                for genome in paths {
                    sum += TRAINING * self.train * self.of_child(genome)?;
                }
                Ok([sum, 0.0])
            }
            Work::Score { genomes, .. } => {
                let mut sum = 0.0;
                for genome in genomes {
                    sum += self.score * self.of_child(genome)?;
                }
                Ok([0.0, sum])
            }
            // What they cost is known where they are recorded.
            Work::Alone { .. } => Ok([0.0; 2]),
            Work::Step { passes, .. } => {
                let mut sums = [0.0; 2];
                for pass in passes {
                    let part = usize::from(pass.wanted != Wanted::Update);
                    sums[part] += self.of_pass(pass);
                }
                Ok(sums)
            }
        }
    }

    fn of_pass(&mut self, pass: &Pass) -> f64 {
        let samples = match pass.samples {
            PassSamples::Training => self.train,
            PassSamples::Validation(_) => self.score,
        };
        let [all, live] = self.of_path(&pass.path);
        let asks = |pick: &Pick| matches!(pick, Pick::Mix { gradient: true, .. });
        samples
            * match pass.wanted {
                Wanted::Update | Wanted::Gradient => TRAINING * all,
                Wanted::Score if pass.path.picks.iter().any(asks) => TRAINING * live + (all - live),
                Wanted::Score => all,
            }
    }

    /// The multiply-adds of all branches that run, and of those with a weight. 0 for a path that
    /// does not fit the space.
    fn of_path(&mut self, path: &Path) -> [f64; 2] {
        let listed: Vec<Listed> = path.picks.iter().map(listed).collect();
        if let Some((known, costs)) = &self.mixture
            && path.at.is_empty()
            && *known == listed
        {
            return *costs;
        }
        let macs = |path: &Path| {
            let relaxed = self.space.relaxed(path);
            relaxed.map_or(0.0, |relaxed| relaxed.network().macs() as f64)
        };
        let live = Path {
            picks: path.picks.iter().map(live).collect(),
            at: path.at.iter().map(|(at, pick)| (*at, live(pick))).collect(),
        };
        let costs = [macs(path), macs(&live)];
        if path.at.is_empty() {
            self.mixture = Some((listed, costs));
        }
        costs
    }
}

/// What a pick lists.
fn listed(pick: &Pick) -> Listed {
    match pick {
        Pick::One(choice) => vec![(*choice, true)],
        Pick::Mix {
            choices, weights, ..
        } => {
            let weighs = |at: usize| {
                let mut own = weights.iter().skip(at).step_by(choices.len());
                own.any(|weight| *weight != 0.0)
            };
            let choices = choices.iter().enumerate();
            choices.map(|(at, choice)| (*choice, weighs(at))).collect()
        }
    }
}

/// The pick without the choices that have no weight; as it is if none has.
fn live(pick: &Pick) -> Pick {
    let kept: Vec<u32> = listed(pick)
        .into_iter()
        .filter_map(|(choice, weighs)| weighs.then_some(choice))
        .collect();
    match pick {
        Pick::Mix { gradient, .. } if !kept.is_empty() => Pick::Mix {
            weights: vec![1.0; kept.len()],
            choices: kept,
            rows: 1,
            gradient: *gradient,
        },
        pick => pick.clone(),
    }
}

#[cfg(test)]
mod tests {
    use supernet_enas as _;

    use super::*;
    use crate::experiment::Experiment;

    #[test]
    fn a_pass_counts_what_runs() {
        let settings = ["space.layers=2", "space.filters=4"];
        let config = Config::read("", &settings).unwrap();
        let experiment = Experiment::new(config).unwrap();
        let space = experiment.supergraph();
        let mut account = Account::new(space, experiment.config());
        // Four paths of 16 samples each, and minibatches of 64.
        assert_eq!((account.train, account.score), (16.0, 64.0));
        let convolutions = vec![2, 2, 0];
        let macs = space.macs(&convolutions).unwrap() as f64;
        let train = Work::Train {
            paths: vec![convolutions.clone(); 4],
            epoch: 0,
        };
        assert_eq!(account.of(&train).unwrap(), [3.0 * 64.0 * macs, 0.0]);
        let score = Work::Score {
            genomes: vec![convolutions.clone(); 2],
            batch: 0,
        };
        assert_eq!(account.of(&score).unwrap(), [0.0, 128.0 * macs]);
        // Gates: one convolution counts, another one runs beside it.
        let pick = |choices: &[u32], weights: &[f32]| Pick::Mix {
            choices: choices.to_vec(),
            weights: weights.to_vec(),
            rows: 1,
            gradient: true,
        };
        let gates = Path {
            picks: vec![
                pick(&[2, 0], &[1.0, 0.0]),
                pick(&[2, 0], &[1.0, 0.0]),
                Pick::One(0),
            ],
            at: Vec::new(),
        };
        let both = space.relaxed(&gates).unwrap().network().macs() as f64;
        assert!(both > macs);
        let pass = Pass::score(gates, PassSamples::Validation(0));
        let step = Work::Step {
            passes: vec![pass],
            epoch: 0,
        };
        assert_eq!(
            account.of(&step).unwrap(),
            [0.0, 64.0 * (3.0 * macs + both - macs)]
        );
        let update = Work::Step {
            passes: vec![Pass::update(Path::of(&convolutions))],
            epoch: 0,
        };
        assert_eq!(account.of(&update).unwrap(), [3.0 * 16.0 * macs, 0.0]);
    }
}
