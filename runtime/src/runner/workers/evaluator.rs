//! An evaluator: scores children with one version of the shared weights, trains them from scratch,
//! or calls the custom evaluator.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ractor::{Actor, ActorProcessingErr, ActorRef};
use supernet_engine::weights::Weights;

use super::{SearchContext, SharedDevice, coordinator};
use crate::retrain::{Training, train_alone};
use crate::training;
use crate::training::{JobId, JobKind, JobResult};

pub(crate) struct Evaluator;

/// Children to score.
pub(crate) struct Msg {
    pub(crate) id: JobId,
    pub(crate) kind: JobKind,
    pub(crate) weights: Arc<Weights>,
}

pub(crate) struct Begin {
    pub(crate) context: Arc<SearchContext>,
    /// The trainer's device, unless evaluators have separate ones.
    pub(crate) device: SharedDevice,
    pub(crate) coordinator: ActorRef<coordinator::Msg>,
    /// Whether trainings from scratch are to be interrupted.
    pub(crate) interrupt: Arc<AtomicBool>,
    /// Whether all workers are to end.
    pub(crate) given_up: Arc<AtomicBool>,
}

pub(crate) struct State {
    context: Arc<SearchContext>,
    evaluator: training::Evaluator,
    device: SharedDevice,
    /// The device of trainings from scratch, so that they leave the shared weights where they are.
    own_device: Option<SharedDevice>,
    coordinator: ActorRef<coordinator::Msg>,
    interrupt: Arc<AtomicBool>,
    given_up: Arc<AtomicBool>,
}

/// Time between two signs of life during a training.
const SIGN: Duration = Duration::from_millis(250);

impl State {
    /// Trains a network from scratch; none if it was interrupted.
    fn alone(
        &mut self,
        id: JobId,
        training: Training<'_>,
    ) -> Result<Option<JobResult>, ActorProcessingErr> {
        let device = match &self.own_device {
            Some(device) => device.clone(),
            None => {
                let make = self.context.evaluator_device.as_ref();
                let device = SharedDevice::new(make.unwrap_or(&self.context.device))?;
                self.own_device.insert(device).clone()
            }
        };
        let mut last = Instant::now();
        let mut go_on = || {
            if last.elapsed() > SIGN {
                last = Instant::now();
                let _ = self.coordinator.cast(coordinator::Msg::Alive { id });
            }
            let told = [&self.interrupt, &self.given_up];
            !told.iter().any(|flag| flag.load(Ordering::Acquire))
        };
        let mut device = device.lock();
        let experiment = &self.context.experiment;
        Ok(train_alone(
            experiment,
            training,
            &mut **device,
            &mut go_on,
        )?)
    }

    async fn results(
        &mut self,
        kind: &JobKind,
        weights: &Weights,
    ) -> Result<Vec<JobResult>, ActorProcessingErr> {
        let genomes = match (kind, &self.context.custom_evaluator) {
            (JobKind::Score { genomes, .. }, Some(_)) => genomes.as_slice(),
            (JobKind::Validate { genome } | JobKind::Alone { genome, .. }, Some(_)) => {
                std::slice::from_ref(genome)
            }
            // Only the runtime has access to the test split.
            _ => {
                return Ok(self
                    .evaluator
                    .results(&mut **self.device.lock(), weights, kind)?);
            }
        };
        let mut results = Vec::with_capacity(genomes.len());
        for genome in genomes {
            if let Some(own) = &self.context.custom_evaluator {
                results.push(own(genome.clone()).await);
            }
        }
        Ok(results)
    }
}

impl Actor for Evaluator {
    type Msg = Msg;
    type State = State;
    type Arguments = Begin;

    async fn pre_start(&self, _: ActorRef<Msg>, begin: Begin) -> Result<State, ActorProcessingErr> {
        let Begin {
            context,
            device,
            coordinator,
            interrupt,
            given_up,
        } = begin;
        let device = context
            .evaluator_device
            .as_ref()
            .map_or(Ok(device), SharedDevice::new)?;
        Ok(State {
            evaluator: context.experiment.evaluator(),
            context,
            device,
            own_device: None,
            coordinator,
            interrupt,
            given_up,
        })
    }

    async fn handle(
        &self,
        _: ActorRef<Msg>,
        message: Msg,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        let Msg { id, kind, weights } = message;
        let results = match &kind {
            JobKind::Alone {
                genome,
                epochs,
                seed,
            } if state.context.custom_evaluator.is_none() => {
                let training = Training {
                    genome,
                    epochs: *epochs,
                    seed: *seed,
                };
                match state.alone(id, training)? {
                    Some(result) => vec![result],
                    None => {
                        let _ = state.coordinator.cast(coordinator::Msg::Interrupted { id });
                        return Ok(());
                    }
                }
            }
            _ => state.results(&kind, &weights).await?,
        };
        // Released before training can continue.
        drop(weights);
        // A dead coordinator is replaced, and this evaluator with it.
        let _ = state
            .coordinator
            .cast(coordinator::Msg::Done { id, results });
        Ok(())
    }
}
