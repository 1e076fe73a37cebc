//! The scores of networks with the shared weights of one search.

use serde::{Deserialize, Serialize};
use supernet_strategy::{Genome, Score};

use super::RankedNetwork;
use super::folder::LabFolder;
use super::processor_time::TimedCpu;
use crate::config::StrategyName;
use crate::error::Error;
use crate::experiment::Experiment;

/// The scores of all networks with the shared weights of one search: a file of the laboratory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct SharedScores {
    pub(super) strategy: StrategyName,
    pub(super) seed: u64,
    /// Processor seconds of the search, without the scores below.
    pub(super) seconds: f64,
    /// The cost of the search in forward passes of one sample; a training pass counts three.
    pub(super) forward_passes: f64,
    /// The best architecture of the search.
    pub(super) answer: Option<Genome>,
    /// Each network with its score on the whole validation split.
    pub(super) scores: Vec<(Genome, Score)>,
}

fn name(strategy: StrategyName, seed: u64) -> String {
    format!("searches/{}-{seed}.json", strategy.word())
}

impl SharedScores {
    /// The scores of a finished search, if the folder has them.
    pub(super) fn read(
        folder: &LabFolder,
        strategy: StrategyName,
        seed: u64,
        networks: &[RankedNetwork],
    ) -> Result<Option<Self>, Error> {
        let found: Option<Self> = folder.read(&name(strategy, seed))?;
        let fits = |found: &Self| {
            let genomes = found.scores.iter().map(|(genome, _)| genome);
            genomes.eq(networks.iter().map(|network| &network.genome))
        };
        Ok(found.filter(fits))
    }

    pub(super) fn write(&self, folder: &LabFolder) -> Result<(), Error> {
        folder.write_json(&name(self.strategy, self.seed), self)
    }

    /// Scores by which larger is better: the reward, or the negated loss.
    pub(super) fn by(&self, loss: bool) -> Vec<f64> {
        let of = |(_, score): &(Genome, Score)| match loss {
            true => -f64::from(score.loss),
            false => f64::from(score.reward),
        };
        self.scores.iter().map(of).collect()
    }

    pub(super) fn describe(&self) -> String {
        let Self {
            strategy,
            seed,
            seconds,
            ..
        } = self;
        format!(
            "searched: {} with seed {seed}, {seconds:.1} s",
            strategy.word()
        )
    }
}

/// Runs a search, and scores the networks with its shared weights on the whole validation split.
pub(super) fn search(
    experiment: Experiment,
    networks: &[RankedNetwork],
) -> Result<SharedScores, Error> {
    let settings = experiment.config().search.clone();
    let (mut evaluator, forward_passes) = (experiment.evaluator(), experiment.cost());
    let mut cpu = TimedCpu::new()?;
    let result = experiment.run(&mut cpu.device, None, &mut |_| {})?;
    let seconds = cpu.seconds();
    let mut scores = Vec::with_capacity(networks.len());
    for network in networks {
        let score = evaluator.validation(&mut cpu.device, &result.weights, &network.genome)?;
        let finite = score.reward.is_finite() && score.loss.is_finite();
        let score = if finite { score } else { Score::WORST };
        scores.push((network.genome.clone(), score));
    }
    Ok(SharedScores {
        strategy: settings.strategy,
        seed: settings.seed,
        seconds,
        forward_passes,
        answer: result.top.first().map(|best| best.genome.clone()),
        scores,
    })
}
