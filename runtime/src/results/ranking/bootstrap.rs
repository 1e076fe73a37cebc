//! Standard errors by the bootstrap (Efron 1979): a statistic of samples drawn with replacement
//! from the networks, and from the seeds, varies as that of other networks and seeds would.

use supernet_shaders::random::{Random, RngStream};

/// The bootstrap: how often it draws, and from which seed. Equal ones give equal errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "an application creates it, and names every field"
)]
pub struct Bootstrap {
    /// Number of samples that are drawn; 200 are enough for a standard error.
    pub resamples: u32,
    /// The seed of the random numbers.
    pub seed: u64,
}

impl Bootstrap {
    /// The standard error, over the choice of `networks` networks, of a statistic of the networks
    /// with the given indices, which may repeat. Draws on which the statistic is not defined are
    /// left out; none if fewer than two are left.
    pub fn over_networks(
        &self,
        networks: usize,
        mut statistic: impl FnMut(&[usize]) -> Option<f64>,
    ) -> Option<f64> {
        self.over_networks_and_seeds(networks, 1, |networks, _| statistic(networks))
    }

    /// The standard error, over the choice of networks and of seeds together, of the mean over the
    /// seeds of a statistic of the given networks under a seed. Every seed sees the same
    /// networks. With one seed it is the error over networks alone.
    pub fn over_networks_and_seeds(
        &self,
        networks: usize,
        seeds: usize,
        mut statistic: impl FnMut(&[usize], usize) -> Option<f64>,
    ) -> Option<f64> {
        if networks == 0 || seeds == 0 {
            return None;
        }
        let mut random = Random::new(self.seed, RngStream::Bootstrap);
        let mut drawn = |count: usize| -> Vec<usize> {
            (0..count)
                .map(|_| random.below(count as u32) as usize)
                .collect()
        };
        let mut means = Vec::new();
        for _ in 0..self.resamples {
            let (networks, seeds) = (drawn(networks), drawn(seeds));
            let values: Vec<f64> = seeds
                .iter()
                .filter_map(|seed| statistic(&networks, *seed))
                .collect();
            if !values.is_empty() {
                means.push(values.iter().sum::<f64>() / values.len() as f64);
            }
        }
        deviation(&means)
    }
}

/// The sample standard deviation; none of fewer than two values.
fn deviation(values: &[f64]) -> Option<f64> {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt())
}
