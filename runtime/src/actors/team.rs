//! The four that work, as one: they are started together from a snapshot, and replaced together.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ractor::{ActorCell, ActorRef};
use tokio::sync::oneshot;

use super::checkpoint::{self, Checkpoint};
use super::child::Child;
use super::controller::{self, Controller};
use super::evaluator::{self, Evaluator};
use super::trainer::{self, Trainer};
use super::{Crew, Failure, Role, search};
use crate::checkpoint::Snapshot;
use crate::run::Ask;

pub(super) struct Team {
    children: Vec<Child>,
    given_up: Arc<AtomicBool>,
    pub(super) controller: ActorRef<controller::Msg>,
    /// Absent without a folder.
    pub(super) checkpoint: Option<ActorRef<checkpoint::Msg>>,
}

impl Team {
    /// Starts everybody.
    ///
    /// # Errors
    /// Who could not be started, and why; the others are ended.
    pub(super) async fn start(
        crew: &Arc<Crew>,
        snapshot: &Arc<Snapshot>,
        generation: u32,
        ask: Ask,
        folder: Option<&Path>,
        search: &ActorRef<search::Msg>,
    ) -> Result<Self, (Role, Failure)> {
        let (mut children, given_up) = (Vec::new(), Arc::<AtomicBool>::default());
        let folder = folder.map(|folder| (folder, &given_up));
        let started = Self::all(
            crew,
            snapshot,
            generation,
            ask,
            folder,
            search,
            &mut children,
        )
        .await;
        match started {
            Ok((controller, checkpoint)) => Ok(Self {
                children,
                given_up,
                controller,
                checkpoint,
            }),
            Err(failed) => {
                end(children, &given_up, crew).await;
                Err(failed)
            }
        }
    }

    async fn all(
        crew: &Arc<Crew>,
        snapshot: &Arc<Snapshot>,
        generation: u32,
        ask: Ask,
        folder: Option<(&Path, &Arc<AtomicBool>)>,
        search: &ActorRef<search::Msg>,
        children: &mut Vec<Child>,
    ) -> Result<(ActorRef<controller::Msg>, Option<ActorRef<checkpoint::Msg>>), (Role, Failure)>
    {
        let (crew, snapshot, search) = (
            || Arc::clone(crew),
            || Arc::clone(snapshot),
            || search.clone(),
        );
        let cell: ActorCell = search().get_cell();
        let at = |role| move |failure| (role, failure);
        let role = Role::Controller;
        let begin = controller::Begin {
            crew: crew(),
            snapshot: snapshot(),
            generation,
            ask,
            search: search(),
        };
        let started = Child::spawn(&crew(), role, Controller, begin, cell.clone()).await;
        let (controller, child) = started.map_err(at(role))?;
        children.push(child);
        let role = Role::Trainer;
        let (ready, mut device) = oneshot::channel();
        let begin = trainer::Begin {
            crew: crew(),
            snapshot: snapshot(),
            controller: controller.clone(),
            ready,
        };
        let (trainer, child) = Child::spawn(&crew(), role, Trainer, begin, cell.clone())
            .await
            .map_err(at(role))?;
        children.push(child);
        let (device, depth) = device
            .try_recv()
            .map_err(|_| (role, "it has no device".into()))?;
        let mut evaluators = Vec::new();
        for number in 0..crew().evaluators {
            let role = Role::Evaluator(number);
            let begin = evaluator::Begin {
                crew: crew(),
                device: device.clone(),
                controller: controller.clone(),
            };
            let started = Child::spawn(&crew(), role, Evaluator, begin, cell.clone()).await;
            let (evaluator, child) = started.map_err(at(role))?;
            evaluators.push(evaluator);
            children.push(child);
        }
        let role = Role::Checkpoint;
        let mut checkpoint = None;
        if let Some((folder, given_up)) = folder {
            let (folder, given_up) = (folder.to_owned(), Arc::clone(given_up));
            let begin = checkpoint::Begin {
                crew: crew(),
                generation,
                folder,
                given_up,
                search: search(),
            };
            let (actor, child) = Child::spawn(&crew(), role, Checkpoint, begin, cell)
                .await
                .map_err(at(role))?;
            checkpoint = Some(actor);
            children.push(child);
        }
        // A controller that is gone already is known to the supervisor.
        let _ = controller.cast(controller::Msg::Begin {
            trainer,
            depth,
            evaluators,
        });
        Ok((controller, checkpoint))
    }

    /// Who this is, if it is one of these.
    pub(super) fn role(&self, who: &ActorCell) -> Option<Role> {
        self.children
            .iter()
            .find(|child| child.cell == *who)
            .map(|child| child.role)
    }

    pub(super) async fn end(self, crew: &Crew) {
        end(self.children, &self.given_up, crew).await;
    }
}

async fn end(children: Vec<Child>, given_up: &AtomicBool, crew: &Crew) {
    given_up.store(true, Ordering::Release);
    // All at once, so that their last steps run beside each other.
    children.iter().for_each(|child| child.cell.kill());
    for child in children {
        child.end(crew.limit).await;
    }
}
