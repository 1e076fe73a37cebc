//! The events that open a search: what is searched, and how much work is planned.

use supernet_strategy::Schedule;

use super::{Experiment, GENERATION};
use crate::config::StrategyName;
use crate::events::Event;

impl Experiment {
    pub(crate) fn started(&self) -> Event {
        let settings = &self.config.search;
        Event::Started {
            space: self.provenance.space.clone(),
            data: self.data.name().to_owned(),
            strategy: settings.strategy,
            device: self.reserved.device.clone(),
            seed: settings.seed,
            decisions: self.task.supergraph.genome_len() as u64,
            size: self.task.supergraph.size().to_string(),
            parameters: self.task.supergraph.total_params(),
            train: self.task.data.train.len() as u64,
            validation: self.task.data.validation.len() as u64,
            test: self.task.data.test.len() as u64,
            metric: Some(self.task.metric),
        }
    }

    pub(crate) fn planned(&self) -> Event {
        let Schedule {
            epochs,
            steps,
            warm_up,
            updates,
            rollouts,
            ..
        } = self.schedule;
        let shares = self.config.search.strategy.shares_weights();
        let evaluated = if shares { self.evaluations() } else { 0 };
        let rollouts = if shares { rollouts } else { 0 };
        let (batches, memory) = (self.batches(), self.reserved.memory);
        Event::Planned {
            minutes: self.minutes,
            epochs,
            warm_up,
            steps,
            updates,
            rollouts,
            evaluated,
            batches,
            memory,
        }
    }

    /// The trainings of the strategy `nas`.
    pub(crate) fn trainings(&self) -> Option<Event> {
        let nas = self.config.nas;
        if self.config.search.strategy != StrategyName::Nas {
            return None;
        }
        let trainings = nas.candidates - nas.candidates % nas.children;
        Some(Event::SelectionStarted {
            candidates: trainings,
            networks: trainings,
            epochs: nas.epochs,
            rungs: 1,
            trainings,
            total_epochs: trainings * nas.epochs,
            steps: self.schedule.steps,
            budget: 0.0,
            metric: self.task.metric,
        })
    }

    /// The seed of a network that a strategy trains from scratch, by its number in the search.
    pub(crate) fn seed_alone(&self, number: u64) -> u64 {
        self.config.search.seed.wrapping_add(number)
    }

    /// Maximum number of genomes that are scored on the whole validation split after the last
    /// epoch. A search without shared weights scores none with them, but has the budget for as many.
    pub(crate) fn evaluations(&self) -> u32 {
        let bred = self.generations() * GENERATION as u32;
        let name = self.config.search.strategy;
        let report = match name.shares_weights() && !name.learns_only_weights() {
            true => 2 * self.config.derive.report,
            false => 0,
        };
        self.config.derive.candidates + bred + report
    }

    /// Minibatches needed to score a genome on the whole validation split.
    pub(crate) fn batches(&self) -> u32 {
        let (split, batch) = (&self.task.data.validation, self.config.score.batch);
        let streams = self.task.streams(split, batch);
        streams.map_or(split.len().div_ceil(batch as usize) as u32, |streams| {
            streams.windows()
        })
    }
}
