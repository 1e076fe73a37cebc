//! Which strategy a search has.

use std::sync::Arc;

use supernet_plugin::Supergraph;

use super::{Search, SearchError};
use crate::config::{Config, ConfigError, StrategyName};
use crate::strategy::enas::Enas;
use crate::strategy::evolution::Evolution;
use crate::strategy::random::RandomSearch;
use crate::strategy::{Schedule, Strategy, StrategyError};

/// Makes a strategy of the application's own.
pub(super) type MakeStrategy = Arc<
    dyn Fn(&Supergraph, Schedule, u64) -> Result<Box<dyn Strategy>, StrategyError> + Send + Sync,
>;

/// A strategy of the application's own.
#[derive(Clone)]
pub(super) struct Own(pub(super) MakeStrategy);

impl std::fmt::Debug for Own {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Own")
    }
}

impl Search {
    pub(super) fn strategy(&self, schedule: Schedule) -> Result<Box<dyn Strategy>, SearchError> {
        let (supergraph, seed) = (&self.ground.supergraph, self.config.search.seed);
        if supergraph.genome_len() == 0 {
            return Err(SearchError::OneArchitecture {
                space: supergraph.space().name.clone(),
            });
        }
        match (self.config.search.strategy, &self.own) {
            (StrategyName::Own, Some(Own(make))) => Ok(make(supergraph, schedule, seed)?),
            _ => strategy(supergraph, schedule, &self.config, seed),
        }
    }
}

/// The strategy that the settings name, if it is one of ours.
pub(crate) fn strategy(
    supergraph: &Supergraph,
    schedule: Schedule,
    config: &Config,
    seed: u64,
) -> Result<Box<dyn Strategy>, SearchError> {
    let supergraph = supergraph.clone();
    Ok(match config.search.strategy {
        StrategyName::Own => return Err(SearchError::NoStrategy),
        StrategyName::Random => Box::new(RandomSearch::new(supergraph, schedule, seed)),
        StrategyName::Evolution => {
            Box::new(Evolution::new(supergraph, schedule, config.evolution, seed))
        }
        StrategyName::Enas => Box::new(
            Enas::new(supergraph, schedule, config.controller, seed).map_err(ConfigError::from)?,
        ),
    })
}
