//! An actor on its own thread.

use std::thread;
use std::time::Duration;

use ractor::{Actor, ActorCell, ActorRef};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use super::{Failure, Role, SearchContext};

/// A supervised actor and its thread.
pub(crate) struct ActorThread {
    pub(crate) role: Role,
    pub(crate) cell: ActorCell,
    thread: thread::JoinHandle<()>,
}

impl ActorThread {
    /// Starts `actor` and waits until it is ready.
    pub(crate) async fn spawn<A: Actor>(
        context: &SearchContext,
        role: Role,
        actor: A,
        arguments: A::Arguments,
        supervisor: ActorCell,
    ) -> Result<(ActorRef<A::Msg>, Self), Failure> {
        #[cfg(test)]
        let actor = crate::runner::workers::faults::Faulty::new(context, role, actor);
        let (started, ready) = oneshot::channel();
        let run = move || {
            let runtime = match Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => return drop(started.send(Err(error.into()))),
            };
            runtime.block_on(async {
                match Actor::spawn_linked(None, actor, arguments, supervisor).await {
                    Ok((actor, ended)) => {
                        // If the caller no longer waits, the actor is killed with its supervisor.
                        let _ = started.send(Ok(actor));
                        // Panics are caught; their message is reported to the supervisor.
                        let _ = ended.await;
                    }
                    Err(error) => drop(started.send(Err(reason(error)))),
                }
            });
            // An evaluator's future may have left blocking work behind, which is not waited for.
            runtime.shutdown_background();
        };
        let thread = thread::Builder::new()
            .name(format!("supernet-{}", short(role)))
            .spawn(run)?;
        let actor = match tokio::time::timeout(context.limit, ready).await {
            Ok(Ok(started)) => started?,
            Ok(Err(_)) => return Err("it ended before it had begun".into()),
            Err(_) => {
                return Err(Silent {
                    limit: context.limit,
                }
                .into());
            }
        };
        Ok((
            actor.clone(),
            Self {
                role,
                cell: actor.get_cell(),
                thread,
            },
        ))
    }

    /// Ends the actor. A thread that is stuck for longer than `limit` is abandoned: a thread cannot
    /// be killed from outside.
    pub(crate) async fn end(self, limit: Duration) {
        self.cell.kill();
        if self.cell.wait(Some(limit)).await.is_ok() {
            // The thread is about to return.
            let _ = self.thread.join();
        }
    }
}

/// The reason of a failed start.
fn reason(error: ractor::SpawnErr) -> Failure {
    match error {
        ractor::SpawnErr::StartupFailed(reason) => reason,
        other => other.into(),
    }
}

/// Names of threads are truncated to 15 bytes.
fn short(role: Role) -> String {
    match role {
        Role::Supervisor => "search".to_owned(),
        Role::Coordinator => "control".to_owned(),
        Role::Trainer => "train".to_owned(),
        Role::Evaluator(number) => format!("eval{number}"),
        Role::Checkpoint => "save".to_owned(),
    }
}

/// An actor has been silent for too long.
#[derive(Debug, thiserror::Error)]
#[error("nothing was heard of it for {limit:?}")]
pub(crate) struct Silent {
    pub(crate) limit: Duration,
}
