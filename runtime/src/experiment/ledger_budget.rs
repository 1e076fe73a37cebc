//! From a budget in multiply-adds to the length of a search.

use supernet_shaders::random::{Random, RngStream};
use supernet_strategy::{Outcome, PassOutcome, Schedule, Score, StepOutcome, Work, from_prior};

use super::account::Account;
use super::{Experiment, ExperimentError, GENERATION, schedule};
use crate::config::{DeriveRule, StrategyName};
use crate::results::scaled;

/// Training steps from which the cost of a search is estimated.
const STEPS: u32 = 64;
/// Random networks from which the mean size is estimated.
const NETWORKS: u32 = 64;
/// The most epochs that a setting may have.
const MOST_EPOCHS: u32 = 1 << 20;

/// What the parts of a search cost, in multiply-adds.
#[derive(Clone, Copy, Debug)]
struct Prices {
    /// A training step.
    step: f64,
    /// What a policy learns from before a step, which it does not in the warm-up.
    policy: f64,
    /// An update of a strategy that learns from scores.
    update: f64,
    /// What a method measures after the last step.
    end: f64,
    /// Scoring a network of mean size on the whole validation split.
    evaluation: f64,
}

impl Experiment {
    /// The mean number of multiply-adds for a sample over random networks.
    pub(crate) fn mean_macs(&self) -> Result<f64, ExperimentError> {
        let mut random = Random::new(0, RngStream::MemoryPlan);
        let mut sum = 0.0;
        for _ in 0..NETWORKS {
            let genome = from_prior(&self.task.supergraph, &mut random)?;
            sum += self.task.supergraph.macs(&genome)? as f64;
        }
        Ok(sum / f64::from(NETWORKS))
    }

    /// What of the budget is for training the shared weights and for deriving candidates from them;
    /// none if no budget is set. The rest is for selection.
    pub(crate) fn shared_budget(&self) -> Option<f64> {
        let budget = self.config.search.budget;
        let share = match self.config.retrain.epochs {
            0 => 0.0,
            _ => self.config.selection.share,
        };
        (budget > 0.0).then_some(budget / (1.0 + share))
    }

    /// Fits the length of the search to `search.budget`, if it is set.
    ///
    /// # Errors
    /// If the budget does not pay for an epoch, or for two networks where no weights are shared.
    pub(super) fn fit_budget(&mut self) -> Result<(), ExperimentError> {
        let Some(budget) = self.shared_budget() else {
            return Ok(());
        };
        if self.config.search.strategy == StrategyName::Nas {
            return self.fit_trainings_to(self.config.search.budget);
        }
        if !self.config.search.strategy.shares_weights() {
            return Ok(());
        }
        let prices = self.prices()?;
        let least = self.priced(1, prices);
        if least > budget {
            return Err(ExperimentError::Budget {
                budget: scaled(self.config.search.budget),
                least: scaled(least * self.config.search.budget / budget),
                what: "one epoch and the scores of the candidates",
                lower: "`derive.candidates`, `derive.report` or `selection.share`",
            });
        }
        // It grows with the number of epochs.
        let (mut fits, mut too_many) = (1, MOST_EPOCHS);
        while fits + 1 < too_many {
            let middle = fits.midpoint(too_many);
            match self.priced(middle, prices) <= budget {
                true => fits = middle,
                false => too_many = middle,
            }
        }
        self.config.search.epochs = fits;
        self.schedule = schedule(&self.config, self.schedule.steps);
        Ok(())
    }

    /// The same where every child is trained from scratch: a bound, since their sizes are not known.
    fn fit_trainings_to(&mut self, budget: f64) -> Result<(), ExperimentError> {
        let one = self.alone_cost(self.config.nas.epochs) * self.mean_macs()?;
        let fitted = budget / one;
        if fitted < 2.0 {
            return Err(ExperimentError::Budget {
                budget: scaled(budget),
                least: scaled(2.0 * one),
                what: "two networks that are trained from scratch",
                lower: "`nas.epochs`",
            });
        }
        if self.fits_trainings {
            self.config.nas.candidates = (2.0 * fitted).ceil().min(f64::from(MOST_EPOCHS)) as u32;
            let children = self.config.nas.children;
            self.config.nas.children = children.min(fitted as u32);
        }
        Ok(())
    }

    /// The cost of a search of so many epochs, without its selection.
    fn priced(&self, epochs: u32, prices: Prices) -> f64 {
        let mut config = self.config.clone();
        config.search.epochs = epochs;
        let Schedule {
            steps,
            warm_up,
            updates,
            ..
        } = schedule(&config, self.schedule.steps);
        let training = f64::from(epochs) * f64::from(steps) * prices.step
            + f64::from(epochs - warm_up) * f64::from(steps) * prices.policy;
        let updates = f64::from(epochs - warm_up) * f64::from(updates) * prices.update;
        let generation = GENERATION as f64 * prices.evaluation;
        let bred = match self.has_favourite() {
            true => 0.0,
            // The last generation may be a smaller one.
            false => (training / generation).min(config.derive.generations.into()),
        };
        training
            + updates
            + prices.end
            + bred * generation
            + self.first_scores() * prices.evaluation
    }

    /// Networks that are scored in any case: the first candidates, and those of the report.
    fn first_scores(&self) -> f64 {
        let derive = self.config.derive;
        let report = match self.config.search.strategy.learns_only_weights() {
            true => 0.0,
            false => 2.0 * f64::from(derive.report),
        };
        let candidates = match self.has_favourite() {
            true => 1.0,
            false => f64::from(derive.candidates),
        };
        candidates + report
    }

    /// What deriving the answer costs at least, with networks of mean size.
    pub(crate) fn least_derivation(&self) -> Result<f64, ExperimentError> {
        Ok(self.first_scores() * self.evaluation_cost() * self.mean_macs()?)
    }

    /// Whether the strategy has an answer of its own, so that no samples are compared.
    pub(crate) fn has_favourite(&self) -> bool {
        let name = self.config.search.strategy;
        let differentiable =
            name.mixes() && name != StrategyName::OneShot || name == StrategyName::Proxyless;
        differentiable && self.config.derive.rule != DeriveRule::Samples
    }

    /// Runs the strategy without a network.
    fn prices(&self) -> Result<Prices, ExperimentError> {
        let small = Schedule {
            epochs: 1,
            steps: STEPS,
            warm_up: 0,
            updates: 1,
            ..self.schedule
        };
        let mut strategy = self.strategy(small)?;
        let mut account = Account::new(&self.task.supergraph, &self.config);
        let score = Score {
            reward: 0.5,
            loss: 1.0,
        };
        let (mut steps, mut learnt, mut done) = (0.0, 0.0, 0);
        let (mut updates, mut end) = (0.0, 0.0);
        while let Some(task) = strategy.next()? {
            let [shared, policy] = account.of(&task.work)?;
            let outcome = match &task.work {
                Work::Score { genomes, .. } | Work::Alone { genomes, .. } => {
                    updates += policy;
                    Outcome::Scored(vec![score; genomes.len()])
                }
                Work::Train { .. } => {
                    (steps, done) = (steps + shared, done + 1);
                    Outcome::Trained(score)
                }
                Work::Step { passes, .. } => {
                    steps += shared;
                    match done < STEPS {
                        true => learnt += policy,
                        false => end += policy,
                    }
                    done += u32::from(task.work.updates());
                    let without_gradient = |_| PassOutcome::new(score);
                    let outcomes = passes.iter().map(without_gradient).collect();
                    Outcome::Stepped(StepOutcome::new(outcomes, 0.0))
                }
            };
            strategy.observe(&outcome);
        }
        Ok(Prices {
            step: steps / f64::from(STEPS),
            policy: learnt / f64::from(STEPS),
            update: updates,
            end,
            evaluation: self.evaluation_cost() * self.mean_macs()?,
        })
    }
}
