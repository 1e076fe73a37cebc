//! The four workers as a unit: they are started together from a snapshot, and replaced together.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ractor::{ActorCell, ActorRef};
use tokio::sync::oneshot;

use super::actor_thread::ActorThread;
use super::checkpoint::Checkpoint;
use super::coordinator::Coordinator;
use super::evaluator::Evaluator;
use super::trainer::Trainer;
use super::{
    Failure, Role, SearchContext, checkpoint, coordinator, evaluator, supervisor, trainer,
};
use crate::events::Command;
use crate::search::snapshot::Snapshot;

pub(crate) struct Workers {
    children: Vec<ActorThread>,
    given_up: Arc<AtomicBool>,
    pub(crate) coordinator: ActorRef<coordinator::Msg>,
    /// Absent without a folder.
    pub(crate) checkpoint: Option<ActorRef<checkpoint::Msg>>,
}

impl Workers {
    /// Starts all workers.
    ///
    /// # Errors
    /// The worker that could not be started, and the reason; the others are ended.
    pub(crate) async fn start(
        context: &Arc<SearchContext>,
        snapshot: &Arc<Snapshot>,
        generation: u32,
        command: Command,
        folder: Option<&Path>,
        supervisor: &ActorRef<supervisor::Msg>,
    ) -> Result<Self, (Role, Failure)> {
        let (mut children, given_up) = (Vec::new(), Arc::<AtomicBool>::default());
        let started = Self::all(
            context,
            snapshot,
            generation,
            command,
            (folder, &given_up),
            supervisor,
            &mut children,
        )
        .await;
        match started {
            Ok((coordinator, checkpoint)) => Ok(Self {
                children,
                given_up,
                coordinator,
                checkpoint,
            }),
            Err(failed) => {
                end(children, &given_up, context).await;
                Err(failed)
            }
        }
    }

    async fn all(
        context: &Arc<SearchContext>,
        snapshot: &Arc<Snapshot>,
        generation: u32,
        command: Command,
        (folder, given_up): (Option<&Path>, &Arc<AtomicBool>),
        supervisor: &ActorRef<supervisor::Msg>,
        children: &mut Vec<ActorThread>,
    ) -> Result<
        (
            ActorRef<coordinator::Msg>,
            Option<ActorRef<checkpoint::Msg>>,
        ),
        (Role, Failure),
    > {
        let (context, snapshot, supervisor) = (
            || Arc::clone(context),
            || Arc::clone(snapshot),
            || supervisor.clone(),
        );
        let cell: ActorCell = supervisor().get_cell();
        let at = |role| move |failure| (role, failure);
        let interrupt = Arc::<AtomicBool>::default();
        let role = Role::Coordinator;
        let begin = coordinator::Begin {
            context: context(),
            interrupt: Arc::clone(&interrupt),
            snapshot: snapshot(),
            generation,
            command,
            supervisor: supervisor(),
        };
        let started = ActorThread::spawn(&context(), role, Coordinator, begin, cell.clone()).await;
        let (coordinator, child) = started.map_err(at(role))?;
        children.push(child);
        let role = Role::Trainer;
        let (ready, mut device) = oneshot::channel();
        let begin = trainer::Begin {
            context: context(),
            snapshot: snapshot(),
            coordinator: coordinator.clone(),
            ready,
        };
        let (trainer, child) = ActorThread::spawn(&context(), role, Trainer, begin, cell.clone())
            .await
            .map_err(at(role))?;
        children.push(child);
        let (device, depth) = device
            .try_recv()
            .map_err(|_| (role, "it has no device".into()))?;
        let mut evaluators = Vec::new();
        for number in 0..context().evaluators {
            let role = Role::Evaluator(number);
            let begin = evaluator::Begin {
                context: context(),
                device: device.clone(),
                coordinator: coordinator.clone(),
                interrupt: Arc::clone(&interrupt),
                given_up: Arc::clone(given_up),
            };
            let started =
                ActorThread::spawn(&context(), role, Evaluator, begin, cell.clone()).await;
            let (evaluator, child) = started.map_err(at(role))?;
            evaluators.push(evaluator);
            children.push(child);
        }
        let role = Role::Checkpoint;
        let mut checkpoint = None;
        if let Some(folder) = folder {
            let (folder, given_up) = (folder.to_owned(), Arc::clone(given_up));
            let begin = checkpoint::Begin {
                context: context(),
                generation,
                folder,
                given_up,
                supervisor: supervisor(),
            };
            let (actor, child) = ActorThread::spawn(&context(), role, Checkpoint, begin, cell)
                .await
                .map_err(at(role))?;
            checkpoint = Some(actor);
            children.push(child);
        }
        // The supervisor notices a dead coordinator.
        let _ = coordinator.cast(coordinator::Msg::Begin {
            trainer,
            depth,
            evaluators,
        });
        Ok((coordinator, checkpoint))
    }

    /// The role of this actor, if it is one of the workers.
    pub(crate) fn role(&self, who: &ActorCell) -> Option<Role> {
        self.children
            .iter()
            .find(|child| child.cell == *who)
            .map(|child| child.role)
    }

    pub(crate) async fn end(self, context: &SearchContext) {
        end(self.children, &self.given_up, context).await;
    }
}

async fn end(children: Vec<ActorThread>, given_up: &AtomicBool, context: &SearchContext) {
    given_up.store(true, Ordering::Release);
    // All at once, so that their last steps overlap.
    children.iter().for_each(|child| child.cell.kill());
    for child in children {
        child.end(context.limit).await;
    }
}
