//! Construction of the strategy of a search.

use std::sync::Arc;

use supernet_plugin::{Path, Pick, Supergraph};
use supernet_strategy::enas::{Enas, FromScratch};
use supernet_strategy::evolution::Evolution;
use supernet_strategy::methods::{
    Differentiable, DifferentiableSettings, Fair, Fairness, OneShot, Order, Reinforce,
    ReinforceSettings, Relaxation, fitted_rate,
};
use supernet_strategy::random::RandomSearch;
use supernet_strategy::table_policy::{LinearSchedule, PathDropout, StraightThroughGradient};
use supernet_strategy::{
    MethodStrategy, Schedule, SearchMethod, Strategy, StrategyError, TrainingPrior,
};

use super::{Experiment, ExperimentError};
use crate::config::{Config, ConfigError, DeriveRule, Gates, GradientOf, StrategyName};
use crate::space::Extremes;

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

/// Random children beside the largest and the smallest one in a step of the sandwich rule.
const BETWEEN: u32 = 2;
/// Samples in a slice of One-Shot.
const SLICE: u32 = 16;

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
            _ => named_strategy(supergraph, schedule, &self.config, seed, self.batches()),
        }
    }
}

impl Experiment {
    /// A strategy that trains the shared weights on random paths.
    pub(super) fn shared_strategy(
        &self,
        schedule: Schedule,
    ) -> Result<Box<dyn Strategy>, ExperimentError> {
        let mut config = self.config.clone();
        config.search.strategy = StrategyName::Spos;
        named_strategy(
            &self.task.supergraph,
            schedule,
            &config,
            config.search.seed,
            self.batches(),
        )
    }
}

/// Fits the settings to what the strategy needs of a space, and refuses a space on which it makes
/// no sense.
pub(super) fn fit(
    config: &mut Config,
    space: &Supergraph,
    is_text: bool,
) -> Result<(), ExperimentError> {
    let strategy = config.search.strategy;
    let unsuited = |reason: String| ExperimentError::Unsuited {
        strategy: strategy.word(),
        space: space.space().name.clone(),
        reason,
    };
    let wants_mixtures = strategy.mixes()
        || strategy == StrategyName::Proxyless && config.method.gates != Gates::Reinforce;
    if wants_mixtures {
        space
            .relaxed(&everything(space))
            .map_err(|error| unsuited(error.to_string()))?;
    }
    if config.derive.rule == DeriveRule::Perturbation && strategy != StrategyName::Darts {
        return Err(unsuited(
            "`derive.rule = perturbation` takes the supernet that `darts` trains, in which all ops run; `method` is the \
             rule of this strategy"
                .to_owned(),
        ));
    }
    if config.method.stop_at_collapse && strategy != StrategyName::Darts {
        return Err(unsuited(
            "`method.stop_at_collapse` looks at the logits of `darts`, and this strategy has none that descend the \
             validation loss"
                .to_owned(),
        ));
    }
    if strategy.mixes() {
        if config.train.paths > 1 {
            return Err(unsuited(
                "it runs several choices at once in each step, so `train.paths` must be 1"
                    .to_owned(),
            ));
        }
        config.train.paths = 1;
    }
    if strategy == StrategyName::OneShot {
        let batch = config.train.batch;
        let slices = match config.method.slices {
            _ if is_text => 1,
            0 => (batch / SLICE).max(1),
            slices => slices,
        };
        if !batch.is_multiple_of(slices) {
            return Err(unsuited(format!(
                "a minibatch of {batch} samples (`train.batch`) cannot be divided into {slices} equal slices (`method.slices`)"
            )));
        }
        config.method.slices = slices;
    }
    if strategy == StrategyName::FairNas {
        let paths = match config.method.sandwich {
            true => 2 + BETWEEN,
            false => Fair::paths(space),
        };
        if !config.method.sandwich && !space.space().require.is_empty() {
            return Err(unsuited(
                "it trains every choice once in each step, and the requirements of this space forbid some of the children \
                 that this makes; take `spos`, or `--set method.sandwich=true`"
                    .to_owned(),
            ));
        }
        if config.train.batch < paths {
            return Err(unsuited(format!(
                "each step trains {paths} children, each on its own samples, and a minibatch has {} (`train.batch`)",
                config.train.batch
            )));
        }
        config.train.paths = paths;
        config.train.batch -= config.train.batch % paths;
    }
    Ok(())
}

/// All choices of every decision at once.
pub(super) fn everything(space: &Supergraph) -> Path {
    let all = |decision| {
        let choices: Vec<u32> = (0..space.choices(decision)).collect();
        Pick::Mix {
            weights: vec![1.0; choices.len()],
            choices,
            rows: 1,
            gradient: false,
        }
    };
    Path {
        picks: (0..space.genome_len()).map(all).collect(),
        at: Vec::new(),
    }
}

/// The built-in strategy that the settings name; the validation split has so many minibatches.
pub(crate) fn named_strategy(
    supergraph: &Supergraph,
    schedule: Schedule,
    config: &Config,
    seed: u64,
    batches: u32,
) -> Result<Box<dyn Strategy>, ExperimentError> {
    let training = TrainingPrior::emphasised(supergraph, config.train.emphasis as f32);
    let name = config.search.strategy;
    let supergraph = supergraph.clone();
    Ok(match name {
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
        StrategyName::Nas => {
            let nas = config.nas;
            let schedule = match nas.candidates {
                // A search of a table, which is as long as it is asked to be.
                0 => schedule,
                candidates => Schedule {
                    epochs: candidates / nas.children.max(1),
                    updates: 1,
                    rollouts: nas.children,
                    ..schedule
                },
            };
            let power = if nas.power == 0 { 3 } else { nas.power };
            let enas = Enas::new(supergraph, schedule, config.controller, seed);
            let alone = FromScratch::new(nas.epochs, power);
            Box::new(enas.map_err(ConfigError::from)?.from_scratch(alone))
        }
        StrategyName::Darts | StrategyName::Snas | StrategyName::Gdas => {
            let settings = differentiable(config, &schedule, batches);
            let method = Differentiable::new(supergraph.clone(), settings, seed);
            looped(name, supergraph, schedule, method, seed)
        }
        StrategyName::Proxyless if config.method.gates == Gates::Reinforce => {
            let every = period(config);
            let settings = ReinforceSettings::new(rate(config, &schedule, every))
                .with_period(every)
                .with_paths(schedule.paths);
            let method = Reinforce::new(supergraph.clone(), settings, seed);
            looped(name, supergraph, schedule, method, seed)
        }
        StrategyName::Proxyless => {
            let settings = differentiable(config, &schedule, batches);
            let method = Differentiable::new(supergraph.clone(), settings, seed);
            looped(name, supergraph, schedule, method, seed)
        }
        StrategyName::OneShot => {
            let steps = schedule.epochs * schedule.steps;
            let rows = config.method.slices.max(1);
            let dropout = PathDropout::rising(config.method.dropout, steps, rows);
            let method = OneShot::new(supergraph.clone(), dropout);
            looped(name, supergraph, schedule, method, seed)
        }
        StrategyName::FairNas => {
            let fairness = match config.method.sandwich {
                false => Fairness::Permutations,
                true => {
                    let Extremes {
                        smallest, largest, ..
                    } = Extremes::of(&supergraph)?;
                    Fairness::Sandwich {
                        largest: largest.genome,
                        smallest: smallest.genome,
                        random: BETWEEN,
                    }
                }
            };
            let method = Fair::new(supergraph.clone(), fairness, training);
            looped(name, supergraph, schedule, method, seed)
        }
    })
}

fn looped(
    name: StrategyName,
    space: Supergraph,
    schedule: Schedule,
    method: impl SearchMethod + 'static,
    seed: u64,
) -> Box<dyn Strategy> {
    Box::new(MethodStrategy::new(
        name.word(),
        space,
        schedule,
        method,
        seed,
    ))
}

/// Training steps from one update of the policy to the next.
fn period(config: &Config) -> u32 {
    match (config.method.every, config.search.strategy) {
        (0, StrategyName::Proxyless) => 2,
        (0, _) => 1,
        (every, _) => every,
    }
}

fn rate(config: &Config, schedule: &Schedule, every: u32) -> f64 {
    let Schedule {
        epochs,
        warm_up,
        steps,
        ..
    } = *schedule;
    match config.method.learning_rate {
        0.0 => fitted_rate((epochs - warm_up) * steps / every),
        rate => rate,
    }
}

fn differentiable(config: &Config, schedule: &Schedule, batches: u32) -> DifferentiableSettings {
    let method = &config.method;
    let relaxation = match (config.search.strategy, method.gates) {
        (StrategyName::Darts, _) if method.order == 2 => Relaxation::Darts(Order::Second),
        (StrategyName::Darts, _) => Relaxation::Darts(Order::First),
        (StrategyName::Snas, _) => Relaxation::Snas,
        (StrategyName::Gdas, _) => Relaxation::Gdas(match method.gradient {
            GradientOf::Ran => StraightThroughGradient::Ran,
            GradientOf::All => StraightThroughGradient::All,
        }),
        (_, Gates::Full) => Relaxation::Gates,
        _ => Relaxation::TwoPaths,
    };
    let [from, to] = match relaxation {
        Relaxation::Gdas(_) => [10.0, 0.1],
        _ => [1.0, 0.03],
    };
    let or = |given: f64, published: f64| if given == 0.0 { published } else { given };
    let last = (schedule.epochs * schedule.steps).saturating_sub(1);
    let every = period(config);
    let settings = DifferentiableSettings::new(relaxation, rate(config, schedule, every))
        .with_temperature(LinearSchedule::new(
            or(method.temperature, from),
            or(method.final_temperature, to),
            last,
        ))
        .with_period(every)
        .with_paths(schedule.paths)
        .with_perturbation(match config.derive.rule {
            DeriveRule::Perturbation => batches,
            _ => 0,
        });
    match method.stop_at_collapse {
        true => settings.stopping_at_collapse(),
        false => settings,
    }
}
