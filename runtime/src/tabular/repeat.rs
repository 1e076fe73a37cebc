use serde::{Deserialize, Serialize};

use super::result::TabularResult;
use crate::results::Mean;

/// One search with several seeds: the input of comparison tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Repeated {
    /// The reported values of the best by reward, averaged over the seeds, at several numbers of
    /// samples.
    pub means: Vec<RunMean>,
    /// The results, by seed.
    pub runs: Vec<TabularResult>,
}

/// A mean over seeds, in the units of the table.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunMean {
    /// Number of looked-up rewards in each search.
    pub samples: u32,
    /// Number of searches that reached this point.
    pub seeds: u32,
    /// Mean of the reported values.
    pub mean: f64,
    /// Standard error of the mean; none for a single search.
    pub standard_error: Option<f64>,
    /// Mean of the rewards.
    pub reward: f64,
}

impl Repeated {
    pub(crate) fn new(runs: Vec<TabularResult>) -> Self {
        let mut at: Vec<u32> = runs
            .iter()
            .flat_map(|run| &run.curve)
            .map(|point| point.samples)
            .collect();
        at.sort_unstable();
        at.dedup();
        let mean = |samples: u32| {
            let points = runs
                .iter()
                .flat_map(|run| &run.curve)
                .filter(|point| point.samples == samples);
            let (reports, rewards): (Vec<f64>, Vec<f64>) =
                points.map(|point| (point.report, point.reward)).unzip();
            let (report, reward) = (Mean::of(&reports), Mean::of(&rewards));
            RunMean {
                samples,
                seeds: report.count,
                mean: report.mean,
                standard_error: report.standard_error,
                reward: reward.mean,
            }
        };
        let means = at.into_iter().map(mean).collect();
        Self { means, runs }
    }
}
