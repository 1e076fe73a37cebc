//! The trainer: owns the shared weights and does one training step per message.

use std::collections::VecDeque;
use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tokio::sync::oneshot;

use super::controller;
use super::{Crew, SharedDevice};
use crate::checkpoint::Snapshot;
use crate::device::Device;
use crate::search::course::{Answer, Labour, Place};
use crate::strategy::Score;
use crate::train::{self, StageError};
use crate::weights::Weights;

pub(super) struct Trainer;

pub(super) enum Msg {
    /// A training step; its answer may come with that of a later one.
    Step { place: Place, work: Labour },
    /// Finish all steps under way.
    Flush,
    /// The weights as they are, for evaluators or as a result; `fetch` brings them back from the device.
    Share {
        fetch: bool,
        reply: RpcReplyPort<Arc<Weights>>,
    },
    /// A copy of the weights, and how many steps were done.
    Copy(RpcReplyPort<(Arc<Weights>, u32)>),
}

pub(super) struct Begin {
    pub(super) crew: Arc<Crew>,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) controller: ActorRef<controller::Msg>,
    /// Takes the device, for evaluators that share it, and how deep it is.
    pub(super) ready: oneshot::Sender<(SharedDevice, usize)>,
}

pub(super) struct State {
    stage: train::Trainer,
    device: SharedDevice,
    weights: Arc<Weights>,
    /// Steps under way, oldest first.
    started: VecDeque<Place>,
    controller: ActorRef<controller::Msg>,
}

/// A training step that ruined the weights.
#[derive(Debug, thiserror::Error)]
#[error("{source}")]
pub(super) struct Ruined {
    pub(super) task: u64,
    #[source]
    pub(super) source: StageError,
}

impl State {
    fn step(&mut self, place: Place, work: &Labour) -> Result<(), ActorProcessingErr> {
        let Labour::Train { genome, epoch } = work else {
            self.stage.skip();
            self.report(place, vec![Ok(Score::WORST)]);
            return Ok(());
        };
        let device = self.device.clone();
        let mut device = device.lock();
        // Evaluators have given back what they were lent; one that is stuck keeps a copy of its own.
        let weights = Arc::make_mut(&mut self.weights);
        self.stage.start(&mut **device, weights, genome, *epoch)?;
        self.started.push_back(place);
        let most = depth(&**device) - 1;
        self.finish(&mut **device, most)
    }

    /// Finishes steps until at most `most` are under way.
    fn finish(&mut self, device: &mut dyn Device, most: usize) -> Result<(), ActorProcessingErr> {
        while self.started.len() > most {
            let Some(place) = self.started.front().copied() else {
                break;
            };
            let score = match self.stage.finish(device) {
                Err(source @ StageError::Diverged { .. }) => {
                    return Err(Ruined {
                        task: place.task,
                        source,
                    }
                    .into());
                }
                other => other?,
            };
            self.started.pop_front();
            self.report(place, vec![Ok(score)]);
        }
        Ok(())
    }

    fn report(&self, place: Place, answers: Vec<Answer>) {
        // A controller that is gone is replaced, and this trainer with it.
        let _ = self
            .controller
            .cast(controller::Msg::Done { place, answers });
    }
}

fn depth(device: &dyn Device) -> usize {
    device.depth().max(1)
}

impl Actor for Trainer {
    type Msg = Msg;
    type State = State;
    type Arguments = Begin;

    async fn pre_start(&self, _: ActorRef<Msg>, begin: Begin) -> Result<State, ActorProcessingErr> {
        let Begin {
            crew,
            snapshot,
            controller,
            ready,
        } = begin;
        let mut stage = crew.search.trainer();
        stage.resume(snapshot.trained);
        // The snapshot stays as it is.
        let weights = Arc::new(Weights::clone(&snapshot.weights));
        let device = SharedDevice::new(&crew.device)?;
        let depth = depth(&**device.lock());
        // If nobody waits, this trainer was given up.
        let _ = ready.send((device.clone(), depth));
        Ok(State {
            stage,
            device,
            weights,
            started: VecDeque::new(),
            controller,
        })
    }

    async fn handle(
        &self,
        _: ActorRef<Msg>,
        message: Msg,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        let device = state.device.clone();
        match message {
            Msg::Step { place, work } => state.step(place, &work)?,
            Msg::Flush => state.finish(&mut **device.lock(), 0)?,
            Msg::Share { fetch, reply } => {
                if fetch {
                    device.lock().fetch(Arc::make_mut(&mut state.weights))?;
                }
                // Whoever asked and does not wait any more has given up on this trainer; so below.
                let _ = reply.send(Arc::clone(&state.weights));
            }
            Msg::Copy(reply) => {
                device.lock().fetch(Arc::make_mut(&mut state.weights))?;
                let _ = reply.send((Arc::new(Weights::clone(&state.weights)), state.stage.done()));
            }
        }
        Ok(())
    }
}
