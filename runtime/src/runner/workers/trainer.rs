//! The trainer: owns the shared weights and runs one training step per message.

use std::collections::VecDeque;
use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use supernet_engine::device::Device;
use supernet_engine::weights::Weights;
use supernet_strategy::{Pass, Score};
use tokio::sync::oneshot;

use super::{SearchContext, SharedDevice, coordinator};
use crate::search::snapshot::Snapshot;
use crate::training;
use crate::training::{JobId, JobKind, JobResult, TrainingError};

pub(crate) struct Trainer;

pub(crate) enum Msg {
    /// A training step; its result may arrive with that of a later one.
    Step { id: JobId, kind: JobKind },
    /// Finish all steps in flight.
    Flush,
    /// The current weights, for evaluators or as a result; `fetch` downloads them from the device.
    Share {
        fetch: bool,
        reply: RpcReplyPort<Arc<Weights>>,
    },
    /// A copy of the weights, and the number of steps done.
    Copy(RpcReplyPort<(Arc<Weights>, u32)>),
}

pub(crate) struct Begin {
    pub(crate) context: Arc<SearchContext>,
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) coordinator: ActorRef<coordinator::Msg>,
    /// Receives the device, for evaluators that share it, and its queue depth.
    pub(crate) ready: oneshot::Sender<(SharedDevice, usize)>,
}

pub(crate) struct State {
    trainer: training::Trainer,
    device: SharedDevice,
    weights: Arc<Weights>,
    /// Steps in flight, oldest first.
    started: VecDeque<JobId>,
    coordinator: ActorRef<coordinator::Msg>,
}

/// A training step that corrupted the weights.
#[derive(Debug, thiserror::Error)]
#[error("{source}")]
pub(crate) struct Ruined {
    pub(crate) task: u64,
    #[source]
    pub(crate) source: TrainingError,
}

impl State {
    fn step(&mut self, id: JobId, kind: &JobKind) -> Result<(), ActorProcessingErr> {
        let device = self.device.clone();
        let mut device = device.lock();
        let (paths, epoch) = match kind {
            JobKind::Train { paths, epoch } => (paths, epoch),
            JobKind::Step { passes, epoch } => {
                return self.passes(&mut **device, id, passes, *epoch);
            }
            _ => {
                self.trainer.skip();
                self.report(id, vec![Ok(Score::WORST)]);
                return Ok(());
            }
        };
        // Evaluators have released their references; a stuck one keeps its own copy.
        let weights = Arc::make_mut(&mut self.weights);
        self.trainer.start(&mut **device, weights, paths, *epoch)?;
        self.started.push_back(id);
        let most = depth(&**device) - 1;
        self.finish(&mut **device, most)
    }

    /// Runs a general step, after those in flight.
    fn passes(
        &mut self,
        device: &mut dyn Device,
        id: JobId,
        passes: &[Pass],
        epoch: u32,
    ) -> Result<(), ActorProcessingErr> {
        self.finish(device, 0)?;
        let weights = Arc::make_mut(&mut self.weights);
        let outcome = match self.trainer.passes(device, weights, passes, epoch) {
            Err(source @ TrainingError::Diverged { .. }) => {
                let task = id.task;
                return Err(Ruined { task, source }.into());
            }
            other => other?,
        };
        // A dead coordinator is replaced, and this trainer with it.
        let _ = self
            .coordinator
            .cast(coordinator::Msg::Stepped { id, outcome });
        Ok(())
    }

    /// Finishes steps until at most `most` are in flight.
    fn finish(&mut self, device: &mut dyn Device, most: usize) -> Result<(), ActorProcessingErr> {
        while self.started.len() > most {
            let Some(id) = self.started.front().copied() else {
                break;
            };
            let score = match self.trainer.finish(device) {
                Err(source @ TrainingError::Diverged { .. }) => {
                    return Err(Ruined {
                        task: id.task,
                        source,
                    }
                    .into());
                }
                other => other?,
            };
            self.started.pop_front();
            self.report(id, vec![Ok(score)]);
        }
        Ok(())
    }

    fn report(&self, id: JobId, results: Vec<JobResult>) {
        // A dead coordinator is replaced, and this trainer with it.
        let _ = self
            .coordinator
            .cast(coordinator::Msg::Done { id, results });
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
            context,
            snapshot,
            coordinator,
            ready,
        } = begin;
        let mut trainer = context.experiment.trainer();
        trainer.resume(snapshot.trained);
        // The snapshot is not modified.
        let weights = Arc::new(Weights::clone(&snapshot.weights));
        let device = SharedDevice::new(&context.device)?;
        let depth = depth(&**device.lock());
        // If the receiver is gone, this trainer was abandoned.
        let _ = ready.send((device.clone(), depth));
        Ok(State {
            trainer,
            device,
            weights,
            started: VecDeque::new(),
            coordinator,
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
            Msg::Step { id, kind } => state.step(id, &kind)?,
            Msg::Flush => state.finish(&mut **device.lock(), 0)?,
            Msg::Share { fetch, reply } => {
                if fetch {
                    device.lock().fetch(Arc::make_mut(&mut state.weights))?;
                }
                // A requester that no longer waits has given up on this trainer; likewise below.
                let _ = reply.send(Arc::clone(&state.weights));
            }
            Msg::Copy(reply) => {
                device.lock().fetch(Arc::make_mut(&mut state.weights))?;
                let _ = reply.send((
                    Arc::new(Weights::clone(&state.weights)),
                    state.trainer.done(),
                ));
            }
        }
        Ok(())
    }
}
