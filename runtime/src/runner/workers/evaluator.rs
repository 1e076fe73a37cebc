//! An evaluator: scores children with one version of the shared weights, or calls the custom
//! evaluator.

use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef};
use supernet_engine::weights::Weights;

use super::{SearchContext, SharedDevice, coordinator};
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
}

pub(crate) struct State {
    context: Arc<SearchContext>,
    evaluator: training::Evaluator,
    device: SharedDevice,
    coordinator: ActorRef<coordinator::Msg>,
}

impl State {
    async fn results(
        &mut self,
        kind: &JobKind,
        weights: &Weights,
    ) -> Result<Vec<JobResult>, ActorProcessingErr> {
        let genomes = match (kind, &self.context.custom_evaluator) {
            (JobKind::Score { genomes, .. }, Some(_)) => genomes.as_slice(),
            (JobKind::Validate { genome }, Some(_)) => std::slice::from_ref(genome),
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
        } = begin;
        let device = context
            .evaluator_device
            .as_ref()
            .map_or(Ok(device), SharedDevice::new)?;
        Ok(State {
            evaluator: context.experiment.evaluator(),
            context,
            device,
            coordinator,
        })
    }

    async fn handle(
        &self,
        _: ActorRef<Msg>,
        message: Msg,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        let Msg { id, kind, weights } = message;
        let results = state.results(&kind, &weights).await?;
        // Released before training can continue.
        drop(weights);
        // A dead coordinator is replaced, and this evaluator with it.
        let _ = state
            .coordinator
            .cast(coordinator::Msg::Done { id, results });
        Ok(())
    }
}
