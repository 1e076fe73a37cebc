//! An evaluator: scores children with one version of the shared weights, or asks the application.

use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef};

use super::controller;
use super::{Crew, SharedDevice};
use crate::evaluate;
use crate::search::course::{Answer, Labour, Place};
use crate::weights::Weights;

pub(super) struct Evaluator;

/// Children to be scored.
pub(super) struct Msg {
    pub(super) place: Place,
    pub(super) work: Labour,
    pub(super) weights: Arc<Weights>,
}

pub(super) struct Begin {
    pub(super) crew: Arc<Crew>,
    /// The trainer's device, unless evaluators have their own.
    pub(super) device: SharedDevice,
    pub(super) controller: ActorRef<controller::Msg>,
}

pub(super) struct State {
    crew: Arc<Crew>,
    stage: evaluate::Evaluator,
    device: SharedDevice,
    controller: ActorRef<controller::Msg>,
}

impl State {
    async fn answers(
        &mut self,
        work: &Labour,
        weights: &Weights,
    ) -> Result<Vec<Answer>, ActorProcessingErr> {
        let genomes = match (work, &self.crew.own) {
            (Labour::Score { genomes, .. }, Some(_)) => genomes.as_slice(),
            (Labour::Judge { genome }, Some(_)) => std::slice::from_ref(genome),
            // Only the runtime knows the test part.
            _ => {
                return Ok(self
                    .stage
                    .answers(&mut **self.device.lock(), weights, work)?);
            }
        };
        let mut answers = Vec::with_capacity(genomes.len());
        for genome in genomes {
            if let Some(own) = &self.crew.own {
                answers.push(own(genome.clone()).await);
            }
        }
        Ok(answers)
    }
}

impl Actor for Evaluator {
    type Msg = Msg;
    type State = State;
    type Arguments = Begin;

    async fn pre_start(&self, _: ActorRef<Msg>, begin: Begin) -> Result<State, ActorProcessingErr> {
        let Begin {
            crew,
            device,
            controller,
        } = begin;
        let device = crew
            .evaluator_device
            .as_ref()
            .map_or(Ok(device), SharedDevice::new)?;
        Ok(State {
            stage: crew.search.evaluator(),
            crew,
            device,
            controller,
        })
    }

    async fn handle(
        &self,
        _: ActorRef<Msg>,
        message: Msg,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        let Msg {
            place,
            work,
            weights,
        } = message;
        let answers = state.answers(&work, &weights).await?;
        // Given back before anybody can train again.
        drop(weights);
        // A controller that is gone is replaced, and this evaluator with it.
        let _ = state
            .controller
            .cast(controller::Msg::Done { place, answers });
        Ok(())
    }
}
