//! Construction of the strategy of a search.

use std::sync::Arc;

use supernet_plugin::Supergraph;
use supernet_strategy::enas::Enas;
use supernet_strategy::evolution::Evolution;
use supernet_strategy::random::RandomSearch;
use supernet_strategy::{Schedule, Strategy, StrategyError, TrainingPrior};

use super::{Experiment, ExperimentError};
use crate::config::{Config, ConfigError, StrategyName};

/// Creates a custom strategy.
pub(crate) type MakeStrategy = Arc<
    dyn Fn(&Supergraph, Schedule, u64) -> Result<Box<dyn Strategy>, StrategyError> + Send + Sync,
>;

/// A custom strategy.
#[derive(Clone)]
pub(crate) struct CustomStrategy(pub(crate) MakeStrategy);

impl std::fmt::Debug for CustomStrategy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CustomStrategy")
    }
}

impl Experiment {
    pub(crate) fn strategy(
        &self,
        schedule: Schedule,
    ) -> Result<Box<dyn Strategy>, ExperimentError> {
        let (supergraph, seed) = (&self.task.supergraph, self.config.search.seed);
        if supergraph.genome_len() == 0 {
            return Err(ExperimentError::OneArchitecture {
                space: supergraph.space().name.clone(),
            });
        }
        match (self.config.search.strategy, &self.custom_strategy) {
            (StrategyName::Custom, Some(CustomStrategy(make))) => {
                Ok(make(supergraph, schedule, seed)?)
            }
            _ => named_strategy(supergraph, schedule, &self.config, seed),
        }
    }
}

/// The built-in strategy that the settings name.
pub(crate) fn named_strategy(
    supergraph: &Supergraph,
    schedule: Schedule,
    config: &Config,
    seed: u64,
) -> Result<Box<dyn Strategy>, ExperimentError> {
    let training = TrainingPrior::emphasised(supergraph, config.train.emphasis as f32);
    let supergraph = supergraph.clone();
    Ok(match config.search.strategy {
        StrategyName::Custom => return Err(ExperimentError::NoStrategy),
        StrategyName::Random | StrategyName::Spos | StrategyName::Halving => {
            Box::new(RandomSearch::new(supergraph, schedule, seed).training(training))
        }
        StrategyName::Evolution => {
            let evolution = Evolution::new(supergraph, schedule, config.evolution, seed);
            Box::new(evolution.training(training))
        }
        StrategyName::Enas => {
            let enas = Enas::new(supergraph, schedule, config.controller, seed);
            Box::new(enas.map_err(ConfigError::from)?.training(training))
        }
    })
}
