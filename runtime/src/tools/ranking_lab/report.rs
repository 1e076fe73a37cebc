//! The report of a laboratory, and its files.

use serde::Serialize;
use supernet_strategy::Genome;

use super::RankingLab;
use super::alone::{Trainings, mean};
use super::baselines::Baselines;
use super::csv::csv;
use super::figures::{Basis, RankingFigures};
use super::plots;
use super::shared::SharedScores;
use crate::config::StrategyName;
use crate::error::Error;
use crate::results::{Mean, ranking};
use crate::storage::failed;

/// The report of a ranking laboratory: `ranking.json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RankingReport {
    /// The space.
    pub space: String,
    /// The data set.
    pub data: String,
    /// Number of networks.
    pub networks: u32,
    /// The k of P@k, N@k and regret.
    pub k: u32,
    /// The networks among which size is taken to be equal: those with equally many parameters, or
    /// tenths of all by parameters where most numbers differ.
    pub strata: String,
    /// The truth.
    pub truth: RankingTruth,
    /// What ranks without shared weights.
    pub baselines: Vec<BaselineRanking>,
    /// What each strategy's shared weights rank.
    pub strategies: Vec<StrategyRanking>,
    /// The verdict in a sentence.
    pub verdict: String,
}

/// Where the truth of a laboratory comes from.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RankingTruth {
    /// A table with its column, or the trainings.
    pub source: String,
    /// The multiples to which sparse τ rounds it.
    pub step: f64,
    /// τ between two seeds of networks that were trained alone, if any were.
    pub reliability: Option<f64>,
    /// Processor seconds of these trainings.
    pub seconds: Option<f64>,
}

/// The ranking by something that needs no shared weights.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct BaselineRanking {
    /// Its name.
    pub name: String,
    /// Its figures.
    pub figures: RankingFigures,
}

/// The rankings by the shared weights of one strategy's searches.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct StrategyRanking {
    /// The strategy.
    pub strategy: StrategyName,
    /// The ranking by loss.
    pub by_loss: RankingFigures,
    /// The ranking by reward.
    pub by_reward: RankingFigures,
    /// τ by loss minus τ by the number of parameters, on the same networks.
    pub over_parameters: Option<Mean>,
    /// Its searches, seed by seed.
    pub searches: Vec<SearchOfLab>,
}

/// One search of a laboratory.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SearchOfLab {
    /// Its seed.
    pub seed: u64,
    /// τ by loss.
    pub tau_by_loss: Option<f64>,
    /// τ by reward.
    pub tau_by_reward: Option<f64>,
    /// Processor seconds of the search.
    pub seconds: f64,
    /// Its cost in forward passes of one sample; a training pass counts three.
    pub forward_passes: f64,
    /// The same in multiply-accumulates, if its networks are as large as those that are ranked.
    pub macs: f64,
    /// The percentile, among the networks, of the truth of the one with the lowest loss.
    pub best_percentile: Option<f64>,
    /// Its best architecture.
    pub answer: Option<Genome>,
    /// The percentile of the answer's truth among the networks, if it is known.
    pub answer_percentile: Option<f64>,
}

impl RankingReport {
    pub(super) fn new(
        lab: &RankingLab,
        alone: Option<&Trainings>,
        searches: &[SharedScores],
    ) -> Result<Self, Error> {
        let (networks, seed) = (&lab.networks, lab.config.search.seed);
        let (truth, source, step) = match (&lab.table, &lab.options.table, alone) {
            (Some(truth), Some(table), _) => {
                let value = |network: &super::RankedNetwork| truth.value(&network.genome);
                let values = networks.iter().filter_map(value).collect();
                let source = format!("column `{}` of {}", table.column, table.file.display());
                (values, source, truth.step())
            }
            (_, _, Some(alone)) => {
                let super::AloneOptions { epochs, seeds } = alone.options;
                let (value, step) = match alone.metric.is_accuracy() {
                    true => ("test accuracy in per cent", 0.1),
                    false => ("negated test loss in nats", 0.01),
                };
                let source =
                    format!("{value}, trained alone for {epochs} epochs, mean of {seeds} seeds");
                (alone.truth(networks, None), source, step)
            }
            _ => return Err(Error::NoTruth),
        };
        let basis = Basis::new(networks, truth, step, seed);
        let baselines = Baselines {
            supergraph: lab.experiment.supergraph(),
            networks,
            basis: &basis,
            alone: alone.map(|alone| (alone, lab.table.is_none())),
            seeds: lab.options.seeds,
            seed,
        };
        let baselines = baselines.all()?.into_iter();
        let strategies = by_strategy(searches).into_iter();
        let strategies: Vec<StrategyRanking> = strategies
            .map(|searches| strategy(lab, &basis, searches))
            .collect();
        Ok(Self {
            space: lab.experiment.provenance().space.clone(),
            data: lab.data.name().to_owned(),
            networks: networks.len() as u32,
            k: basis.k as u32,
            strata: if basis.equal {
                "equal parameters"
            } else {
                "tenths by parameters"
            }
            .to_owned(),
            truth: RankingTruth {
                source,
                step,
                reliability: alone.and_then(Trainings::reliability),
                seconds: alone.map(Trainings::seconds),
            },
            baselines: baselines
                .map(|(name, figures)| BaselineRanking { name, figures })
                .collect(),
            verdict: verdict(&strategies),
            strategies,
        })
    }

    /// Writes `ranking.json`, `ranking.csv`, `scores.svg` and `tau.svg`.
    pub(super) fn write(
        &self,
        lab: &RankingLab,
        alone: Option<&Trainings>,
        searches: &[SharedScores],
    ) -> Result<(), Error> {
        let truth: Vec<f64> = match (&lab.table, alone) {
            (Some(table), _) => {
                let value = |network: &super::RankedNetwork| table.value(&network.genome);
                lab.networks.iter().filter_map(value).collect()
            }
            (None, Some(alone)) => alone.truth(&lab.networks, None),
            (None, None) => Vec::new(),
        };
        let text = serde_json::to_string_pretty(self).map_err(std::io::Error::from);
        let text = text.map_err(failed("write", &lab.options.folder))?;
        lab.folder.write("ranking.json", &(text + "\n"))?;
        lab.folder
            .write("ranking.csv", &csv(lab, &truth, searches))?;
        let panels: Vec<(&str, Vec<f64>)> = by_strategy(searches)
            .into_iter()
            .map(|searches| {
                let ranks: Vec<Vec<f64>> = searches
                    .iter()
                    .map(|search| ranking::ranks(&search.by(true)))
                    .collect();
                (searches[0].strategy.word(), mean(&ranks))
            })
            .collect();
        lab.folder
            .write("scores.svg", &plots::scores(&lab.networks, &truth, &panels))?;
        lab.folder.write("tau.svg", &plots::taus(self))
    }
}

/// The searches of each strategy, which follow each other.
fn by_strategy(searches: &[SharedScores]) -> Vec<&[SharedScores]> {
    searches.chunk_by(|a, b| a.strategy == b.strategy).collect()
}

fn strategy(lab: &RankingLab, basis: &Basis, searches: &[SharedScores]) -> StrategyRanking {
    let by = |loss| -> Vec<Vec<f64>> { searches.iter().map(|search| search.by(loss)).collect() };
    let (losses, rewards) = (by(true), by(false));
    let macs: f64 = lab.networks.iter().map(|network| network.macs as f64).sum();
    let macs = macs / lab.networks.len().max(1) as f64;
    let truth_of = |genome: &Genome| match &lab.table {
        Some(table) => table.value(genome),
        None => {
            let ranked = lab
                .networks
                .iter()
                .position(|network| network.genome == *genome);
            ranked.and_then(|ranked| basis.truth.get(ranked).copied())
        }
    };
    let of = |(search, (loss, reward)): (&SharedScores, (&Vec<f64>, &Vec<f64>))| {
        let best = (0..loss.len()).max_by(|a, b| loss[*a].total_cmp(&loss[*b]));
        let answer_truth = search.answer.as_ref().and_then(truth_of);
        SearchOfLab {
            seed: search.seed,
            tau_by_loss: ranking::tau(loss, &basis.truth),
            tau_by_reward: ranking::tau(reward, &basis.truth),
            seconds: search.seconds,
            forward_passes: search.forward_passes,
            macs: macs * search.forward_passes,
            best_percentile: best
                .and_then(|best| ranking::percentile(basis.truth[best], &basis.truth)),
            answer: search.answer.clone(),
            answer_percentile: answer_truth
                .and_then(|truth| ranking::percentile(truth, &basis.truth)),
        }
    };
    StrategyRanking {
        strategy: searches
            .first()
            .map_or(StrategyName::Custom, |search| search.strategy),
        by_loss: basis.figures(&losses),
        by_reward: basis.figures(&rewards),
        over_parameters: basis.over_size(&losses),
        searches: searches
            .iter()
            .zip(losses.iter().zip(&rewards))
            .map(of)
            .collect(),
    }
}

/// Compares the best strategy, ranked by loss, with the number of parameters.
fn verdict(strategies: &[StrategyRanking]) -> String {
    let tau = |strategy: &&StrategyRanking| strategy.by_loss.tau.map_or(-1.0, |tau| tau.mean);
    let best = strategies.iter().max_by(|a, b| tau(a).total_cmp(&tau(b)));
    let compared = best.and_then(|best| Some((best, best.over_parameters?)));
    let Some((best, difference)) = compared else {
        return "nothing can be said: the truth or all scores are constant".to_owned();
    };
    let word = best.strategy.word();
    let by = match difference.standard_error {
        Some(error) => format!(
            "the tau of {word} by loss minus that of parameters is {:+.3} ± {error:.3}",
            difference.mean
        ),
        None => format!(
            "the tau of {word} by loss minus that of parameters is {:+.3}",
            difference.mean
        ),
    };
    let error = difference.standard_error.unwrap_or(f64::INFINITY);
    let better = difference.mean > 2.0 * error;
    let comparison = if better { "better" } else { "no better" };
    format!("shared weights rank {comparison} than parameters here: {by}")
}
